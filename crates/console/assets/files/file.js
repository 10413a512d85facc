// The page of one File: what is known of it, its bad lines, and its content.
import { api, get, linkTo, request } from "../core/api.js";
import { action, el, fill, find, show } from "../core/dom.js";
import { count, size, time } from "../core/format.js";
import { icon } from "../core/icons.js";
import { copy } from "../core/notices.js";
import { page } from "../core/root.js";
import { begin } from "../core/shell.js";
import { share } from "../links/forms.js";
import { preview } from "../preview/preview.js";
import { deleteFiles } from "./delete.js";
import { faults, faultsOf } from "./faults.js";
import { showLinks } from "./links.js";
import { expiryOf, statusOf } from "./rows.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));

begin(async ({ can }) => {
  const file = await get(`files/${encodeURIComponent(id)}`);
  document.title = `${file.filename} - ${document.title.split(" - ").at(-1)}`;
  fill(find("#filename"), el("bdi", {}, file.filename));
  find("#download").href = linkTo(`files/${file.id}/content`);
  for (const element of document.querySelectorAll("[data-for=delete]")) show(element, can("files.write"));
  show(find("#file"), true);
  show(find("#actions"), true);
  show(find("#page-state"), false);
  action("copy-id", () => copy(file.id, "Id"));
  action("delete", async () => {
    const gone = await deleteFiles([file]);
    if (gone.size > 0) location.assign(page("files"));
  });
  const links = () => showLinks(find("#links"), file, can("files.write"));
  action("share", async () => {
    if (await share(file)) await links();
  });
  details(file);
  const bad = faultsOf(file);
  const place = find("#preview");
  const going = preview(place, file, bad);
  const go = async (offset) => {
    await (
      await going
    )?.(offset);
    const row = place.querySelector(`tr[data-offset="${offset}"]`);
    row?.scrollIntoView({ block: "center" });
    row?.querySelector("button")?.focus();
  };
  await Promise.all([faults(find("#faults"), file, bad, go), links(), going]);
});

function details(file) {
  const copied = (value, named) =>
    el(
      "span",
      { class: "copied" },
      el("code", {}, value),
      el(
        "button",
        {
          type: "button",
          class: "icon-button small",
          "aria-label": `Copy ${named}`,
          onclick: () => copy(value, named),
        },
        icon("copy"),
      ),
    );
  const facts = [
    ["Id", copied(file.id, "Id")],
    ["Purpose", el("span", { class: "badge" }, file.purpose)],
    ["Status", statusOf(file)],
    ["Size", `${size(file.bytes)} (${count(file.bytes)} bytes)`],
    ["Created", time(file.created_at)],
    ["Expires", file.expires_at ? el("span", {}, time(file.expires_at), ", ", expiryOf(file)) : "never"],
  ];
  const list = find("#details");
  fill(
    list,
    facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
  if (file.sha256) list.append(el("dt", {}, "SHA-256"), el("dd", {}, copied(file.sha256, "SHA-256")));
  else tag(file, list, copied);
}

// A File that was completed from parts has no digest of the whole, but an entity tag.
async function tag(file, list, copied) {
  try {
    const answer = await request("HEAD", api(`files/${file.id}/content`));
    const etag = answer.headers.get("etag")?.replaceAll('"', "");
    if (etag)
      list.append(
        el("dt", {}, "ETag"),
        el(
          "dd",
          {},
          copied(etag, "ETag"),
          el("p", { class: "hint" }, "Of the SHA-256 of the parts: the file arrived in parts."),
        ),
      );
  } catch {
    /* the page is complete without it */
  }
}
