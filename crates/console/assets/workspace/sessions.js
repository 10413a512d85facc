// The page of sessions: browsers that are signed in.
import { request } from "../core/api.js";
import { ask } from "../core/dialog.js";
import { el, fill, find } from "../core/dom.js";
import { ago, time } from "../core/format.js";
import { notice } from "../core/notices.js";
import { at } from "../core/root.js";
import { begin } from "../core/shell.js";
import { loading, tried } from "../core/state.js";

const MAX_SESSIONS = 100;

begin(async ({ session, isAdministrator }) => {
  const place = find("#content");
  const load = () => tried(place, async () => {
    const list = await (await request("GET", at("console/api/sessions", { limit: MAX_SESSIONS, all: isAdministrator ? "true" : null }))).json();
    draw(place, list.data, session, load);
  });
  loading(place);
  await load();
});

function draw(place, sessions, own, load) {
  const heads = ["Person or key", "Address", "Signed in", "Last used", "Ends", ""];
  fill(place, el("div", { class: "table list" }, el("table", { class: "stacked" }, el("caption", { class: "unseen" }, "Sessions"),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head || el("span", { class: "unseen" }, "Actions"))))),
    el("tbody", {}, ...sessions.map((one) => row(one, own, load))))));
}

const moment = (seconds) => el("time", { title: time(seconds) }, ago(seconds));

function row(session, own, load) {
  const { id, actor, ip_address: address, created_at: created, last_used_at: used, expires_at: expires, idle_expires_at: idle } = session;
  const isOwn = session.current ?? id === own.id;
  const name = actor.name ?? (actor.id === own.actor.id ? own.actor.name : null) ?? actor.email ?? actor.id;
  const end = async () => {
    const done = await ask({ title: "End this session?", label: "End the session", danger: true, fields: [el("p", {}, `“${name}”, signed in ${ago(created)}. The browser is signed out at its next request.`)],
      submit: () => request("DELETE", at(`console/api/sessions/${encodeURIComponent(id)}`), { repeat: true }) });
    if (!done) return;
    notice("Session ended");
    load();
  };
  return el("tr", {}, el("th", { scope: "row" }, el("bdi", {}, name), isOwn && el("span", { class: "badge good" }, "this browser")),
    el("td", { "data-title": "Address" }, address ?? "-"), el("td", { "data-title": "Signed in" }, moment(created)), el("td", { "data-title": "Last used" }, used ? moment(used) : "-"),
    el("td", { "data-title": "Ends" }, moment(Math.min(expires, idle ?? expires))),
    el("td", { class: "tools" }, !isOwn && el("button", { type: "button", class: "button small", "aria-label": `End the session of ${name}`, onclick: end }, "End")));
}
