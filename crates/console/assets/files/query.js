// The state of the list in the address of the page, so that back, forward and a shared link lead to the same rows.
const NAMES = ["purpose", "order", "name", "after"];

export function read() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""]));
}

export function write(state, replace = false) {
  const url = new URL(location.href);
  for (const name of NAMES) {
    if (state[name]) url.searchParams.set(name, state[name]);
    else url.searchParams.delete(name);
  }
  if (url.href === location.href) return;
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
}
