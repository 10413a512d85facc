// The page of members: people, and their roles in the workspace.
import { everything, post, remove } from "../core/api.js";
import { ask, choice, field } from "../core/dialog.js";
import { action, el, fill, find, show } from "../core/dom.js";
import { notice } from "../core/notices.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";
import { cell, listTable, moment, rowHead, tool, tools } from "../core/table.js";

const MAX_MEMBERS = 1000;
const ROLES = [
  ["reader", "Reader: reads files and usage"],
  ["writer", "Writer: also uploads and deletes"],
  ["owner", "Owner: also manages keys and members"],
];

const pathOf = (workspace) => `organization/projects/${workspace.id}/users`;

begin(async ({ manages, workspace }) => {
  const place = find("#content");
  if (!workspace || !manages) {
    empty(place, {
      title: "Owners manage members",
      words: "Ask an owner of the workspace or an administrator to add people or to change their roles.",
      symbol: "key",
    });
    return;
  }
  const load = () => tried(place, () => list(place, workspace, load));
  action("add", async () => {
    if (await add(workspace)) load();
  });
  loading(place);
  await load();
});

async function list(place, workspace, load) {
  let members;
  try {
    members = await everything(pathOf(workspace), {}, MAX_MEMBERS);
  } catch (error) {
    if (error.status !== 501 && error.status !== 404) throw error;
    show(find("[data-action=add]"), false);
    empty(place, {
      title: "This server has no accounts of people",
      words: "People sign in with keys. The operator can connect a provider of accounts by OpenID Connect.",
      symbol: "key",
    });
    return;
  }
  if (members.length === 0) {
    empty(place, {
      title: "No members yet",
      words: "People become members by the rules of the operator when they sign in, or when you add them here.",
      symbol: "key",
    });
    return;
  }
  fill(
    place,
    listTable(
      "Members of the workspace",
      ["Name", "E-mail", "Role", "Added", ""],
      members.map((member) => row(workspace, member, load)),
    ),
  );
}

function row(workspace, member, load) {
  const name = member.name || member.email || member.id;
  const change = async () => {
    await post(`${pathOf(workspace)}/${member.id}`, { role: role.value });
    notice(`${name} is now ${role.value}`);
  };
  const role = el(
    "select",
    { "aria-label": `Role of ${name}`, onchange: () => tried(find("#page-state"), change) },
    ...ROLES.map(([value]) => el("option", { value, selected: value === roleOf(member) }, value)),
  );
  const leave = async () => {
    const words = "They lose access to this workspace at once. Files that they uploaded stay.";
    const gone = await ask({
      title: `Remove ${name}?`,
      label: "Remove",
      danger: true,
      fields: [el("p", {}, words)],
      submit: () => remove(`${pathOf(workspace)}/${member.id}`),
    });
    if (gone) load();
  };
  return el(
    "tr",
    {},
    rowHead(el("bdi", {}, member.name || "-")),
    cell("E-mail", el("bdi", {}, member.email ?? "-")),
    cell("Role", role),
    cell("Added", moment(member.added_at)),
    tools(tool("Remove", "trash", name, leave)),
  );
}

// OpenAI names the manager of a project `owner` and everyone else `member`.
const roleOf = ({ role }) => (role === "member" ? "writer" : role);

async function add(workspace) {
  const email = el("input", { name: "email", type: "email", required: true, maxlength: 320, autocomplete: "off" });
  const done = await ask({
    title: "Add a member",
    label: "Add",
    fields: [
      field("E-mail", email, "Of a person who has signed in to this server before"),
      field("Role", choice("role", ROLES, "writer")),
    ],
    submit: (form) =>
      post(pathOf(workspace), { email: form.elements.email.value.trim(), role: form.elements.role.value }),
  });
  if (done) notice("Member added");
  return done;
}
