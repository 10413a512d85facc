// Short messages at the edge of the page, which a screen reader says.
import { el, find } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_MS = 6000;
const MAX_NOTICES = 4;

/** Shows a message; one of kind `bad` stays until it is closed. */
export function notice(text, kind = "good") {
  const place = find("#notices");
  const close = () => box.remove();
  const box = el(
    "div",
    { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" },
    icon(kind === "bad" ? "alert" : "check"),
    el("span", {}, text),
    el(
      "button",
      { type: "button", class: "icon-button", "aria-label": "Close the message", onclick: close },
      icon("close"),
    ),
  );
  place.append(box);
  while (place.children.length > MAX_NOTICES) place.firstElementChild.remove();
  if (kind !== "bad") setTimeout(close, SHOWN_MS);
}

/** Copies a text, and says so. */
export async function copy(text, named) {
  try {
    await navigator.clipboard.writeText(text);
    notice(`${named} copied`);
  } catch {
    notice(`The browser did not allow to copy. ${named}: ${text}`, "bad");
  }
}
