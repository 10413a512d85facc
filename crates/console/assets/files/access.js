// What a person is told who may not read the files of the workspace.
import { empty } from "../core/state.js";

/** Returns whether the person may read files; if not, says why. `what` is the subject of the page. */
export function mayRead({ workspace, can }, place, what) {
  if (workspace && can("files.read")) return true;
  const words = workspace
    ? "This session manages workspaces and keys, and cannot read files. Sign in with a key of the workspace, or become a member of it."
    : "You are a member of no workspace. Ask an administrator to add you.";
  empty(place, { title: `No access to ${what}`, words, symbol: "key" });
  return false;
}
