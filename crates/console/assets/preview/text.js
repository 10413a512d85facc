// A text, as it is.
import { el } from "../core/dom.js";
import { pager } from "./pager.js";
import { Windows, lines } from "./windows.js";

const KIB = 1024;
const WINDOW_BYTES = 64 * KIB;
const MAX_PRETTY_BYTES = 1024 * KIB;

const shown = (text) => el("pre", { tabindex: "0", role: "group", "aria-label": "Content" }, el("code", {}, text));

/** Shows a text window by window. */
export function text(place, { id, bytes: total }) {
  const windows = new Windows({ id, total, length: WINDOW_BYTES, cut: lines() });
  return pager(place, { windows, total, draw: (into, window) => into.append(shown(window.text)) });
}

/** Shows a JSON document with indents; a large or broken one as it is. */
export async function json(place, file) {
  if (file.bytes > MAX_PRETTY_BYTES) return text(place, file);
  const windows = new Windows({ id: file.id, total: file.bytes, length: MAX_PRETTY_BYTES, cut: lines() });
  return pager(place, { windows, total: file.bytes, draw: (into, window) => into.append(shown(pretty(window.text))) });
}

export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
