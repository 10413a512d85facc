// The form of the limits of a workspace.
import { get, post } from "../core/api.js";
import { ask, field } from "../core/dialog.js";
import { el } from "../core/dom.js";

const GIB = 1024 ** 3;
const FIELDS = [
  ["storage_bytes", "Stored GiB", GIB, "any"],
  ["max_files", "Stored files", 1, "1"],
  ["monthly_spend_cents", "Spend in a month, in dollars", 100, "0.01"],
  ["concurrent_uploads", "Uploads at once", 1, "1"],
  ["requests_per_minute", "Requests per minute", 1, "1"],
  ["uploads_per_minute", "Uploads per minute", 1, "1"],
];

/** Asks for the limits of a workspace; an empty field is no limit. */
export async function limitForm({ id, name }) {
  const path = `organization/projects/${id}/limits`;
  const now = await get(path);
  const input = ([limit, , unit, step]) =>
    el("input", {
      name: limit,
      type: "number",
      min: "0",
      step,
      placeholder: "no limit",
      value: now[limit] === null ? "" : String(now[limit] / unit),
    });
  return ask({
    title: `Limits of “${name}”`,
    label: "Save",
    fields: [
      el("div", { class: "two" }, ...FIELDS.map((one) => field(one[1], input(one)))),
      el("p", { class: "hint" }, "An empty field means no limit."),
    ],
    submit: (form) => {
      const wanted = FIELDS.map(([limit, , unit]) => [
        limit,
        form.elements[limit].value === "" ? null : Math.round(Number(form.elements[limit].value) * unit),
      ]);
      return post(path, Object.fromEntries(wanted.filter(([limit, value]) => value !== now[limit])));
    },
  });
}
