// The page of sessions: browsers that are signed in.
import { request } from "../core/api.js";
import { ask } from "../core/dialog.js";
import { el, fill, find } from "../core/dom.js";
import { ago } from "../core/format.js";
import { notice } from "../core/notices.js";
import { at } from "../core/root.js";
import { begin } from "../core/shell.js";
import { loading, tried } from "../core/state.js";
import { badge, cell, listTable, moment, rowHead, tools } from "../core/table.js";

const MAX_SESSIONS = 100;

begin(async ({ session, isAdministrator }) => {
  const place = find("#content");
  const load = () =>
    tried(place, async () => {
      const list = await (
        await request("GET", at("console/api/sessions", { limit: MAX_SESSIONS, all: isAdministrator ? "true" : null }))
      ).json();
      draw(place, list.data, session, load);
    });
  loading(place);
  await load();
});

function draw(place, sessions, own, load) {
  const heads = ["Person or key", "Address", "Signed in", "Last used", "Ends", ""];
  fill(
    place,
    own.actor.type === "person" &&
      el("p", {}, "Your id is ", el("code", {}, own.actor.id), ". An owner needs it to add you to a workspace."),
    listTable(
      "Sessions",
      heads,
      sessions.map((one) => row(one, own, load)),
    ),
  );
}

function row(session, own, load) {
  const { id, actor, created_at: created, expires_at: expires, idle_expires_at: idle } = session;
  const isOwn = session.current ?? id === own.id;
  const name = actor.name ?? (actor.id === own.actor.id ? own.actor.name : null) ?? actor.email ?? actor.id;
  const end = async () => {
    const words = `“${name}”, signed in ${ago(created)}. The browser is signed out at its next request.`;
    const done = await ask({
      title: "End this session?",
      label: "End the session",
      danger: true,
      fields: [el("p", {}, words)],
      submit: () => request("DELETE", at(`console/api/sessions/${encodeURIComponent(id)}`), { repeat: true }),
    });
    if (!done) return;
    notice("Session ended");
    load();
  };
  const button = { type: "button", class: "button small", "aria-label": `End the session of ${name}`, onclick: end };
  return el(
    "tr",
    {},
    rowHead(el("bdi", {}, name), isOwn && [" ", badge("this browser", "good")]),
    cell("Address", session.ip_address ?? "-"),
    cell("Signed in", moment(created)),
    cell("Last used", moment(session.last_used_at)),
    cell("Ends", moment(Math.min(expires, idle ?? expires))),
    tools(!isOwn && el("button", button, "End")),
  );
}
