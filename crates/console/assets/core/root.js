// Addresses of the server, relative to the page, so that the console works below a path of a proxy.
const ROOT = new URL(document.documentElement.dataset.root, location.href);

/** Returns the address of a path below the root of the server. */
export function at(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of [value].flat()) url.searchParams.append(name, one);
  }
  return url.href;
}

/** Returns the address of a page of the console. */
export const page = (path, query) => at(path ? `console/${path}` : "console", query);

/** Returns the path of this page from `/console` on, for a return after the sign-in. */
export function here() {
  const behind = location.pathname.slice(new URL(ROOT).pathname.length);
  return `/${behind}${location.search}`;
}

/** Returns the address for a path from `/console` on; anything else leads to the first page. */
export function returning(path) {
  const first = page("files");
  if (!path || !/^\/console(\/|\?|$)/.test(path)) return first;
  const url = new URL(path.slice(1), ROOT);
  const inside = new URL("console", ROOT);
  return url.origin === inside.origin && url.pathname.startsWith(inside.pathname) ? url.href : first;
}
