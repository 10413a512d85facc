// The official openai-node, unmodified, in both generations that are in use: one source file, run once per SDK.
//
// Proves the five operations, byte equality for streams and buffers, both field orders (Node writes the form in the
// caller's key order, contract section 8.1), paging, error classes and file names. Contract sections 1.3, 2 to 8.
//
// VENNA_BINARY is the program under test; OPENAI_SDK_DIR the folder with node_modules/openai in it.

import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';

const sdk = createRequire(join(process.env.OPENAI_SDK_DIR, 'package.json'));
const { default: OpenAI, toFile } = sdk('openai');
const binary = process.env.VENNA_BINARY;
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VENNA_')));

const folder = mkdtempSync(join(tmpdir(), 'venna-compat-node-'));
const dataDir = join(folder, 'data');
const MIB = 1024 * 1024;
const BYTES = patternOf(3 * MIB + 17);
const BATCH_LINE = JSON.stringify({ custom_id: 'r1', method: 'POST', url: '/v1/chat/completions', body: { model: 'm' } }) + '\n';
const certificate = process.env.VENNA_COMPAT_CERTIFICATE;
const tls = certificate ? ['--tls-cert', join(certificate, 'chain.pem'), '--tls-key', join(certificate, 'key.pem')] : [];
let server;
let baseURL;

/** Deterministic bytes without a period that a mistake could hide in. */
function patternOf(size) {
  const blocks = [];
  for (let number = 0; blocks.length * 32 < size; number++) blocks.push(createHash('sha256').update(`block ${number}`).digest());
  return Buffer.concat(blocks).subarray(0, size);
}

