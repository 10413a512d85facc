// People who sign in at a provider of accounts, and what their roles let them do.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, looks, opened, ready, visit } from "./browser.mjs";
import { provide } from "./provider.mjs";
import { client, freePort, start } from "./server.mjs";

const ACCOUNTS = {
  rita: { name: "Rita Reader", email: "rita@example.com", email_verified: true, groups: ["readers"] },
  walt: { name: "Walt Writer", email: "walt@example.com", email_verified: true, groups: ["writers"] },
  olga: { name: "Olga <b>Owner</b>", email: "olga@example.com", email_verified: true, groups: ["owners"] },
  adam: { name: "Adam Admin", email: "adam@example.com", email_verified: true, groups: ["admins", "readers"] },
  nora: { name: "Nora Nobody", email: "nora@example.com", email_verified: true, groups: [] },
};
const RULES = [
  { claim: "groups", value: "readers", workspace: "default", role: "reader" },
  { claim: "groups", value: "writers", workspace: "default", role: "writer" },
  { claim: "groups", value: "owners", workspace: "default", role: "owner" },
  { claim: "groups", value: "admins", role: "administrator" },
];

let browser;
let provider;
let server;
before(async () => {
  browser = await launch();
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const secret = "the-secret-of-the-client-of-the-tests";
  provider = await provide({ client: { id: "venna", secret, origin }, accounts: ACCOUNTS });
  const file = path.join(process.env.TMPDIR ?? "/tmp", "client-secret");
  fs.writeFileSync(file, secret, { mode: 0o600 });
  server = await start(
    ...["--listen", `127.0.0.1:${port}`, "--public-url", origin, "--max-failed-logins-per-minute", "0"],
    ...["--oidc-issuer", provider.issuer, "--oidc-client-id", "venna", "--oidc-client-secret-file", file],
    ...["--oidc-rules", JSON.stringify(RULES)],
  );
  const api = client(server.origin, server.key);
  const { id } = await api.upload("shared.txt", "shared");
  await api.post(`files/${id}/links`, {});
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await provider?.stop();
});

/** Signs a person in at the provider, and uses the page where they arrive. */
async function as(account, use, { expected = null, from = "/console/files" } = {}) {
  provider.choose(account);
  await opened(
    browser,
    { origin: server.origin, others: [provider.issuer], expected: expected ?? /401/ },
    async (page, more) => {
      await page.goto(server.origin + from);
      await page.getByRole("link", { name: "Sign in with your account" }).click();
      await page.waitForURL((url) => url.origin === server.origin && !url.pathname.includes("/sign-in"));
      await ready(page);
      await use(page, more);
    },
  );
}

test("a person arrives where they wanted to go, and stands in the audit log as who they are", async () => {
  await as(
    "walt",
    async (page) => {
      await page.getByText("Walt Writer").waitFor();
      assert.ok(page.url().endsWith("/console/files?purpose=batch"));
    },
    { from: "/console/files?purpose=batch" },
  );
  await as("adam", async (page) => {
    await visit(page, `${server.origin}/console/admin/audit`);
    await page.locator("#content").getByText("walt@example.com").first().waitFor();
    await looks(page, "people-audit");
    await page.getByLabel("Actor").fill("WALT@example.com");
    await page.locator("#content").getByText("adam@example.com").first().waitFor({ state: "detached" });
    await page.locator("#content").getByText("walt@example.com").first().waitFor();
    await page.getByLabel("Actor").fill("nobody@example.com");
    await page.getByText("No entry of the audit log matches these filters.").waitFor();
  });
});

test("a person without access is told, and has no session", async () => {
  provider.choose("nora");
  await opened(browser, { origin: server.origin, others: [provider.issuer], expected: /40[13]/ }, async (page) => {
    await page.goto(`${server.origin}/console/sign-in`);
    await looks(page, "people-sign-in");
    await page.getByRole("link", { name: "Sign in with your account" }).click();
    await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
    await looks(page, "people-refused");
    await page.goto(`${server.origin}/console/files`);
    await page.waitForURL("**/console/sign-in?*");
  });
});

const PAGES = [
  "files",
  "links",
  "workspace",
  "keys",
  "members",
  "sessions",
  "admin",
  "admin/workspaces",
  "admin/people",
  "admin/audit",
  "admin/settings",
];
const OPEN = {
  rita: ["files", "links", "workspace", "sessions"],
  walt: ["files", "links", "workspace", "sessions"],
  olga: ["files", "links", "workspace", "keys", "members", "sessions"],
  adam: PAGES,
};
const ACTIONS = {
  rita: [],
  walt: ["Upload files", "Delete shared.txt", "Ask for a file", "Revoke all", "Revoke the link of shared.txt"],
  olga: [
    ...["Upload files", "Delete shared.txt", "Ask for a file", "Revoke all", "Revoke the link of shared.txt"],
    ...["Create a key", "Add a member"],
  ],
  adam: ["Create a key", "Add a member", "Create a workspace", "Make an administrator of Walt Writer"],
};

