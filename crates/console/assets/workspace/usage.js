// The page of usage and costs.
import { all, el, fill, find, show } from "../core/dom.js";
import { count, dollars, plural, size } from "../core/format.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";
import { chart } from "./chart.js";
import { showExpiries } from "./expiries.js";
import * as figures from "./figures.js";
import { limitList, tile } from "./limits.js";

const ITEMS = {
  "files.storage": ["Storage", (value) => `${value < 0.01 ? "under 0.01" : count(Number(value.toFixed(2)))} GiB hours`],
  "files.ops.class_a": ["Creates, completions and lists", (value) => plural(value, "request")],
  "files.ops.class_b": ["Retrievals and downloads", (value) => plural(value, "request")],
  "files.ingress": ["Bytes of new files", size],
  "files.egress": ["Downloaded bytes", size],
};

const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);

begin(async (context) => {
  const { can, isAdministrator, manages, workspace } = context;
  const place = find("#page-state");
  if (!workspace || !(isAdministrator || can("usage.read"))) {
    empty(place, {
      title: "No access to usage",
      words: workspace
        ? "This session lacks the scope usage.read. Ask an owner of the workspace."
        : "There is no workspace yet.",
      symbol: "key",
    });
    return;
  }
  const expiries = find("#expiries");
  show(expiries.closest("section"), manages);
  const load = async (days) => {
    loading(place);
    await tried(place, async () => {
      const [usage, costs, limits] = await Promise.all([
        figures.usage(context, days),
        figures.costs(context, days),
        figures.limits(context),
      ]);
      show(place, false);
      show(find("#content"), true);
      draw(usage, costs, limits, days);
    });
  };
  for (const button of all("[data-days]")) {
    button.addEventListener("click", () => {
      for (const other of all("[data-days]")) other.setAttribute("aria-pressed", String(other === button));
      load(Number(button.dataset.days));
    });
  }
  await load(30);
  if (manages) await tried(expiries, () => showExpiries(expiries, workspace));
});

function draw(usage, costs, own, days) {
  const last = usage.at(-1);
  const used = own?.usage;
  const [limits, period] = [own?.limits ?? {}, `in ${days} days`];
  const stored = used?.stored_bytes ?? last?.end_bytes ?? 0;
  const files = used?.stored_files ?? last?.num_files ?? 0;
  const spent = costs.flatMap(({ results }) => results).reduce((total, { amount }) => total + amount.value, 0);
  const month = used?.monthly_spend.value;
  const of = (limit, words) => (limit === null || limit === undefined ? "" : `of ${words(limit)}`);
  const reserved = used?.reserved_bytes ? `, ${size(used.reserved_bytes)} reserved by uploads` : "";
  const cents = limits.monthly_spend_cents ?? null;
  fill(
    find("#tiles"),
    tile("Stored", size(stored), {
      used: stored + (used?.reserved_bytes ?? 0),
      limit: limits.storage_bytes ?? null,
      note: `${of(limits.storage_bytes, size)}${reserved}`,
    }),
    tile("Files", count(files), { used: files, limit: limits.max_files ?? null, note: of(limits.max_files, count) }),
    tile("Requests", count(sum(usage, "num_requests")), { note: period }),
    month === undefined
      ? tile("Costs", dollars(spent), { note: period })
      : tile("Spend this month", dollars(month), {
          used: month,
          limit: cents === null ? null : cents / 100,
          note: of(cents, (value) => dollars(value / 100)),
        }),
  );
  const points = (read) => usage.map((row) => ({ start: row.start, value: read(row) }));
  fill(
    find("#storage"),
    chart({
      label: "Stored bytes, at most",
      points: points((row) => row.peak_bytes),
      words: size,
      total: `${size(stored)} now`,
    }),
  );
  fill(
    find("#requests"),
    chart({
      label: "Requests",
      points: points((row) => row.num_requests),
      words: (value) => plural(value, "request"),
      total: `${count(sum(usage, "ops_class_a"))} creates and lists, ${count(sum(usage, "ops_class_b"))} reads ${period}`,
    }),
  );
  fill(
    find("#traffic"),
    chart({
      label: "Bytes in and out",
      points: points((row) => row.input_bytes + row.output_bytes),
      words: size,
      total: `${size(sum(usage, "input_bytes"))} in, ${size(sum(usage, "output_bytes"))} out ${period}`,
    }),
  );
  fill(find("#costs"), costTable(costs, spent, days));
  const list = find("#limits");
  show(list.closest("section"), Boolean(own));
  if (own) fill(list, limitList(limits));
}

function costTable(buckets, total, days) {
  const items = new Map();
  for (const { line_item: item, amount, quantity } of buckets.flatMap(({ results }) => results)) {
    const sofar = items.get(item) ?? { amount: 0, quantity: 0 };
    items.set(item, { amount: sofar.amount + amount.value, quantity: sofar.quantity + quantity });
  }
  const rows = [...items].map(([item, { amount, quantity }]) => {
    const [title, words] = ITEMS[item] ?? [item, count];
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, title),
      el("td", {}, words(quantity)),
      el("td", { class: "amount" }, dollars(amount)),
    );
  });
  if (rows.length === 0) return el("p", { class: "quiet" }, "Nothing was billed in this time.");
  return el(
    "div",
    { class: "table" },
    el(
      "table",
      {},
      el("caption", { class: "unseen" }, `Costs of ${days} days by line item`),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "Line item"),
          el("th", { scope: "col" }, "Quantity"),
          el("th", { scope: "col", class: "amount" }, "Cost"),
        ),
      ),
      el("tbody", {}, ...rows),
      el(
        "tfoot",
        {},
        el("tr", {}, el("th", { scope: "row", colspan: 2 }, "Total"), el("td", { class: "amount" }, dollars(total))),
      ),
    ),
  );
}
