// The session of the person at this page: who they are, which workspace is chosen, and what they may do there.
import { authorize, everything, request, whenSessionEnds } from "./api.js";
import { at, here, page } from "./root.js";
import { dialog } from "./dialog.js";
import { el } from "./dom.js";

const CHOSEN = "venna-workspace";
const WAS_SIGNED_IN = "venna-signed-in";
const MAX_WORKSPACES = 1000;

/**
 * @typedef {{id: string, name: string, role: string, scopes: string[]}} Workspace
 * @typedef {{session: object, workspaces: Workspace[], workspace: Workspace | null, isAdministrator: boolean,
 *   can: (scope: string) => boolean, manages: boolean}} Context
 */

function remembered(store, name) {
  try {
    return store.getItem(name);
  } catch {
    return null;
  }
}

function remember(store, name, value) {
  try {
    if (value === null) store.removeItem(name);
    else store.setItem(name, value);
  } catch {
    /* the browser keeps nothing */
  }
}

/** Leads to the sign-in, and back to this page afterwards. */
export function signIn(reason) {
  remember(sessionStorage, WAS_SIGNED_IN, null);
  location.assign(page("sign-in", { return_to: here(), reason }));
}

let told = false;

function sessionEnded() {
  if (told) return;
  told = true;
  const box = dialog(
    "Your session has ended",
    el(
      "div",
      { class: "inside" },
      el("p", {}, "Sign in again to go on. Unfinished uploads of large files continue where they were."),
      el(
        "div",
        { class: "actions end" },
        el("button", { type: "button", class: "button primary", onclick: () => signIn("ended") }, "Sign in"),
      ),
    ),
  );
  box.addEventListener("close", () => signIn("ended"));
}

/** Loads the session; without one, leads to the sign-in and never resolves. */
export async function load() {
  let session;
  try {
    session = await (await request("GET", at("console/api/session"))).json();
  } catch (error) {
    if (!error.isSession) throw error;
    signIn(remembered(sessionStorage, WAS_SIGNED_IN) ? "ended" : null);
    return new Promise(() => {});
  }
  remember(sessionStorage, WAS_SIGNED_IN, "yes");
  whenSessionEnds(sessionEnded);
  authorize(session.csrf_token);
  return context(session);
}

async function context(session) {
  const isAdministrator = session.role_administrator;
  const own = session.workspaces;
  const workspaces = isAdministrator ? [...own, ...(await others(own))] : own;
  const asked = new URLSearchParams(location.search).get("project") ?? remembered(localStorage, CHOSEN);
  const workspace = workspaces.find(({ id }) => id === asked) ?? workspaces[0] ?? null;
  if (session.actor.type === "person" && workspace && workspace.role !== "administrator") {
    authorize(session.csrf_token, workspace.id, isAdministrator);
  }
  const manages = isAdministrator || workspace?.role === "owner";
  return {
    session,
    workspaces,
    workspace,
    isAdministrator,
    manages,
    can: (scope) => workspace?.scopes.includes(scope) ?? false,
  };
}

async function others(own) {
  const projects = await everything("organization/projects", {}, MAX_WORKSPACES);
  const known = new Set(own.map(({ id }) => id));
  return projects
    .filter(({ id }) => !known.has(id))
    .map(({ id, name }) => ({ id, name, role: "administrator", scopes: [] }));
}

/** Chooses another workspace, from the next page on. */
export function choose(id) {
  remember(localStorage, CHOSEN, id);
  const url = new URL(location.href);
  url.search = "";
  location.assign(/\/files\/[^/]+$/.test(url.pathname) ? page("files") : url.href);
}

export async function signOut() {
  await request("POST", at("console/api/sign-out"), { json: {} });
  remember(sessionStorage, WAS_SIGNED_IN, null);
  location.assign(page("sign-in", { reason: "out" }));
}
