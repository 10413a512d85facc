// The row of a transfer in the panel.
import { el, show } from "../core/dom.js";
import { duration, size } from "../core/format.js";
import { icon } from "../core/icons.js";
import { isOffline } from "../core/network.js";
import { inOneLine } from "../core/problem.js";
import { page } from "../core/root.js";

/** Builds the row of a transfer, and returns it with the function that updates it. */
export function item(transfer, { onPause, onResume, onCancel, onChoose }) {
  const button = (label, symbol, onclick) =>
    el(
      "button",
      { type: "button", class: "icon-button", "aria-label": `${label} ${transfer.name}`, title: label, onclick },
      icon(symbol),
    );
  const [pause, resume, retry] = [
    button("Pause", "pause", onPause),
    button("Resume", "play", onResume),
    button("Try again", "retry", onResume),
  ];
  const cancel = button("Cancel", "close", onCancel);
  const choose = el("button", { type: "button", class: "button small", onclick: onChoose }, "Choose the file again");
  const bar = el("progress", { max: Math.max(1, transfer.size), value: 0, "aria-label": `Upload of ${transfer.name}` });
  const words = el("small", {});
  const name = el("span", { class: "file-name" }, el("bdi", {}, transfer.name));
  const row = el(
    "li",
    { class: "transfer" },
    el("div", { class: "line" }, name, el("span", { class: "buttons" }, pause, resume, retry, cancel)),
    bar,
    el("div", { class: "line" }, words, choose),
  );
  const update = () => {
    const { state } = transfer;
    row.dataset.state = state;
    bar.value = transfer.sentBytes;
    words.textContent = wordsOf(transfer);
    show(bar, state !== "failed" && !transfer.isOver);
    show(pause, transfer.isActive);
    show(resume, state === "paused");
    show(retry, state === "failed");
    show(cancel, !transfer.isOver);
    show(choose, state === "lost");
    if (state === "done" && !name.querySelector("a"))
      name.replaceChildren(el("a", { href: page(`files/${transfer.result.id}`) }, el("bdi", {}, transfer.name)));
  };
  update();
  return { row, update };
}

function wordsOf(transfer) {
  const { state, sentBytes, size: bytes, perSecond, secondsLeft, error, result } = transfer;
  const part = `${size(sentBytes)} of ${size(bytes)}`;
  if (state === "waiting") return `${size(bytes)}, waiting`;
  if (state === "paused") return `Paused at ${part}`;
  if (state === "lost") return `${part} arrived before this page was closed`;
  if (state === "failed") return inOneLine(error);
  if (state === "cancelled") return "Cancelled";
  if (state === "done")
    return result.status === "error" ? `${size(bytes)}, stored with bad lines` : `${size(bytes)}, stored`;
  if (isOffline()) return `${part}, waits for the network`;
  return [part, perSecond > 0 && `${size(perSecond)}/s`, secondsLeft !== null && `${duration(secondsLeft)} left`]
    .filter(Boolean)
    .join(", ");
}
