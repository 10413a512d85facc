// The pages in a real Chromium: what they load, how they look, how they are used.
//
// Started by test_browser.py with the server, its key and the libraries in the environment.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";

const { ORIGIN, VENNA_API_KEY, NODE_MODULES, CHROMIUM, SHOTS } = process.env;
const require = createRequire(`${NODE_MODULES}/`);
const { chromium } = require("playwright-core");
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const MIB = 1024 * 1024;
const BIG_BYTES = 50 * MIB;
// A local upload would be over before anybody saw it move.
const SLOW_BYTES_PER_SECOND = 40 * MIB;

let browser;
let paths;
const scratch = fs.mkdtempSync(path.join(process.env.TMPDIR ?? "/tmp", "browser-"));

before(async () => {
  // There is no network but the server.
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"] });
  const llms = await (await fetch(`${ORIGIN}/llms.txt`)).text();
  paths = [...llms.matchAll(/^- \[.*?\]\(.*?(\/docs\S*)\.md\)/gm)].map((found) => found[1]);
  assert.ok(paths.length > 30);
});

after(async () => {
  await browser?.close();
  fs.rmSync(scratch, { recursive: true, force: true });
});

// A page whose requests, console and policy are watched.
async function opened(options, at, use) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const seen = { requests: [], problems: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.problems.push(message.text()));
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("requestfailed", (request) => {
    // Whoever cancels, or goes on to the next page, breaks off what was still loading.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") seen.problems.push(`${request.url()} ${request.failure()?.errorText}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(ORIGIN + at);
  try {
    return await use(page, seen);
  } finally {
    await context.close();
  }
}

async function violations(page) {
  // The policy of the page lets no script in but the server's own; the driver may still run one.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join("  ")}`);
}

test("no page asks another host, reports an error or breaks its policy", async () => {
  const weights = [];
  await opened({}, "/docs", async (page, seen) => {
    for (const at of paths) {
      seen.requests.length = 0;
      const answer = await page.goto(ORIGIN + at, { waitUntil: "load" });
      const bytes = (await answer.body()).length;
      assert.deepEqual(seen.problems, [], at);
      assert.ok(seen.requests.every((url) => url.startsWith(`${ORIGIN}/`)), `${at}: ${seen.requests}`);
      // The icon of the page before may come late.
      const requests = new Set(seen.requests).size;
      assert.ok(requests <= 4, `${at}: ${seen.requests}`);
      assert.ok(bytes <= 150_000, `${at} has ${bytes} bytes`);
      weights.push([bytes, requests, at]);
    }
    // What comes late is seen too.
    await page.waitForLoadState("networkidle");
    assert.deepEqual(seen.problems, []);
  });
  weights.sort(([one], [other]) => other - one);
  const [bytes, requests, at] = weights[0];
  console.log(`${weights.length} pages; the heaviest, ${at}, has ${bytes} bytes and ${requests} requests`);
});

test("a policy that is broken is seen", async () => {
  await opened({}, "/docs", async (page, seen) => {
    await page.evaluate(() => document.body.append(Object.assign(document.createElement("img"), { src: "data:image/gif;base64,R0lGODlhAQABAAAAACw=" })));
    await page.waitForTimeout(200);
    assert.ok(seen.problems.some((problem) => problem.includes("img-src")), String(seen.problems));
  });
});

// One page of every kind; what is of one kind is written by the same code.
const KINDS = ["/docs", "/docs/create-file", "/docs/list-audit-logs", "/docs/errors", "/docs/limits-and-billing", "/docs/differences-from-openai"];

for (const [name, options, pages] of [
  ["light", { colorScheme: "light", viewport: { width: 1280, height: 900 } }, KINDS],
  ["dark", { colorScheme: "dark", viewport: { width: 1280, height: 900 } }, KINDS.slice(0, 4)],
  ["narrow", { colorScheme: "light", viewport: { width: 390, height: 844 } }, KINDS.slice(0, 4)],
]) {
  test(`axe finds nothing, and nothing sticks out: ${name}`, async () => {
    for (const at of pages) {
      await opened(options, at, async (page) => {
        assert.deepEqual(await violations(page), [], at);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${at} is ${over} px too wide`);
        if (SHOTS) await page.screenshot({ path: path.join(SHOTS, `${name}${at.replaceAll("/", "-")}.png`), fullPage: false });
      });
    }
  });
}

test("axe sees what is wrong", async () => {
  await opened({}, "/docs", async (page) => {
    await page.evaluate(() => document.querySelector("main").append(document.createElement("input")));
    assert.ok((await violations(page)).some((found) => found.startsWith("label")));
  });
});

test("all of it is read without JavaScript, and nothing is there that would need it", async () => {
  await opened({ javaScriptEnabled: false }, "/docs/create-file", async (page) => {
    assert.equal(await page.locator("form.trial").isVisible(), false);
    assert.equal(await page.locator(".search").isVisible(), false);
    for (const text of ["file: File | Blob;", "Billing targets the key workspace.", "client.files.create(", "-F file=\"@notes.txt\"", "reqwest::multipart"]) {
      assert.ok(await page.getByText(text).first().isVisible(), text);
    }
    assert.equal(await page.locator("nav a[aria-current=page]").innerText(), "POST Upload file");
  });
});

test("a page is found, and gone to, by keyboard alone", async () => {
  await opened({}, "/docs", async (page) => {
    await page.keyboard.press("/");
    await page.keyboard.type("delete file");
    await page.locator("#found a").first().waitFor();
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), "/docs/delete-file");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs/delete-file");
    await page.keyboard.press("/");
    await page.keyboard.type("storage_quota");
    await page.locator("#found a").first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs/errors#storage_quota_exceeded");
  });
});

test("definitions are copied whole", async () => {
  await opened({ permissions: ["clipboard-read", "clipboard-write"] }, "/docs/create-file", async (page) => {
    const figure = page.locator("figure.code", { hasText: "export interface CreateFileRequest" });
    await figure.getByRole("button").click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /export interface CreateFileRequest \{\n(.*\n)*  file: File \| Blob;\n/);
    assert.equal(copied, await figure.locator("code").textContent());
  });
});

test("print has the text and nothing to click", async () => {
  await opened({}, "/docs/create-file", async (page) => {
    await page.emulateMedia({ media: "print" });
    for (const name of ["header", "nav", "form.trial", "button"]) assert.equal(await page.locator(name).first().isVisible(), false, name);
    assert.ok(await page.getByText("file: File | Blob;").first().isVisible());
    assert.ok((await page.pdf()).length > 10_000);
  });
});

async function fill(page, values) {
  await page.locator("#try-key").fill(VENNA_API_KEY);
  for (const [label, value] of Object.entries(values)) await page.locator("form.trial").getByLabel(label, { exact: true }).fill(value);
}

async function slowed(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: SLOW_BYTES_PER_SECOND });
}

test("Try it: an upload is cancelled, one of 50 MiB arrives with its progress seen, and a range of it comes back", async () => {
  const file = path.join(scratch, "big.bin");
  fs.writeFileSync(file, Buffer.alloc(BIG_BYTES, "0123456789abcdef"));
  const id = await opened({}, "/docs/create-file", async (page, seen) => {
    await slowed(page);
    const [status, cancel] = [page.locator("form.trial .status"), page.getByRole("button", { name: "Cancel" })];
    await page.locator("#try-key").fill(VENNA_API_KEY);
    await page.locator("form.trial input[type=file]").setInputFiles(file);
    await page.locator("form.trial select[name=purpose]").selectOption("user_data");

    await page.getByRole("button", { name: "Send" }).click();
    await page.waitForFunction(() => document.querySelector("form.trial progress").value > 0);
    await cancel.click();
    await status.getByText(/^Cancelled after \d+ ms$/).waitFor();
    const kept = await (await fetch(`${ORIGIN}/v1/files`, { headers: { Authorization: `Bearer ${VENNA_API_KEY}` } })).json();
    assert.equal(kept.data.filter(({ filename }) => filename === "big.bin").length, 0, "nothing of it stays");

    await page.evaluate(() => {
      globalThis.moved = new Set();
      new MutationObserver(() => moved.add(document.querySelector("form.trial progress").value)).observe(document.querySelector("form.trial .status"), { childList: true, characterData: true, subtree: true });
    });
    await page.getByRole("button", { name: "Send" }).click();
    await status.getByText(/^200 OK, request req_[0-9a-f]{32}, after \d+ ms$/).waitFor({ timeout: 60_000 });
    const moved = await page.evaluate(() => [...moved].filter((value) => value > 0));
    assert.ok(moved.length >= 5, `progress was seen ${moved.length} times`);
    assert.ok((await page.locator("form.trial .headers").innerText()).includes("x-request-id: req_"));
    const made = JSON.parse(await page.locator("form.trial .body").innerText());
    assert.deepEqual([made.bytes, made.filename, made.purpose], [BIG_BYTES, "big.bin", "user_data"]);
    assert.deepEqual(seen.problems, []);
    console.log(`progress moved ${moved.length} times`);
    return made.id;
  });
  await opened({}, "/docs/download-file", async (page, seen) => {
    await fill(page, { "id *": id, Range: "bytes=16-31" });
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("form.trial .status").getByText(/^206 Partial Content, /).waitFor();
    assert.equal(await page.locator("form.trial .body").innerText(), "0123456789abcdef");
    assert.ok((await page.locator("form.trial .headers").innerText()).includes(`content-range: bytes 16-31/${BIG_BYTES}`));
    assert.deepEqual(seen.problems, []);
  });
  await opened({}, "/docs/delete-file", async (page) => {
    await fill(page, { "id *": id });
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("form.trial .status").getByText(/^200 OK, /).waitFor();
  });
});

test("Try it: an error is shown as it is, a body of JSON is sent, and the key is kept nowhere", async () => {
  await opened({}, "/docs/create-upload", async (page, seen) => {
    await fill(page, {});
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("form.trial .status").getByText(/^200 OK, /).waitFor();
    assert.match(await page.locator("form.trial .body").innerText(), /"status": "pending"/);
    await page.locator("form.trial textarea").fill("{}");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("form.trial .status").getByText(/^400 Bad Request, /).waitFor();
    assert.match(await page.locator("form.trial .body").innerText(), /Missing required parameter: 'bytes'/);
    const kept = await page.evaluate(async () => ({
      local: { ...localStorage }, session: { ...sessionStorage }, cookies: document.cookie, url: location.href,
      databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
    }));
    assert.deepEqual(kept, { local: {}, session: {}, cookies: "", url: `${ORIGIN}/docs/create-upload`, databases: 0, caches: 0 });
    await page.reload();
    assert.equal(await page.locator("#try-key").inputValue(), "");
    assert.ok(seen.problems.every((problem) => problem.includes("400")), String(seen.problems));
  });
});
