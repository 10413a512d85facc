// Saves the figures of each day as CSV.
import { csvOf } from "../core/csv.js";
import { el } from "../core/dom.js";
import { total } from "./cost_tables.js";

// Some browsers read the blob only after the click.
const KEPT_MS = 60_000;
const FIGURES = [
  ["stored_bytes_at_most", "peak_bytes"],
  ["stored_bytes_at_the_end", "end_bytes"],
  ["files", "num_files"],
  ["requests", "num_requests"],
  ["creates_and_lists", "ops_class_a"],
  ["reads", "ops_class_b"],
  ["bytes_in", "input_bytes"],
  ["bytes_out", "output_bytes"],
];

const dayOf = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

/** Saves usage and costs by day, as the page shows them. */
export function saveDays({ usage, costs, workspace }) {
  const spent = new Map(costs.map((bucket) => [bucket.start_time, total([bucket])]));
  const heads = ["day_utc", "workspace", ...FIGURES.map(([head]) => head), "costs_usd"];
  const rows = usage.map((row) => [
    dayOf(row.start),
    workspace.name,
    ...FIGURES.map(([, name]) => row[name]),
    spent.get(row.start) ?? 0,
  ]);
  save(`usage-${dayOf(usage[0].start)}-to-${dayOf(usage.at(-1).start)}.csv`, csvOf([heads, ...rows]));
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = el("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
