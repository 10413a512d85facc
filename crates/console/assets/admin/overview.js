// The page of the server: version, stores and their health, and the work in the background.
import { get } from "../core/api.js";
import { el, fill, find, show } from "../core/dom.js";
import { count, duration, plural, size, time } from "../core/format.js";
import { tried } from "../core/state.js";
import { factList, moment } from "../core/table.js";
import { tile } from "../workspace/limits.js";
import { administration } from "./begin.js";

const REFRESH_MS = 10_000;
// The server counts up to this number.
const MAX_COUNTED = 10_000;
const STATES = { ok: "OK", full: "Full", read_only: "Read only", unavailable: "Unavailable" };

administration(async () => {
  const place = find("#page-state");
  const load = () =>
    tried(place, async () => {
      draw(await get("organization/server"));
      show(place, false);
      show(find("#content"), true);
    });
  await load();
  setInterval(() => {
    if (!document.hidden) load();
  }, REFRESH_MS);
}, "#page-state");

function draw(server) {
  const { version, started_at: started, uptime_seconds: uptime, status, metadata, blobs, warnings } = server;
  const store = (title, state) => tile(title, STATES[state] ?? state, { kind: state === "ok" ? "" : "bad" });
  fill(
    find("#tiles"),
    tile("Status", status === "ready" ? "Ready" : "Unavailable", { kind: status === "ready" ? "" : "bad" }),
    store("Metadata", metadata),
    store("Blobs", blobs),
    tile("Up for", duration(uptime), { note: `since ${time(started)}` }),
    tile("Version", version),
  );
  const list = el("ul", { class: "plain-list" }, ...warnings.map((warning) => el("li", {}, warning)));
  fill(find("#warnings"), warnings.length > 0 ? list : el("p", { class: "quiet" }, "None."));
  fill(find("#sweep"), factList(sweep(server.sweep)));
  fill(
    find("#scrub"),
    server.scrub ? factList(scrub(server.scrub)) : el("p", { class: "quiet" }, "No scrub has run yet."),
  );
  fill(find("#export"), factList(exported(server.usage_export)));
  fill(find("#alerts"), factList(sink(server.alerts)));
}

const counted = (number) => (number >= MAX_COUNTED ? `${count(number)} or more` : count(number));

const sweep = ({ deleting_blobs: deleting, deleting_since: since, ledger_rows: rows }) => [
  ["Blobs to remove", counted(deleting)],
  ["The oldest since", moment(since)],
  ["Ledger rows to sum", counted(rows)],
];

const scrub = ({ begun_at: begun, ended_at: ended, blobs, bytes, damaged }) => [
  ["Begun", moment(begun)],
  ["Ended", moment(ended, "it is running")],
  ["Read", `${plural(blobs, "blob")}, ${size(bytes)}`],
  ["Damaged", count(damaged)],
];

const sink = ({ pending, oldest_pending_at: oldest, last_acknowledged_at: last, refused }) => [
  ["Waiting", count(pending)],
  ["The oldest since", moment(oldest)],
  ["Last acknowledged", moment(last, "never")],
  ["Refused", count(refused)],
];

const exported = ({ exported_until: until, lag_seconds: lag, ...rest }) => [
  ["Exported until", until ? time(until) : "nothing is exported"],
  ["Behind by", duration(lag)],
  ...sink(rest),
];
