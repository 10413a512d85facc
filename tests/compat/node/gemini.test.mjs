// Google's client of Gemini for JavaScript, unmodified, on the base path /gemini. It sends its key with every chunk.
//
// VENNA_BINARY is the program under test; GEMINI_SDK_DIR the folder with node_modules/@google/genai in it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { packageOf, start } from './server.mjs';

const { GoogleGenAI } = await packageOf(process.env.GEMINI_SDK_DIR, '@google/genai');
const CHUNK_BYTES = 8 * 1024 * 1024;
let server;
let ai;

const client = (apiKey, baseUrl) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });

before(async () => {
  server = await start('gemini');
  ai = client(server.apiKey, `${server.url}/gemini`);
});

after(() => server.stop());

for (const size of [3, CHUNK_BYTES, CHUNK_BYTES + 5]) {
  test(`a file of ${size} bytes lives`, async () => {
    const content = randomBytes(size);
    const made = await ai.files.upload({ file: new Blob([content]), config: { mimeType: 'application/pdf', displayName: 'é文' } });
    assert.deepEqual([made.sizeBytes, made.mimeType, made.displayName, made.state], [String(size), 'application/pdf', 'é文', 'ACTIVE']);
    assert.deepEqual(await ai.files.get({ name: made.name }), made);
    const path = join(server.folder, 'downloaded');
    await ai.files.download({ file: made, downloadPath: path });
    assert.deepEqual(readFileSync(path), content);
    await ai.files.delete({ name: made.name });
    await assert.rejects(ai.files.get({ name: made.name }), (error) => error.status === 403 && /PERMISSION_DENIED/.test(error.message));
  });
}

test('a path brings its name and type, and a name may be chosen once', async () => {
  const path = join(server.folder, 'notes 1.txt');
  writeFileSync(path, 'notes');
  const made = await ai.files.upload({ file: path, config: { name: 'my-notes' } });
  assert.deepEqual([made.name, made.mimeType, made.sizeBytes], ['files/my-notes', 'text/plain', '5']);
  await assert.rejects(ai.files.upload({ file: path, config: { name: 'my-notes' } }), (error) => error.status === 409);
  await ai.files.delete({ name: 'my-notes' });
});

test('a list goes on by itself', async () => {
  const made = [];
  for (let number = 0; number < 4; number += 1) {
    made.unshift((await ai.files.upload({ file: new Blob(['x']), config: { mimeType: 'text/plain' } })).name);
  }
  const seen = [];
  for await (const file of await ai.files.list({ config: { pageSize: 3 } })) seen.push(file.name);
  assert.deepEqual(seen, made);
});

test('the base path is not needed, and a wrong key opens nothing', async () => {
  const plain = client(server.apiKey, server.url);
  const made = await plain.files.upload({ file: new Blob(['x']), config: { mimeType: 'text/plain' } });
  assert.equal((await plain.files.get({ name: made.name })).sizeBytes, '1');
  await assert.rejects(client('vk_wrong', server.url).files.get({ name: made.name }), (error) => error.status === 401);
});
