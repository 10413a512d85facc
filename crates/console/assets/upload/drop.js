// The whole page takes files that are dropped or pasted.
import { find, show } from "../core/dom.js";
import { walked } from "./walk.js";

const hasFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");
const isBusy = () => document.querySelector("dialog[open]") !== null;

/** Returns the entries of dropped or pasted files. They are valid only during the event; a walk begins at once. */
const entriesOf = (transfer) =>
  [...transfer.items]
    .filter(({ kind }) => kind === "file")
    .map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());

/** Calls `take` with a walk when files are dropped anywhere, or pasted. */
export function dropZone(take) {
  const zone = find("#drop");
  let depth = 0;
  const leave = () => {
    depth = 0;
    show(zone, false);
  };
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event.dataTransfer) || isBusy()) return;
    event.preventDefault();
    depth += 1;
    show(zone, true);
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    depth -= 1;
    if (depth <= 0) leave();
  });
  addEventListener("dragover", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = isBusy() ? "none" : "copy";
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    leave();
    if (!isBusy()) take(await walked(entriesOf(event.dataTransfer)));
  });
  addEventListener("paste", async (event) => {
    const { clipboardData: pasted, target } = event;
    if (!hasFiles(pasted) || isBusy()) return;
    // An office program pastes a text with its image; a field takes the text.
    if (target.matches?.("input, textarea, select") && pasted.types.includes("text/plain")) return;
    event.preventDefault();
    take(await walked(entriesOf(pasted)));
  });
}
