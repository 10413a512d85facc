// The page of the settings in force.
import { get } from "../core/api.js";
import { el, fill, find } from "../core/dom.js";
import { begin } from "../core/shell.js";
import { empty, loading, tried } from "../core/state.js";

begin(async ({ isAdministrator }) => {
  const place = find("#content");
  if (!isAdministrator) {
    empty(place, { title: "For administrators", words: "Sign in with an admin key, or ask an administrator.", symbol: "key" });
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
  const shown = settings.filter((one) => (!find("#changed").checked || isSet(one)) && `${one.name} ${one.about ?? one.description ?? ""}`.toLowerCase().includes(words));
  if (shown.length === 0) {
    empty(place, { title: "Nothing found", words: "No setting matches.", symbol: "text" });
    return;
  }
  fill(place, el("div", { class: "table list" }, el("table", { class: "stacked" }, el("caption", { class: "unseen" }, "Settings"),
    el("thead", {}, el("tr", {}, ...["Setting", "Value", "From"].map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, ...shown.map(row)))));
}

function row(setting) {
  const { name, value, origin } = setting;
  const about = setting.about ?? setting.description;
  const text = value === null || value === undefined ? "-" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return el("tr", {}, el("th", { scope: "row" }, el("code", {}, name), about && el("small", { class: "quiet" }, about)), el("td", { "data-title": "Value" }, el("code", {}, text)),
    el("td", { "data-title": "From" }, el("span", { class: isSet(setting) ? "badge good" : "badge" }, origin ?? "default")));
}
