// Usage, keys, and the administration.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { WIDE, launch, looks, opened, visit } from "./browser.mjs";
import { client, start } from "./server.mjs";

const DAY_S = 86_400;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const USD_OF_A_CREATE = 0.01;
const PRICES = `[[prices]]
effective_from = "2026-01-01T00:00:00Z"
currency = "usd"
"files.ops.class_a" = { per = "1000_requests", usd = "${1000 * USD_OF_A_CREATE}" }
`;

let browser;
let server;
let adminKey;
let admin;
before(async () => {
  browser = await launch();
  const prices = path.join(process.env.TMPDIR ?? "/tmp", "prices.toml");
  fs.writeFileSync(prices, PRICES);
  server = await start("--max-failed-logins-per-minute", "0", "--config", prices);
  adminKey = server.adminKey();
  admin = client(server.origin, adminKey);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Resolves when the reads until now are counted, which the server does every second. */
const counted = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 1500);
  });

test("usage and costs are those of the API, and a nearly full quota is seen", async () => {
  server.run("workspaces", "create", "used");
  const key = server.run("keys", "create", "--workspace", "used", "--quiet");
  server.run("limits", "set", "used", "storage_bytes=1000", "max_files=10");
  const user = client(server.origin, key);
  for (let number = 0; number < 4; number += 1) await user.upload(`${number}.txt`, "x".repeat(240));
  await counted();
  await opened(browser, { origin: server.origin, key }, async (page) => {
    await visit(page, `${server.origin}/console/workspace`);
    const since = Math.floor(Date.now() / 1000 / DAY_S) * DAY_S;
    const {
      data: [
        {
          results: [used],
        },
      ],
    } = await user.get(`organization/usage/files?start_time=${since}&bucket_width=1d`);
    const tile = (name) => page.locator(".tile", { hasText: name });
    assert.match(await tile("Stored").innerText(), /960 B/);
    assert.equal(await tile("Stored").getByRole("progressbar").getAttribute("aria-label"), "Stored, 96 % used");
    assert.ok(await page.locator(".tile.warn", { hasText: "Stored" }).isVisible());
    assert.match(await tile("Files").innerText(), /4\s+of 10/);
    assert.equal(used.end_bytes, 960);
    assert.ok(Number((await tile("Requests").innerText()).match(/\d+/)[0]) <= used.num_requests);
    await page.locator("#requests svg").focus();
    await page.keyboard.press("End");
    await page
      .locator("#requests .reading")
      .getByText(/: \d+ requests$/)
      .waitFor();
    await page.locator("#requests summary").click();
    assert.ok(await page.locator("#requests td").first().isVisible());
    assert.ok(await page.locator("#costs").getByText("Creates, completions and lists").isVisible());
    await page.getByRole("button", { name: "7 days" }).click();
    await page.locator(".tile").getByText("in 7 days").waitFor();
    await looks(page, "usage");
  });
});

test("days are those of UTC, and the figures of each day are saved as CSV", async () => {
  server.run("workspaces", "create", '=1+2 "and", more');
  const key = server.run("keys", "create", "--workspace", '=1+2 "and", more', "--quiet");
  const user = client(server.origin, key);
  await user.upload("a.txt", "x".repeat(500));
  const today = new Date().toISOString().slice(0, 10);
  // It is still yesterday there for most of the day, and already tomorrow elsewhere.
  for (const timezoneId of ["America/Los_Angeles", "Pacific/Kiritimati"]) {
    await opened(browser, { origin: server.origin, key, options: { ...WIDE, timezoneId } }, async (page) => {
      await counted();
      await visit(page, `${server.origin}/console/workspace`);
      const [year, month, day] = today.split("-").map(Number);
      const named = `${MONTHS[month - 1]} ${day}, ${year}`;
      assert.equal(await page.locator("#storage .ends span").last().textContent(), named);
      await page.locator("#storage summary").click();
      await page.locator("#storage").getByRole("columnheader", { name: "Day (UTC)" }).waitFor();
      await page.locator("#storage").getByRole("rowheader", { name: named }).waitFor();
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Download CSV" }).click(),
      ]);
      assert.ok(download.suggestedFilename().endsWith(`-to-${today}.csv`), download.suggestedFilename());
      const lines = fs.readFileSync(await download.path(), "utf8").split("\r\n");
      assert.equal(lines.length, 32, "a head, 30 days, and the end of the last line");
      assert.match(lines[0], /^day_utc,workspace,stored_bytes_at_most,.*,costs_usd$/);
      assert.match(
        lines[30],
        new RegExp(`^${today},"'=1\\+2 ""and"", more",500,500,1,\\d+,\\d+,\\d+,\\d+,\\d+,0\\.\\d+$`),
      );
      const [creates, , , , cost] = lines[30].split(",").slice(-5).map(Number);
      assert.equal(cost, Number((creates * USD_OF_A_CREATE).toFixed(2)));
    });
  }
});

