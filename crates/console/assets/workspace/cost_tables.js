// The tables of costs: by line item, and by key.
import { el } from "../core/dom.js";
import { count, dollars, plural, size } from "../core/format.js";

const MAX_KEYS = 100;
const ITEMS = {
  "files.storage": ["Storage", (value) => `${value < 0.01 ? "under 0.01" : count(Number(value.toFixed(2)))} GiB hours`],
  "files.ops.class_a": ["Creates, completions and lists", (value) => plural(value, "request")],
  "files.ops.class_b": ["Retrievals and downloads", (value) => plural(value, "request")],
  "files.ingress": ["Bytes of new files", size],
  "files.egress": ["Downloaded bytes", size],
};
const ORDER = Object.keys(ITEMS);

const amountOf = (rows) => rows.reduce((sum, { amount }) => sum + amount.value, 0);
const resultsOf = (buckets) => buckets.flatMap(({ results }) => results);

/** Returns the costs of all buckets. */
export const total = (buckets) => amountOf(resultsOf(buckets));

/** Builds the table of line items. */
export function itemTable(buckets, days) {
  // The costs are in the order of the keys.
  const rows = grouped(buckets, "line_item")
    .sort(([one], [other]) => ORDER.indexOf(one) - ORDER.indexOf(other))
    .map(([item, results]) => {
      const [title, words] = ITEMS[item] ?? [item, count];
      const quantity = results.reduce((sum, one) => sum + one.quantity, 0);
      return [title, words(quantity), amountOf(results)];
    });
  return table(`Costs of ${days} days by line item`, ["Line item", "Quantity"], rows, total(buckets));
}

/** Builds the table of keys, the dearest first; `names` has the names that the session may read. */
export function keyTable(buckets, names, days) {
  const rows = grouped(buckets, "api_key_id")
    .map(([id, results]) => [keyOf(id, names), amountOf(results)])
    .sort(([, one], [, other]) => other - one);
  const [shown, rest] = [rows.slice(0, MAX_KEYS), rows.slice(MAX_KEYS)];
  if (rest.length > 0)
    shown.push([plural(rest.length, "other key"), rest.reduce((sum, [, amount]) => sum + amount, 0)]);
  return table(`Costs of ${days} days by key`, ["Key"], shown, total(buckets));
}

function grouped(buckets, name) {
  const groups = new Map();
  for (const result of resultsOf(buckets)) {
    const group = groups.get(result[name]);
    if (group) group.push(result);
    else groups.set(result[name], [result]);
  }
  return [...groups];
}

function keyOf(id, names) {
  if (!id) return "Without a key";
  return names.has(id) ? el("bdi", { title: id }, names.get(id)) : el("code", {}, id);
}

function table(caption, heads, rows, sum) {
  if (rows.length === 0) return el("p", { class: "quiet" }, "Nothing was billed in this time.");
  const head = (title) => el("th", { scope: "col" }, title);
  const row = ([title, ...cells]) => {
    const amount = cells.pop();
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, title),
      ...cells.map((text) => el("td", {}, text)),
      el("td", { class: "amount" }, dollars(amount)),
    );
  };
  const totalOf = el("th", { scope: "row", colspan: heads.length }, "Total");
  return el(
    "div",
    { class: "table" },
    el(
      "table",
      {},
      el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, ...heads.map(head), el("th", { scope: "col", class: "amount" }, "Cost"))),
      el("tbody", {}, ...rows.map(row)),
      el("tfoot", {}, el("tr", {}, totalOf, el("td", { class: "amount" }, dollars(sum)))),
    ),
  );
}
