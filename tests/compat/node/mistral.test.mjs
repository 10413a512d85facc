// Mistral's client for JavaScript, unmodified, on the base path /mistral. It writes the file before the other fields.
//
// VENNA_BINARY is the program under test; MISTRAL_SDK_DIR the folder with node_modules/@mistralai/mistralai in it.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const { resolve } = createRequire(join(process.env.MISTRAL_SDK_DIR, 'package.json'));
const { Mistral } = await import(pathToFileURL(resolve('@mistralai/mistralai')));
const binary = process.env.VENNA_BINARY;
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VENNA_')));
const folder = mkdtempSync(join(tmpdir(), 'venna-compat-mistral-'));
const dataDir = join(folder, 'data');
const certificate = process.env.VENNA_COMPAT_CERTIFICATE;
const tls = certificate ? ['--tls-cert', join(certificate, 'chain.pem'), '--tls-key', join(certificate, 'key.pem')] : [];
let server;
let client;

async function bytesOf(stream) {
  return Buffer.from(await new Response(stream).arrayBuffer());
}

before(async () => {
  server = spawn(binary, ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--admin-listen', 'off', ...tls], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: server.stderr })) {
    const url = /listening on (\S+)/.exec(line)?.[1];
    if (!url) continue;
    const apiKey = execFileSync(binary, ['keys', 'create', '--quiet', '--data-dir', dataDir], { env: environment, encoding: 'utf8' }).trim();
    client = new Mistral({ apiKey, serverURL: `${url}/mistral` });
    break;
  }
  server.stderr.resume();
});

after(async () => {
  server.kill();
  await once(server, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

test('a file lives', async () => {
  const content = randomBytes(2_000_000);
  const made = await client.files.upload({ file: { fileName: 'é文.pdf', content }, purpose: 'ocr', expiry: 2 });
  assert.deepEqual([made.filename, made.sizeBytes, made.purpose, made.mimetype], ['é文.pdf', content.length, 'ocr', 'application/pdf']);
  assert.equal(made.expiresAt, made.createdAt + 7200);
  const again = await client.files.retrieve({ fileId: made.id });
  assert.deepEqual([again.id, again.deleted], [made.id, false]);
  assert.deepEqual(await bytesOf(await client.files.download({ fileId: made.id })), content);
  const { url } = await client.files.getSignedUrl({ fileId: made.id, expiry: 1 });
  assert.deepEqual(await bytesOf((await fetch(url)).body), content);
  assert.deepEqual((await client.files.delete({ fileId: made.id })).deleted, true);
  await assert.rejects(client.files.retrieve({ fileId: made.id }), (error) => error.statusCode === 404 && error.body.startsWith('{"detail":'));
});

test('a blob from the disk is a file', async () => {
  const path = join(folder, 'notes.txt');
  writeFileSync(path, 'notes');
  const made = await client.files.upload({ file: await openAsBlob(path) });
  assert.equal(made.sizeBytes, 5);
  const listed = await client.files.list({ pageSize: 1, search: made.filename });
  assert.deepEqual([listed.total, listed.data[0].id], [1, made.id]);
});

test('what is not valid is refused', async () => {
  const file = { fileName: 'a.txt', content: Buffer.from('no lines') };
  await assert.rejects(client.files.upload({ file, purpose: 'batch' }), (error) => error.statusCode === 422);
  await assert.rejects(client.files.upload({ file, visibility: 'user' }), (error) => error.statusCode === 422);
  assert.equal((await client.files.list({ purpose: 'batch' })).total, 0);
});
