// The page of the server: version, stores and their health, and the work in the background.
import { get } from "../core/api.js";
import { el, fill, find, show } from "../core/dom.js";
import { ago, count, duration, size, time } from "../core/format.js";
import { at } from "../core/root.js";
import { begin } from "../core/shell.js";
import { empty, tried } from "../core/state.js";
import { tile } from "../workspace/limits.js";

const GOOD = new Set(["ok", "healthy", "ready", "idle", "running", "up", true]);

begin(async ({ isAdministrator }) => {
  const place = find("#page-state");
  if (!isAdministrator) {
    empty(place, {
      title: "For administrators",
      words: "Sign in with an admin key, or ask an administrator.",
      symbol: "key",
    });
    return;
  }
  await tried(place, async () => {
    const [server, health] = await Promise.all([described(), readiness()]);
    show(place, false);
    show(find("#content"), true);
    draw(server, health);
  });
});

// Servers of the version before do not describe themselves.
async function described() {
  try {
    return await get("organization/server");
  } catch (error) {
    if (error.status === 404 || error.status === 501) return {};
    throw error;
  }
}

async function readiness() {
  const answer = await fetch(at("readyz"), { cache: "no-store" });
  const state = await answer.json().catch(() => ({}));
  return { isReady: answer.ok, state };
}

function draw({ version, uptime_seconds: uptime, started_at: started, object, id, ...rest }, { isReady, state }) {
  fill(
    find("#tiles"),
    tile("Status", isReady ? "Ready" : "Not ready"),
    version && tile("Version", version),
    uptime !== undefined && tile("Up for", duration(uptime), { note: started ? `since ${time(started)}` : "" }),
  );
  const { stores, health, ...work } = rest;
  fill(find("#health"), facts(stores ?? health ?? state));
  show(find("#work").closest("section"), Object.keys(work).length > 0);
  fill(find("#work"), facts(work));
}

/** Builds the list of an object's members, whatever they are. */
function facts(value) {
  if (Array.isArray(value))
    return value.length === 0
      ? el("span", { class: "quiet" }, "none")
      : el("ul", { class: "plain-list" }, ...value.map((one) => el("li", {}, shown("", one))));
  return el(
    "dl",
    { class: "facts" },
    ...Object.entries(value).flatMap(([name, one]) => [el("dt", {}, titled(name)), el("dd", {}, shown(name, one))]),
  );
}

const titled = (name) => name.replace(/_(bytes|seconds|at)$/, "").replaceAll("_", " ");

function shown(name, value) {
  if (value === null) return el("span", { class: "quiet" }, "none");
  if (typeof value === "object") return facts(value);
  if (typeof value === "boolean" || name === "status" || name === "state")
    return el(
      "span",
      { class: GOOD.has(value) ? "badge good" : "badge" },
      value === true ? "yes" : value === false ? "no" : value,
    );
  if (typeof value !== "number") return String(value);
  if (name.endsWith("_bytes")) return size(value);
  if (name.endsWith("_seconds")) return duration(value);
  if (name.endsWith("_at")) return el("time", { title: time(value) }, ago(value));
  return count(value);
}
