// Links to a file, for people without a key: makes, shows and revokes them.
import { get, post, remove } from "../core/api.js";
import { ask, choice, dialog, field, tick } from "../core/dialog.js";
import { el, fill, show } from "../core/dom.js";
import { copy, notice } from "../core/notices.js";
import { badge, cell, listTable, moment, rowHead, tool, tools } from "../core/table.js";

const HOUR_S = 3600;
const DAY_S = 86_400;
const LIFETIMES = [
  [String(HOUR_S), "An hour"],
  [String(DAY_S), "A day"],
  [String(7 * DAY_S), "A week"],
];
const MOST = 100;

/** Shows the links to a file, if there are any; `mayRevoke` adds the buttons that end them. */
export async function showLinks(place, file, mayRevoke) {
  const { data } = await get(`files/${file.id}/links`, { limit: MOST });
  const links = data.filter((link) => link.kind === "download");
  const row = (link) =>
    el(
      "tr",
      {},
      rowHead(moment(link.created_at)),
      cell("Status", badge(link.status.replace("_", " "), link.status === "active" ? "good" : "")),
      cell("Expires", moment(link.expires_at)),
      cell("First used", moment(link.first_used_at, "never")),
      cell("Uses", link.one_time ? "one" : "any"),
      tools(mayRevoke && link.status === "active" && revoking(link)),
    );
  const revoking = (link) =>
    tool("Revoke the link of", "trash", new Date(link.created_at * 1000).toISOString(), async () => {
      if (!(await revoke(link))) return;
      notice("Link revoked");
      await showLinks(place, file, mayRevoke);
    });
  const heads = ["Created", "Status", "Expires", "First used", "Uses", ""];
  fill(place, el("h2", {}, "Links"), listTable("Links to the file", heads, links.map(row)));
  show(place, links.length > 0);
}

const revoke = (link) =>
  ask({
    title: "Revoke the link?",
    label: "Revoke",
    danger: true,
    fields: [el("p", {}, "Whoever has it cannot open the file any more.")],
    submit: () => remove(`links/${link.id}`),
  });

/** Asks for a new link to a file, and shows its URL, once. Resolves with whether one was made. */
export async function share(file) {
  let made;
  const lifetime = choice("expires_in", LIFETIMES, String(DAY_S));
  const isMade = await ask({
    title: "Share the file",
    label: "Make a link",
    fields: [
      el("p", {}, "Whoever has the link can read the file without a key, until it expires or is revoked."),
      field("The link works for", lifetime),
      tick("one_time", "1", "Only once", "The first download uses the link up."),
    ],
    submit: async (form) => {
      const wanted = { expires_in: Number(lifetime.value), one_time: form.elements.one_time.checked };
      made = await post(`files/${file.id}/links`, wanted);
    },
  });
  if (isMade) await showUrl(made);
  return isMade;
}

function showUrl({ url }) {
  return new Promise((resolve) => {
    const input = el("input", {
      readonly: true,
      value: url,
      id: "link",
      spellcheck: "false",
      onfocus: ({ target }) => target.select(),
    });
    const done = el("button", { type: "button", class: "button primary", onclick: () => box.close() }, "Done");
    const box = dialog(
      "Copy the link now",
      el(
        "div",
        { class: "inside" },
        el("p", {}, "The link is shown this one time. Make another one if it is lost."),
        el(
          "div",
          { class: "row" },
          el("label", { for: "link" }, "Link"),
          el(
            "div",
            { class: "with-button" },
            input,
            el("button", { type: "button", class: "button", onclick: () => copy(url, "Link") }, "Copy"),
          ),
        ),
        el("div", { class: "actions end" }, done),
      ),
    );
    box.addEventListener("close", () => {
      input.value = "";
      resolve();
    });
    input.focus();
  });
}
