// The page of the settings in force.
import { get } from "../core/api.js";
import { el, fill, find } from "../core/dom.js";
import { empty, loading, tried } from "../core/state.js";
import { badge, cell, listTable, rowHead } from "../core/table.js";
import { administration } from "./begin.js";

const DEFAULT = "default";

administration(async () => {
  const place = find("#content");
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

function list(place, settings) {
  const [words, onlySet] = [find("#find").value.trim().toLowerCase(), find("#changed").checked];
  const matches = ({ name, value, origin }) =>
    (!onlySet || origin !== DEFAULT) && `${name} ${value ?? ""} ${origin}`.toLowerCase().includes(words);
  const shown = settings.filter(matches);
  if (shown.length === 0) {
    empty(place, { title: "Nothing found", words: "No setting matches.", symbol: "text" });
    return;
  }
  fill(place, listTable("Settings", ["Setting", "Value", "From"], shown.map(row)));
}

const row = ({ name, value, origin }) =>
  el(
    "tr",
    {},
    rowHead(el("code", {}, name)),
    cell("Value", value === null ? el("span", { class: "quiet" }, "none") : el("code", {}, value)),
    cell("From", badge(origin, origin === DEFAULT ? "" : "good")),
  );
