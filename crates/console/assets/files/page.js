// The page of Files: the list, and the uploads.
import { action, find, show } from "../core/dom.js";
import { begin } from "../core/shell.js";
import { empty } from "../core/state.js";
import { debounced } from "../core/time.js";
import { uploads } from "../upload/panel.js";
import { FileList } from "./list.js";

const REFRESH_MS = 700;

begin(async (context) => {
  const { workspace, can } = context;
  if (!workspace || !can("files.read")) {
    show(find("#files"), false);
    const words = workspace ? "This session manages workspaces and keys, and cannot read files. Sign in with a key of the workspace, or become a member of it." : "You are a member of no workspace. Ask an administrator to add you.";
    empty(find("#page-state"), { title: "No access to files", words, symbol: "key" });
    return;
  }
  let list;
  const mayUpload = can("files.write");
  const choose = mayUpload ? uploads(context, debounced(() => list.refresh(), REFRESH_MS)) : null;
  for (const element of document.querySelectorAll("[data-for=upload]")) show(element, mayUpload);
  list = new FileList(context, choose?.files);
  action("upload", () => choose.files());
  action("upload-folder", () => choose.folder());
  await list.load();
});
