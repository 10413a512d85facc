// The page of all workspaces: create, rename, archive, limits, and what each uses.
import { everything, get, post } from "../core/api.js";
import { ask, field } from "../core/dialog.js";
import { action, el, fill, find } from "../core/dom.js";
import { count, dollars, size } from "../core/format.js";
import { copy, notice } from "../core/notices.js";
import { choose } from "../core/session.js";
import { empty, loading, tried } from "../core/state.js";
import { badge, cell, listTable, moment, rowHead, tool, tools } from "../core/table.js";
import { since } from "../workspace/figures.js";
import { administration } from "./begin.js";
import { limitForm } from "./limit_form.js";

const MAX_WORKSPACES = 1000;
const MAX_NAME_CHARACTERS = 128;
const DAYS = 30;
const PATH = "organization/projects";

administration(async () => {
  const place = find("#content");
  const load = () => tried(place, () => list(place, load));
  action("create", async () => {
    if (await named("Create a workspace", "Create", "", (name) => post(PATH, { name }))) load();
  });
  find("#archived").addEventListener("change", load);
  loading(place);
  await load();
});

/** Reads storage and costs of every workspace. */
async function usage() {
  const query = { start_time: since(1), bucket_width: "1d", limit: 1, "group_by[]": "project_id" };
  const [used, costs] = await Promise.all([
    get("organization/usage/files", query),
    get("organization/costs", { start_time: since(DAYS), limit: DAYS, "group_by[]": "project_id" }),
  ]);
  const rows = new Map(
    used.data.flatMap(({ results }) => results).map((one) => [one.project_id, { ...one, spent: 0 }]),
  );
  for (const { project_id: id, amount } of costs.data.flatMap(({ results }) => results)) {
    const row = rows.get(id) ?? { end_bytes: 0, num_files: 0, spent: 0 };
    row.spent += amount.value;
    rows.set(id, row);
  }
  return rows;
}

async function list(place, load) {
  const [projects, used] = await Promise.all([
    everything(PATH, { include_archived: find("#archived").checked ? "true" : null }, MAX_WORKSPACES),
    usage(),
  ]);
  if (projects.length === 0) {
    empty(place, { title: "No workspaces yet", words: "Create one to hand out keys.", symbol: "key" });
    return;
  }
  const heads = ["Name", "Status", "Stored", "Files", `Costs in ${DAYS} days`, "Created", ""];
  fill(
    place,
    listTable(
      "Workspaces",
      heads,
      projects.map((project) => row(project, used.get(project.id), load)),
    ),
  );
}

function row(project, used, load) {
  const { id, name, status } = project;
  const isActive = status === "active";
  const after = (act, words) => async () => {
    if (!(await act(project))) return;
    notice(words);
    load();
  };
  const link = { type: "button", class: "link", onclick: () => choose(id), disabled: !isActive };
  return el(
    "tr",
    {},
    rowHead(el("button", link, el("bdi", {}, name))),
    cell("Status", badge(status, isActive ? "good" : "")),
    cell("Stored", size(used?.end_bytes ?? 0)),
    cell("Files", count(used?.num_files ?? 0)),
    cell("Costs", dollars(used?.spent ?? 0)),
    cell("Created", moment(project.created_at)),
    tools(
      tool("Copy id of", "copy", name, () => copy(id, "Id")),
      isActive && tool("Limits of", "gauge", name, after(limitForm, "Limits saved")),
      isActive && tool("Rename", "edit", name, after(rename, "Workspace renamed")),
      isActive && tool("Archive", "trash", name, after(archive, "Workspace archived")),
    ),
  );
}

function named(title, label, value, save) {
  const input = el("input", {
    name: "name",
    required: true,
    maxlength: MAX_NAME_CHARACTERS,
    value,
    autocomplete: "off",
  });
  return ask({ title, label, fields: [field("Name", input)], submit: () => save(input.value.trim()) });
}

const rename = ({ id, name }) => named(`Rename “${name}”`, "Rename", name, (to) => post(`${PATH}/${id}`, { name: to }));

const archive = ({ id, name }) =>
  ask({
    title: `Archive “${name}”?`,
    label: "Archive",
    danger: true,
    fields: [
      el(
        "p",
        {},
        "Its keys are refused from the next request on. Its files stay, and their storage is billed, until the operator purges the workspace. There is no way back here.",
      ),
    ],
    submit: () => post(`${PATH}/${id}/archive`),
  });
