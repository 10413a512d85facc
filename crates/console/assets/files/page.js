// The page of Files: the list, and the uploads.
import { action, find, show } from "../core/dom.js";
import { begin } from "../core/shell.js";
import { debounced } from "../core/time.js";
import { mayRead } from "./access.js";
import { FileList } from "./list.js";

const REFRESH_MS = 700;

begin(async (context) => {
  if (!mayRead(context, find("#page-state"), "files")) {
    show(find("#files"), false);
    return;
  }
  const mayUpload = context.can("files.write");
  let uploads = null;
  const choose = async (what) => (await uploads)[what]();
  const list = new FileList(context, mayUpload && (() => choose("files")));
  for (const element of document.querySelectorAll("[data-for=upload]")) show(element, mayUpload);
  action("upload", () => choose("files"));
  action("upload-folder", () => choose("folder"));
  const rows = list.load();
  if (mayUpload)
    uploads = prepared(
      rows,
      context,
      debounced(() => list.refresh(), REFRESH_MS),
    );
  await rows;
  await uploads;
});

// The rows come first: a person who only reads does not wait for the uploads.
async function prepared(rows, context, onStored) {
  await rows;
  const { uploads } = await import("../upload/panel.js");
  return uploads(context, onStored);
}
