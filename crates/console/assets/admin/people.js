// The page of people: everyone who signed in with an account, and who of them is an administrator.
import { post, remove } from "../core/api.js";
import { ask } from "../core/dialog.js";
import { el, find } from "../core/dom.js";
import { growing } from "../core/growing.js";
import { copy, notice } from "../core/notices.js";
import { loading } from "../core/state.js";
import { badge, cell, listTable, moment, rowHead, tool, tools } from "../core/table.js";
import { NO_ACCOUNTS } from "../workspace/accounts.js";
import { administration } from "./begin.js";

const PATH = "organization/users";
const PAGE_ROWS = 50;
const EMAIL = "emails[]";
const NOBODY = { title: "No people yet", words: "Whoever signs in with an account appears here.", symbol: "key" };
const notFound = (email) => ({
  title: "Nothing found",
  words: `Nobody who signed in has the address “${email}”.`,
  symbol: "key",
});
// OpenAI's names of the roles.
const [ADMINISTRATOR, ANYONE] = ["owner", "reader"];
const HEADS = ["Name", "E-mail", "Role", "First sign-in", "Last sign-in", ""];

administration(async ({ session }) => {
  const place = find("#content");
  const email = find("#email");
  const asked = () => email.value.trim();
  const load = growing(place, {
    path: PATH,
    rows: PAGE_ROWS,
    filters: () => ({ [EMAIL]: asked() }),
    row: (person) => row(person, session),
    table: (body) => listTable("People", HEADS, body),
    none: ({ [EMAIL]: sought }) => (sought ? notFound(sought) : session.sign_in.oidc ? NOBODY : NO_ACCOUNTS),
  });
  find("form.toolbar").addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });
  // An emptied field shows everyone again.
  email.addEventListener("input", () => asked() || load());
  loading(place);
  await load();
});

function row(person, session) {
  const { id, name, email, role } = person;
  const called = name || email || id;
  const [isOwn, isAdministrator] = [id === session.actor.id, role === ADMINISTRATOR];
  const turn = async () => {
    const changed = await (isAdministrator ? demote : promote)(person, called);
    if (changed) shown.replaceWith(row(changed, session));
  };
  const leave = async () => {
    if (await removePerson(person, called)) shown.remove();
  };
  const shown = el(
    "tr",
    { "data-id": id },
    rowHead(el("bdi", {}, name || id), isOwn && [" ", badge("you", "good")]),
    cell("E-mail", el("bdi", {}, email ?? "-")),
    cell("Role", isAdministrator ? badge("administrator", "good") : "-"),
    cell("First sign-in", moment(person.added_at)),
    cell("Last sign-in", moment(person.last_signed_in_at, "never")),
    tools(
      tool("Copy id of", "copy", called, () => copy(id, "Id")),
      // Nobody locks themselves out.
      !isOwn && tool(isAdministrator ? "End administration by" : "Make an administrator of", "key", called, turn),
      !isOwn && tool("Remove", "trash", called, leave),
    ),
  );
  return shown;
}

/** Asks, and sets a role. Resolves with the person as the server has them then, or null. */
async function setRole({ id }, role, question) {
  let changed = null;
  await ask({
    ...question,
    submit: async () => {
      changed = await post(`${PATH}/${id}`, { role });
    },
  });
  return changed;
}

async function promote(person, called) {
  const words =
    "They may manage all workspaces, keys, limits and people, and read the audit log. They still need a membership to see files.";
  const question = {
    title: `Make ${called} an administrator?`,
    label: "Make an administrator",
    fields: [el("p", {}, words)],
  };
  const changed = await setRole(person, ADMINISTRATOR, question);
  if (changed) notice(`${called} is now an administrator`);
  return changed;
}

async function demote(person, called) {
  const words =
    "They keep their memberships. If a rule of the operator makes them an administrator, it does so again at their next sign-in.";
  const question = {
    title: `End administration by ${called}?`,
    label: "End",
    danger: true,
    fields: [el("p", {}, words)],
  };
  const changed = await setRole(person, ANYONE, question);
  if (changed) notice(`${called} is no administrator any more`);
  return changed;
}

async function removePerson({ id }, called) {
  const words =
    "All of their memberships are revoked, and their sessions and links end at once. Their files stay. Keys that they made go on: look at them on the page Keys.";
  const done = await ask({
    title: `Remove ${called}?`,
    label: "Remove",
    danger: true,
    fields: [
      el("p", {}, words),
      el("p", {}, "They can sign in again as long as the provider lets them, and get what the rules give."),
    ],
    submit: () => remove(`${PATH}/${id}`),
  });
  if (done) notice(`${called} was removed`);
  return done;
}
