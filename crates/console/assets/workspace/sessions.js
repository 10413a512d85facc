// The page of sessions: browsers that are signed in.
import { request } from "../core/api.js";
import { ask } from "../core/dialog.js";
import { el, fill, find } from "../core/dom.js";
import { ago, time } from "../core/format.js";
import { notice } from "../core/notices.js";
import { at } from "../core/root.js";
import { begin } from "../core/shell.js";
import { loading, tried } from "../core/state.js";

begin(async ({ session, isAdministrator }) => {
  const place = find("#content");
  const load = () => tried(place, async () => {
    const list = await (await request("GET", at("console/api/sessions", isAdministrator ? { all: "true" } : {}))).json();
    draw(place, list.data, session, isAdministrator, load);
  });
  loading(place);
  await load();
});

function draw(place, sessions, own, isAdministrator, load) {
  const heads = [isAdministrator ? "Person or key" : "Session", "Signed in", "Ends", ""];
  fill(place, el("div", { class: "table list" }, el("table", { class: "stacked" }, el("caption", { class: "unseen" }, "Sessions"),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head || el("span", { class: "unseen" }, "Actions"))))),
    el("tbody", {}, ...sessions.map((one) => row(one, own, load))))));
}

function row(session, own, load) {
  const { id, actor, created_at: created, expires_at: expires, idle_expires_at: idle } = session;
  const isOwn = id === own.id;
  const name = actor?.name || actor?.email || actor?.id || id;
  const end = async () => {
    const done = await ask({ title: "End this session?", label: "End the session", danger: true, fields: [el("p", {}, `“${name}”, signed in ${ago(created)}. The browser is signed out at its next request.`)],
      submit: () => request("DELETE", at(`console/api/sessions/${encodeURIComponent(id)}`), { repeat: true }) });
    if (!done) return;
    notice("Session ended");
    load();
  };
  return el("tr", {}, el("th", { scope: "row" }, el("bdi", {}, name), isOwn && el("span", { class: "badge good" }, "this browser")),
    el("td", { "data-title": "Signed in" }, el("time", { title: time(created) }, ago(created))),
    el("td", { "data-title": "Ends" }, el("time", { title: time(Math.min(expires, idle ?? expires)) }, ago(Math.min(expires, idle ?? expires)))),
    el("td", { class: "tools" }, !isOwn && el("button", { type: "button", class: "button small", "aria-label": `End the session of ${name}`, onclick: end }, "End")));
}
