// The pages in a real Chromium: what they load, how they look, how they are used.
//
// Started by test_browser.py with the server, its key and the libraries in the environment.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";

const { ORIGIN, VENNA_API_KEY, NODE_MODULES, CHROMIUM, SHOTS } = process.env;
const require = createRequire(`${NODE_MODULES}/`);
const { chromium } = require("playwright-core");
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const MIB = 1024 * 1024;
const BIG_BYTES = 50 * MIB;
// Of a first visit, as they are sent.
const MOST_BYTES = 150_000;
const MOST_REQUESTS = 16;
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

// Bytes as they are sent, of a first visit: the page and everything that it loads.
async function transferred(page, at) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
  await page.goto(ORIGIN + at, { waitUntil: "networkidle" });
  await session.detach();
  return bytes;
}

test("no page asks another host, reports an error or breaks its policy, and all are light", async () => {
  const weights = [];
  await opened({}, "/docs", async (page, seen) => {
    for (const at of ["/", ...paths]) {
      seen.requests.length = 0;
      const bytes = await transferred(page, at);
      assert.deepEqual(seen.problems, [], at);
      assert.ok(seen.requests.every((url) => url.startsWith(`${ORIGIN}/`)), `${at}: ${seen.requests}`);
      const requests = new Set(seen.requests).size;
      assert.ok(requests <= MOST_REQUESTS, `${at}: ${seen.requests}`);
      assert.ok(bytes > 1000 && bytes <= MOST_BYTES, `${at} has ${bytes} bytes`);
      weights.push([bytes, requests, at]);
    }
  });
  weights.sort(([one], [other]) => other - one);
  const [bytes, requests, at] = weights[0];
  console.log(`${weights.length} pages; the heaviest, ${at}, has ${bytes} bytes and ${requests} requests on a first visit`);
});

test("a policy that is broken is seen", async () => {
  await opened({}, "/docs", async (page, seen) => {
    await page.evaluate(() => document.body.append(Object.assign(document.createElement("img"), { src: "data:image/gif;base64,R0lGODlhAQABAAAAACw=" })));
    await page.waitForTimeout(200);
    assert.ok(seen.problems.some((problem) => problem.includes("img-src")), String(seen.problems));
  });
});

