// Uploads: many files, a large one that is paused, broken off, reloaded and cut off, failures.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, looks, opened, ready } from "./browser.mjs";
import { client, start } from "./server.mjs";

const MIB = 1024 * 1024;
const LONG = Boolean(process.env.VENNA_CONSOLE_LONG);
const LARGE_MIB = LONG ? 1024 : 64;
const PART_MIB = 8;
const MANY = 300;
// Files of one drop or choice.
const MOST = 20_000;
// A local upload would be over before anyone could pause it.
const SLOW_MIB_PER_SECOND = LONG ? 64 : 12;

let browser;
let server;
let api;
const scratch = fs.mkdtempSync(path.join(process.env.TMPDIR ?? "/tmp", "files-"));
before(async () => {
  browser = await launch();
  server = await start("--max-failed-logins-per-minute", "0");
  api = client(server.origin, server.key);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
});

/** Chooses files and starts their upload. */
async function upload(page, paths, purpose = "user_data") {
  await page.locator("#choose-files").evaluate((input) => {
    input.value = "";
  });
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Upload files" }).first().click(),
  ]);
  await chooser.setFiles(paths);
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Purpose").selectOption(purpose);
  await dialog.getByRole("button", { name: "Upload", exact: true }).click();
}

async function digest(stream) {
  const hash = crypto.createHash("sha256");
  for await (const bytes of stream) hash.update(bytes);
  return hash.digest("hex");
}

test("hundreds of files are uploaded at once, and stand in the list", async () => {
  const paths = Array.from({ length: MANY }, (_, number) => {
    const file = path.join(scratch, `many-${number}.txt`);
    fs.writeFileSync(file, `content ${number}`);
    return file;
  });
  await opened(browser, { origin: server.origin, key: server.key }, async (page) => {
    await upload(page, paths);
    await page
      .locator("#uploads-title")
      .getByText(`${MANY} files uploaded`, { exact: true })
      .waitFor({ timeout: 120_000 });
    await page
      .locator("#rows")
      .getByText(/many-\d+\.txt/)
      .first()
      .waitFor();
    await looks(page, "uploaded");
    await page.getByRole("button", { name: "Clear finished" }).click();
    await page.locator("#uploads").waitFor({ state: "hidden" });
  });
  const { data } = await api.get("files");
  assert.equal(data.length, MANY);
  for (const file of data.slice(0, 5))
    assert.equal(String(await api.bytes(file.id)), `content ${/\d+/.exec(file.filename)[0]}`);
});

test("files are dropped anywhere on the page", async () => {
  await opened(browser, { origin: server.origin, key: server.key }, async (page) => {
    const event = (type, data) => page.dispatchEvent("h1", type, { dataTransfer: data });
    const data = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["dropped"], "dropped.txt"));
      return transfer;
    });
    await event("dragenter", data);
    await page.getByText("Drop to upload").waitFor();
    await event("drop", data);
    await page
      .getByRole("dialog", { name: "Upload 1 file" })
      .getByRole("button", { name: "Upload", exact: true })
      .click();
    await page.locator("#rows").getByText("dropped.txt").waitFor();
  });
});

test("files are pasted anywhere on the page", async () => {
  await opened(browser, { origin: server.origin, key: server.key }, async (page) => {
    const dialog = page.getByRole("dialog", { name: "Upload 1 file" });
    const paste = (selector, text) =>
      page.locator(selector).evaluate((element, pasted) => {
        const data = new DataTransfer();
        data.items.add(new File(["pasted"], "pasted.txt"));
        if (pasted) data.setData("text/plain", pasted);
        element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
      }, text);
    await paste("#name", "an office program gives its text, too");
    await page.waitForTimeout(300);
    assert.equal(await dialog.count(), 0);
    await paste("body");
    await dialog.getByRole("button", { name: "Upload", exact: true }).click();
    await page.locator("#rows").getByText("pasted.txt").waitFor();
  });
});

/** Drops a folder, as a browser describes it, with so many files, and with some that cannot be read. */
const dropFolder = (page, number, unreadable = 0) =>
  page.evaluate(
    ([files, bad]) => {
      const folder = (name, entries) => {
        let next = 0;
        const read = (take, refuse) => {
          if (name === "closed") return refuse(new DOMException("closed", "NotReadableError"));
          const some = entries.slice(next, next + 100);
          next += some.length;
          return take(some);
        };
        return { isDirectory: true, createReader: () => ({ readEntries: read }) };
      };
      const file = (name, isBad) => ({
        isFile: true,
        fullPath: `/folder/${name}`,
        file: (take, refuse) =>
          isBad ? refuse(new DOMException("gone", "NotFoundError")) : take(new File(["x"], name)),
      });
      const entries = Array.from({ length: files + bad }, (_, index) => file(`${index}.txt`, index < bad));
      const items = [folder("folder", [...entries, folder("closed", [])]), folder("empty", [])];
      const transfer = {
        types: ["Files"],
        items: items.map((entry) => ({ kind: "file", webkitGetAsEntry: () => entry })),
      };
      document.body.dispatchEvent(
        Object.assign(new Event("drop", { bubbles: true, cancelable: true }), { dataTransfer: transfer }),
      );
    },
    [number, unreadable],
  );

