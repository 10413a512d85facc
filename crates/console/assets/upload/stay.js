// Keeps the page while it uploads: links open in a new tab, and the browser asks before anything else ends the page.
import { notice } from "../core/notices.js";

/** `isBusy` returns whether the page uploads. */
export function staysHere(isBusy) {
  addEventListener("beforeunload", (event) => {
    if (isBusy()) event.preventDefault();
  });
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || link.hasAttribute("download") || !isBusy() || !isPlain(event) || isHere(link)) return;
    event.preventDefault();
    open(link.href, "_blank", "noopener");
    notice("The page opened in a new tab, because uploads go on in this one.");
  });
}

const isPlain = ({ button, ctrlKey, metaKey, shiftKey, altKey, defaultPrevented }) =>
  button === 0 && !(ctrlKey || metaKey || shiftKey || altKey || defaultPrevented);

/** Returns whether a link leads to a place in this page. */
const isHere = ({ href, hash }) => hash !== "" && href.split("#")[0] === location.href.split("#")[0];
