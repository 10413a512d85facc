// The page of keys: those of the workspace for who manages it, else the key of the session.
import { everything, get } from "../core/api.js";
import { action, el, fill, find } from "../core/dom.js";
import { ago, time } from "../core/format.js";
import { copy, notice } from "../core/notices.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";
import { badge, cell, factList, listTable, moment, rowHead, tool, tools } from "../core/table.js";
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
  action("create", async () => {
    if (await createKey(workspace)) load();
  });
  loading(place);
  await load();
});

async function list(place, workspace, load) {
  const keys = await everything(`organization/projects/${workspace.id}/api_keys`, {}, MAX_KEYS);
  if (keys.length === 0) {
    const create = el(
      "button",
      {
        type: "button",
        class: "button primary",
        onclick: async () => {
          if (await createKey(workspace)) load();
        },
      },
      "Create a key",
    );
    empty(place, {
      title: "No keys yet",
      words: "A key lets a program use this workspace with OpenAI's SDKs.",
      actions: [create],
      symbol: "key",
    });
    return;
  }
  fill(
    place,
    listTable(
      "Keys of the workspace",
      ["Name", "Key", "Scopes", "Last used", "Expires", ""],
      keys.map((key) => row(workspace, key, load)),
    ),
  );
}

const scopesOf = ({ scopes }) => el("span", { class: "words" }, ...scopes.map((scope) => badge(scope)));

function row(workspace, key, load) {
  const after = (act, words) => async () => {
    if (!(await act(workspace, key))) return;
    if (words) notice(words);
    load();
  };
  return el(
    "tr",
    {},
    rowHead(el("bdi", {}, key.name), el("small", { class: "quiet" }, `created ${ago(key.created_at)}`)),
    cell("Key", el("code", {}, key.redacted_value)),
    cell("Scopes", scopesOf(key)),
    cell("Last used", moment(key.last_used_at, "never")),
    cell("Expires", moment(key.expires_at, "never")),
    tools(
      tool("Copy id of", "copy", key.name, () => copy(key.id, "Id")),
      tool("Change scopes of", "edit", key.name, after(changeKey, "Scopes changed")),
      tool("Rotate", "retry", key.name, after(rotateKey)),
      tool("Revoke", "trash", key.name, after(revokeKey, "Key revoked")),
    ),
  );
}

async function own(place, { session }) {
  if (session.actor.type !== "key") {
    empty(place, {
      title: "Owners manage keys",
      words: "Ask an owner of the workspace or an administrator for a key.",
      symbol: "key",
    });
    return;
  }
  const key = await get("organization/key");
  const facts = [
    ["Name", key.name],
    ["Key", el("code", {}, key.redacted_value)],
    ["Id", el("code", {}, key.id)],
    ["Created", time(key.created_at)],
    ["Expires", key.expires_at ? time(key.expires_at) : "never"],
    ["Scopes", scopesOf(key)],
  ];
  fill(
    place,
    el("section", { class: "part" }, el("h2", {}, "The key of this session"), factList(facts)),
    el("section", { class: "part" }, el("h2", {}, "Limits in force"), limitList(key.limits)),
    el("p", { class: "quiet" }, "Owners of the workspace and administrators create, rotate and revoke keys."),
  );
}
