// The links of a workspace: listed, asked for, used, and revoked.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, looks, opened, visit } from "./browser.mjs";
import { client, start } from "./server.mjs";

const PAGE_ROWS = 25;

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

/** Makes a workspace, and returns its key and a client with it. */
function workspace(name) {
  server.run("workspaces", "create", name);
  const key = server.run("keys", "create", "--workspace", name, "--quiet");
  return { key, user: client(server.origin, key) };
}

test("a file is asked for by a link, which the command of the page uses up", async () => {
  const { key, user } = workspace("asking");
  const name = 'it\'s a [1] "report".txt';
  const folder = fs.mkdtempSync(path.join(process.env.TMPDIR ?? "/tmp", "links-"));
  fs.writeFileSync(path.join(folder, name), "the report");
  await opened(browser, { origin: server.origin, key }, async (page) => {
    const dialog = page.getByRole("dialog");
    await visit(page, `${server.origin}/console/links`);
    await page.getByRole("heading", { name: "No links yet" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Revoke all" }).count(), 0);
    await looks(page, "links-none");
    await page.getByRole("button", { name: "Ask for a file" }).click();
    await dialog.getByLabel("Name of the file").fill(name);
    await dialog.getByLabel("Purpose").selectOption("assistants");
    await dialog.getByLabel("At most, in MiB").fill("0.5");
    await dialog.getByLabel("The link works for").selectOption("An hour");
    await looks(page, "link-form");
    await dialog.getByRole("button", { name: "Make a link" }).click();
    const field = await dialog.getByLabel("Link", { exact: true }).elementHandle();
    const url = await field.inputValue();
    const command = await dialog.getByRole("group", { name: "Command" }).innerText();
    assert.ok(command.includes(url), command);
    await looks(page, "link-to-send");
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.locator("dialog").waitFor({ state: "detached" });
    assert.ok(!(await page.content()).includes(url.split(".").at(-1)), "the signature stays nowhere in the page");
    assert.equal(await field.evaluate(({ value }) => value), "");

    const [link] = (await user.get("links")).data;
    assert.deepEqual(
      [link.filename, link.purpose, link.max_bytes, link.expires_at - link.created_at],
      [name, "assistants", 512 * 1024, 3600],
    );
    const row = page.getByRole("row").filter({ hasText: name });
    await row.getByText("active").waitFor();
    await row.getByText("upload", { exact: true }).waitFor();
    const made = JSON.parse(execFileSync("bash", ["-c", command], { cwd: folder, encoding: "utf8", stdio: "pipe" }));
    assert.deepEqual([made.filename, String(await user.bytes(made.id))], [name, "the report"]);
    await visit(page, `${server.origin}/console/links`);
    await row.getByText("used", { exact: true }).waitFor();
    await row.getByRole("link", { name }).click();
    await page.getByRole("heading", { name }).waitFor();
  });
});

test("links are paged, named, revoked one by one and all at once", async () => {
  const { key, user } = workspace("sharing");
  const files = [await user.upload("<b>one</b>.txt", "one"), await user.upload("two.txt", "two")];
  const urls = [];
  for (let number = 0; number < PAGE_ROWS + 2; number += 1)
    urls.push((await user.post(`files/${files[number % 2].id}/links`, { one_time: number === 0 })).url);
  const status = async (number) => (await fetch(urls[number])).status;
  await opened(browser, { origin: server.origin, key }, async (page) => {
    const dialog = page.getByRole("dialog");
    await visit(page, `${server.origin}/console/links`);
    const rows = page.locator("#content tbody tr");
    assert.equal(await rows.count(), PAGE_ROWS);
    await rows.first().getByRole("link", { name: "<b>one</b>.txt" }).waitFor();
    await page.getByRole("button", { name: "Show older links" }).click();
    await rows.nth(PAGE_ROWS + 1).waitFor();
    assert.equal(await rows.count(), PAGE_ROWS + 2);
    assert.match(await rows.last().innerText(), /\bone\b/);
    await page.getByRole("button", { name: "Show older links" }).waitFor({ state: "hidden" });
    await looks(page, "links-many");

    await rows.first().getByText("never", { exact: true }).waitFor();
    assert.equal(await status(PAGE_ROWS + 1), 200);
    await rows.first().getByRole("button", { name: "Revoke the link of <b>one</b>.txt" }).click();
    await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
    await rows.first().getByText("revoked", { exact: true }).waitFor();
    assert.equal(await rows.first().getByText("never", { exact: true }).count(), 0, "the row is that of the server");
    assert.equal(await rows.count(), PAGE_ROWS + 2, "the pages that were read stay");
    assert.deepEqual([await status(PAGE_ROWS + 1), await status(PAGE_ROWS)], [403, 200]);

    await page.getByRole("button", { name: "Revoke all" }).click();
    await looks(page, "links-revoke-all");
    await dialog.getByRole("button", { name: "Revoke all" }).click();
    await page.getByText(`${PAGE_ROWS + 1} links revoked`).waitFor();
    await page.waitForFunction(() => document.querySelectorAll("#content tbody .badge.good").length === 0);
    assert.equal(await status(PAGE_ROWS), 403);
  });
});

test("a link to a file that is gone has its id, and leads nowhere", async () => {
  const { key, user } = workspace("gone");
  const files = [await user.upload("open.txt", "open"), await user.upload("revoked.txt", "revoked")];
  const links = [];
  for (const { id } of files) links.push(await user.post(`files/${id}/links`, {}));
  await user.post(`links/${links[1].id}/revoke`, {});
  await opened(browser, { origin: server.origin, key }, async (page) => {
    const rows = page.locator("#content tbody tr");
    await visit(page, `${server.origin}/console/links`);
    for (const { filename } of files) await rows.getByRole("link", { name: filename }).waitFor();
    for (const { id } of files) await user.remove(`files/${id}`);
    await visit(page, `${server.origin}/console/links`);
    for (const [file, status] of [
      [files[0], "file deleted"],
      [files[1], "revoked"],
    ])
      await rows.filter({ hasText: file.id }).getByText(status, { exact: true }).waitFor();
    assert.equal(await rows.getByRole("link").count(), 0);
  });
});

test("a key that only reads sees links, and ends none", async () => {
  const { user } = workspace("reading");
  const file = await user.upload("read.txt", "read");
  await user.post(`files/${file.id}/links`, {});
  const key = server.run("keys", "create", "--workspace", "reading", "--scopes", "files.read", "--quiet");
  await opened(browser, { origin: server.origin, key }, async (page) => {
    await visit(page, `${server.origin}/console/links`);
    await page.getByRole("link", { name: "read.txt" }).waitFor();
    assert.equal(await page.getByRole("button", { name: /Revoke|Ask/ }).count(), 0);
  });
  await opened(browser, { origin: server.origin, key: server.adminKey() }, async (page) => {
    await visit(page, `${server.origin}/console/links`);
    await page.getByRole("heading", { name: "No access to links" }).waitFor();
    assert.equal(await page.getByRole("button", { name: /Revoke|Ask/ }).count(), 0);
  });
});
