// Comma-separated values as a table (RFC 4180).
import { el } from "../core/dom.js";
import { pager } from "./pager.js";
import { Windows } from "./windows.js";

const WINDOW_BYTES = 128 * 1024;
const MAX_ROWS = 300;
const MAX_COLUMNS = 50;

/** Reads records; returns them and the number of characters up to the end of the last whole one. */
export function records(text, separator, isEnd) {
  const rows = [];
  let [row, cell, quoted, whole, at] = [[], "", false, 0, 0];
  const endRow = () => {
    row.push(cell);
    rows.push(row);
    [row, cell, whole] = [[], "", at];
  };
  while (at < text.length && rows.length < MAX_ROWS) {
    const character = text[at];
    at += 1;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[at] === '"') [cell, at] = [cell + '"', at + 1];
      else quoted = false;
    } else if (character === '"' && cell === "") {
      quoted = true;
    } else if (character === separator) {
      row.push(cell);
      cell = "";
    } else if (character === "\n") {
      if (cell.endsWith("\r")) cell = cell.slice(0, -1);
      endRow();
    } else {
      cell += character;
    }
  }
  if (isEnd && at === text.length && (cell || row.length > 0)) endRow();
  return { rows, whole };
}

/** Shows the records of a File; the first one has the names of the columns. */
export function csv(place, { id, bytes: total }, separator) {
  const cut = (text, isEnd) => records(text, separator, isEnd).whole;
  const windows = new Windows({ id, total, length: WINDOW_BYTES, cut });
  let head = null;
  return pager(place, {
    windows,
    total,
    draw: (into, { from, text }) => {
      const { rows } = records(text, separator, true);
      if (from === 0) head = rows.shift() ?? [];
      into.append(table(head ?? [], rows));
    },
  });
}

function table(head, rows) {
  const width = Math.min(MAX_COLUMNS, Math.max(head.length, ...rows.map((row) => row.length)));
  const columns = Array.from({ length: width }, (_, index) => index);
  const cell = (name, text, attributes = {}) => el(name, attributes, el("div", { class: "cell" }, el("bdi", {}, text)));
  return el(
    "div",
    { class: "table preview-table", tabindex: "0", role: "group", "aria-label": "Records" },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el("tr", {}, ...columns.map((index) => cell("th", head[index] ?? `Column ${index + 1}`, { scope: "col" }))),
      ),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...columns.map((index) => cell("td", row[index] ?? ""))))),
    ),
  );
}
