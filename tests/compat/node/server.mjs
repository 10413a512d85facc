// The program under test, started for the clients of one test file, with a key.
//
// VENNA_BINARY is the program; VENNA_COMPAT_CERTIFICATE the folder of its certificate, with TLS.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** Imports a package of a folder with node_modules in it. */
export function packageOf(folder, name) {
  return import(pathToFileURL(createRequire(join(folder, 'package.json')).resolve(name)));
}

/** Reads a stream to its end. */
export async function bytesOf(stream) {
  return Buffer.from(await new Response(stream).arrayBuffer());
}

/** Starts the server; gives its URL, a key, a folder for the tests, and what stops it. */
export async function start(name) {
  const binary = process.env.VENNA_BINARY;
  const env = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !variable.startsWith('VENNA_')));
  const folder = mkdtempSync(join(tmpdir(), `venna-compat-${name}-`));
  const dataDir = join(folder, 'data');
  const certificate = process.env.VENNA_COMPAT_CERTIFICATE;
  const tls = certificate ? ['--tls-cert', join(certificate, 'chain.pem'), '--tls-key', join(certificate, 'key.pem')] : [];
  const server = spawn(binary, ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--admin-listen', 'off', ...tls], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let url;
  for await (const line of createInterface({ input: server.stderr })) {
    url = /listening on (\S+)/.exec(line)?.[1];
    if (url) break;
  }
  server.stderr.resume();
  const apiKey = execFileSync(binary, ['keys', 'create', '--quiet', '--data-dir', dataDir], { env, encoding: 'utf8' }).trim();
  const stop = async () => {
    server.kill();
    await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, apiKey, folder, stop };
}