test("costs stand by key, with the names that the session may read", async () => {
  server.run("workspaces", "create", "shared");
  const [first, second] = [1, 2].map((number) =>
    server.run("keys", "create", "--workspace", "shared", "--name", `program ${number}`, "--quiet"),
  );
  const [user, other] = [client(server.origin, first), client(server.origin, second)];
  await user.upload("a.txt", "a");
  for (let number = 0; number < 20; number += 1) await other.upload("b.txt", "b");
  const { id } = await other.get("organization/key");
  const rows = (page) => page.locator("#by-key tbody th").allTextContents();
  await opened(browser, { origin: server.origin, key: first }, async (page) => {
    await visit(page, `${server.origin}/console/workspace`);
    assert.deepEqual(await rows(page), [id, "program 1"]);
    await page.getByText("An id without a name is that of").waitFor();
  });
  await opened(browser, { origin: server.origin, key: adminKey }, async (page, { seen }) => {
    await Promise.all([page.waitForEvent("load"), page.getByLabel("Workspace").selectOption({ label: "shared" })]);
    await visit(page, `${server.origin}/console/workspace`);
    assert.deepEqual(await rows(page), ["program 2", "program 1"]);
    const sums = await page.locator(":is(#costs, #by-key) tfoot .amount").allTextContents();
    assert.equal(sums[0], sums[1]);
    await looks(page, "costs-by-key");
    await page.getByRole("button", { name: "7 days" }).click();
    await page.getByText("in 7 days").first().waitFor();
    const asked = (pattern) => seen.requests.filter((url) => pattern.test(url)).length;
    const costs = /costs\?.*(line_item|api_key_id)/;
    assert.deepEqual([asked(costs), asked(/\/api_keys/)], [2, 1], "costs once for each time, names once");
  });
});

test("line items stand in the order of the API, whichever key caused them", async () => {
  server.run("workspaces", "create", "ordered");
  const users = [];
  for (let number = 0; number < 2; number += 1) {
    const user = client(server.origin, server.run("keys", "create", "--workspace", "ordered", "--quiet"));
    const { id } = await user.get("organization/key");
    users.push({ id, user });
  }
  // The answer with both groups has the keys in the order of their ids: the one that only reads comes first there.
  const [{ user: reader }, { user: writer }] = users.sort((one, other) => (one.id < other.id ? -1 : 1));
  await reader.get(`files/${(await writer.upload("a.txt", "a")).id}`);
  await counted();
  await opened(browser, { origin: server.origin, key: adminKey }, async (page) => {
    await Promise.all([page.waitForEvent("load"), page.getByLabel("Workspace").selectOption({ label: "ordered" })]);
    await visit(page, `${server.origin}/console/workspace`);
    const rows = await page.locator("#costs tbody th").allTextContents();
    assert.deepEqual(rows.slice(0, 3), ["Storage", "Creates, completions and lists", "Retrievals and downloads"]);
  });
});

