// The page of the audit log, with filters.
import { everything } from "../core/api.js";
import { el, find } from "../core/dom.js";
import { time } from "../core/format.js";
import { growing } from "../core/growing.js";
import { loading } from "../core/state.js";
import { badge, cell, listTable, rowHead } from "../core/table.js";
import { debounced } from "../core/time.js";
import { administration } from "./begin.js";

const PAGE_ROWS = 50;
const TYPING_MS = 400;
const DAY_S = 86_400;
const MAX_KNOWN = 1000;
const NONE = { title: "Nothing found", words: "No entry of the audit log matches these filters.", symbol: "text" };

administration(async () => {
  const place = find("#content");
  const names = await known("organization/projects", { include_archived: "true" }, ({ name }) => name);
  const people = await known("organization/users", {}, ({ email, name, id }) => email ?? name ?? id);
  find("#project").append(...[...names].map(([id, name]) => el("option", { value: id }, name)));
  const load = growing(place, {
    path: "organization/audit_logs",
    rows: PAGE_ROWS,
    filters,
    row: (entry) => row(entry, names, people),
    table,
    none: () => NONE,
  });
  find("#filters").addEventListener("input", debounced(load, TYPING_MS));
  find("#filters").addEventListener("submit", (event) => event.preventDefault());
  loading(place);
  await load();
});

/** Reads what the ids of a list stand for. */
async function known(path, query, nameOf) {
  const rows = await everything(path, query, MAX_KNOWN);
  return new Map(rows.map((one) => [one.id, nameOf(one)]));
}

function filters() {
  const value = (id) => find(id).value.trim();
  const day = (id, behind) => (value(id) ? Math.floor(new Date(`${value(id)}T00:00`).getTime() / 1000) + behind : null);
  const actor = value("#actor");
  return {
    "event_types[]": value("#event"),
    "project_ids[]": value("#project"),
    [actor.includes("@") ? "actor_emails[]" : "actor_ids[]"]: actor,
    "effective_at[gte]": day("#since", 0),
    "effective_at[lt]": day("#until", DAY_S),
  };
}

const table = (body) => listTable("Audit log", ["Time", "Event", "Object", "Actor", "Workspace", "Address"], body);

function row(entry, names, people) {
  const { id, type, effective_at: at, actor, project, ip_address: address } = entry;
  const subject = entry[type] ?? {};
  const details = subject.data ?? subject.changes_requested;
  return el(
    "tr",
    { "data-id": id },
    rowHead(el("time", {}, time(at))),
    cell("Event", badge(type)),
    cell("Object", el("code", {}, subject.id ?? "-"), details && folded(details)),
    cell("Actor", actorOf(actor, people)),
    cell("Workspace", project ? el("bdi", {}, names.get(project.id) ?? project.id) : "-"),
    cell("Address", address ?? "-"),
  );
}

const folded = (details) =>
  el(
    "details",
    {},
    el("summary", {}, "Details"),
    el("pre", { tabindex: "0" }, el("code", {}, JSON.stringify(details, null, 2))),
  );

function actorOf(actor, people) {
  const user = actor?.session?.user;
  if (!user) return el("code", {}, actor?.api_key?.id ?? "-");
  return people.has(user.id) ? el("bdi", { title: user.id }, people.get(user.id)) : el("code", {}, user.id);
}