test("files that are too many or cannot be read are told, and the others are taken", async () => {
  await opened(browser, { origin: server.origin, key: server.key }, async (page) => {
    await dropFolder(page, 2, 2);
    await page.getByRole("dialog", { name: "Upload 2 files" }).getByText("folder/2.txt").waitFor();
    await page.getByText("Could not be read, and left out: 3 files or folders.").waitFor();
    await looks(page, "unreadable");
    await page.getByRole("dialog").getByRole("button", { name: "Upload", exact: true }).click();
    await page.locator("#rows").getByText("folder/3.txt").waitFor();
    await page.getByRole("button", { name: "Close the message" }).first().click();
    await dropFolder(page, MOST + 3);
    await page.getByRole("dialog", { name: "Upload 20,000 files" }).waitFor();
    await page.getByText("Left out: 3 files. At most 20,000 are taken at once.").waitFor();
    await page.keyboard.press("Escape");
    await dropFolder(page, 0, 1);
    await page.getByText("Could not be read, and left out: 2 files or folders.").waitFor();
    assert.equal(await page.getByRole("dialog").count(), 0);

    // The input of a folder has the same bound.
    await page.locator("#choose-folder").evaluate((input, number) => {
      input.click = () => {};
      const files = Array.from({ length: number }, (_, index) => new File(["x"], `${index}.txt`));
      Object.defineProperty(input, "files", { value: files });
    }, MOST + 1);
    await page.getByRole("button", { name: "Upload a folder" }).click();
    await page.locator("#choose-folder").dispatchEvent("change");
    await page.getByRole("dialog", { name: "Upload 20,000 files" }).waitFor();
    await page.getByText("Left out: 1 file. At most 20,000 are taken at once.").waitFor();
  });
});

test("a link opens in a new tab while files are uploaded, and in this one afterwards", async () => {
  const file = path.join(scratch, "stays.bin");
  fs.writeFileSync(file, Buffer.alloc(6 * MIB));
  await opened(browser, { origin: server.origin, key: server.key }, async (page, { context }) => {
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    const limit = (uploadThroughput) =>
      session.send("Network.emulateNetworkConditions", {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput,
      });
    await limit(MIB);
    await upload(page, file);
    await page.waitForFunction(() => document.querySelector("#transfers progress")?.value > 1e5);
    const keys = page.getByRole("link", { name: "Keys", exact: true });
    const [other] = await Promise.all([context.waitForEvent("page"), keys.press("Enter")]);
    await other.waitForURL("**/console/keys");
    await other.getByRole("heading", { name: "The key of this session" }).waitFor();
    await other.close();
    await page.getByText("The page opened in a new tab").waitFor();
    await limit(-1);
    await page.locator("#uploads-title").getByText("1 file uploaded", { exact: true }).waitFor();
    await keys.click();
    await page.waitForURL("**/console/keys");
    assert.equal(context.pages().length, 1);
  });
});

