// The whole page takes files that are dropped; folders are read to their depth.
import { find, show } from "../core/dom.js";

const MAX_FILES = 20_000;

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Calls `take` with `[{file, name}]` when files are dropped anywhere. */
export function dropZone(take) {
  const zone = find("#drop");
  let depth = 0;
  const leave = () => {
    depth = 0;
    show(zone, false);
  };
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    depth += 1;
    show(zone, true);
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) leave();
  });
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = document.querySelector("dialog[open]") ? "none" : "copy";
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    leave();
    if (document.querySelector("dialog[open]")) return;
    // Entries are valid only during the event; the walk begins at once.
    take(
      await walked(
        [...event.dataTransfer.items]
          .filter(({ kind }) => kind === "file")
          .map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile()),
      ),
    );
  });
}

async function walked(entries) {
  const found = [];
  const queue = entries.filter(Boolean);
  while (queue.length > 0 && found.length < MAX_FILES) {
    const entry = queue.shift();
    if (entry instanceof File) found.push({ file: entry, name: entry.name });
    else if (entry.isFile)
      found.push({
        file: await new Promise((resolve, reject) => {
          entry.file(resolve, reject);
        }),
        name: entry.fullPath.replace(/^\//, ""),
      });
    else queue.push(...(await children(entry)));
  }
  return found;
}

async function children(folder) {
  const reader = folder.createReader();
  const entries = [];
  // A reader gives a hundred entries at a time, and none at the end.
  for (;;) {
    const some = await new Promise((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return entries;
    entries.push(...some);
  }
}

/** Returns the files of an input, named with their folders. */
export const chosen = (input) => [...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
