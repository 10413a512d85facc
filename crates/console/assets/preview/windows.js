// A long text, read window by window: each begins and ends at a boundary of lines or records.
import { range } from "./bytes.js";

const NEWLINE = 10;
const CONTINUATION = 0x80;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * @typedef {{from: number, to: number, text: string}} Window a piece of the text and its place in bytes
 * @typedef {(text: string, isEnd: boolean) => number} Cut returns the number of characters that are whole records; the last one is a newline
 */
export class Windows {
  #id;
  #total;
  #length;
  #cut;

  /** @param {{id: string, total: number, length: number, cut: Cut}} of `length` is that of a window, in bytes */
  constructor({ id, total, length, cut }) {
    [this.#id, this.#total, this.#length, this.#cut] = [id, total, length, cut];
  }

  /** Reads the window from a boundary on. @returns {Promise<Window>} */
  async from(from, signal) {
    const until = Math.min(this.#total, from + this.#length);
    const bytes = await range(this.#id, from, until, signal);
    const whole = until === this.#total ? bytes : bytes.subarray(0, characters(bytes));
    const text = decoder.decode(whole);
    const kept = this.#cut(text, until === this.#total);
    const cut = kept > 0 && kept < text.length ? text.slice(0, kept) : text;
    const to = from + (cut === text ? whole.length : behindNewlines(whole, cut.split("\n").length - 1));
    return { from, to, text: cut.replace(/^\ufeff/, "") };
  }

  /** Reads the last window, from the first boundary of a line on. */
  async last(signal) {
    const from = Math.max(0, this.#total - this.#length);
    if (from === 0) return this.from(0, signal);
    const bytes = await range(this.#id, from, this.#total, signal);
    const newline = bytes.indexOf(NEWLINE);
    const skipped = newline >= 0 && newline + 1 < bytes.length ? newline + 1 : beginning(bytes);
    return { from: from + skipped, to: this.#total, text: decoder.decode(bytes.subarray(skipped)) };
  }
}

/** Returns the place behind the newline of this number; bytes that are not UTF-8 cannot hide a newline. */
function behindNewlines(bytes, number) {
  let at = 0;
  for (let found = 0; found < number; found += 1) at = bytes.indexOf(NEWLINE, at) + 1;
  return at;
}

/** Returns the length without a character that the end cuts. */
function characters(bytes) {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back];
    if ((byte & 0xc0) === CONTINUATION) continue;
    const needed = byte < CONTINUATION ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return needed > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function beginning(bytes) {
  const at = bytes.findIndex((byte) => (byte & 0xc0) !== CONTINUATION);
  return Math.max(0, at);
}

/** Cuts behind the last whole line, and behind `most` lines. */
export function lines(most = Infinity) {
  return (text, isEnd) => {
    let [at, number] = [0, 0];
    for (let next = text.indexOf("\n"); next >= 0 && number < most; next = text.indexOf("\n", at))
      [at, number] = [next + 1, number + 1];
    return isEnd && number < most ? text.length : at;
  };
}
