// The shell of every page: navigation, the switch of workspaces, the person, and the banners.
import { banners } from "./banners.js";
import { all, el, fill, find } from "./dom.js";
import { notice } from "./notices.js";
import { inOneLine } from "./problem.js";
import { choose, load, signOut } from "./session.js";
import { failed } from "./state.js";

/** Begins a page: loads the session, fills the shell, and hands both to `setup`. */
export async function begin(setup) {
  banners();
  try {
    const context = await load();
    shell(context);
    await setup(context);
  } catch (error) {
    failed(find("#page-state"), error, () => location.reload());
  } finally {
    document.documentElement.dataset.ready = "yes";
  }
}

function shell({ session, workspaces, workspace, isAdministrator, manages }) {
  for (const item of all("[data-for=administrator]")) item.hidden = !isAdministrator;
  for (const item of all("[data-for=manager]")) item.hidden = !manages;
  const { actor } = session;
  fill(
    find("#person"),
    el(
      "span",
      { class: "who" },
      el("b", {}, actor.name || actor.email || actor.id),
      el("small", {}, actor.type === "key" ? `API key, ${roleOf(workspace, isAdministrator)}` : (actor.email ?? "")),
    ),
    el("button", { type: "button", class: "button small", onclick: leave }, "Sign out"),
  );
  switcher(workspaces, workspace);
}

const roleOf = (workspace, isAdministrator) =>
  isAdministrator ? "administrator" : (workspace?.role ?? "no workspace");

function switcher(workspaces, workspace) {
  const place = find("#workspace");
  if (!workspace) return;
  if (workspaces.length === 1) {
    fill(place, el("span", { class: "workspace-name", title: workspace.id }, workspace.name));
    return;
  }
  const select = el(
    "select",
    { "aria-label": "Workspace", onchange: () => choose(select.value) },
    ...workspaces.map(({ id, name }) => el("option", { value: id, selected: id === workspace.id }, name)),
  );
  fill(place, select);
}

async function leave() {
  try {
    await signOut();
  } catch (error) {
    notice(inOneLine(error), "bad");
  }
}
