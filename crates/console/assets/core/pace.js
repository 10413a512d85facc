// The pace that the server asks for with 429: every request waits until it is over.
import { delay } from "./time.js";

const SPREAD_MS = 1000;

const listeners = new Set();
let until = 0;

/** Calls the listener with the time in milliseconds until which requests wait. */
export function onPace(listener) {
  listeners.add(listener);
}

export function slowDown(seconds) {
  until = Math.max(until, Date.now() + seconds * 1000);
  listeners.forEach((listener) => listener(until));
}

/** Resolves when requests may be sent. Those that waited go on one after the other, not all at once. */
export async function paced(signal) {
  while (Date.now() < until) await delay(until - Date.now() + Math.random() * SPREAD_MS, signal);
}
