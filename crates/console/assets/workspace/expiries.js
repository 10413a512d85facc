// The expiry of files whose clients ask for none, by purpose; for who manages the workspace.
import { get, post, remove } from "../core/api.js";
import { ask, choice, field } from "../core/dialog.js";
import { el, fill } from "../core/dom.js";
import { duration, plural } from "../core/format.js";
import { notice } from "../core/notices.js";
import { tried } from "../core/state.js";
import { badge, cell, listTable, rowHead, tool, tools } from "../core/table.js";

const HOUR_S = 3600;
const DAY_S = 86_400;
const MAX_DAYS = 36_525;
const [BUILT_IN, NEVER, AFTER] = ["built-in", "never", "after"];

const pathOf = ({ id }) => `organization/projects/${id}/default_expiries`;

/** Shows the default expiries of a workspace. */
export const showExpiries = (place, workspace) => tried(place, () => draw(place, workspace));

async function draw(place, workspace) {
  const { data } = await get(pathOf(workspace));
  const row = (expiry) =>
    el(
      "tr",
      {},
      rowHead(expiry.purpose),
      cell("Expires", inWords(expiry.expires_after)),
      cell("Set by", badge(expiry.set_by_project ? "workspace" : "built in")),
      tools(
        tool("Change the expiry of", "edit", expiry.purpose, async () => {
          if (!(await change(workspace, expiry))) return;
          notice("Default expiry changed");
          await showExpiries(place, workspace);
        }),
      ),
    );
  fill(place, listTable("Default expiries of the workspace", ["Purpose", "Expires", "Set by", ""], data.map(row)));
}

const inWords = (after) =>
  after === null
    ? "never"
    : after.seconds % DAY_S === 0
      ? `after ${plural(after.seconds / DAY_S, "day")}`
      : `after ${duration(after.seconds)}`;

async function change(workspace, { purpose, expires_after: after, set_by_project: isOwn }) {
  const kinds = [
    [BUILT_IN, "As built in for this purpose"],
    [NEVER, "Never"],
    [AFTER, "After some days"],
  ];
  const kind = choice("kind", kinds, isOwn ? (after === null ? NEVER : AFTER) : BUILT_IN);
  const days = el("input", {
    name: "days",
    type: "number",
    min: String(HOUR_S / DAY_S),
    max: String(MAX_DAYS),
    step: "any",
    required: true,
    value: String((after?.seconds ?? 30 * DAY_S) / DAY_S),
  });
  const daysField = field("Days after the upload", days);
  const follow = () => {
    daysField.hidden = kind.value !== AFTER;
    days.disabled = daysField.hidden;
  };
  kind.addEventListener("change", follow);
  follow();
  return ask({
    title: `Default expiry of ${purpose}`,
    label: "Save",
    fields: [
      field("Files expire", kind),
      daysField,
      el("p", { class: "hint" }, "It holds for new files whose client asks for no expiry. Existing files keep theirs."),
    ],
    submit: () => {
      const path = `${pathOf(workspace)}/${encodeURIComponent(purpose)}`;
      if (kind.value === BUILT_IN) return remove(path);
      const seconds = Math.round(Number(days.value) * DAY_S);
      return post(path, { expires_after: kind.value === NEVER ? null : { anchor: "created_at", seconds } });
    },
  });
}
