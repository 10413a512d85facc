// The page of links: those of the workspace, to read a file and to send one.
import { post } from "../core/api.js";
import { ask } from "../core/dialog.js";
import { action, el, find, show } from "../core/dom.js";
import { ago, plural } from "../core/format.js";
import { growing } from "../core/growing.js";
import { notice } from "../core/notices.js";
import { page } from "../core/root.js";
import { begin } from "../core/shell.js";
import { loading } from "../core/state.js";
import { cell, listTable, rowHead } from "../core/table.js";
import { mayRead } from "../files/access.js";
import { askForFile } from "./forms.js";
import { LINK_HEADS, linkRow } from "./rows.js";

const PAGE_ROWS = 25;
const NONE = {
  title: "No links yet",
  words: "Share a file on its page, or ask somebody without a key for one.",
  symbol: "key",
};

begin(async (context) => {
  const place = find("#content");
  if (!mayRead(context, place, "links")) return;
  const mayWrite = context.can("files.write");
  const first = growing(place, {
    path: "links",
    rows: PAGE_ROWS,
    row: (link) => linkRow(link, { cells, nameOf, mayRevoke: mayWrite }),
    table: (body) => listTable("Links of the workspace", ["File", "Kind", ...LINK_HEADS], body),
    none: () => NONE,
  });
  const load = async () => {
    await first();
    show(find("[data-action=revoke-all]"), mayWrite && find("tbody tr", place) !== null);
  };
  show(find("[data-action=ask]"), mayWrite);
  action("ask", async () => {
    if (await askForFile()) await load();
  });
  action("revoke-all", async () => {
    if (await revokeAll()) await load();
  });
  loading(place);
  await load();
});

const nameOf = ({ filename, file_id: file }) => filename ?? file;

function cells(link) {
  const { kind, file_id: file, filename, created_at: created } = link;
  const text = el("bdi", {}, nameOf(link));
  // The name of a file ends with the file.
  const isThere = file && filename !== null;
  return [
    rowHead(
      isThere ? el("a", { href: page(`files/${file}`) }, text) : text,
      el("small", { class: "quiet" }, `made ${ago(created)}`),
    ),
    cell("Kind", kind),
  ];
}

async function revokeAll() {
  let revoked = 0;
  const done = await ask({
    title: "Revoke all links?",
    label: "Revoke all",
    danger: true,
    fields: [
      el(
        "p",
        {},
        "No link of this workspace works any more, whoever made it: people can neither read nor send files with them. This cannot be undone.",
      ),
    ],
    submit: async () => {
      ({ revoked } = await post("links/revoke", { all: true }));
    },
  });
  if (done) notice(`${plural(revoked, "link")} revoked`);
  return done;
}
