// JSON Lines as a table: requests of a batch, its results, examples, or any objects. Bad lines are marked where they stand.
import { el } from "../core/dom.js";
import { count } from "../core/format.js";
import { icon } from "../core/icons.js";
import { pager } from "./pager.js";
import { columnsOf } from "./shapes.js";
import { pretty } from "./text.js";
import { Windows, lines } from "./windows.js";

const WINDOW_BYTES = 256 * 1024;
const MAX_ROWS = 200;
const encoder = new TextEncoder();

/**
 * Shows lines as a table.
 * @param {{line: number, offset: number, reason: string}[]} faults the bad lines of the File
 */
export function jsonl(place, { id, bytes: total }, faults) {
  const windows = new Windows({ id, total, length: WINDOW_BYTES, cut: lines(MAX_ROWS) });
  const byOffset = new Map(faults.map((fault) => [fault.offset, fault]));
  return pager(place, { windows, total, draw: (into, window) => into.append(table(parsed(window), byOffset)) });
}

/** Splits a window into lines with their places; numbers are known from the beginning of the file only. */
function parsed({ from, text }) {
  const rows = [];
  let offset = from;
  const mark = from === 0 && text.charCodeAt(0) === 0xfeff ? 3 : 0;
  offset += mark;
  for (const [index, line] of text.replace(/\n$/, "").split("\n").entries()) {
    if (line.trim()) rows.push({ number: from === 0 ? index + 1 : null, offset, line, value: valueOf(line) });
    offset += encoder.encode(line).length + 1;
  }
  return rows;
}

function valueOf(line) {
  try {
    const value = JSON.parse(line);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function table(rows, faults) {
  const columns = columnsOf(rows.map(({ value }) => value).filter(Boolean));
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Line"),
    ...columns.map(({ title }) => el("th", { scope: "col" }, title)),
  );
  return el(
    "div",
    { class: "table preview-table", tabindex: "0", role: "group", "aria-label": "Lines" },
    el(
      "table",
      {},
      el("thead", {}, head),
      el("tbody", {}, ...rows.flatMap((one) => row(one, columns, faults.get(one.offset)))),
    ),
  );
}

function row({ number, offset, line, value }, columns, fault) {
  const name = fault ? `Line ${count(fault.line)}` : number ? `Line ${count(number)}` : `At byte ${count(offset)}`;
  const details = el("tr", { class: "details", hidden: true }, el("td", { colspan: columns.length + 1 }));
  const toggle = el(
    "button",
    {
      type: "button",
      class: "toggle",
      "aria-expanded": "false",
      "aria-label": `${name}, details`,
      onclick: () => {
        const open = details.hidden;
        if (open && !details.firstElementChild.firstChild)
          details.firstElementChild.append(el("pre", {}, el("code", {}, pretty(line))));
        details.hidden = !open;
        toggle.setAttribute("aria-expanded", String(open));
      },
    },
    icon("down"),
    el("span", {}, number ?? fault?.line ?? `@${offset}`),
  );
  const cells = value
    ? columns.map(({ read }) => el("td", {}, el("div", { class: "cell" }, el("bdi", {}, read(value)))))
    : [el("td", { colspan: columns.length || 1 }, el("div", { class: "cell raw" }, line))];
  const main = el(
    "tr",
    { class: fault ? "fault" : "", "data-offset": offset },
    el("th", { scope: "row" }, toggle),
    ...cells,
  );
  const why =
    fault && el("tr", { class: "fault why" }, el("td", { colspan: columns.length + 1 }, icon("alert"), fault.reason));
  return [main, why, details].filter(Boolean);
}
