// Tabs over samples in several languages (https://www.w3.org/WAI/ARIA/apg/patterns/tabs). The choice holds on every page.
import { read, write } from "./storage.js";

const CHOICE = "venna-language";

function select(group, choice) {
  const buttons = [...group.querySelectorAll("[role=tab]")];
  const chosen = buttons.find((button) => button.dataset.choice === choice);
  if (!chosen) return;
  for (const button of buttons) {
    const is = button === chosen;
    button.setAttribute("aria-selected", String(is));
    button.tabIndex = is ? 0 : -1;
    document.getElementById(button.getAttribute("aria-controls")).classList.toggle("chosen", is);
  }
}

export function tabs(groups) {
  const all = [...groups];
  const choose = (choice) => all.forEach((group) => select(group, choice));
  for (const group of all) {
    const buttons = [...group.querySelectorAll("[role=tab]")];
    select(group, buttons[0].dataset.choice);
    group.classList.add("ready");
    buttons.forEach((button, at) => {
      button.addEventListener("click", () => {
        // The samples above change their height, and the clicked one stays where it is.
        const before = button.getBoundingClientRect().top;
        choose(button.dataset.choice);
        write(CHOICE, button.dataset.choice);
        scrollBy({ top: button.getBoundingClientRect().top - before, behavior: "instant" });
      });
      button.addEventListener("keydown", (event) => {
        const last = buttons.length - 1;
        const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        buttons[to].focus();
        buttons[to].click();
      });
    });
  }
  const kept = read(CHOICE);
  if (kept) choose(kept);
  addEventListener("storage", (event) => { if (event.key === CHOICE && event.newValue) choose(event.newValue); });
}
