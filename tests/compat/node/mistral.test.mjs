// Mistral's client for JavaScript, unmodified, on the base path /mistral. It writes the file before the other fields.
//
// VENNA_BINARY is the program under test; MISTRAL_SDK_DIR the folder with node_modules/@mistralai/mistralai in it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { openAsBlob, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bytesOf, packageOf, start } from './server.mjs';

const { Mistral } = await packageOf(process.env.MISTRAL_SDK_DIR, '@mistralai/mistralai');
let server;
let client;

before(async () => {
  server = await start('mistral');
  client = new Mistral({ apiKey: server.apiKey, serverURL: `${server.url}/mistral` });
});

after(() => server.stop());

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
  const path = join(server.folder, 'notes.txt');
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
