// Tables of lists, whose rows become cards where the window is narrow, and what their cells hold.
import { el } from "./dom.js";
import { ago, time } from "./format.js";
import { icon } from "./icons.js";

/** Builds a table; an empty heading is that of the actions. */
export function listTable(caption, heads, rows) {
  const head = (title) => el("th", { scope: "col" }, title || el("span", { class: "unseen" }, "Actions"));
  const body = rows instanceof Element ? rows : el("tbody", {}, ...rows);
  return el(
    "div",
    { class: "table list" },
    el(
      "table",
      { class: "stacked" },
      el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, ...heads.map(head))),
      body,
    ),
  );
}

export const rowHead = (...content) => el("th", { scope: "row" }, ...content);

/** Builds a cell; a card shows its title. */
export const cell = (title, ...content) => el("td", { "data-title": title }, ...content);

export const tools = (...content) => el("td", { class: "tools" }, ...content);

export const badge = (text, kind = "") => el("span", { class: `badge ${kind}` }, text);

/** Builds a moment as its distance to now; `otherwise` stands for none. */
export const moment = (seconds, otherwise = "-") =>
  seconds
    ? el("time", { datetime: new Date(seconds * 1000).toISOString(), title: time(seconds) }, ago(seconds))
    : el("span", { class: "quiet" }, otherwise);

/** Builds a button with an icon for an object of this name. */
export const tool = (label, symbol, name, onclick) =>
  el(
    "button",
    { type: "button", class: "icon-button", "aria-label": `${label} ${name}`, title: label, onclick },
    icon(symbol),
  );

/** Builds a list of names and values. */
export const factList = (facts) =>
  el("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
