// The sidebar keeps its place from page to page, and the table of contents follows the reader.
const PLACE = "venna-sidebar";
// A heading counts as read when it is within the upper part of the window.
const UPPER_PART = "-10% 0px -70% 0px";

export function sidebar(nav) {
  const current = nav.querySelector("[aria-current=page]");
  try {
    nav.scrollTop = Number(sessionStorage.getItem(PLACE) ?? 0);
    addEventListener("pagehide", () => sessionStorage.setItem(PLACE, String(nav.scrollTop)));
  } catch { /* nothing is stored: the sidebar begins where the current page is */ }
  const show = () => {
    if (!current) return;
    const [one, all] = [current.getBoundingClientRect(), nav.getBoundingClientRect()];
    if (one.top < all.top || one.bottom > all.bottom) nav.scrollTop += one.top - all.top - all.height / 3;
  };
  show();
  nav.addEventListener("toggle", show);
}

export function contents(list) {
  const links = new Map([...list.querySelectorAll("a[href^='#']")].map((link) => [link.hash.slice(1), link]));
  const mark = (id) => {
    for (const [name, link] of links) {
      if (name === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  const seen = new IntersectionObserver((entries) => {
    const first = entries.find((entry) => entry.isIntersecting);
    if (first) mark(first.target.id);
  }, { rootMargin: UPPER_PART });
  for (const id of links.keys()) {
    const heading = document.getElementById(id);
    if (heading) seen.observe(heading);
  }
}
