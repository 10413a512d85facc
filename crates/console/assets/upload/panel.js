// The panel of uploads: what is on its way, with pause, resume, retry and cancel of one or all.
import { action, find, show } from "../core/dom.js";
import { count, duration, plural, size } from "../core/format.js";
import { onNetwork } from "../core/network.js";
import { notice } from "../core/notices.js";
import { dropZone } from "./drop.js";
import { item } from "./item.js";
import { options } from "./options.js";
import { Queue } from "./queue.js";
import { staysHere } from "./stay.js";
import { isOf, unfinished } from "./store.js";
import { MAX_FILES, chosen } from "./walk.js";

const DRAW_MS = 120;
const MAX_ROWS = 100;
const MAX_DONE_ROWS = 20;
const ORDER = ["failed", "lost", "running", "paused", "waiting", "done", "cancelled"];

/** Prepares the uploads of the page, and returns the functions that open the choice of files. */
export function uploads({ workspace }, onStored) {
  const rows = new Map();
  let due = false;
  const queue = new Queue(
    () => {
      if (due) return;
      due = true;
      setTimeout(() => {
        due = false;
        draw(queue, rows);
      }, DRAW_MS);
    },
    () => {
      onStored();
      if (!queue.isActive) finishedNotice(queue);
    },
  );
  const take = async (walk) => {
    const { items } = walk;
    tellOmitted(walk);
    const [resumed, fresh] = [
      items.filter((one) => isResumed(queue, one)),
      items.filter((one) => !isResumed(queue, one)),
    ];
    queue.add(resumed);
    if (fresh.length === 0) return;
    const how = await options(fresh);
    if (how) queue.add(fresh.map((one) => ({ ...one, ...how, workspace: workspace.id })));
  };
  controls(queue);
  dropZone(take);
  onNetwork(() => draw(queue, rows));
  staysHere(() => queue.isActive);
  unfinished(workspace.id).then((records) => records.forEach((record) => queue.restore(record)));
  return { files: () => choose("#choose-files", take), folder: () => choose("#choose-folder", take) };
}

/** Tells what is left out of files that were dropped, pasted or chosen. */
function tellOmitted({ left, more, unreadable }) {
  if (left > 0)
    notice(
      `Left out: ${more ? "at least " : ""}${plural(left, "file")}. At most ${count(MAX_FILES)} are taken at once.`,
      "bad",
    );
  else if (more) notice("Some folders were left out: they have too many files and folders.", "bad");
  if (unreadable > 0)
    notice(`Could not be read, and left out: ${plural(unreadable, "file or folder", "files or folders")}.`, "bad");
}

const isResumed = (queue, { file, name }) =>
  queue.transfers.some(({ state, record }) => state === "lost" && isOf(record, file, name));

function choose(selector, take) {
  const input = find(selector);
  input.onchange = () => {
    const walk = chosen(input);
    input.value = "";
    take(walk);
  };
  input.click();
}

/** Asks for the file of an upload that a reload broke off. */
function chooseAgain(queue, transfer) {
  const input = find("#choose-files");
  input.onchange = () => {
    const file = input.files[0];
    input.value = "";
    if (!file) return;
    const isRight =
      file.size === transfer.size &&
      file.lastModified === transfer.record.lastModified &&
      transfer.name.endsWith(file.name);
    if (!isRight) {
      notice(
        `This is not the file of the upload: it has another size or was changed since. Expected ${transfer.name}, ${size(transfer.size)}.`,
        "bad",
      );
      return;
    }
    transfer.found(file);
    queue.resume(transfer);
  };
  input.click();
}

function controls(queue) {
  action("pause-all", () => queue.each((transfer) => transfer.pause()));
  action("resume-all", () => queue.each((transfer) => queue.resume(transfer)));
  action("cancel-all", () => queue.each((transfer) => queue.cancel(transfer)));
  action("clear-uploads", () => queue.clear());
  action("fold", ({ currentTarget }) => {
    const folded = find("#uploads").classList.toggle("folded");
    currentTarget.setAttribute("aria-expanded", String(!folded));
  });
}

function draw(queue, rows) {
  const { transfers } = queue;
  show(find("#uploads"), transfers.length > 0);
  summary(transfers);
  const sorted = transfers.toSorted((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state));
  const open = sorted.filter(({ isOver }) => !isOver).slice(0, MAX_ROWS);
  const over = sorted.filter(({ isOver }) => isOver).slice(-MAX_DONE_ROWS);
  const shown = [...open, ...over];
  place(queue, rows, shown);
  const hidden = transfers.length - shown.length;
  find("#more-uploads").textContent = hidden > 0 ? `and ${count(hidden)} more` : "";
}

// Rows that stay where they are keep the focus.
function place(queue, rows, shown) {
  const list = find("#transfers");
  const kept = new Set(shown);
  for (const [transfer, { row }] of rows) {
    if (kept.has(transfer)) continue;
    row.remove();
    rows.delete(transfer);
  }
  shown.forEach((transfer, index) => {
    if (!rows.has(transfer)) {
      rows.set(
        transfer,
        item(transfer, {
          onPause: () => transfer.pause(),
          onResume: () => queue.resume(transfer),
          onCancel: () => queue.cancel(transfer),
          onChoose: () => chooseAgain(queue, transfer),
        }),
      );
    }
    const { row, update } = rows.get(transfer);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    update();
  });
}

function summary(transfers) {
  const counted = transfers.filter(({ state }) => state !== "cancelled");
  const of = (state) => counted.filter((one) => one.state === state).length;
  const [bytes, sent] = [
    counted.reduce((sum, one) => sum + one.size, 0),
    counted.reduce((sum, one) => sum + one.sentBytes, 0),
  ];
  const rate = counted.reduce((sum, one) => sum + one.perSecond, 0);
  const active = counted.some(({ isActive }) => isActive);
  const rest = counted.filter(({ isActive }) => isActive).reduce((sum, one) => sum + one.size - one.sentBytes, 0);
  find("#uploads-title").textContent = active
    ? `Uploading ${count(of("done") + 1)} of ${plural(counted.length, "file")}`
    : of("done") === counted.length
      ? `${plural(of("done"), "file")} uploaded`
      : `${count(of("done"))} of ${plural(counted.length, "file")} uploaded`;
  find("#uploads-words").textContent = [
    `${size(sent)} of ${size(bytes)}`,
    rate > 0 && `${size(rate)}/s`,
    rate > 0 && `${duration(rest / rate)} left`,
    of("failed") > 0 && `${count(of("failed"))} failed`,
  ]
    .filter(Boolean)
    .join(", ");
  const bar = find("#uploads-bar");
  [bar.max, bar.value] = [Math.max(1, bytes), sent];
  show(bar, active);
  show(find("[data-action=pause-all]"), active);
  show(find("[data-action=resume-all]"), of("paused") + of("failed") > 0);
  show(
    find("[data-action=cancel-all]"),
    counted.some(({ isOver }) => !isOver),
  );
  show(
    find("[data-action=clear-uploads]"),
    transfers.some(({ isOver }) => isOver),
  );
}

function finishedNotice({ transfers }) {
  const [done, failed] = ["done", "failed"].map((state) => transfers.filter((one) => one.state === state).length);
  if (failed > 0) notice(`${plural(done, "file")} uploaded, ${count(failed)} failed. The panel says why.`, "bad");
  else notice(`${plural(done, "file")} uploaded`);
}