for (const [name, options] of [
  ["light", { colorScheme: "light", viewport: { width: 1440, height: 900 } }],
  ["dark", { colorScheme: "dark", viewport: { width: 1440, height: 900 } }],
  ["narrow", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
]) {
  test(`axe finds nothing on any page, and nothing sticks out: ${name}`, async () => {
    await opened(options, "/", async (page) => {
      for (const at of ["/", ...paths, "/docs/nothing/here"]) {
        await page.goto(ORIGIN + at);
        // What is folded is looked at too.
        await page.evaluate(() => document.querySelectorAll("main details").forEach((one) => { one.open = true; }));
        assert.deepEqual(await violations(page), [], at);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${at} is ${over} px too wide`);
        if (SHOTS) {
          await page.reload();
          await page.screenshot({ path: path.join(SHOTS, `${name}${at.replaceAll("/", "-")}.png`), fullPage: false });
        }
      }
    });
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing in the drawer, the search and the menu: ${colorScheme}`, async () => {
    await opened({ colorScheme, viewport: { width: 390, height: 844 } }, "/docs/create-file", async (page) => {
      const shot = async (name) => SHOTS && page.screenshot({ path: path.join(SHOTS, `${colorScheme}-${name}.png`) });
      await page.getByRole("button", { name: "Try it" }).click();
      await page.locator("form.trial summary").first().click();
      assert.deepEqual(await violations(page), [], "drawer");
      await shot("drawer");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("quota");
      await page.locator("#found [role=option]").first().waitFor();
      assert.deepEqual(await violations(page), [], "search");
      await shot("search");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Menu" }).click();
      assert.equal(await page.getByRole("link", { name: "Quick start" }).isVisible(), true);
      assert.deepEqual(await violations(page), [], "menu");
      await shot("menu");
      await page.keyboard.press("Escape");
      assert.equal(await page.locator(".sidebar").isVisible(), false);
    });
  });
}

test("axe sees what is wrong", async () => {
  await opened({}, "/docs", async (page) => {
    await page.evaluate(() => document.querySelector("main").append(document.createElement("input")));
    assert.ok((await violations(page)).some((found) => found.startsWith("label")));
  });
});

test("all of it is read without JavaScript, and nothing is there that would need it", async () => {
  await opened({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } }, "/docs/create-file", async (page) => {
    for (const name of ["form.trial", "[data-action=try]", "[data-action=search]", "[data-action=theme]", "[role=tablist]"]) {
      assert.equal(await page.locator(name).first().isVisible(), false, name);
    }
    for (const text of ["Billing targets the key workspace.", "notes.txt"]) assert.ok(await page.getByText(text).first().isVisible(), text);
    const codes = (await page.locator("figure.code:visible code").allTextContents()).join("\n");
    for (const text of ["file: File | Blob;", "client.files.create(", '-F file="@notes.txt"', "reqwest::multipart"]) assert.ok(codes.includes(text), text);
    await page.locator(".open-sidebar").click();
    assert.equal(await page.locator("nav a[aria-current=page]").innerText().then((text) => text.replace(/\s+/g, " ")), "Upload file POST");
    assert.equal(await page.getByRole("link", { name: "Quick start" }).isVisible(), true);
  });
});

test("the sidebar and the table of contents stay, and follow the reader", async () => {
  await opened({ viewport: { width: 1440, height: 900 } }, "/docs/batch-files", async (page) => {
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    assert.equal(await page.getByRole("link", { name: "Quick start" }).isVisible(), true);
    const box = await page.locator(".sidebar").boundingBox();
    assert.ok(box.y >= 0 && box.y < 100, JSON.stringify(box));
    await page.locator(".contents a", { hasText: "What bad lines look like" }).click();
    await page.waitForFunction(() => document.querySelector(".contents [aria-current]")?.textContent === "What bad lines look like");
    await page.goto(`${ORIGIN}/docs/list-audit-logs`);
    const current = await page.locator("nav a[aria-current=page]").boundingBox();
    assert.ok(current.y > 0 && current.y < 900, JSON.stringify(current));
  });
});

test("the sidebar folds the operations of other groups, and needs no script for it", async () => {
  await opened({ javaScriptEnabled: false, viewport: { width: 1440, height: 900 } }, "/docs/create-file", async (page) => {
    const link = (name) => page.locator(".sidebar").getByRole("link", { name });
    assert.equal(await link("Quick start").isVisible(), true);
    assert.equal(await link("Upload file").isVisible(), true);
    assert.equal(await link("List projects").isVisible(), false);
    await page.locator(".sidebar summary", { hasText: "Administration" }).press("Enter");
    assert.equal(await link("List projects").isVisible(), true);
    await link("List projects").click();
    await page.waitForURL("**/docs/list-projects");
    assert.equal(await link("List projects").isVisible(), true);
    assert.equal(await link("Upload file").isVisible(), false);
  });
});

test("samples stand beside what they belong to, one language at a time, which is remembered everywhere", async () => {
  await opened({ viewport: { width: 1440, height: 900 } }, "/docs/create-file", async (page) => {
    const [text, aside] = [await page.locator(".section .text").first().boundingBox(), await page.locator(".section .aside").first().boundingBox()];
    assert.ok(aside.x >= text.x + text.width && Math.abs(aside.y - text.y) < 60, JSON.stringify([text, aside]));
    assert.equal(await page.locator(".tabs figure:visible").count(), 1);
    await page.getByRole("tab", { name: "curl" }).focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.getByRole("tab", { name: "Python" }).getAttribute("aria-selected"), "true");
    assert.match(await page.locator(".tabs figure:visible code").innerText(), /^import os/);
    await page.goto(`${ORIGIN}/docs/quick-start`);
    const shown = await page.locator(".tabs figure:visible code").allInnerTexts();
    assert.equal(shown.length, 2);
    assert.ok(shown[0].startsWith("import os") && shown[1].startsWith("for listed in"), String(shown));
    await page.goto(`${ORIGIN}/docs/list-files`);
    assert.match(await page.locator(".tabs figure:visible code").innerText(), /^import os/);
  });
});

test("samples have colours of the style sheet", async () => {
  await opened({}, "/docs/create-file", async (page) => {
    const colour = (name) => page.locator(`.tabs ${name}`).first().evaluate((one) => getComputedStyle(one).color);
    assert.notEqual(await colour("figure .string"), await colour("figure code"));
    assert.equal(await page.locator("[style]").count(), 0);
  });
});

test("the theme is chosen, and kept", async () => {
  await opened({ colorScheme: "light" }, "/docs", async (page) => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    const button = page.getByRole("button", { name: /^Theme: / });
    await button.click();
    await button.click();
    const dark = await background();
    assert.notEqual(dark, light);
    await page.goto(`${ORIGIN}/docs/errors`);
    assert.equal(await background(), dark);
    await button.click();
    assert.equal(await background(), light);
  });
});

test("a page is found by its text, and gone to, by keyboard alone", async () => {
  await opened({}, "/docs", async (page) => {
    const chosen = () => page.locator("#found [aria-selected=true]");
    await page.keyboard.press("/");
    await page.keyboard.type("delete file");
    await chosen().waitFor();
    assert.match(await chosen().getAttribute("href"), /docs\/delete-file$/);
    assert.ok(await page.locator("#found mark").count() > 1);
    assert.ok(await page.locator("#found [role=group]").count() >= 1);
    const first = await chosen().getAttribute("id");
    await page.keyboard.press("ArrowDown");
    assert.notEqual(await chosen().getAttribute("id"), first);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs/delete-file");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("storage_quota_ex");
    await chosen().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs/errors#storage_quota_exceeded");
    // Words of a text, not of a title: a member of an object.
    await page.keyboard.press("Control+k");
    await page.keyboard.type("decimal string");
    await chosen().waitFor();
    assert.ok((await page.locator("#found mark").allInnerTexts()).some((text) => text === "decimal"));
    await page.locator("#search").fill("xyzzy");
    await page.getByText("Nothing found for “xyzzy”").waitFor();
    assert.equal(await page.locator("#found").isVisible(), false);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("dialog.palette").isVisible(), false);
  });
});

test("a search for a field leads to it, also where it is folded, and pages come first", async () => {
  await opened({}, "/docs", async (page) => {
    const first = async (query) => {
      await page.locator("#search").fill(query);
      await page.waitForFunction(() => document.querySelector("#found [aria-selected=true]"));
      await page.waitForTimeout(100);
      return page.locator("#found [aria-selected=true]").getAttribute("href");
    };
    await page.keyboard.press("Control+k");
    assert.match(await first("limit"), /docs\/limits$/);
    assert.match(await first("expires_after"), /docs\/create-upload#body\.expires_after$/);
    assert.match(await first("create upload"), /docs\/create-upload$/);
    assert.match(await first("list files name_prefix"), /docs\/list-files#query\.name_prefix$/);
    assert.ok(await page.locator("#found .group-title", { hasText: "Parameters and fields" }).isVisible());
    assert.match(await first("create upload expires_after.seconds"), /docs\/create-upload#body\.expires_after\.seconds$/);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs/create-upload#body.expires_after.seconds");
    await page.locator("[id='body.expires_after.seconds']").waitFor({ state: "visible" });
  });
});

test("a field has a link that is seen on hover and focus, and opens what is folded around it", async () => {
  await opened({ viewport: { width: 1440, height: 900 } }, "/docs/list-files", async (page) => {
    const field = page.locator("[id='query.limit']");
    const link = field.getByRole("link", { name: "Link to limit" });
    const opacity = () => link.evaluate((one) => getComputedStyle(one).opacity);
    assert.equal(await opacity(), "0");
    await field.locator(".field-head").hover();
    assert.equal(await opacity(), "1");
    await page.mouse.move(0, 0);
    await link.focus();
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Tab");
    assert.equal(await opacity(), "1");
    await page.keyboard.press("Enter");
    assert.equal(new URL(page.url()).hash, "#query.limit");
    const inside = page.locator("[id='response.data.filename']");
    const isSeen = () => inside.evaluate((one) => {
      const { top } = one.getBoundingClientRect();
      return one.checkVisibility() && top >= 56 && top < innerHeight;
    });
    assert.equal(await isSeen(), false);
    // The script does it where the browser does not: a hash that is set so is no navigation.
    await page.evaluate(() => {
      history.replaceState(null, "", "#response.data.filename");
      dispatchEvent(new HashChangeEvent("hashchange"));
    });
    assert.equal(await isSeen(), true);
    await page.goto(`${ORIGIN}/docs`);
    await page.goto(`${ORIGIN}/docs/list-files#response.data.filename`);
    await page.waitForFunction(() => document.getElementById("response.data.filename").checkVisibility());
    assert.equal(await isSeen(), true);
  });
});

test("bodies of errors, and method and path of an operation, are copied", async () => {
  await opened({ permissions: ["clipboard-read", "clipboard-write"] }, "/docs/retrieve-file", async (page) => {
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole("button", { name: "Copy method and path" }).click();
    assert.equal(await copied(), "GET /v1/files/{id}");
    const row = page.locator(".failures tr", { hasText: "invalid_api_key" });
    await row.locator("summary").click();
    await row.getByRole("button", { name: "Copy 401 invalid_api_key" }).click();
    assert.equal(JSON.parse(await copied()).error.code, "invalid_api_key");
  });
});

test("the hint of the search names the key of the reader's machine", async () => {
  for (const [platform, hint, keys] of [["Linux x86_64", "Ctrl K", "Control+K /"], ["MacIntel", "⌘ K", "Meta+K /"]]) {
    await opened({}, "/docs", async (page) => {
      await page.addInitScript((value) => {
        Object.defineProperty(Navigator.prototype, "platform", { get: () => value });
        Object.defineProperty(Navigator.prototype, "userAgentData", { get: () => undefined });
      }, platform);
      await page.reload();
      const button = page.locator("[data-action=search]");
      assert.equal(await button.locator("kbd").innerText(), hint);
      assert.equal(await button.getAttribute("aria-keyshortcuts"), keys);
    });
  }
});

test("every text that is searched for leads to a place that is there", async () => {
  const rows = await (await fetch(`${ORIGIN}/docs/search.json`)).json();
  const pages = new Map();
  let fields = 0;
  for (const { path: to, members = [] } of rows) {
    const [at, anchor] = to.split("#");
    if (!pages.has(at)) pages.set(at, await (await fetch(`${ORIGIN}/${at}`)).text());
    assert.ok(!anchor || pages.get(at).includes(`id="${anchor}"`), to);
    for (const [id] of members) assert.ok(pages.get(at).includes(`<li id="${id}">`), `${to} ${id}`);
    fields += members.length;
  }
  assert.ok(rows.length > 100 && fields > 500, `${rows.length} rows, ${fields} fields`);
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
    assert.equal(await page.locator(".tabs figure:visible").count(), 4);
    assert.ok((await page.pdf()).length > 10_000);
  });
});

// Opens the drawer, and fills in the key and the inputs by their names.
async function fill(page, values) {
  await page.getByRole("button", { name: "Try it" }).click();
  await page.locator("#try-key").fill(VENNA_API_KEY);
  await page.locator("form.trial details").first().evaluate((one) => { one.open = true; });
  for (const [name, value] of Object.entries(values)) await page.locator(`form.trial [name="${name}"]`).fill(value);
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
    await fill(page, {});
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
    assert.ok((await page.locator("form.trial .headers").textContent()).includes("x-request-id: req_"));
    const made = JSON.parse(await page.locator("form.trial .body").innerText());
    assert.deepEqual([made.bytes, made.filename, made.purpose], [BIG_BYTES, "big.bin", "user_data"]);
    assert.deepEqual(seen.problems, []);
    console.log(`progress moved ${moved.length} times`);
    return made.id;
  });
  await opened({}, "/docs/download-file", async (page, seen) => {
    await fill(page, { id, Range: "bytes=16-31" });
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("form.trial .status").getByText(/^206 Partial Content, /).waitFor();
    assert.equal(await page.locator("form.trial .body").innerText(), "0123456789abcdef");
    const [saved] = await Promise.all([page.waitForEvent("download"), page.locator("form.trial [data-action=save]").click()]);
    assert.equal(saved.suggestedFilename(), "big.bin");
    assert.equal(fs.readFileSync(await saved.path(), "utf8"), "0123456789abcdef");
    assert.ok((await page.locator("form.trial .headers").textContent()).includes(`content-range: bytes 16-31/${BIG_BYTES}`));
    assert.deepEqual(seen.problems, []);
  });
  await opened({}, "/docs/delete-file", async (page) => {
    await fill(page, { id });
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

test("Try it: optional inputs are empty, and the request is copied as a command that runs and has no key", async () => {
  await opened({ permissions: ["clipboard-read", "clipboard-write"] }, "/docs/list-files", async (page) => {
    await fill(page, {});
    assert.equal(await page.locator("form.trial [name=limit]").inputValue(), "");
    assert.equal(await page.locator("form.trial [name=limit]").getAttribute("placeholder"), "10,000");
    await page.locator("form.trial [name=limit]").fill("3");
    await page.getByRole("button", { name: "Copy as curl" }).click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(!command.includes(VENNA_API_KEY) && command.includes("limit=3"), command);
    const printed = execFileSync("bash", ["-c", command], { env: { ...process.env, NO_PROXY: "*" }, stdio: ["ignore", "pipe", "ignore"] });
    assert.equal(JSON.parse(printed).object, "list");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("form.trial .status").getByText(/^200 OK, /).waitFor();
    await page.locator("form.trial [data-action=copy]").click();
    assert.equal(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())).object, "list");
  });
});

test("Try it: a key is kept in this tab when that is asked for, and forgotten when it is no longer", async () => {
  await opened({}, "/docs/list-files", async (page) => {
    const key = () => page.locator("#try-key").inputValue();
    await fill(page, {});
    await page.getByLabel("Keep the key in this tab").check();
    await page.goto(`${ORIGIN}/docs/create-file`);
    assert.equal(await key(), VENNA_API_KEY);
    // A key of another kind opens these operations.
    await page.goto(`${ORIGIN}/docs/list-projects`);
    assert.equal(await key(), "");
    assert.deepEqual(await page.evaluate(() => ({ ...localStorage })), {});
    await page.goto(`${ORIGIN}/docs/list-files`);
    await page.getByRole("button", { name: "Try it" }).click();
    await page.getByLabel("Keep the key in this tab").uncheck();
    await page.reload();
    assert.equal(await key(), "");
  });
});

// A proxy that serves the server below a path, and nothing else.
async function below(prefix, use) {
  const outside = [];
  const proxy = http.createServer((request, answer) => {
    if (!request.url.startsWith(`${prefix}/`)) {
      outside.push(request.url);
      answer.writeHead(404).end();
      return;
    }
    const { hostname, port } = new URL(ORIGIN);
    const onward = { hostname, port, path: request.url.slice(prefix.length), method: request.method, headers: request.headers };
    request.pipe(http.request(onward, (real) => {
      answer.writeHead(real.statusCode, real.headers);
      real.pipe(answer);
    }));
  });
  await new Promise((listening) => { proxy.listen(0, "127.0.0.1", listening); });
  try {
    await use(`http://127.0.0.1:${proxy.address().port}${prefix}`, outside);
  } finally {
    proxy.closeAllConnections();
    await new Promise((closed) => { proxy.close(closed); });
  }
}

test("pages, search and Try it work below a path of a proxy", async () => {
  await below("/store", async (origin, outside) => {
    await opened({}, "/docs", async (page, seen) => {
      for (const at of ["/", "/docs", "/docs/", "/docs/errors", "/docs/quick-start"]) {
        await page.goto(origin + at);
        assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".header")).position), "sticky", at);
      }
      await page.locator(".sidebar summary", { hasText: "Files" }).click();
      await page.getByRole("link", { name: "List files" }).click();
      await page.waitForURL(`${origin}/docs/list-files`);
      await fill(page, {});
      await page.getByRole("button", { name: "Send" }).click();
      await page.locator("form.trial .status").getByText(/^200 OK, /).waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("expiry");
      await page.locator("#found [aria-selected=true]").waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL(`${origin}/docs/expiry*`);
      assert.deepEqual(seen.problems, []);
    });
    assert.deepEqual(outside, []);
  });
});
