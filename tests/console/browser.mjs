// A Chromium without a network but the server, and pages whose requests, console and policy are watched.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const { NODE_MODULES, CHROMIUM, VENNA_CONSOLE_SHOTS: SHOTS } = process.env;
const require = createRequire(`${NODE_MODULES}/`);
const { chromium } = require("playwright-core");
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const WIDE = { viewport: { width: 1440, height: 900 } };
export const NARROW = { viewport: { width: 390, height: 844 } };

export const launch = () =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });

/**
 * Opens a context and uses a page of it. Fails when a page asks another host, reports an error or breaks its policy, unless the
 * problem matches `expected`, or the host is one of `others`.
 */
export async function opened(browser, { origin, key, options = WIDE, expected = null, others = [] }, use) {
  const context = await browser.newContext(options);
  const seen = { problems: [], requests: [] };
  const watched = async () => {
    const page = await context.newPage();
    page.on("request", (request) => seen.requests.push(request.url()));
    page.on(
      "console",
      (message) => ["error", "warning"].includes(message.type()) && seen.problems.push(message.text()),
    );
    page.on("pageerror", (error) => seen.problems.push(error.stack ?? String(error)));
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) =>
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    return page;
  };
  try {
    const page = await watched();
    if (key) await signIn(page, origin, key);
    await use(page, { context, seen, another: watched });
    // The viewer of PDF documents is a part of the browser.
    const isOurs = (url) =>
      [`${origin}/`, ...others, "blob:", "chrome:", "chrome-extension:"].some((begin) => url.startsWith(begin));
    const foreign = seen.requests.filter((url) => !isOurs(url));
    assert.deepEqual(foreign, [], "requests to other hosts");
    assert.deepEqual(
      seen.problems.filter((problem) => !expected?.test(problem)),
      [],
      "console and policy",
    );
  } finally {
    await context.close();
  }
}

export async function signIn(page, origin, key) {
  await page.goto(`${origin}/console/sign-in`);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL((url) => !url.pathname.endsWith("/sign-in"));
  await ready(page);
}

/** Goes to a page of the console, and waits until its data is there. */
export async function visit(page, url) {
  await page.goto(url);
  await ready(page);
}

export const ready = (page) => page.locator("html[data-ready]").waitFor({ state: "attached" });

export async function violations(page) {
  // The policy of the page lets no script in but the server's own; the driver may still run one.
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map((node) => node.html)
        .slice(0, 3)
        .join("  ")}`,
  );
}

/** Checks what a page looks like: nothing for axe, and nothing that sticks out. */
export async function looks(page, name) {
  assert.deepEqual(await violations(page), [], name);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
  if (!SHOTS) return;
  fs.mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
}
