// What the pages of the reference do beyond being read: search, Try it, and links to what is folded.
import { palette } from "./palette.js";
import { trial } from "./trial.js";

// Not every browser opens what a link leads into.
function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  let isFolded = false;
  for (let around = target?.closest("details:not([open])"); around; around = around.closest("details:not([open])")) {
    around.open = true;
    isFolded = true;
  }
  if (isFolded) target.scrollIntoView();
}

document.querySelectorAll("[data-action=search]").forEach(palette);
document.querySelectorAll("dialog.drawer").forEach(trial);
addEventListener("hashchange", reveal);
reveal();
