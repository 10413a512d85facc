// A server of the tests: the real program in a folder of its own.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";

const { VENNA_BINARY } = process.env;
const START_MS = 20_000;
const MAX_SAID_CHARACTERS = 100_000;

/** Resolves with a port that is free now. */
export function freePort() {
  return new Promise((resolve) => {
    const probe = http.createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Starts a server with these settings, on any free port unless they name one. */
export async function start(...settings) {
  const listen = settings.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const folder = fs.mkdtempSync(path.join(process.env.TMPDIR ?? "/tmp", "venna-"));
  const data = path.join(folder, "data");
  const program = spawn(VENNA_BINARY, ["serve", "--data-dir", data, ...listen, "--admin-listen", "off", ...settings], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const origin = await listening(program).catch((error) => {
    program.kill();
    throw error;
  });
  const run = (...words) =>
    execFileSync(VENNA_BINARY, [...words, "--data-dir", data], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  return {
    origin,
    data,
    key: fs.readFileSync(path.join(data, "first-key"), "utf8").trim(),
    run,
    adminKey: () => run("keys", "create", "--admin", "--quiet"),
    async stop() {
      program.removeAllListeners("exit");
      const left = new Promise((resolve) => {
        program.on("exit", resolve);
      });
      program.kill("SIGTERM");
      await left;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves with the address that the server says. */
function listening(program) {
  return new Promise((resolve, reject) => {
    let said = "";
    const late = setTimeout(() => reject(new Error(`the server did not start: ${said}`)), START_MS);
    program.stderr.on("data", (bytes) => {
      if (said.length < MAX_SAID_CHARACTERS) said += bytes;
      const found = /listening on (http[^\s"]+)/.exec(said);
      if (!found) return;
      clearTimeout(late);
      resolve(found[1]);
    });
    program.on("exit", (code) => reject(new Error(`the server left with ${code}: ${said}`)));
  });
}

/** Returns a client of the API with a key. */
export function client(origin, key) {
  const headers = { authorization: `Bearer ${key}` };
  const send = async (method, at, options = {}) => {
    const answer = await fetch(`${origin}/v1/${at}`, {
      method,
      ...options,
      headers: { ...headers, ...options.headers },
    });
    if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  return {
    get: async (at) => (await send("GET", at)).json(),
    post: async (at, json) =>
      (await send("POST", at, { body: JSON.stringify(json), headers: { "content-type": "application/json" } })).json(),
    remove: async (at) => (await send("DELETE", at)).json(),
    bytes: async (id) => Buffer.from(await (await send("GET", `files/${id}/content`)).arrayBuffer()),
    content: async (id) => (await send("GET", `files/${id}/content`)).body,
    async upload(name, content, purpose = "user_data") {
      const form = new FormData();
      form.append("purpose", purpose);
      form.append("file", new Blob([content]), name);
      return (await send("POST", "files", { body: form })).json();
    },
  };
}
