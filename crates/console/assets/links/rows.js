// The rows of links: what is known of a link, and the button that revokes it.
import { post } from "../core/api.js";
import { ask } from "../core/dialog.js";
import { el } from "../core/dom.js";
import { notice } from "../core/notices.js";
import { badge, cell, moment, tool, tools } from "../core/table.js";

/** The headings of the cells that every list of links has. */
export const LINK_HEADS = ["Status", "Expires", "First used", "Uses", ""];

/**
 * Builds the row of a link.
 * @param {object} link
 * @param {Node[]} cells the first cells of the row
 * @param {{name: string, onRevoked: (() => void) | null}} how `name` is the link in the name of its button; who may not
 *   revoke has no `onRevoked`
 */
export function linkRow(link, cells, { name, onRevoked }) {
  const revoked = async () => {
    if (!(await revoke(link))) return;
    notice("Link revoked");
    onRevoked();
  };
  return el(
    "tr",
    { "data-id": link.id },
    ...cells,
    cell("Status", badge(link.status.replace("_", " "), link.status === "active" ? "good" : "")),
    cell("Expires", moment(link.expires_at)),
    cell("First used", moment(link.first_used_at, "never")),
    cell("Uses", link.one_time ? "one" : "any"),
    tools(onRevoked && link.status === "active" && tool("Revoke the link of", "trash", name, revoked)),
  );
}

const revoke = (link) =>
  ask({
    title: "Revoke the link?",
    label: "Revoke",
    danger: true,
    fields: [el("p", {}, `Whoever has it cannot ${link.kind === "upload" ? "send" : "open"} the file any more.`)],
    submit: () => post(`links/${link.id}/revoke`),
  });
