// Signing in with a key, sessions that end, and signing out.
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { launch, opened, ready, signIn, visit } from "./browser.mjs";
import { client, freePort, start } from "./server.mjs";

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await start("--max-failed-logins-per-minute", "0");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a person without a session is led to the sign-in, and back to the page that they wanted", async () => {
  const file = await client(server.origin, server.key).upload("wanted.txt", "wanted");
  await opened(browser, { origin: server.origin, expected: /401/ }, async (page) => {
    await page.goto(`${server.origin}/console/files/${file.id}`);
    await page.waitForURL("**/console/sign-in?*");
    await page.getByLabel("API key").fill(server.key);
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/console/files/${file.id}`);
    await page.getByRole("heading", { name: "wanted.txt" }).waitFor();
  });
});

test("a wrong key is refused in words, and no key is kept in the browser", async () => {
  await opened(browser, { origin: server.origin, expected: /401/ }, async (page, { context }) => {
    await page.goto(`${server.origin}/console/sign-in`);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("Enter a key.").waitFor();
    await page.getByLabel("API key").fill("vk_wrong");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("This key is not valid.").waitFor();
    await signIn(page, server.origin, server.key);
    const kept = await page.evaluate(async () =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, await indexedDB.databases()]),
    );
    assert.ok(!kept.includes(server.key.slice(3)), kept);
    const cookies = await context.cookies();
    assert.equal(cookies.length, 1);
    assert.ok(
      cookies[0].httpOnly && cookies[0].sameSite === "Strict" && cookies[0].path === "/console",
      JSON.stringify(cookies[0]),
    );
    assert.ok(!cookies[0].value.includes(server.key.slice(3)));
  });
});

test("a key cannot be submitted before the script of the page handles it", async () => {
  await opened(browser, { origin: server.origin, expected: /401/ }, async (page, { seen }) => {
    let release;
    const held = new Promise((resolve) => {
      release = resolve;
    });
    await page.route("**/sign_in*.js", async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${server.origin}/console/sign-in`, { waitUntil: "commit" });
    const key = page.getByLabel("API key");
    await key.waitFor();
    assert.ok(await key.isDisabled());
    assert.ok(await page.getByRole("button", { name: "Sign in", exact: true }).isDisabled());
    release();
    await key.fill(server.key);
    // What a browser would send that submits the form by itself.
    const fields = await page.evaluate(() => [...new FormData(document.querySelector("#sign-in")).keys()]);
    assert.deepEqual(fields, []);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/console/files");
    assert.deepEqual(
      seen.requests.filter((url) => url.includes(server.key)),
      [],
    );
  });
});

test("a return leads only to pages of the console", async () => {
  await opened(browser, { origin: server.origin }, async (page) => {
    for (const to of [
      "https://example.com/",
      "//example.com/console",
      "/consolex",
      "/console/../v1/models",
      "javascript:alert(1)",
      "/console/..//example.com",
    ]) {
      await page.goto(`${server.origin}/console/sign-in?return_to=${encodeURIComponent(to)}`);
      await page.getByLabel("API key").fill(server.key);
      await page.keyboard.press("Enter");
      await page.waitForURL(`${server.origin}/console/files`, { waitUntil: "commit" });
    }
  });
});

test("signing out ends the session in every tab", async () => {
  await opened(browser, { origin: server.origin, key: server.key, expected: /401/ }, async (page, { another }) => {
    const other = await another();
    await visit(other, `${server.origin}/console/files`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();
    await other.getByLabel("Purpose").selectOption("batch");
    await other.getByRole("dialog", { name: "Your session has ended" }).waitFor();
    await other.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
    await other.getByText("Your session has ended.").waitFor();
    await other.getByLabel("API key").fill(server.key);
    await other.keyboard.press("Enter");
    await other.waitForURL("**/console/files?purpose=batch");
  });
});

test("a session is ended from another one", async () => {
  await opened(browser, { origin: server.origin, key: server.key }, async (page) => {
    await opened(browser, { origin: server.origin, key: server.key, expected: /401/ }, async (other) => {
      await visit(page, `${server.origin}/console/sessions`);
      await page.getByText("this browser").waitFor();
      const ends = page.getByRole("button", { name: /^End the session/ });
      while ((await ends.count()) > 0) {
        const before = await ends.count();
        await ends.first().click();
        await page.getByRole("dialog").getByRole("button", { name: "End the session" }).click();
        await page.waitForFunction((number) => document.querySelectorAll("#content button").length < number, before);
      }
      await other.goto(`${server.origin}/console/files`);
      await other.waitForURL("**/sign-in?*");
      await other.getByText("Your session has ended.").waitFor();
    });
  });
});

test("a revoked key ends its session", async () => {
  const key = server.run("keys", "create", "--workspace", "default", "--quiet");
  const own = await client(server.origin, key).get("organization/key");
  await opened(browser, { origin: server.origin, key, expected: /401/ }, async (page) => {
    await ready(page);
    server.run("keys", "revoke", own.id);
    await page.waitForTimeout(1000);
    await page.getByLabel("Purpose").selectOption("batch");
    await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
  });
});

// A proxy that serves the server below a path, and nothing else.
async function below(prefix, target, use) {
  const outside = [];
  const proxy = http.createServer((request, answer) => {
    if (!request.url.startsWith(`${prefix}/`)) {
      outside.push(request.url);
      answer.writeHead(404).end();
      return;
    }
    const { hostname, port } = new URL(target.origin);
    const { method, headers } = request;
    const onward = http.request({ hostname, port, path: request.url.slice(prefix.length), method, headers }, (real) => {
      answer.writeHead(real.statusCode, real.headers);
      real.pipe(answer);
    });
    request.pipe(onward);
  });
  await new Promise((listening) => {
    proxy.listen(target.port, "127.0.0.1", listening);
  });
  try {
    await use(outside);
  } finally {
    proxy.closeAllConnections();
    await new Promise((closed) => {
      proxy.close(closed);
    });
  }
}

test("the console works below the path of a proxy", async () => {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const inside = await start("--public-url", `${origin}/store`);
  try {
    await client(inside.origin, inside.key).upload("behind.txt", "behind a proxy");
    await below("/store", { origin: inside.origin, port }, async (outside) => {
      await opened(browser, { origin, expected: /401/ }, async (page, { context }) => {
        await page.goto(`${origin}/store/console/files`);
        await page.getByLabel("API key").fill(inside.key);
        await page.keyboard.press("Enter");
        await page.getByRole("link", { name: "behind.txt", exact: true }).click();
        await page.locator("#preview").getByText("behind a proxy").waitFor();
        assert.equal((await context.cookies())[0].path, "/store/console");
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.getByText("You are signed out.").waitFor();
      });
      assert.deepEqual(outside, []);
    });
  } finally {
    await inside.stop();
  }
});
