// The page of the settings in force.
import { get } from "../core/api.js";
import { el, fill, find } from "../core/dom.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";
import { badge, cell, listTable, rowHead } from "../core/table.js";

begin(async ({ isAdministrator }) => {
  const place = find("#content");
  if (!isAdministrator) {
    empty(place, {
      title: "For administrators",
      words: "Sign in with an admin key, or ask an administrator.",
      symbol: "key",
    });
    return;
  }
  loading(place);
  await tried(place, async () => {
    const { data } = await get("organization/server/configuration");
    const draw = () => list(place, data);
    find("#find").addEventListener("input", draw);
    find("#changed").addEventListener("change", draw);
    find("form.toolbar").addEventListener("submit", (event) => event.preventDefault());
    draw();
  });
});

const isSet = ({ origin }) => origin !== undefined && origin !== null && origin !== "default";

function list(place, settings) {
  const words = find("#find").value.trim().toLowerCase();
  const shown = settings.filter(
    (one) =>
      (!find("#changed").checked || isSet(one)) &&
      `${one.name} ${one.about ?? one.description ?? ""}`.toLowerCase().includes(words),
  );
  if (shown.length === 0) {
    empty(place, { title: "Nothing found", words: "No setting matches.", symbol: "text" });
    return;
  }
  fill(place, listTable("Settings", ["Setting", "Value", "From"], shown.map(row)));
}

function row(setting) {
  const { name, value, origin } = setting;
  const about = setting.about ?? setting.description;
  const text =
    value === null || value === undefined ? "-" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return el(
    "tr",
    {},
    rowHead(el("code", {}, name), about && el("small", { class: "quiet" }, about)),
    cell("Value", el("code", {}, text)),
    cell("From", badge(origin ?? "default", isSet(setting) ? "good" : "")),
  );
}