for (const account of Object.keys(OPEN)) {
  test(`every page and action as ${ACCOUNTS[account].name}`, async () => {
    await as(
      account,
      async (page) => {
        const actions = new Set();
        for (const at of PAGES) {
          await visit(page, `${server.origin}/console/${at}`);
          const closed = page.getByRole("heading", { name: /^(For administrators|Owners manage|No access)/ });
          assert.equal((await closed.count()) === 0, OPEN[account].includes(at), `${at} as ${account}`);
          for (const name of new Set(Object.values(ACTIONS).flat())) {
            if (await page.getByRole("button", { name, exact: true }).first().isVisible()) actions.add(name);
          }
        }
        assert.deepEqual([...actions].sort(), [...ACTIONS[account]].sort());
      },
      { expected: /401/ },
    );
  });
}

test("an owner changes the role of a member, and makes a key", async () => {
  await as("rita", () => {});
  await as("olga", async (page) => {
    await visit(page, `${server.origin}/console/members`);
    await page.getByRole("row", { name: /Olga <b>Owner<\/b> you/ }).waitFor();
    await looks(page, "people-members");
    await page.getByLabel("Role of Walt Writer").selectOption("reader");
    await page.getByText("Walt Writer is now reader").waitFor();
    await visit(page, `${server.origin}/console/keys`);
    await page.getByRole("button", { name: "Create a key" }).click();
    await page.getByLabel("Name", { exact: true }).fill("of-olga");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    const key = await page.getByLabel("Key “of-olga”").inputValue();
    await client(server.origin, key).get("files");
  });
});

test("a log-out at the provider ends the sessions here", async () => {
  await as("rita", async (page) => {
    await provider.logOut("rita");
    await page.getByLabel("Purpose").selectOption("batch");
    await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
  });
});

test("further people are those of the shown list, whatever is typed", async () => {
  for (const account of ["rita", "walt"]) await as(account, () => {});
  await as("adam", async (page) => {
    let release;
    const held = new Promise((resolve) => {
      release = resolve;
    });
    await page.route("**/organization/users?*", async (route) => {
      const url = new URL(route.request().url());
      url.searchParams.set("limit", "1");
      if (url.searchParams.has("emails[]")) await held;
      await route.continue({ url: url.href });
    });
    await visit(page, `${server.origin}/console/admin/people`);
    const [rows, more] = [page.locator("#content tbody tr"), page.getByRole("button", { name: "Show more people" })];
    assert.equal(await rows.count(), 1);
    await page.getByLabel("E-mail address").fill("nobody@example.com");
    await more.click();
    await rows.nth(1).waitFor();
    assert.ok(await more.isVisible(), "there is a third person");
    await page.getByRole("button", { name: "Find" }).click();
    await more.waitFor({ state: "hidden" });
    release();
    await page.getByText("Nobody who signed in has the address “nobody@example.com”.").waitFor();
  });
});

test("an administrator makes an administrator of a person, takes it back, and removes the person", async () => {
  await as("walt", async (walt) => {
    await walt.getByRole("link", { name: "shared.txt", exact: true }).click();
    await walt.getByRole("button", { name: "Share" }).click();
    await walt.getByRole("button", { name: "Make a link" }).click();
    const url = await walt.getByLabel("Link", { exact: true }).inputValue();
    assert.equal((await fetch(url)).status, 200);
    await as("adam", async (page) => {
      const row = page.getByRole("row", { name: /Walt Writer/ });
      const dialog = page.getByRole("dialog");
      await visit(page, `${server.origin}/console/admin/people`);
      await page.getByRole("row", { name: /Olga <b>Owner<\/b>/ }).waitFor();
      const own = page.getByRole("row", { name: /Adam Admin you/ });
      assert.equal(await own.getByRole("button", { name: /Remove|administration/ }).count(), 0);
      await looks(page, "people-all");
      const people = page.locator("#content tbody tr");
      await page.getByLabel("E-mail address").fill("WALT@example.com");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.querySelectorAll("#content tbody tr").length === 1);
      assert.match(await people.innerText(), /Walt Writer/);
      await page.getByLabel("E-mail address").fill("walt@example.org");
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByText("Nobody who signed in has the address “walt@example.org”.").waitFor();
      await looks(page, "people-none");
      await page.getByLabel("E-mail address").fill("");
      await row.waitFor();
      await row.getByRole("button", { name: "Make an administrator of Walt Writer" }).click();
      await looks(page, "people-promote");
      await dialog.getByRole("button", { name: "Make an administrator" }).click();
      await row.getByText("administrator", { exact: true }).waitFor();
      await visit(walt, `${server.origin}/console/admin`);
      assert.equal(await walt.getByRole("heading", { name: "For administrators" }).count(), 0);
      await row.getByRole("button", { name: "End administration by Walt Writer" }).click();
      await dialog.getByRole("button", { name: "End", exact: true }).click();
      await row.getByRole("button", { name: "Make an administrator of Walt Writer" }).waitFor();
      await visit(walt, `${server.origin}/console/admin`);
      await walt.getByRole("heading", { name: "For administrators" }).waitFor();
      await row.getByRole("button", { name: "Remove Walt Writer" }).click();
      await dialog.getByText("sessions and links end at once").waitFor();
      await dialog.getByRole("button", { name: "Remove", exact: true }).click();
      await row.waitFor({ state: "detached" });
    });
    assert.equal((await fetch(url)).status, 403);
    await walt.goto(`${server.origin}/console/files`);
    await walt.waitForURL("**/console/sign-in?*");
  });
});
