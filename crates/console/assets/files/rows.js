// The rows of the list of Files.
import { linkTo } from "../core/api.js";
import { el } from "../core/dom.js";
import { ago, size, time } from "../core/format.js";
import { icon } from "../core/icons.js";
import { copy } from "../core/notices.js";
import { page } from "../core/root.js";
import { iconOf } from "./kind.js";

const SOON_S = 86_400 * 3;

export function statusOf(file) {
  return file.status === "error" ? el("span", { class: "badge bad" }, "bad lines") : el("span", { class: "badge good" }, "processed");
}

export function expiryOf(file) {
  if (!file.expires_at) return el("span", { class: "quiet" }, "never");
  const soon = file.expires_at - Date.now() / 1000 < SOON_S;
  return el("time", { class: soon ? "soon" : "", datetime: new Date(file.expires_at * 1000).toISOString(), title: time(file.expires_at) }, ago(file.expires_at));
}

/**
 * Builds a row.
 * @param {object} file
 * @param {{isSelected: boolean, canDelete: boolean, onSelect: (event: Event) => void, onDelete: () => void}} how
 */
export function row(file, { isSelected, canDelete, onSelect, onDelete }) {
  const name = el("a", { href: page(`files/${file.id}`), class: "file-name" }, icon(iconOf(file)), el("bdi", {}, file.filename));
  const button = (label, symbol, onclick, kind = "") => el("button", { type: "button", class: `icon-button ${kind}`, "aria-label": `${label} ${file.filename}`, title: label, onclick }, icon(symbol));
  return el("tr", { "data-id": file.id, "aria-selected": String(isSelected) },
    el("td", { class: "pick" }, canDelete && el("label", {}, el("input", { type: "checkbox", checked: isSelected, "aria-label": `Select ${file.filename}`, onclick: onSelect }))),
    el("th", { scope: "row" }, name, el("small", { class: "more" }, size(file.bytes), " · ", file.purpose, " · ", ago(file.created_at), file.status === "error" && " · bad lines")),
    el("td", { class: "wide" }, el("span", { class: "badge" }, file.purpose)),
    el("td", { class: "wide amount" }, size(file.bytes)),
    el("td", { class: "wide" }, el("time", { datetime: new Date(file.created_at * 1000).toISOString(), title: time(file.created_at) }, ago(file.created_at))),
    el("td", { class: "wide" }, expiryOf(file)),
    el("td", { class: "wide" }, statusOf(file)),
    el("td", { class: "tools" }, button("Copy id of", "copy", () => copy(file.id, "Id")),
      el("a", { class: "icon-button", href: linkTo(`files/${file.id}/content`), download: "", "aria-label": `Download ${file.filename}`, title: "Download" }, icon("download")),
      canDelete && button("Delete", "trash", onDelete)));
}

/** Builds rows that stand for those that are loading. */
export function skeleton(number) {
  return Array.from({ length: number }, () => el("tr", { class: "skeleton", "aria-hidden": "true" },
    el("td", { class: "pick" }), el("th", {}, el("i")), ...Array.from({ length: 5 }, () => el("td", { class: "wide" }, el("i"))), el("td", { class: "tools" })));
}
