// Banners of the whole page: no network, and the pace that the server asks for.
import { el, find } from "./dom.js";
import { icon } from "./icons.js";
import { onNetwork } from "./network.js";
import { onPace } from "./pace.js";

const TICK_MS = 250;

function banner(name, kind, ...content) {
  const place = find("#banners");
  const old = place.querySelector(`[data-banner="${name}"]`);
  const box = el("div", { class: `banner ${kind}`, "data-banner": name }, ...content);
  if (old) old.replaceWith(box);
  else place.append(box);
  return box;
}

export function banners() {
  onNetwork((offline) => {
    if (offline)
      banner(
        "network",
        "warn",
        icon("alert"),
        el(
          "p",
          {},
          el("b", {}, "The server cannot be reached. "),
          "Check the network. Uploads and this page go on by themselves when it is back.",
        ),
      );
    else find("#banners [data-banner=network]")?.remove();
  });
  let timer;
  onPace((until) => {
    // The countdown is for the eyes; a screen reader hears the sentence once.
    const rest = el("b", { "aria-hidden": "true", class: "countdown" });
    const box = banner(
      "pace",
      "warn",
      icon("wait"),
      el("p", {}, "The server asks to wait before further requests. They go on by themselves. "),
      rest,
    );
    clearInterval(timer);
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      rest.textContent = `${Math.max(0, left)} s`;
      if (left > 0) return;
      clearInterval(timer);
      box.remove();
    };
    tick();
    timer = setInterval(tick, TICK_MS);
  });
}
