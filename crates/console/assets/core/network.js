// The state of the network: whether the server is reached, and the wait until it is again.
import { at } from "./root.js";
import { delay } from "./time.js";

const CHECK_MS = 2000;

const listeners = new Set();
let offline = false;
let waiting = [];

export const isOffline = () => offline;

/** Calls the listener with true when the network is lost, and with false when it is back. */
export function onNetwork(listener) {
  listeners.add(listener);
}

/** Notes that a request did not reach the server. */
export function lost() {
  if (offline) return;
  offline = true;
  listeners.forEach((listener) => listener(true));
  check();
}

/** Notes that the server answered. */
export function reached() {
  if (!offline) return;
  offline = false;
  listeners.forEach((listener) => listener(false));
  waiting.forEach((resume) => resume());
  waiting = [];
}

/** Resolves when the server is reached. */
export function whenOnline(signal) {
  if (!offline) return Promise.resolve();
  return new Promise((resolve, reject) => {
    waiting.push(resolve);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function probe() {
  try {
    await fetch(at("healthz"), { cache: "no-store", method: "HEAD" });
    reached();
  } catch {
    /* still offline */
  }
}

async function check() {
  while (offline) {
    await delay(CHECK_MS);
    if (navigator.onLine) await probe();
  }
}

addEventListener("offline", lost);
addEventListener("online", probe);