test("an administrator makes a workspace, a key that works, rotates and revokes it, and finds all of it in the audit log", async () => {
  let made;
  // The last filter is refused by the server, which the console of the browser notes.
  await opened(browser, { origin: server.origin, key: adminKey, expected: /400/ }, async (page) => {
    assert.ok(page.url().endsWith("/console/admin/workspaces"));
    await page.getByRole("button", { name: "Create a workspace" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Research <b>");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.getByRole("button", { name: "Research <b>", exact: true }).click();
    await page.waitForURL("**/admin/workspaces");
    await visit(page, `${server.origin}/console/keys`);
    assert.equal(
      await page.getByLabel("Workspace").evaluate((select) => select.selectedOptions[0].textContent),
      "Research <b>",
    );

    await page.getByRole("button", { name: "Create a key" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("indexer");
    await dialog.getByLabel("Write files (files.write)").uncheck();
    await dialog.getByLabel("Expires").selectOption({ label: "After 30 days" });
    await looks(page, "key-form");
    await dialog.getByRole("button", { name: "Create", exact: true }).click();
    made = await dialog.getByLabel("Key “indexer”").inputValue();
    assert.match(
      await dialog.locator("pre").textContent(),
      new RegExp(`base_url="${server.origin}/v1", api_key="${made}"`),
    );
    await looks(page, "key-made");
    await dialog.getByRole("button", { name: "Done" }).click();
    const own = await client(server.origin, made).get("organization/key");
    assert.deepEqual(own.scopes, ["files.read", "uploads.write", "usage.read"]);
    assert.ok(Math.abs(own.expires_at - Date.now() / 1000 - 30 * DAY_S) < 120);
    await page.locator("dialog").waitFor({ state: "detached" });
    assert.ok(!(await page.content()).includes(made), "the secret is gone with the dialog");

    const row = page.getByRole("row", { name: /indexer/ });
    await row.getByRole("button", { name: "Rotate indexer" }).click();
    await dialog.getByLabel("The old secret ends").selectOption({ label: "At once" });
    await dialog.getByRole("button", { name: "Rotate", exact: true }).click();
    const rotated = await dialog.getByLabel("Key “indexer”").inputValue();
    assert.notEqual(rotated, made);
    await dialog.getByRole("button", { name: "Done" }).click();
    await assert.rejects(client(server.origin, made).get("files"), /401/);
    await client(server.origin, rotated).get("files");
    await row.getByRole("button", { name: "Change scopes of indexer" }).click();
    await dialog.getByLabel("Read usage (usage.read)").uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Scopes changed").waitFor();
    await row.getByRole("button", { name: "Revoke indexer" }).click();
    await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByRole("heading", { name: "No keys yet" }).waitFor();
    await assert.rejects(client(server.origin, rotated).get("files"), /401/);

    await visit(page, `${server.origin}/console/admin/audit`);
    await page.getByLabel("Workspace", { exact: true }).last().selectOption({ label: "Research <b>" });
    await page.waitForFunction(
      () =>
        document.querySelectorAll("#content tbody tr").length === 5 ||
        document.querySelectorAll("#content tbody tr").length === 4,
    );
    const events = await page.locator("#content tbody .badge").allTextContents();
    for (const event of ["project.created", "api_key.created", "api_key.updated", "api_key.deleted"])
      assert.ok(events.includes(event), String(events));
    await page.getByLabel("Event").selectOption("link.created");
    await page.getByRole("heading", { name: "Nothing found" }).waitFor();
    await page.getByLabel("Event").selectOption("api_key.deleted");
    await page.waitForFunction(() => document.querySelectorAll("#content tbody tr").length === 1);
    await page.getByLabel("Actor").fill("nobody");
    await page.getByText(/is no id of/).waitFor();
  });
});

test("the default expiry of a purpose is set, and holds for new files", async () => {
  server.run("workspaces", "create", "brief");
  const key = server.run("keys", "create", "--workspace", "brief", "--quiet");
  const user = client(server.origin, key);
  await opened(browser, { origin: server.origin, key: adminKey, expected: /500/ }, async (page) => {
    // The page loads again for the chosen workspace.
    await Promise.all([page.waitForEvent("load"), page.getByLabel("Workspace").selectOption({ label: "brief" })]);
    await visit(page, `${server.origin}/console/workspace`);
    const [evals, dialog] = [page.getByRole("row", { name: /^evals/ }), page.getByRole("dialog")];
    const change = () => evals.getByRole("button", { name: "Change the expiry of evals" }).click();
    await change();
    await dialog.getByLabel("Files expire").selectOption({ label: "After some days" });
    await dialog.getByLabel("Days after the upload").fill("1.5");
    await looks(page, "expiry-form");
    await dialog.getByRole("button", { name: "Save" }).click();
    await evals.getByText("after 1 d 12 h").waitFor();
    const file = await user.upload("a.txt", "a", "evals");
    assert.equal(file.expires_at, file.created_at + 1.5 * DAY_S);
    await change();
    await dialog.getByLabel("Files expire").selectOption({ label: "As built in for this purpose" });
    const list = "**/default_expiries";
    await page.route(list, (route) => route.fulfill({ status: 500, body: '{"error":{"message":"The list failed."}}' }));
    await dialog.getByRole("button", { name: "Save" }).click();
    const failure = page.locator("#expiries").getByRole("alert");
    await failure.getByText("The list failed.").waitFor();
    await page.unroute(list);
    await failure.getByRole("button", { name: "Try again" }).click();
    await evals.getByText("never").waitFor();
    assert.equal((await user.upload("b.txt", "b", "evals")).expires_at, null);
  });
});

test("limits are set, and a workspace is renamed and archived", async () => {
  const { id } = await admin.post("organization/projects", { name: "short-lived" });
  await opened(browser, { origin: server.origin, key: adminKey }, async (page) => {
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Limits of short-lived" }).click();
    await dialog.getByLabel("Stored GiB").fill("1.5");
    await dialog.getByLabel("Spend in a month, in dollars").fill("12.34");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Limits saved").waitFor();
    const limits = await admin.get(`organization/projects/${id}/limits`);
    assert.deepEqual(
      [limits.storage_bytes, limits.monthly_spend_cents, limits.max_files],
      [1.5 * 1024 ** 3, 1234, null],
    );
    await page.getByRole("button", { name: "Rename short-lived" }).click();
    await dialog.getByLabel("Name").fill("renamed");
    await dialog.getByRole("button", { name: "Rename", exact: true }).click();
    await page.getByRole("button", { name: "Archive renamed" }).click();
    await dialog.getByRole("button", { name: "Archive", exact: true }).click();
    await page.getByText("Workspace archived").waitFor();
    await page.waitForFunction(() => !document.querySelector("#content").textContent.includes("renamed"));
    await page.getByLabel("Show archived").check();
    await page
      .getByRole("row", { name: /renamed/ })
      .getByText("archived")
      .waitFor();
  });
});

test("the server and its settings are those of the API", async () => {
  const [about, { data: settings }] = [
    await admin.get("organization/server"),
    await admin.get("organization/server/configuration"),
  ];
  await opened(browser, { origin: server.origin, key: adminKey }, async (page) => {
    await visit(page, `${server.origin}/console/admin`);
    for (const [title, figure] of [
      ["Status", "Ready"],
      ["Metadata", "OK"],
      ["Blobs", "OK"],
      ["Version", about.version],
    ]) {
      assert.ok((await page.locator(".tile", { hasText: title }).innerText()).includes(figure), title);
    }
    await page.locator("#sweep").getByText("Blobs to remove").waitFor();
    await visit(page, `${server.origin}/console/admin/settings`);
    const rows = page.locator("#content tbody tr");
    assert.equal(await rows.count(), settings.length);
    await page.getByLabel("Only those that were set").check();
    assert.equal(await rows.count(), settings.filter(({ origin }) => origin !== "default").length);
    await page.getByLabel("Find a setting").fill("max_failed_logins");
    assert.equal(await rows.count(), 1);
    await page.getByLabel("Find a setting").fill("nothing has this name");
    await page.getByRole("heading", { name: "Nothing found" }).waitFor();
  });
});

test("a form says what is wrong with it, and keeps what was typed", async () => {
  await opened(browser, { origin: server.origin, key: adminKey, expected: /400/ }, async (page) => {
    await page.getByRole("button", { name: "Create a workspace" }).click();
    await page.getByLabel("Name", { exact: true }).fill("default");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    const alert = page.getByRole("dialog").getByRole("alert");
    await alert.getByText(/name/).first().waitFor();
    await alert.getByText(/^req_/).waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "default");
    await looks(page, "form-refused");
  });
});

test("a key of a workspace sees nothing of the administration", async () => {
  await opened(browser, { origin: server.origin, key: server.key }, async (page) => {
    assert.equal(await page.getByRole("link", { name: "Audit log" }).count(), 0);
    for (const at of ["admin", "admin/workspaces", "admin/people", "admin/audit", "admin/settings"]) {
      await visit(page, `${server.origin}/console/${at}`);
      await page.getByRole("heading", { name: "For administrators" }).waitFor();
    }
    await visit(page, `${server.origin}/console/keys`);
    await page.getByRole("heading", { name: "The key of this session" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Create a key" }).count(), 0);
  });
});
