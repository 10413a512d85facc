// Anthropic's client for JavaScript, unmodified, on the base path /anthropic.
//
// VENNA_BINARY is the program under test; ANTHROPIC_SDK_DIR the folder with node_modules/@anthropic-ai/sdk in it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bytesOf, packageOf, start } from './server.mjs';

const { default: Anthropic, toFile } = await packageOf(process.env.ANTHROPIC_SDK_DIR, '@anthropic-ai/sdk');
let server;
let client;

before(async () => {
  server = await start('anthropic');
  client = new Anthropic({ apiKey: server.apiKey, baseURL: `${server.url}/anthropic`, maxRetries: 0 });
});

after(() => server.stop());

test('a file lives', async () => {
  const content = randomBytes(2_000_000);
  const file = await toFile(content, 'é文.pdf', { type: 'application/pdf' });
  const made = await client.files.upload({ file, expires_in_seconds: 7200 });
  assert.deepEqual([made.filename, made.size_bytes, made.mime_type, made.type], ['é文.pdf', content.length, 'application/pdf', 'file']);
  assert.equal(new Date(made.expires_at) - new Date(made.created_at), 7_200_000);
  assert.deepEqual(await client.files.retrieveMetadata(made.id), made);
  const downloaded = await client.files.download(made.id);
  assert.deepEqual(await bytesOf(downloaded.body), content);
  assert.equal((await client.files.delete(made.id)).type, 'file_deleted');
  await assert.rejects(client.files.retrieveMetadata(made.id), (error) => {
    assert.equal(error.status, 404);
    return error instanceof Anthropic.NotFoundError && error.requestID.startsWith('req_');
  });
});

test('a stream from the disk is a file', async () => {
  const path = join(server.folder, 'notes.txt');
  writeFileSync(path, 'notes');
  const made = await client.files.upload({ file: createReadStream(path) });
  assert.deepEqual([made.filename, made.size_bytes, made.mime_type], ['notes.txt', 5, 'text/plain']);
});

test('a list goes on by itself', async () => {
  const made = [];
  for (let number = 0; number < 5; number += 1) {
    made.unshift((await client.files.upload({ file: await toFile(Buffer.from('x'), `${number}.txt`) })).id);
  }
  const seen = [];
  for await (const file of client.files.list({ limit: 2 })) seen.push(file.id);
  assert.deepEqual(seen.slice(0, 5), made);
  const some = await client.files.list({ ids: [made[3], made[0]] });
  assert.deepEqual(some.data.map((file) => file.id), [made[0], made[3]]);
});

test('what is not valid is refused', async () => {
  const file = await toFile(Buffer.from('x'), 'a.txt');
  await assert.rejects(client.files.upload({ file, expires_in_seconds: 1 }), Anthropic.BadRequestError);
  const stranger = new Anthropic({ apiKey: 'vk_wrong', baseURL: `${server.url}/anthropic`, maxRetries: 0 });
  await assert.rejects(async () => stranger.files.list(), Anthropic.AuthenticationError);
});
