// The page of usage and costs.
import { action, all, el, fill, find, show } from "../core/dom.js";
import { count, dollars, plural, size } from "../core/format.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";
import { chart } from "./chart.js";
import { itemTable, keyTable, total } from "./cost_tables.js";
import { saveDays } from "./download.js";
import { showExpiries } from "./expiries.js";
import * as figures from "./figures.js";
import { limitList, tile } from "./limits.js";

const sum = (rows, name) => rows.reduce((sofar, row) => sofar + row[name], 0);

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
  let drawn;
  let known = null;
  const load = async (days) => {
    loading(place);
    await tried(place, async () => {
      const [usage, costs, names, limits] = await Promise.all([
        figures.usage(context, days),
        figures.costs(context, days),
        known ?? figures.keyNames(context),
        figures.limits(context),
      ]);
      known = names;
      show(place, false);
      show(find("#content"), true);
      drawn = { usage, costs, workspace };
      draw(usage, costs, limits, days);
      drawKeys(costs, names, days);
      for (const button of all("[data-action=download]")) show(button, usage.length > 0);
    });
  };
  action("download", () => saveDays(drawn));
  for (const button of all("[data-days]")) {
    button.addEventListener("click", () => {
      for (const other of all("[data-days]")) other.setAttribute("aria-pressed", String(other === button));
      load(Number(button.dataset.days));
    });
  }
  await load(30);
  if (manages) await showExpiries(expiries, workspace);
});

function draw(usage, costs, own, days) {
  const last = usage.at(-1);
  const used = own?.usage;
  const [limits, period] = [own?.limits ?? {}, `in ${days} days`];
  const stored = used?.stored_bytes ?? last?.end_bytes ?? 0;
  const files = used?.stored_files ?? last?.num_files ?? 0;
  const spent = total(costs);
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
  fill(find("#costs"), itemTable(costs, days));
  const list = find("#limits");
  show(list.closest("section"), Boolean(own));
  if (own) fill(list, limitList(limits));
}

function drawKeys(costs, names, days) {
  const isNameless = costs.some(({ results }) => results.some(({ api_key_id: id }) => id && !names.has(id)));
  const hint = "An id without a name is that of a revoked key, of a membership, or of a key that you may not see.";
  fill(find("#by-key"), keyTable(costs, names, days), isNameless && el("p", { class: "hint" }, hint));
}
