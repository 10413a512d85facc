// What the pages of the reference do beyond being read: search, and Try it.
import { palette } from "./palette.js";
import { trial } from "./trial.js";

document.querySelectorAll("[data-action=search]").forEach(palette);
document.querySelectorAll("dialog.drawer").forEach(trial);
