// A list whose further pages a button adds.
import { get } from "./api.js";
import { action, el, fill, find, show } from "./dom.js";
import { empty, tried } from "./state.js";

/**
 * Returns the function that shows the first page of a list; the button of the page adds the others.
 * @param {Element} place
 * @param {{path: string, rows: number, filters?: () => object, row: (one: object) => Element,
 *   table: (body: Element) => Element, none: (filters: object) => object}} list `rows` is the size of a page, `filters`
 *   returns the filters of the first page, which the others keep, `none` returns the state of a list without rows
 */
export function growing(place, { path, rows, filters = () => ({}), row, table, none }) {
  const body = el("tbody", {});
  let wanted;
  let after;
  let loading = new AbortController();
  const load = (from) =>
    tried(place, async () => {
      loading.abort();
      loading = new AbortController();
      const list = await get(path, { ...wanted, limit: rows, after: from }, { signal: loading.signal });
      after = list.has_more ? list.last_id : null;
      if (!from) fill(body);
      body.append(...list.data.map(row));
      show(find("#pager"), Boolean(after));
      if (body.children.length === 0) empty(place, none(wanted));
      else if (!body.isConnected) fill(place, table(body));
    });
  action("more", () => load(after));
  return () => {
    wanted = filters();
    // The next page of the old list is none of the new one.
    show(find("#pager"), false);
    return load(null);
  };
}
