// A list whose further pages a button adds.
import { action, el, fill, find, show } from "./dom.js";
import { empty, tried } from "./state.js";

/**
 * Returns the function that shows the first page of a list; the button of the page adds the others.
 * @param {Element} place
 * @param {{read: (after: string | null, signal: AbortSignal) => Promise<object>, row: (one: object) => Element,
 *   table: (body: Element) => Element, none: () => object}} list `none` returns the state of a list without rows
 */
export function growing(place, { read, row, table, none }) {
  const body = el("tbody", {});
  let after = null;
  let loading = new AbortController();
  const load = (from) =>
    tried(place, async () => {
      loading.abort();
      loading = new AbortController();
      const list = await read(from, loading.signal);
      after = list.has_more ? list.last_id : null;
      if (!from) fill(body);
      body.append(...list.data.map(row));
      show(find("#pager"), Boolean(after));
      if (body.children.length === 0) empty(place, none());
      else if (!body.isConnected) fill(place, table(body));
    });
  action("more", () => load(after));
  return () => load(null);
}