test(
  "a large file is paused, loses its page and its network, and arrives with the same bytes",
  { timeout: 600_000 },
  async () => {
    const file = path.join(scratch, "large.bin");
    const handle = fs.openSync(file, "w");
    for (let number = 0; number < LARGE_MIB; number += 1) fs.writeSync(handle, crypto.randomBytes(MIB));
    fs.closeSync(handle);
    await opened(
      browser,
      { origin: server.origin, key: server.key, expected: /ERR_INTERNET_DISCONNECTED|ERR_ABORTED/ },
      async (page, { context, seen }) => {
        const slow = async () => {
          const session = await context.newCDPSession(page);
          await session.send("Network.enable");
          await session.send("Network.emulateNetworkConditions", {
            offline: false,
            latency: 0,
            downloadThroughput: -1,
            uploadThroughput: SLOW_MIB_PER_SECOND * MIB,
          });
          return session;
        };
        const session = await slow();
        const words = page.locator("#transfers small").first();
        const arrived = (share) =>
          page.waitForFunction(
            (part) => document.querySelector("#transfers progress")?.value > part,
            share * LARGE_MIB * MIB,
            { timeout: 300_000 },
          );
        await upload(page, file);
        await arrived(0.15);
        assert.match(await words.innerText(), /of \d+ (M|G)iB, [\d.]+ MiB\/s, .*left/);
        await looks(page, "uploading");
        await page.getByRole("button", { name: "Pause large.bin" }).click();
        await page.getByText(/^Paused at/).waitFor();
        const paused = await words.innerText();
        await page.waitForTimeout(700);
        assert.equal(await words.innerText(), paused);
        await page.getByRole("button", { name: "Resume large.bin" }).click();
        await arrived(0.4);

        await session.send("Network.emulateNetworkConditions", {
          offline: true,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: -1,
        });
        await page.getByText("The server cannot be reached.").waitFor();
        await page.getByText(/waits for the network/).waitFor();
        await session.send("Network.emulateNetworkConditions", {
          offline: false,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: SLOW_MIB_PER_SECOND * MIB,
        });
        await arrived(0.6);

        page.on("dialog", (dialog) => dialog.accept());
        await page.reload();
        await ready(page);
        await slow();
        await page.getByText(/arrived before this page was closed/).waitFor();
        await looks(page, "broken-off");
        const before = seen.requests.length;
        const [chooser] = await Promise.all([
          page.waitForEvent("filechooser"),
          page.getByRole("button", { name: "Choose the file again" }).click(),
        ]);
        await chooser.setFiles(file);
        await page
          .locator("#uploads-title")
          .getByText("1 file uploaded", { exact: true })
          .waitFor({ timeout: 300_000 });
        const again = seen.requests.slice(before).filter((url) => url.endsWith("/parts")).length;
        assert.ok(again < (LARGE_MIB / PART_MIB) * 0.6 + 2, `${again} parts were sent after the reload`);
        assert.equal(await page.evaluate(async () => (await indexedDB.databases()).length), 1);
      },
    );
    const { data } = await api.get("files?limit=1");
    assert.deepEqual([data[0].filename, data[0].bytes], ["large.bin", LARGE_MIB * MIB]);
    assert.equal(await digest(await api.content(data[0].id)), await digest(fs.createReadStream(file)));
  },
);

test("another file is not taken for the one that was broken off", async () => {
  const [file, other] = ["first.bin", "other.bin"].map((name) => path.join(scratch, name));
  fs.writeFileSync(file, Buffer.alloc(24 * MIB, 1));
  fs.writeFileSync(other, Buffer.alloc(24 * MIB, 2));
  await opened(
    browser,
    { origin: server.origin, key: server.key, expected: /ERR_ABORTED/ },
    async (page, { context }) => {
      const session = await context.newCDPSession(page);
      await session.send("Network.enable");
      await session.send("Network.emulateNetworkConditions", {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: 8 * MIB,
      });
      await upload(page, file);
      await page.waitForFunction(() => document.querySelector("#transfers progress")?.value > 1e6);
      page.on("dialog", (dialog) => dialog.accept());
      await page.reload();
      const [chooser] = await Promise.all([
        page.waitForEvent("filechooser"),
        page.getByRole("button", { name: "Choose the file again" }).click(),
      ]);
      await chooser.setFiles(other);
      await page.getByText("This is not the file of the upload").waitFor();
      await page.getByRole("button", { name: "Cancel first.bin" }).click();
      await page.reload();
      await ready(page);
      assert.equal(await page.locator("#uploads").isVisible(), false);
    },
  );
});

test("a refused file says why, and the others go on", async () => {
  const [good, bad] = [path.join(scratch, "good.jsonl"), path.join(scratch, "bad.csv")];
  fs.writeFileSync(good, '{"custom_id":"1","method":"POST","url":"/v1/x","body":{}}\nnot JSON\n');
  fs.writeFileSync(bad, "a,b\n");
  await opened(browser, { origin: server.origin, key: server.key, expected: /400/ }, async (page) => {
    await upload(page, [bad, good], "batch");
    await page.getByText("stored with bad lines").waitFor();
    await page.getByText(/Invalid file format for Batch API.* \(request req_[0-9a-f]{32}\)$/).waitFor();
    await looks(page, "refused");
    await page.getByRole("button", { name: "Cancel bad.csv" }).click();
    await page.locator("#transfers").getByRole("link", { name: "good.jsonl" }).click();
    await page.getByRole("heading", { name: "1 bad line" }).waitFor();
  });
});

test("a full workspace says so", async () => {
  server.run("workspaces", "create", "full");
  const key = server.run("keys", "create", "--workspace", "full", "--quiet");
  server.run("limits", "set", "full", "storage_bytes=10");
  const file = path.join(scratch, "too-much.txt");
  fs.writeFileSync(file, "more than ten bytes");
  await opened(browser, { origin: server.origin, key, expected: /400/ }, async (page) => {
    await upload(page, file);
    await page.getByText(/The workspace is full/).waitFor();
  });
});
