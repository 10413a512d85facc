// States of a part of a page: loading, empty, failed.
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { explained } from "./problem.js";

export function empty(place, { title, words, actions = [], symbol = "file" }) {
  fill(
    place,
    el(
      "div",
      { class: "state" },
      icon(symbol),
      el("h2", {}, title),
      el("p", {}, words),
      el("div", { class: "actions" }, ...actions),
    ),
  );
  place.hidden = false;
}

/** Builds the line with the id of a request, which a report quotes. */
export const requestLine = (id) => id && el("p", { class: "hint" }, "Request ", el("code", {}, id));

export function failed(place, error, again) {
  const { title, detail, remedy, requestId } = explained(error);
  fill(
    place,
    el(
      "div",
      { class: "state bad", role: "alert" },
      icon("alert"),
      el("h2", {}, title),
      detail && el("p", { class: "detail" }, detail),
      el("p", {}, remedy),
      again &&
        el("div", { class: "actions" }, el("button", { type: "button", class: "button", onclick: again }, "Try again")),
      requestLine(requestId),
    ),
  );
  place.hidden = false;
}

export function loading(place, words = "Loading") {
  fill(
    place,
    el(
      "div",
      { class: "state quiet", role: "status" },
      el("span", { class: "spinner", "aria-hidden": "true" }),
      el("p", {}, words),
    ),
  );
  place.hidden = false;
}

/** Runs a load, and shows its failure in place with a way to try again. */
export async function tried(place, load) {
  try {
    await load();
  } catch (error) {
    if (error?.name === "AbortError") return;
    failed(place, error, () => {
      loading(place);
      tried(place, load);
    });
  }
}
