// The page of keys: those of the workspace for who manages it, else the key of the session.
import { everything, get } from "../core/api.js";
import { action, el, fill, find } from "../core/dom.js";
import { ago, time } from "../core/format.js";
import { icon } from "../core/icons.js";
import { copy, notice } from "../core/notices.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";
import { changeKey, createKey, revokeKey, rotateKey } from "./key_forms.js";
import { limitList } from "./limits.js";

const MAX_KEYS = 1000;

begin(async (context) => {
  const { manages, workspace } = context;
  const place = find("#content");
  if (!workspace) {
    empty(place, { title: "No workspace yet", words: "Create one on the page Workspaces.", symbol: "key" });
    return;
  }
  const load = () => tried(place, () => (manages ? list(place, workspace, load) : own(place, context)));
  action("create", async () => { if (await createKey(workspace)) load(); });
  loading(place);
  await load();
});

async function list(place, workspace, load) {
  const keys = await everything(`organization/projects/${workspace.id}/api_keys`, {}, MAX_KEYS);
  if (keys.length === 0) {
    const create = el("button", { type: "button", class: "button primary", onclick: async () => { if (await createKey(workspace)) load(); } }, "Create a key");
    empty(place, { title: "No keys yet", words: "A key lets a program use this workspace with OpenAI's SDKs.", actions: [create], symbol: "key" });
    return;
  }
  const heads = ["Name", "Key", "Scopes", "Last used", "Expires", ""];
  fill(place, el("div", { class: "table list" }, el("table", { class: "stacked" }, el("caption", { class: "unseen" }, "Keys of the workspace"),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head || el("span", { class: "unseen" }, "Actions"))))),
    el("tbody", {}, ...keys.map((key) => row(workspace, key, load))))));
}

function row(workspace, key, load) {
  const after = (act, words) => async () => {
    if (!(await act(workspace, key))) return;
    if (words) notice(words);
    load();
  };
  const button = (label, symbol, onclick) => el("button", { type: "button", class: "icon-button", "aria-label": `${label} ${key.name}`, title: label, onclick }, icon(symbol));
  const used = key.last_used_at ? el("time", { title: time(key.last_used_at) }, ago(key.last_used_at)) : el("span", { class: "quiet" }, "never");
  return el("tr", {}, el("th", { scope: "row" }, el("bdi", {}, key.name), el("small", { class: "quiet" }, `created ${ago(key.created_at)}`)),
    el("td", { "data-title": "Key" }, el("code", {}, key.redacted_value)),
    el("td", { "data-title": "Scopes" }, el("span", { class: "words" }, ...key.scopes.map((scope) => el("span", { class: "badge" }, scope)))),
    el("td", { "data-title": "Last used" }, used),
    el("td", { "data-title": "Expires" }, key.expires_at ? el("time", { title: time(key.expires_at) }, ago(key.expires_at)) : el("span", { class: "quiet" }, "never")),
    el("td", { class: "tools" }, button("Copy id of", "copy", () => copy(key.id, "Id")), button("Change scopes of", "edit", after(changeKey, "Scopes changed")),
      button("Rotate", "retry", after(rotateKey)), button("Revoke", "trash", after(revokeKey, "Key revoked"))));
}

async function own(place, { session }) {
  if (session.actor.type !== "key") {
    empty(place, { title: "Owners manage keys", words: "Ask an owner of the workspace or an administrator for a key.", symbol: "key" });
    return;
  }
  const key = await get("organization/key");
  const facts = [["Name", key.name], ["Key", el("code", {}, key.redacted_value)], ["Id", el("code", {}, key.id)], ["Created", time(key.created_at)],
    ["Expires", key.expires_at ? time(key.expires_at) : "never"], ["Scopes", el("span", { class: "words" }, ...key.scopes.map((scope) => el("span", { class: "badge" }, scope)))]];
  fill(place, el("section", { class: "part" }, el("h2", {}, "The key of this session"), el("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]))),
    el("section", { class: "part" }, el("h2", {}, "Limits in force"), limitList(key.limits)),
    el("p", { class: "quiet" }, "Owners of the workspace and administrators create, rotate and revoke keys."));
}
