// The rows of the list of Files.
import { linkTo } from "../core/api.js";
import { el } from "../core/dom.js";
import { ago, size } from "../core/format.js";
import { icon } from "../core/icons.js";
import { copy } from "../core/notices.js";
import { page } from "../core/root.js";
import { badge, moment, tool } from "../core/table.js";
import { iconOf } from "./kind.js";

const SOON_S = 86_400 * 3;

export const statusOf = ({ status }) => (status === "error" ? badge("bad lines", "bad") : badge("processed", "good"));

export function expiryOf({ expires_at: expires }) {
  const shown = moment(expires, "never");
  shown.classList.toggle("soon", Boolean(expires) && expires - Date.now() / 1000 < SOON_S);
  return shown;
}

/**
 * Builds a row.
 * @param {object} file
 * @param {{isSelected: boolean, canDelete: boolean, onSelect: (event: Event) => void, onDelete: () => void}} how
 */
export function row(file, { isSelected, canDelete, onSelect, onDelete }) {
  const name = el(
    "a",
    { href: page(`files/${file.id}`), class: "file-name" },
    icon(iconOf(file)),
    el("bdi", {}, file.filename),
  );
  return el(
    "tr",
    { "data-id": file.id, "aria-selected": String(isSelected) },
    el(
      "td",
      { class: "pick" },
      canDelete &&
        el(
          "label",
          {},
          el("input", {
            type: "checkbox",
            checked: isSelected,
            "aria-label": `Select ${file.filename}`,
            onclick: onSelect,
          }),
        ),
    ),
    el(
      "th",
      { scope: "row" },
      name,
      el(
        "small",
        { class: "more" },
        size(file.bytes),
        " · ",
        file.purpose,
        " · ",
        ago(file.created_at),
        file.status === "error" && " · bad lines",
      ),
    ),
    el("td", { class: "wide" }, el("span", { class: "badge" }, file.purpose)),
    el("td", { class: "wide amount" }, size(file.bytes)),
    el("td", { class: "wide" }, moment(file.created_at)),
    el("td", { class: "wide" }, expiryOf(file)),
    el("td", { class: "wide" }, statusOf(file)),
    el(
      "td",
      { class: "tools" },
      tool("Copy id of", "copy", file.filename, () => copy(file.id, "Id")),
      el(
        "a",
        {
          class: "icon-button",
          href: linkTo(`files/${file.id}/content`),
          download: "",
          "aria-label": `Download ${file.filename}`,
          title: "Download",
        },
        icon("download"),
      ),
      canDelete && tool("Delete", "trash", file.filename, onDelete),
    ),
  );
}

/** Builds rows that stand for those that are loading. */
export function skeleton(number) {
  return Array.from({ length: number }, () =>
    el(
      "tr",
      { class: "skeleton", "aria-hidden": "true" },
      el("td", { class: "pick" }),
      el("th", {}, el("i")),
      ...Array.from({ length: 5 }, () => el("td", { class: "wide" }, el("i"))),
      el("td", { class: "tools" }),
    ),
  );
}
