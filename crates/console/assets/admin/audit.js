// The page of the audit log, with filters.
import { everything, get } from "../core/api.js";
import { action, el, fill, find, show } from "../core/dom.js";
import { time } from "../core/format.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";
import { badge, cell, listTable, rowHead } from "../core/table.js";
import { debounced } from "../core/time.js";

const PAGE_ROWS = 50;
const TYPING_MS = 400;
const DAY_S = 86_400;
const MAX_KNOWN = 1000;
const EVENTS = [
  "login.succeeded",
  "login.failed",
  "logout.succeeded",
  "user.added",
  "user.updated",
  "user.deleted",
  "project.created",
  "project.updated",
  "project.archived",
  "project.deleted",
  "api_key.created",
  "api_key.updated",
  "api_key.deleted",
  "rate_limit.updated",
  "usage.adjustment.created",
  "resource.deleted",
];

begin(async ({ isAdministrator }) => {
  const place = find("#content");
  if (!isAdministrator) {
    empty(place, {
      title: "For administrators",
      words: "Sign in with an admin key, or ask an administrator.",
      symbol: "key",
    });
    return;
  }
  const names = await known("organization/projects", { include_archived: "true" }, ({ name }) => name);
  const people = await known("organization/users", {}, ({ email, name, id }) => email ?? name ?? id);
  find("#event").append(...EVENTS.map((event) => el("option", { value: event }, event)));
  find("#project").append(...[...names].map(([id, name]) => el("option", { value: id }, name)));
  let after = null;
  const body = el("tbody", {});
  const load = (more) =>
    tried(place, async () => {
      const list = await get("organization/audit_logs", { ...filters(), limit: PAGE_ROWS, after: more ? after : null });
      after = list.has_more ? list.last_id : null;
      if (!more) fill(body);
      body.append(...list.data.map((entry) => row(entry, names, people)));
      show(find("#pager"), Boolean(after));
      if (body.children.length === 0)
        empty(place, {
          title: "Nothing found",
          words: "No entry of the audit log matches these filters.",
          symbol: "text",
        });
      else if (!more) fill(place, table(body));
    });
  const changed = debounced(() => load(false), TYPING_MS);
  find("#filters").addEventListener("input", changed);
  find("#filters").addEventListener("submit", (event) => event.preventDefault());
  action("more", () => load(true));
  loading(place);
  await load(false);
});

/** Reads what the ids of a list stand for. */
async function known(path, query, nameOf) {
  const rows = await everything(path, query, MAX_KNOWN);
  return new Map(rows.map((one) => [one.id, nameOf(one)]));
}

function filters() {
  const value = (id) => find(id).value.trim();
  const day = (id, behind) => (value(id) ? Math.floor(new Date(`${value(id)}T00:00`).getTime() / 1000) + behind : null);
  return {
    "event_types[]": value("#event"),
    "project_ids[]": value("#project"),
    "actor_ids[]": value("#actor"),
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
