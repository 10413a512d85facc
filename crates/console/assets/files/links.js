// The links to a file, on its page.
import { everything } from "../core/api.js";
import { el, fill, show } from "../core/dom.js";
import { count } from "../core/format.js";
import { page } from "../core/root.js";
import { tried } from "../core/state.js";
import { listTable, moment, rowHead } from "../core/table.js";
import { LINK_HEADS, linkRow } from "../links/rows.js";

const MAX_LINKS = 200;

/** Shows the links to a file, if there are any; `mayRevoke` adds the buttons that end them. */
export const showLinks = (place, file, mayRevoke) => tried(place, () => draw(place, file, mayRevoke));

async function draw(place, file, mayRevoke) {
  // One more than is shown tells that there are more.
  const all = await everything(`files/${file.id}/links`, {}, MAX_LINKS + 1);
  const links = all.slice(0, MAX_LINKS).filter((link) => link.kind === "download");
  const row = (link) => linkRow(link, { cells, nameOf, mayRevoke });
  const listOfAll = el("a", { href: page("links") }, "Links");
  const hint = `These are the newest ${count(MAX_LINKS)} links. The page `;
  fill(
    place,
    el("h2", {}, "Links"),
    listTable("Links to the file", ["Created", ...LINK_HEADS], links.map(row)),
    all.length > MAX_LINKS && el("p", { class: "hint" }, hint, listOfAll, " lists all of the workspace."),
  );
  show(place, links.length > 0);
}

const cells = ({ created_at: created }) => [rowHead(moment(created))];
const nameOf = ({ created_at: created }) => new Date(created * 1000).toISOString();
