// The links to a file, on its page.
import { get } from "../core/api.js";
import { el, fill, show } from "../core/dom.js";
import { tried } from "../core/state.js";
import { listTable, moment, rowHead } from "../core/table.js";
import { LINK_HEADS, linkRow } from "../links/rows.js";

const MOST = 100;

/** Shows the links to a file, if there are any; `mayRevoke` adds the buttons that end them. */
export const showLinks = (place, file, mayRevoke) => tried(place, () => draw(place, file, mayRevoke));

async function draw(place, file, mayRevoke) {
  const { data } = await get(`files/${file.id}/links`, { limit: MOST });
  const links = data.filter((link) => link.kind === "download");
  const row = (link) => linkRow(link, { cells, nameOf, mayRevoke });
  fill(place, el("h2", {}, "Links"), listTable("Links to the file", ["Created", ...LINK_HEADS], links.map(row)));
  show(place, links.length > 0);
}

const cells = ({ created_at: created }) => [rowHead(moment(created))];
const nameOf = ({ created_at: created }) => new Date(created * 1000).toISOString();
