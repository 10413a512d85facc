// The console in Firefox: sign-in, an upload in parts, previews, and signing out.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { firefox } from "./firefox.mjs";
import { client, start } from "./server.mjs";

const { FIREFOX } = process.env;
const MIB = 1024 * 1024;
const skip = FIREFOX ? false : "there is no Firefox on this machine";

let browser;
let server;
let api;
before(async () => {
  if (skip) return;
  server = await start("--max-failed-logins-per-minute", "0");
  api = client(server.origin, server.key);
  browser = await firefox(FIREFOX);
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

test("people sign in, upload, read and sign out", { skip }, async () => {
  const shown = (text) => browser.until("return document.body.textContent.includes(arguments[0])", text);
  await browser.go(`${server.origin}/console/files`);
  await browser.until("return location.pathname.endsWith('/sign-in') && document.querySelector('#key:enabled')");
  await browser.type("#key", server.key);
  await browser.click("button[type=submit]");
  await shown("No files yet");
  await browser.run(
    "window.problems = []; addEventListener('error', ({ message }) => problems.push(message)); addEventListener('securitypolicyviolation', ({ violatedDirective }) => problems.push(violatedDirective));",
  );

  const [small, large] = [path.join(process.env.TMPDIR, "small.jsonl"), path.join(process.env.TMPDIR, "large.bin")];
  fs.writeFileSync(small, '{"custom_id":"1","method":"POST","url":"/v1/x","body":{}}\nnot JSON\n');
  fs.writeFileSync(large, Buffer.alloc(20 * MIB, "0123456789abcdef"));
  for (const [file, purpose] of [
    [small, "batch"],
    [large, "user_data"],
  ]) {
    // The choice of files is that of the system, which the driver replaces.
    await browser.run(
      "document.querySelector('#choose-files').click = () => {}; document.querySelector('[data-action=upload]').click();",
    );
    await browser.run("document.querySelector('#choose-files').hidden = false;");
    await browser.type("#choose-files", file);
    await browser.until(
      "const select = document.querySelector('dialog [name=purpose]'); if (!select) return false; select.value = arguments[0]; return true;",
      purpose,
    );
    await browser.click("dialog button[type=submit]");
    await browser.until(
      "return [...document.querySelectorAll('#rows bdi')].some((name) => name.textContent === arguments[0])",
      path.basename(file),
    );
  }
  const { data } = await api.get("files");
  assert.deepEqual(
    data.map(({ filename, bytes }) => [filename, bytes]),
    [
      ["large.bin", 20 * MIB],
      ["small.jsonl", fs.statSync(small).size],
    ],
  );
  assert.ok((await api.bytes(data[0].id)).equals(fs.readFileSync(large)));
  assert.deepEqual(await browser.run("return window.problems"), []);

  await browser.go(`${server.origin}/console/files/${data[1].id}`);
  await shown("1 bad line");
  await browser.until("return document.querySelector('#preview tr.fault')");
  await browser.go(`${server.origin}/console/workspace`);
  await shown("Spend this month");
  await browser.click("#person button");
  await shown("You are signed out.");
});
