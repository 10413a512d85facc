// Sends a form with the progress of its body, which `fetch` does not tell, and repeats what may succeed later.
import { api, headersOf, noted } from "../core/api.js";
import { lost, reached, whenOnline } from "../core/network.js";
import { paced } from "../core/pace.js";
import { ApiError, offlineError, problem } from "../core/problem.js";
import { delay } from "../core/time.js";

const MAX_TRIES = 8;
const MAX_PACED_TRIES = 200;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/**
 * Sends a form once.
 * @param {string} path below `/v1`
 * @param {FormData} form
 * @param {{key: string, signal: AbortSignal, onProgress: (bytes: number) => void}} options
 */
function once(path, form, { key, signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    const stop = () => sending.abort();
    const end = (settle, value) => {
      signal.removeEventListener("abort", stop);
      settle(value);
    };
    sending.open("POST", api(path));
    for (const [name, value] of Object.entries(headersOf("POST", api(path), { "idempotency-key": key })))
      sending.setRequestHeader(name, value);
    sending.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
    sending.addEventListener("abort", () => end(reject, signal.reason));
    sending.addEventListener("error", () => {
      lost();
      end(reject, offlineError());
    });
    sending.addEventListener("load", () => {
      reached();
      if (sending.status >= 200 && sending.status < 300) end(resolve, JSON.parse(sending.responseText));
      else
        end(
          reject,
          problem(sending.status, (name) => sending.getResponseHeader(name), sending.responseText),
        );
    });
    signal.addEventListener("abort", stop, { once: true });
    sending.send(form);
  });
}

export const send = (path, form, options) => patiently(() => once(path, form, options), options.signal);

/** Repeats a step while the network, the pace or the server asks for it. */
export async function patiently(step, signal) {
  for (let [tries, waits] = [1, 1]; ;) {
    await whenOnline(signal);
    await paced(signal);
    signal.throwIfAborted();
    try {
      return await step();
    } catch (error) {
      if (signal.aborted || !(error instanceof ApiError)) throw error;
      noted(error);
      if (error.isPaced) waits += 1;
      else tries += 1;
      if (!error.isTransient || tries > MAX_TRIES || waits > MAX_PACED_TRIES) throw error;
      if (error.status !== 0 && !error.isPaced)
        await delay(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries), signal);
    }
  }
}

/** Returns a key under which a repeated request takes effect once. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
