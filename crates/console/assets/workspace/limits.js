// Limits in words, and bars of what is used of them.
import { el } from "../core/dom.js";
import { factList } from "../core/table.js";
import { count, dollars, plural, size } from "../core/format.js";

const NEARLY = 0.9;

export const LIMITS = [
  ["storage_bytes", "Stored bytes", size],
  ["max_files", "Stored files", (value) => plural(value, "file")],
  ["monthly_spend_cents", "Spend in a month", (value) => dollars(value / 100)],
  ["concurrent_uploads", "Uploads at once", count],
  ["requests_per_minute", "Requests per minute", count],
  ["uploads_per_minute", "Uploads per minute", count],
];

/** Builds a tile: a figure, and a bar if there is a limit. */
export function tile(title, value, { used = null, limit = null, note = "", kind = null } = {}) {
  const part = limit ? used / limit : 0;
  const tone = kind ?? (part >= 1 ? "bad" : part >= NEARLY ? "warn" : "");
  return el(
    "div",
    { class: `tile ${tone}` },
    el("p", { class: "tile-title" }, title),
    el("p", { class: "figure" }, value),
    limit !== null &&
      el("progress", {
        max: Math.max(1, limit),
        value: Math.min(used, limit),
        "aria-label": `${title}, ${Math.round(part * 100)} % used`,
      }),
    note && el("p", { class: "quiet" }, note),
  );
}

/** Builds the list of limits. */
export function limitList(limits) {
  const rows = LIMITS.map(([name, title, words]) => [
    title,
    limits[name] === null || limits[name] === undefined ? "no limit" : words(limits[name]),
  ]);
  for (const [purpose, bytes] of Object.entries(limits.file_bytes ?? {}))
    rows.push([`Size of a file, ${purpose}`, size(bytes)]);
  return factList(rows);
}
