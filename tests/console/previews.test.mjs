// The page of a file: its details, previews of each kind, bad lines, damage.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import zlib from "node:zlib";
import { launch, looks, opened, visit } from "./browser.mjs";
import { client, start } from "./server.mjs";

const MAX_LINKS = 200;

let browser;
let server;
let api;
before(async () => {
  browser = await launch();
  server = await start("--max-failed-logins-per-minute", "0");
  api = client(server.origin, server.key);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const request = (number) =>
  JSON.stringify({
    custom_id: `request-${number}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "m", messages: [{ role: "user", content: `Question ${number}` }] },
  });

/** Shows a File, and uses its page. */
async function shown(file, use, expected) {
  await opened(browser, { origin: server.origin, key: server.key, expected }, async (page, { seen }) => {
    await visit(page, `${server.origin}/console/files/${file.id}`);
    await use(page, page.locator("#preview"), seen);
  });
}

function png(width, height) {
  const table = Array.from(
    { length: 256 },
    (_, n) => Array.from({ length: 8 }).reduce((c) => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n) >>> 0,
  );
  const crc = (bytes) =>
    (bytes.reduce((c, byte) => table[(c ^ byte) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
  const chunk = (type, data) => {
    const [body, length, check] = [Buffer.concat([Buffer.from(type), data]), Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, check]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const rows = Buffer.alloc((width * 3 + 1) * height);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", head),
    chunk("IDAT", zlib.deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("details, copy and download", async () => {
  const file = await api.upload("notes.txt", "the notes");
  await shown(file, async (page) => {
    const details = page.locator("#details");
    for (const text of [file.id, file.sha256, "9 B (9 bytes)", "user_data", "never"])
      assert.ok(await details.getByText(text).first().isVisible(), text);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "notes.txt");
    assert.equal(fs.readFileSync(await download.path(), "utf8"), "the notes");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy id", exact: true }).click();
    await page.getByText("Id copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), file.id);
    await looks(page, "file-text");
  });
});

test("a file is shared by a link that is shown once, and revoked", async () => {
  const file = await api.upload("shared.txt", "for everybody");
  await shown(file, async (page, _, seen) => {
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByLabel("The link works for").selectOption("An hour");
    await page.getByRole("button", { name: "Make a link" }).click();
    const field = await page.getByLabel("Link", { exact: true }).elementHandle();
    const url = await field.inputValue();
    assert.equal(await (await fetch(url)).text(), "for everybody");
    await looks(page, "file-link");
    await page.getByRole("button", { name: "Done" }).click();
    await page.locator("dialog").waitFor({ state: "detached" });
    assert.equal(await field.evaluate(({ value }) => value), "", "the link stays nowhere in the page");
    const row = page.getByRole("row").filter({ hasText: "active" });
    await looks(page, "file-links");
    assert.ok(await row.getByRole("button", { name: "Revoke the link of" }).locator("path[d^=M]").isVisible());
    const lists = () => seen.requests.filter((asked) => asked.includes(`/files/${file.id}/links?`)).length;
    const before = lists();
    await row.getByRole("button", { name: "Revoke the link of" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("revoked", { exact: true }).waitFor();
    assert.equal((await fetch(url)).status, 403);
    assert.equal(lists(), before, "the answer of the revocation is the row");
  });
});

test("many links are shown up to a bound, and the page says where the others are", async () => {
  const file = await api.upload("popular.txt", "for everybody");
  for (let number = 0; number < MAX_LINKS; number += 1) await api.post(`files/${file.id}/links`, {});
  await shown(file, async (page) => {
    const [rows, link] = [page.locator("#links tbody tr"), page.locator("#links").getByRole("link", { name: "Links" })];
    assert.deepEqual([await rows.count(), await link.count()], [MAX_LINKS, 0]);
    await api.post(`files/${file.id}/links`, {});
    await page.reload();
    await page.getByText(`These are the newest ${MAX_LINKS} links.`).waitFor();
    assert.equal(await rows.count(), MAX_LINKS);
    await link.click();
    await page.getByRole("heading", { name: "Links", exact: true }).waitFor();
  });
});

test("a file is shown whether or not its links can be listed", async () => {
  const file = await api.upload("alone.txt", "the content");
  await shown(
    file,
    async (page, preview) => {
      const links = page.locator("#links");
      const body = JSON.stringify({ error: { message: "The list failed." } });
      await page.route("**/links?*", (route) => route.fulfill({ status: 500, body }));
      await visit(page, `${server.origin}/console/files/${file.id}`);
      await preview.getByText("the content").waitFor();
      await links.getByRole("alert").getByText("The list failed.").waitFor();
      await page.getByRole("button", { name: "Share" }).click();
      await page.getByRole("button", { name: "Make a link" }).click();
      await page.getByRole("button", { name: "Done" }).click();
      await looks(page, "file-links-failed");
      await page.unroute("**/links?*");
      await links.getByRole("button", { name: "Try again" }).click();
      await links.getByText("active").waitFor();
    },
    /500/,
  );
});

test("a long text is read window by window, and no character is cut", async () => {
  const text = Array.from({ length: 4000 }, (_, number) => `${number} ${"över 🦊 ".repeat(8)}`).join("\n");
  await shown(await api.upload("long.txt", text), async (page, preview) => {
    let read = "";
    const next = preview.getByRole("button", { name: "Next" });
    for (;;) {
      read += await preview.locator("code").textContent();
      if (await next.isDisabled()) break;
      const before = await preview.getByRole("status").innerText();
      await next.click();
      await page.waitForFunction((old) => document.querySelector("#preview [role=status]").innerText !== old, before);
    }
    assert.equal(read, text);
    await preview.getByRole("button", { name: "First" }).click();
    await preview.getByText(/^Bytes 0 to/).waitFor();
    await preview.getByRole("button", { name: "Last" }).click();
    await page.waitForFunction(() => document.querySelector("#preview code").textContent.includes("3999 över"));
  });
});

test("a long text without a line end is read whole, too", async () => {
  const text = "€".repeat(50_000);
  await shown(await api.upload("one-line.txt", text), async (page, preview) => {
    let read = await preview.locator("code").textContent();
    while (!(await preview.getByRole("button", { name: "Next" }).isDisabled())) {
      const before = await preview.getByRole("status").innerText();
      await preview.getByRole("button", { name: "Next" }).click();
      await page.waitForFunction((old) => document.querySelector("#preview [role=status]").innerText !== old, before);
      read += await preview.locator("code").textContent();
    }
    assert.equal(read, text);
  });
});

test("JSON is indented, and stays text", async () => {
  await shown(await api.upload("a.json", '{"a":[1,{"b":"<b>x</b>"}]}'), async (page, preview) => {
    assert.equal(await preview.locator("code").textContent(), JSON.stringify({ a: [1, { b: "<b>x</b>" }] }, null, 2));
  });
});

test("requests of a batch are a table, and its bad lines stand in place", async () => {
  const lines = Array.from({ length: 700 }, (_, number) => request(number));
  [lines[3], lines[500]] = ["not JSON", lines[2]];
  lines[7] = '{"custom_id": "request-7", "method": "POST", "url": "/v1/x", "body": {"model": "m",}}';
  const file = await api.upload("bad.jsonl", `${lines.join("\n")}\n`, "batch");
  assert.equal(file.status, "error");
  await shown(file, async (page, preview) => {
    const faults = page.locator("#faults");
    await faults.getByRole("heading", { name: "3 bad lines" }).waitFor();
    await faults.getByText("not JSON", { exact: true }).waitFor();
    assert.equal(await faults.locator("mark").textContent(), "}");
    assert.ok(await preview.getByRole("columnheader", { name: "custom_id" }).isVisible());
    assert.ok(await preview.getByText("Question 0", { exact: true }).isVisible());
    assert.equal(await preview.locator("tr.fault[data-offset]").count(), 2);
    await looks(page, "file-bad-lines");
    await faults.getByRole("button", { name: "Show in place" }).last().click();
    await page.waitForFunction(() =>
      document.activeElement?.closest("tr")?.nextElementSibling?.textContent.includes("'custom_id' is that of line 3"),
    );
    await page.keyboard.press("Enter");
    await preview.locator("tr.details pre").getByText('"custom_id": "request-2"').waitFor();
  });
});

test("results of a batch and examples of training are tables", async () => {
  const results = [
    {
      custom_id: "1",
      response: { status_code: 200, body: { choices: [{ message: { content: "Yes." } }] } },
      error: null,
    },
    { custom_id: "2", response: null, error: { message: "Too late." } },
  ];
  await shown(
    await api.upload("results.jsonl", results.map((one) => JSON.stringify(one)).join("\n")),
    async (page, preview) => {
      for (const text of ["Yes.", "Too late.", "200"])
        assert.ok(await preview.getByText(text, { exact: true }).isVisible(), text);
    },
  );
  const example = {
    messages: [
      { role: "user", content: "Why?" },
      { role: "assistant", content: "So." },
    ],
  };
  await shown(await api.upload("train.jsonl", JSON.stringify(example), "fine-tune"), async (page, preview) => {
    for (const text of ["Why?", "So."]) assert.ok(await preview.getByText(text, { exact: true }).isVisible(), text);
  });
});

test("comma-separated values are a table, with quotes and line ends in cells", async () => {
  const rows = Array.from({ length: 800 }, (_, number) => `"Ada, ${number}","said ""hi""\nand left"\r\n`);
  await shown(await api.upload("people.csv", `name,words\r\n${rows.join("")}`), async (page, preview) => {
    let seen = 0;
    for (;;) {
      const cells = await preview
        .locator("tbody tr")
        .evaluateAll((list) => list.map((row) => [...row.cells].map((cell) => cell.textContent)));
      for (const cell of cells) assert.deepEqual(cell, [`Ada, ${seen++}`, 'said "hi"\nand left']);
      if (seen >= 800) break;
      await preview.getByRole("button", { name: "Next" }).click();
      await page.waitForFunction(
        (text) => document.querySelector("#preview tbody td").textContent === text,
        `Ada, ${seen}`,
      );
    }
    assert.deepEqual(await preview.locator("thead th").allTextContents(), ["name", "words"]);
    await looks(page, "file-csv");
  });
});

test("an image is shown, and what only says so is not", async () => {
  await shown(await api.upload("red.png", png(30, 20), "vision"), async (page, preview) => {
    await preview.getByText("30 × 20 pixels").waitFor();
    assert.match(await preview.locator("img").getAttribute("src"), /^blob:/);
    await looks(page, "file-image");
  });
  await shown(await api.upload("fake.png", "<svg onload=alert(1)>", "vision"), async (page, preview) => {
    await preview.getByText("The content is not what the name says.").waitFor();
    assert.equal(await preview.locator("img").count(), 0);
  });
});

test("a PDF document is framed as such, and a page that says to be one is not", async () => {
  const pdf =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\ntrailer<</Root 1 0 R>>\n";
  const file = await api.upload("paper.pdf", pdf);
  await opened(browser, { origin: server.origin, key: server.key }, async (page) => {
    await page.addInitScript(() => {
      const create = URL.createObjectURL;
      URL.createObjectURL = (blob) => {
        globalThis.framedType = blob.type;
        return create(blob);
      };
    });
    await visit(page, `${server.origin}/console/files/${file.id}`);
    assert.match(await page.locator("#preview iframe").getAttribute("src"), /^blob:/);
    assert.equal(await page.evaluate(() => globalThis.framedType), "application/pdf");
  });
  await shown(await api.upload("fake.pdf", "<script>document.title='owned'</script>"), async (page, preview) => {
    await preview.getByText("The content is not what the name says.").waitFor();
    assert.equal(await preview.locator("iframe").count(), 0);
  });
});

test("a damaged file says so, and the rest of the page is there", async () => {
  const file = await api.upload("damaged.txt", "a line of a text that is stored as a blob\n".repeat(50_000));
  for (const name of fs.readdirSync(path.join(server.data, "blobs"), { recursive: true })) {
    const blob = path.join(server.data, "blobs", name);
    if (!fs.statSync(blob).isFile() || fs.statSync(blob).size < file.bytes) continue;
    const handle = fs.openSync(blob, "r+");
    fs.writeSync(handle, "X", 1000);
    fs.closeSync(handle);
  }
  await shown(
    file,
    async (page) => {
      await page.getByRole("heading", { name: "This file is damaged" }).waitFor();
      await page.locator("#details").getByText(file.id).waitFor();
      await looks(page, "file-damaged");
    },
    /500/,
  );
});

test("no preview of other bytes, of an empty file, and of one that is gone", async () => {
  await shown(await api.upload("model.bin", new Uint8Array(5000)), (page, preview) =>
    preview.getByText("Its content is not text.").waitFor(),
  );
  await shown(await api.upload("empty.txt", ""), (page, preview) =>
    preview.getByText("There is no content to show.").waitFor(),
  );
  await shown(
    { id: "file-000000000000000000000000" },
    async (page) => {
      await page.getByRole("heading", { name: "This was not found" }).waitFor();
      await looks(page, "file-missing");
    },
    /404/,
  );
});
