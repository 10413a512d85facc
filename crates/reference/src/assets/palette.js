// The dialog of the search: a combobox over grouped results (https://www.w3.org/WAI/ARIA/apg/patterns/combobox).
import { excerpt, marked, rowsOf, search, wordsOf } from "./search.js";

const root = document.documentElement.dataset.root;
const APPLE = /^(mac|iphone|ipad)/i;
const TEXT_FIELDS = /^(INPUT|TEXTAREA|SELECT)$/;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function withMarks(text, words) {
  return marked(text, words).map(([piece, is]) => (is ? element("mark", {}, piece) : piece));
}

function option(row, words, number) {
  const method = row.method ? [element("span", { className: `method ${row.method.toLowerCase()}` }, row.method)] : [];
  const page = row.page ? [element("span", { className: "badge" }, row.page)] : [];
  const link = element("a", { href: root + row.path, id: `found-${number}`, tabIndex: -1 },
    element("b", {}, element("span", {}, ...withMarks(row.title, words)), ...method, ...page),
    element("span", {}, ...withMarks(excerpt(row.text, words), words)));
  link.setAttribute("role", "option");
  link.setAttribute("aria-selected", "false");
  return link;
}

function group({ name, rows }, words, from) {
  const id = `group-${from}`;
  const title = element("div", { className: "group-title", id }, name);
  title.setAttribute("role", "presentation");
  const made = element("div", {}, title, ...rows.map((row, at) => option(row, words, from + at)));
  made.setAttribute("role", "group");
  made.setAttribute("aria-labelledby", id);
  return made;
}

function dialog() {
  const input = element("input", { type: "search", id: "search", autocomplete: "off", spellcheck: false, placeholder: "Search the documentation" });
  for (const [name, value] of Object.entries({ role: "combobox", "aria-label": "Search the documentation", "aria-expanded": "false", "aria-controls": "found", "aria-autocomplete": "list" })) {
    input.setAttribute(name, value);
  }
  const list = element("div", { id: "found", className: "list", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Results");
  const close = element("button", { type: "button", className: "button", textContent: "Close" });
  const told = element("p", { className: "keys" });
  told.setAttribute("role", "status");
  const made = element("dialog", { className: "palette" }, element("div", { className: "top" }, input, close), list, told);
  made.setAttribute("aria-label", "Search");
  close.addEventListener("click", () => made.close());
  made.addEventListener("click", (event) => { if (event.target === made) made.close(); });
  document.body.append(made);
  return { made, input, list, told };
}

export function palette(button) {
  let parts;
  let index;
  let at = -1;
  const options = () => [...parts.list.querySelectorAll("[role=option]")];

  const choose = (to) => {
    const all = options();
    all[at]?.setAttribute("aria-selected", "false");
    at = all.length ? (to + all.length) % all.length : -1;
    all[at]?.setAttribute("aria-selected", "true");
    all[at]?.scrollIntoView({ block: "nearest" });
    if (all[at]) parts.input.setAttribute("aria-activedescendant", all[at].id);
    else parts.input.removeAttribute("aria-activedescendant");
  };

  const show = async () => {
    const query = parts.input.value;
    let rows = [];
    try {
      index ??= fetch(`${root}docs/search.json`).then((answer) => answer.json()).then(rowsOf);
      rows = await index;
    } catch {
      index = undefined;
      parts.told.textContent = "The search is not reachable. Try again.";
      return;
    }
    if (query !== parts.input.value) return;
    const groups = search(rows, query);
    const words = wordsOf(query);
    let from = 0;
    parts.list.replaceChildren(...groups.map((one) => {
      const made = group(one, words, from);
      from += one.rows.length;
      return made;
    }));
    parts.list.hidden = from === 0;
    parts.input.setAttribute("aria-expanded", String(from > 0));
    choose(0);
    if (!words.length) parts.told.textContent = "Type a word: an operation, a field, an error. Arrow keys choose, Enter opens, Escape closes.";
    else if (from === 0) parts.told.textContent = `Nothing found for “${query.trim()}”. Try one word, the name of a field, or the code of an error.`;
    else parts.told.textContent = `${from} ${from === 1 ? "result" : "results"}`;
  };

  const open = () => {
    if (!parts) {
      parts = dialog();
      parts.input.addEventListener("input", show);
      parts.input.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) {
          event.preventDefault();
          choose(at + step);
        } else if (event.key === "Escape") {
          // A field of search would only be emptied.
          event.preventDefault();
          parts.made.close();
        } else if (event.key === "Enter") {
          event.preventDefault();
          options()[at]?.click();
        }
      });
      // A link to an anchor of this page leaves the dialog open otherwise.
      parts.list.addEventListener("click", (event) => { if (event.target.closest("a")) parts.made.close(); });
    }
    if (!parts.made.open) parts.made.showModal();
    parts.input.select();
    show();
  };

  if (APPLE.test(navigator.userAgentData?.platform || navigator.platform)) {
    button.querySelector("kbd").textContent = "⌘ K";
    button.setAttribute("aria-keyshortcuts", "Meta+K /");
  }
  button.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    const isTyping = TEXT_FIELDS.test(document.activeElement?.tagName ?? "");
    const slash = event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
    const control = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!slash && !control) return;
    if (document.querySelector("dialog.drawer[open]")) return;
    event.preventDefault();
    open();
  });
}
