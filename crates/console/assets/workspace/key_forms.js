// The forms of a key: create, change, rotate, revoke.
import { post, remove } from "../core/api.js";
import { ask, choice, field, tick } from "../core/dialog.js";
import { el } from "../core/dom.js";
import { newKey } from "../upload/send.js";
import { secret } from "./secret.js";

const DAY_S = 86_400;
const MAX_NAME_CHARACTERS = 255;
const SCOPES = [
  ["files.read", "Read files", "List, retrieve and download", true],
  ["files.write", "Write files", "Upload in one request, and delete", true],
  ["uploads.write", "Upload in parts", "Large files and resuming", true],
  ["usage.read", "Read usage", "Usage and costs of the workspace", true],
  [
    "files.produce",
    "Write results",
    "Create batch_output, assistants_output and fine-tune-results: for your own batch worker",
    false,
  ],
];
const EXPIRIES = [
  ["", "Never"],
  [String(7 * DAY_S), "After 7 days"],
  [String(30 * DAY_S), "After 30 days"],
  [String(90 * DAY_S), "After 90 days"],
  [String(365 * DAY_S), "After a year"],
];
const OVERLAPS = [
  ["0", "At once"],
  ["3600", "After an hour"],
  [String(DAY_S), "After a day"],
  [String(7 * DAY_S), "After 7 days"],
];

const keysOf = (workspace) => `organization/projects/${workspace.id}/api_keys`;
const ticked = (form) => [...form.querySelectorAll("[name=scope]:checked")].map(({ value }) => value);

function scopeFields(has) {
  return el(
    "fieldset",
    {},
    el("legend", {}, "Scopes"),
    ...SCOPES.map(([name, label, hint, usual]) =>
      tick("scope", name, `${label} (${name})`, hint, has ? has.includes(name) : usual),
    ),
  );
}

/** Creates a key and shows its secret. Resolves with true when there is a new key. */
export async function createKey(workspace) {
  let made;
  const done = await ask({
    title: "Create a key",
    label: "Create",
    fields: [
      field(
        "Name",
        el("input", { name: "name", required: true, maxlength: MAX_NAME_CHARACTERS, autocomplete: "off" }),
        "The program that uses it",
      ),
      scopeFields(null),
      field("Expires", choice("expires", EXPIRIES, "")),
    ],
    submit: async (form) => {
      const asked = { name: form.elements.name.value.trim(), scopes: ticked(form) };
      if (form.elements.expires.value) asked.expires_in_seconds = Number(form.elements.expires.value);
      made = await post(keysOf(workspace), asked, { headers: { "idempotency-key": newKey() } });
    },
  });
  if (done) await secret(made);
  return done;
}

export function changeKey(workspace, key) {
  return ask({
    title: `Scopes of “${key.name}”`,
    label: "Save",
    fields: [scopeFields(key.scopes)],
    submit: (form) => post(`${keysOf(workspace)}/${key.id}`, { scopes: ticked(form) }),
  });
}

export async function rotateKey(workspace, key) {
  let made;
  const done = await ask({
    title: `Rotate “${key.name}”?`,
    label: "Rotate",
    fields: [
      el("p", {}, "The key gets a new secret under the same id, with the same scopes and limits."),
      field("The old secret ends", choice("overlap", OVERLAPS, String(DAY_S))),
    ],
    submit: async (form) => {
      made = await post(`${keysOf(workspace)}/${key.id}/rotate`, {
        overlap_seconds: Number(form.elements.overlap.value),
      });
    },
  });
  if (done) await secret({ name: key.name, ...made }, "Copy the new secret now");
  return done;
}

export function revokeKey(workspace, key) {
  return ask({
    title: `Revoke “${key.name}”?`,
    label: "Revoke",
    danger: true,
    fields: [
      el(
        "p",
        {},
        "Programs with this key are refused from the next request on. Its files stay. This cannot be undone.",
      ),
    ],
    submit: () => remove(`${keysOf(workspace)}/${key.id}`),
  });
}
