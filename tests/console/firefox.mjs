// Debian's Firefox, driven by Marionette, its own protocol: JSON with its length before it, over TCP.
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { freePort } from "./server.mjs";

const START_MS = 30_000;
const POLL_MS = 100;
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

const pause = (milliseconds) =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

async function connected(port) {
  for (const until = Date.now() + START_MS; ;) {
    try {
      return await new Promise((resolve, reject) => {
        const socket = net.connect(port, "127.0.0.1", () => resolve(socket));
        socket.on("error", reject);
      });
    } catch (error) {
      if (Date.now() > until) throw error;
      await pause(POLL_MS);
    }
  }
}

/** Starts a Firefox, and returns what drives it. */
export async function firefox(program) {
  const profile = fs.mkdtempSync(path.join(process.env.TMPDIR ?? "/tmp", "firefox-"));
  const port = await freePort();
  const settings = {
    "marionette.port": port,
    "network.proxy.type": 0,
    "datareporting.policy.dataSubmissionEnabled": false,
  };
  const lines = Object.entries(settings).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  fs.writeFileSync(path.join(profile, "user.js"), lines.join("\n"));
  const words = ["--headless", "--no-remote", "--new-instance", "--marionette", "--profile", profile];
  const browser = spawn(program, words, { stdio: "ignore", env: { ...process.env, HOME: profile } });
  const socket = await connected(port);
  const waiting = new Map();
  let [received, number] = [Buffer.alloc(0), 0];
  socket.on("data", (bytes) => {
    received = Buffer.concat([received, bytes]);
    for (;;) {
      const colon = received.indexOf(":");
      const length = Number(received.subarray(0, Math.max(0, colon)));
      if (colon < 0 || received.length < colon + 1 + length) return;
      const message = JSON.parse(received.subarray(colon + 1, colon + 1 + length));
      received = received.subarray(colon + 1 + length);
      if (!Array.isArray(message)) continue;
      const [, id, error, result] = message;
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (error) reject(new Error(`${error.error}: ${error.message}`));
      else resolve(result?.value ?? result);
    }
  });
  const send = (command, parameters = {}) =>
    new Promise((resolve, reject) => {
      number += 1;
      waiting.set(number, { resolve, reject });
      const text = JSON.stringify([0, number, `WebDriver:${command}`, parameters]);
      socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  await send("NewSession", { capabilities: {} });
  const find = async (selector) => (await send("FindElement", { using: "css selector", value: selector }))[ELEMENT];
  const run = (script, ...args) => send("ExecuteScript", { script, args });
  return {
    go: (url) => send("Navigate", { url }),
    run,
    click: async (selector) => send("ElementClick", { id: await find(selector) }),
    type: async (selector, text) => send("ElementSendKeys", { id: await find(selector), text }),
    /** Waits until a script returns something. */
    async until(script, ...args) {
      for (const until = Date.now() + START_MS; ;) {
        const found = await run(script, ...args).catch(() => null);
        if (found) return found;
        if (Date.now() > until) throw new Error(`it did not become true: ${script}`);
        await pause(POLL_MS);
      }
    },
    async stop() {
      const left = new Promise((resolve) => {
        browser.on("exit", resolve);
      });
      browser.kill();
      await left;
      socket.destroy();
      fs.rmSync(profile, { recursive: true, force: true });
    },
  };
}