function command(...words) {
  return execFileSync(binary, [...words, '--data-dir', dataDir], { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** A caller in a workspace of its own. */
function arrive(name) {
  command('workspaces', 'create', name);
  return new OpenAI({ baseURL, apiKey: command('keys', 'create', '--workspace', name, '--quiet') });
}

function fileOnDisk(name, content) {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function contentOf(client, id) {
  const response = await client.files.content(id);
  return Buffer.from(await response.arrayBuffer());
}

async function refusalOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail('the call was not refused');
}

async function idsOf(pages) {
  const ids = [];
  for await (const file of pages) assert.ok(ids.push(file.id) < 1000, 'the list does not end');
  return ids;
}

before(async () => {
  server = spawn(binary, ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--admin-listen', 'off', ...tls], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said = [];
  baseURL = await new Promise((resolve, reject) => {
    createInterface({ input: server.stderr }).on('line', (line) => {
      said.push(line);
      const found = /listening on (https?:\/\/[^\s"]+)/.exec(line);
      if (found) resolve(found[1].replace(/\/$/, '') + '/v1');
    });
    server.on('exit', (code) => reject(new Error(`the server left with ${code}:\n${said.join('\n')}`)));
    setTimeout(() => reject(new Error(`the server never said where it listens:\n${said.join('\n')}`)), 30_000).unref();
  });
});

after(async () => {
  if (server && server.exitCode === null) {
    const gone = new Promise((resolve) => server.on('exit', resolve));
    server.kill('SIGTERM');
    const late = setTimeout(() => server.kill('SIGKILL'), 30_000);
    await gone;
    clearTimeout(late);
  }
  rmSync(folder, { recursive: true, force: true });
});

describe(`openai-node ${sdk('openai/version').VERSION} under Node ${process.version}`, () => {
  const KEY_ORDERS = { 'file first': (file, purpose) => ({ file, purpose }), 'purpose first': (file, purpose) => ({ purpose, file }) };
  const SOURCES = {
    'a stream': (name, content) => createReadStream(fileOnDisk(name, content)),
    'a buffer': (name, content) => toFile(content, name),
    'a web File': (name, content) => new File([content], name),
  };

  for (const [orderName, order] of Object.entries(KEY_ORDERS)) {
    for (const [sourceName, source] of Object.entries(SOURCES)) {
      test(`${sourceName}, ${orderName}: created, listed, retrieved, downloaded, deleted`, async () => {
        const ada = arrive(`ada, ${sourceName}, ${orderName}`);
        const created = await ada.files.create(order(await source('report.bin', BYTES), 'user_data'));
        assert.equal(created.object, 'file');
        assert.match(created.id, /^file-[0-9A-Za-z]{24}$/);
        assert.deepEqual([created.bytes, created.filename, created.purpose, created.status], [BYTES.length, 'report.bin', 'user_data', 'processed']);
        assert.deepEqual(await ada.files.retrieve(created.id), created);
        assert.deepEqual((await ada.files.list()).data, [created]);
        assert.ok((await contentOf(ada, created.id)).equals(BYTES));
        assert.deepEqual(await ada.files.delete(created.id), { object: 'file', deleted: true, id: created.id });
        assert.equal((await refusalOf(ada.files.retrieve(created.id))).status, 404);
        assert.deepEqual((await ada.files.list()).data, []);
      });
    }

    for (const size of [0, 1, 256 * 1024, MIB]) {
      test(`${size} bytes from a stream and a buffer, ${orderName}`, async () => {
        const ada = arrive(`ada, ${size}, ${orderName}`);
        const content = BYTES.subarray(0, size);
        for (const source of [SOURCES['a stream'], SOURCES['a buffer']]) {
          const created = await ada.files.create(order(await source(`${size}.bin`, content), 'vision'));
          assert.equal(created.bytes, size);
          assert.ok((await contentOf(ada, created.id)).equals(content));
        }
      });
    }
  }

  test('every purpose', async () => {
    const ada = arrive('ada, every purpose');
    for (const purpose of ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals']) {
      const created = await ada.files.create({ purpose, file: await toFile(Buffer.from(BATCH_LINE), 'lines.jsonl') });
      assert.deepEqual([created.purpose, created.status], [purpose, 'processed']);
      assert.equal(created.expires_at, purpose === 'batch' ? created.created_at + 2592000 : null);
      assert.deepEqual(await idsOf(ada.files.list({ purpose })), [created.id]);
    }
  });

  test('expires_after goes out in brackets and is honoured, also behind the file', async () => {
    const ada = arrive('ada, expiry');
    const expires_after = { anchor: 'created_at', seconds: 3600 };
    for (const form of [
      { file: await toFile(Buffer.from('x'), 'x.txt'), purpose: 'batch', expires_after },
      { expires_after, purpose: 'user_data', file: await toFile(Buffer.from('x'), 'x.txt') },
    ]) {
      if (form.purpose === 'batch') form.file = await toFile(Buffer.from(BATCH_LINE), 'x.jsonl');
      const created = await ada.files.create(form);
      assert.equal(created.expires_at, created.created_at + 3600);
    }
  });

  test('a name keeps every character', async () => {
    const ada = arrive('ada, names');
    for (const name of ['你好.txt', 'naïve café.txt', 'смета №5.xlsx', '🗂️ plan.md', 'a "quoted" name.txt', '100% done.txt', 'a;b=c.txt']) {
      const buffered = await ada.files.create({ file: await toFile(Buffer.from('x'), name), purpose: 'user_data' });
      assert.equal(buffered.filename, name);
      const streamed = await ada.files.create({ file: createReadStream(fileOnDisk(name, 'x')), purpose: 'user_data' });
      assert.equal(streamed.filename, name);
    }
  });

  test('auto-paging visits each file once, in both orders', async () => {
    const ada = arrive('ada, paging');
    const created = [];
    for (let number = 0; number < 7; number++) {
      created.push((await ada.files.create({ file: await toFile(Buffer.from(`${number}`), `${number}.txt`), purpose: 'user_data' })).id);
    }
    for (const limit of [1, 2, 3, 7]) {
      assert.deepEqual(await idsOf(ada.files.list({ limit, order: 'asc' })), created);
      assert.deepEqual(await idsOf(ada.files.list({ limit, order: 'desc' })), created.toReversed());
    }
    await ada.files.delete(created[3]);
    assert.deepEqual(await idsOf(ada.files.list({ limit: 2, order: 'asc', after: created[3] })), created.slice(4));
    const pages = [];
    for await (const page of (await ada.files.list({ limit: 4 })).iterPages()) assert.ok(pages.push(page.data.length) < 100, 'the pages do not end');
    assert.deepEqual(pages, [4, 2]);
  });

  test('waiting for processing ends at once', async () => {
    const ada = arrive('ada, waiting');
    const created = await ada.files.create({ file: await toFile(Buffer.from(BATCH_LINE), 'x.jsonl'), purpose: 'batch' });
    const waited = await ada.files.waitForProcessing(created.id, { pollInterval: 5000, maxWait: 4000 });
    assert.equal(waited.status, 'processed');
  });

  test('a range and a streamed download', async () => {
    const ada = arrive('ada, ranges');
    const created = await ada.files.create({ file: await toFile(BYTES, 'b.bin'), purpose: 'user_data' });
    const part = await ada.files.content(created.id, { headers: { Range: 'bytes=1000-1999' } });
    assert.equal(part.status, 206);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(BYTES.subarray(1000, 2000)));
    const hash = createHash('sha256');
    for await (const piece of (await ada.files.content(created.id)).body) hash.update(piece);
    assert.equal(hash.digest('hex'), createHash('sha256').update(BYTES).digest('hex'));
  });

  test('errors have the class, status, code, param and request id that they should', async () => {
    const ada = arrive('ada, errors');
    const stranger = new OpenAI({ baseURL, apiKey: 'vk_wrong' });
    const x = await toFile(Buffer.from('x'), 'x.txt');
    const refusals = [
      [() => ada.files.create({ file: x, purpose: 'poetry' }), OpenAI.BadRequestError, 400, null, 'purpose', /'poetry' is not one of \['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'\] - 'purpose'/],
      [() => ada.files.list({ limit: 0 }), OpenAI.BadRequestError, 400, 'integer_below_min_value', 'limit', /Expected a value >= 1, but got 0 instead/],
      [() => stranger.files.list(), OpenAI.AuthenticationError, 401, 'invalid_api_key', null, /Incorrect API key provided/],
      [() => ada.files.retrieve('file-none'), OpenAI.NotFoundError, 404, null, 'id', /No such File object: file-none/],
      [() => ada.files.content('file-none'), OpenAI.NotFoundError, 404, null, 'id', /No such File object: file-none/],
      [() => ada.files.delete('file-none'), OpenAI.NotFoundError, 404, null, 'id', /No such File object: file-none/],
      [() => ada.embeddings.create({ model: 'm', input: 'x' }), OpenAI.InternalServerError, 501, 'not_implemented', null, /Endpoint 'POST \/v1\/embeddings' is not implemented yet on Venna gateway/],
    ];
    for (const [call, kind, status, code, param, message] of refusals) {
      const error = await refusalOf(call());
      assert.ok(error instanceof kind, `${error}`);
      assert.deepEqual([error.status, error.code, error.param], [status, code, param], `${error}`);
      assert.match(error.message, message);
      assert.match(error.requestID, /^req_[0-9a-f]{32}$/);
    }
  });

  test('many uploads and downloads side by side stay apart', async () => {
    const ada = arrive('ada, crowd');
    await Promise.all(
      Array.from({ length: 12 }, async (_, number) => {
        const content = BYTES.subarray(number, number + 200_000 + number);
        const created = await ada.files.create({ file: await toFile(content, `${number}.bin`), purpose: 'user_data' });
        assert.ok((await contentOf(ada, created.id)).equals(content), `file ${number}`);
      }),
    );
    assert.equal((await idsOf(ada.files.list({ limit: 5 }))).length, 12);
  });
});
