// Deletes Files after a question: a few at a time, with progress, at the pace of the server.
import { remove } from "../core/api.js";
import { dialog } from "../core/dialog.js";
import { el } from "../core/dom.js";
import { count, plural, size } from "../core/format.js";
import { notice } from "../core/notices.js";
import { inOneLine } from "../core/problem.js";

const AT_ONCE = 4;
const SHOWN_NAMES = 5;
const SHOWN_FAILURES = 20;

/** Asks, deletes, and resolves with the ids that are gone. */
export function deleteFiles(files) {
  return new Promise((resolve) => {
    const gone = new Set();
    const stop = new AbortController();
    const content = el("div", { class: "inside" });
    const box = dialog(files.length === 1 ? "Delete this file?" : `Delete ${plural(files.length, "file")}?`, content);
    box.addEventListener("close", () => {
      stop.abort(new DOMException("closed", "AbortError"));
      resolve(gone);
    });
    const start = el(
      "button",
      { type: "button", class: "button danger", onclick: () => run(box, content, files, gone, stop.signal) },
      files.length === 1 ? "Delete" : `Delete ${plural(files.length, "file")}`,
    );
    content.append(
      ...question(files),
      el(
        "div",
        { class: "actions end" },
        el("button", { type: "button", class: "button", onclick: () => box.close() }, "Cancel"),
        start,
      ),
    );
    start.focus();
  });
}

function question(files) {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return [
    el(
      "ul",
      { class: "names" },
      ...files.slice(0, SHOWN_NAMES).map(({ filename }) => el("li", {}, el("bdi", {}, filename))),
      files.length > SHOWN_NAMES && el("li", { class: "quiet" }, `and ${count(files.length - SHOWN_NAMES)} more`),
    ),
    el("p", {}, `${size(bytes)} in all. This cannot be undone.`),
  ];
}

async function run(box, content, files, gone, signal) {
  const bar = el("progress", { max: files.length, value: 0, "aria-label": "Deleted files" });
  const told = el("p", { role: "status" });
  const stop = el("button", { type: "button", class: "button", onclick: () => box.close() }, "Stop");
  content.replaceChildren(bar, told, el("div", { class: "actions end" }, stop));
  const failures = [];
  const queue = [...files];
  const tell = () => {
    bar.value = gone.size + failures.length;
    told.textContent = `${count(gone.size)} of ${count(files.length)} deleted`;
  };
  const worker = async () => {
    for (let file = queue.shift(); file && !signal.aborted; file = queue.shift()) {
      try {
        await remove(`files/${file.id}`, { signal });
        gone.add(file.id);
      } catch (error) {
        if (signal.aborted) return;
        // A File that is gone already is what was asked for.
        if (error.status === 404) gone.add(file.id);
        else failures.push([file, error]);
      }
      tell();
    }
  };
  tell();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (signal.aborted) return;
  if (failures.length === 0) {
    box.close();
    notice(`${plural(gone.size, "file")} deleted`);
    return;
  }
  told.textContent = `${count(gone.size)} deleted, ${count(failures.length)} not deleted:`;
  content.insertBefore(
    el(
      "ul",
      { class: "names" },
      ...failures
        .slice(0, SHOWN_FAILURES)
        .map(([file, error]) => el("li", { class: "told" }, el("bdi", {}, file.filename), `: ${inOneLine(error)}`)),
    ),
    stop.parentElement,
  );
  stop.textContent = "Close";
}
