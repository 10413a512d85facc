// The rows of links: what is known of a link, and the button that revokes it.
import { post } from "../core/api.js";
import { ask } from "../core/dialog.js";
import { el } from "../core/dom.js";
import { notice } from "../core/notices.js";
import { badge, cell, moment, tool, tools } from "../core/table.js";

/** The headings of the cells that every list of links has. */
export const LINK_HEADS = ["Status", "Expires", "First used", "Uses", ""];

/**
 * Builds the row of a link. A revocation replaces the row by one of the server's answer.
 * @param {object} link
 * @param {{cells: (link: object) => Node[], nameOf: (link: object) => string, mayRevoke: boolean}} how `cells` builds
 *   the first cells of the row, `nameOf` returns the link in the name of its button
 */
export function linkRow(link, how) {
  const { cells, nameOf, mayRevoke } = how;
  const end = async () => {
    const revoked = await revoke(link);
    if (!revoked) return;
    notice("Link revoked");
    row.replaceWith(linkRow(revoked, how));
  };
  const row = el(
    "tr",
    { "data-id": link.id },
    ...cells(link),
    cell("Status", badge(link.status.replace("_", " "), link.status === "active" ? "good" : "")),
    cell("Expires", moment(link.expires_at)),
    cell("First used", moment(link.first_used_at, "never")),
    cell("Uses", link.one_time ? "one" : "any"),
    tools(mayRevoke && link.status === "active" && tool("Revoke the link of", "trash", nameOf(link), end)),
  );
  return row;
}

/** Asks, and revokes a link. Resolves with the link as the server has it then, or null. */
async function revoke(link) {
  let revoked = null;
  await ask({
    title: "Revoke the link?",
    label: "Revoke",
    danger: true,
    fields: [el("p", {}, `Whoever has it cannot ${link.kind === "upload" ? "send" : "open"} the file any more.`)],
    submit: async () => {
      revoked = await post(`links/${link.id}/revoke`);
    },
  });
  return revoked;
}
