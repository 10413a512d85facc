// The page of members: people, and their roles in the workspace.
import { everything, post, remove } from "../core/api.js";
import { ask, choice, field } from "../core/dialog.js";
import { el, fill, find, show } from "../core/dom.js";
import { notice } from "../core/notices.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";
import { badge, cell, listTable, moment, rowHead, tool, tools } from "../core/table.js";
import { NO_ACCOUNTS } from "./accounts.js";

const MAX_MEMBERS = 1000;
const MAX_ID_CHARACTERS = 64;
const ROLES = [
  ["reader", "Reader: reads files and usage"],
  ["writer", "Writer: also uploads and deletes"],
  ["owner", "Owner: also manages keys and members"],
];

const pathOf = (workspace) => `organization/projects/${workspace.id}/users`;

begin(async (context) => {
  const { manages, workspace, session } = context;
  const place = find("#content");
  const button = find("[data-action=add]");
  show(button, Boolean(workspace) && manages && session.sign_in.oidc);
  if (!session.sign_in.oidc) {
    empty(place, NO_ACCOUNTS);
    return;
  }
  if (!workspace || !manages) {
    empty(place, {
      title: "Owners manage members",
      words: "Ask an owner of the workspace or an administrator to add people or to change their roles.",
      symbol: "key",
    });
    return;
  }
  const load = () => tried(place, () => list(place, context, load));
  button.addEventListener("click", async () => {
    if (await add(context)) load();
  });
  loading(place);
  await load();
});

async function list(place, { workspace, session }, load) {
  const members = await everything(pathOf(workspace), {}, MAX_MEMBERS);
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
      ["Name", "E-mail", "Role", "By", "Added", ""],
      members.map((member) => row(workspace, member, session, load)),
    ),
  );
}

function row(workspace, member, session, load) {
  const name = member.name || member.email || member.id;
  const isOwn = member.id === session.actor.id;
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
    rowHead(el("bdi", {}, member.name || member.id), isOwn && [" ", badge("you", "good")]),
    cell("E-mail", el("bdi", {}, member.email ?? "-")),
    cell("Role", role),
    cell("By", member.granted_by === "rule" ? "a rule, at each sign-in" : "a person or program"),
    cell("Added", moment(member.added_at)),
    tools(tool("Remove", "trash", name, leave)),
  );
}

// OpenAI's name of a member who is no owner.
const roleOf = ({ role }) => (role === "member" ? "writer" : role);

/** Builds the choice of a person: administrators see all people, owners need an id. */
async function personField(isAdministrator) {
  if (!isAdministrator) {
    const input = el("input", {
      name: "person",
      required: true,
      maxlength: MAX_ID_CHARACTERS,
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "user_...",
    });
    return field("Id of the person", input, "People find their id on the page Sessions, once they have signed in.");
  }
  const people = await everything("organization/users", {}, MAX_MEMBERS);
  const words = ({ id, name, email }) => [id, [name, email].filter(Boolean).join(", ") || id];
  return field("Person", choice("person", people.map(words)), "Everyone who has signed in to this server once.");
}

async function add({ workspace, isAdministrator }) {
  const person = await personField(isAdministrator);
  const done = await ask({
    title: "Add a member",
    label: "Add",
    fields: [person, field("Role", choice("role", ROLES, "writer"))],
    submit: ({ elements }) =>
      post(pathOf(workspace), { user_id: elements.person.value.trim(), role: elements.role.value }),
  });
  if (done) notice("Member added");
  return done;
}
