// The list of Files: pages, order, purpose, and search by the beginning of the name.
import { get } from "../core/api.js";
import { action, el, fill, find, show } from "../core/dom.js";
import { count } from "../core/format.js";
import { notice } from "../core/notices.js";
import { inOneLine } from "../core/problem.js";
import { page } from "../core/root.js";
import { empty, failed } from "../core/state.js";
import { debounced } from "../core/time.js";
import { deleteFiles } from "./delete.js";
import * as query from "./query.js";
import { row, skeleton } from "./rows.js";
import { Selection } from "./selection.js";

const PAGE_ROWS = 50;
const TYPING_MS = 250;
const SKELETON_ROWS = 8;
const MAX_MATCHING = 10_000;
const FILE_ID = /^file-[0-9A-Za-z]{24}$/;

/** Opens the page of a file if the text is its id. Returns whether it is. */
function opened(text) {
  const id = text.trim();
  if (!FILE_ID.test(id)) return false;
  // A link is followed as a click of the person: while files are uploaded, in a new tab.
  const link = el("a", { href: page(`files/${id}`), hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  return true;
}

export class FileList {
  #state = query.read();
  #rows = [];
  #before = [];
  #more = null;
  #loading = null;
  #selection = new Selection(() => this.#draw());
  #canDelete;
  #upload;

  constructor({ can }, upload) {
    this.#canDelete = can("files.write");
    this.#upload = upload;
    this.#controls();
  }

  #controls() {
    const [name, purpose, order] = [find("#name"), find("#purpose"), find("#order")];
    [name.value, purpose.value] = [this.#state.name, this.#state.purpose];
    name.addEventListener(
      "input",
      debounced(() => this.#search(name, purpose), TYPING_MS),
    );
    name.addEventListener("paste", (event) => {
      if (opened(event.clipboardData.getData("text/plain"))) event.preventDefault();
    });
    find("form.toolbar").addEventListener("submit", (event) => {
      event.preventDefault();
      opened(name.value);
    });
    purpose.addEventListener("change", () => this.#change({ purpose: purpose.value }));
    order.addEventListener("click", () => this.#change({ order: this.#state.order === "asc" ? "" : "asc" }));
    find("#all").addEventListener("click", ({ currentTarget }) =>
      this.#selection.set(this.#rows, currentTarget.checked),
    );
    action("next", () => this.#turn(this.#more));
    action("previous", () => this.#turn(this.#before.pop() ?? "", true));
    action("clear-selection", () => this.#selection.clear());
    action("select-matching", () => this.#selectMatching());
    action("delete-selected", () => this.#delete(this.#selection.files));
    addEventListener("popstate", () => {
      this.#state = query.read();
      [name.value, purpose.value] = [this.#state.name, this.#state.purpose];
      this.#before = [];
      this.load();
    });
  }

  #search(name, purpose) {
    if (name.value) purpose.value = "";
    this.#change({ name: name.value, purpose: purpose.value });
  }

  #change(values) {
    Object.assign(this.#state, values, { after: "" });
    this.#before = [];
    query.write(this.#state, "name" in values);
    this.load();
  }

  #turn(after, back = false) {
    if (!back) this.#before.push(this.#state.after);
    this.#state.after = after;
    query.write(this.#state);
    this.load().then(() => find("#list").scrollIntoView({ block: "nearest" }));
  }

  /** Loads the rows of the page again; `quietly` leaves those that are shown until then. */
  async load(quietly = false) {
    this.#loading?.abort();
    const { signal } = (this.#loading = new AbortController());
    const { after } = this.#state;
    if (!quietly) this.#begin();
    try {
      const list = await get("files", { ...this.#filter(), limit: PAGE_ROWS, after }, { signal });
      [this.#rows, this.#more] = [list.data, list.has_more ? list.last_id : null];
      this.#draw();
    } catch (error) {
      if (signal.aborted) return;
      fill(find("#rows"));
      failed(find("#list-state"), error, () => this.load());
    }
  }

  /** Loads the first page again after an upload, unless another page is read. */
  refresh() {
    if (!this.#state.after) this.load(true);
  }

  // The API searches by name in the order of names, and takes no purpose beside it.
  #filter() {
    const { purpose, order, name } = this.#state;
    return name ? { name_prefix: name } : { purpose, order };
  }

  async #selectMatching() {
    const button = find("[data-action=select-matching]");
    button.disabled = true;
    try {
      const list = await get("files", { ...this.#filter(), limit: MAX_MATCHING });
      this.#selection.set(list.data, true);
      if (list.has_more)
        notice(`The first ${count(MAX_MATCHING)} files are selected. Delete them, and go on with the others.`);
    } catch (error) {
      notice(inOneLine(error), "bad");
    } finally {
      button.disabled = false;
    }
  }

  #begin() {
    show(find("#list-state"), false);
    show(find("#list"), true);
    fill(find("#rows"), skeleton(SKELETON_ROWS));
    find("#list").setAttribute("aria-busy", "true");
  }

  #draw() {
    const rows = this.#rows;
    const how = (file) => ({
      isSelected: this.#selection.has(file.id),
      canDelete: this.#canDelete,
      onSelect: (event) => this.#selection.toggle(file, this.#rows, event.shiftKey),
      onDelete: () => this.#delete([file]),
    });
    const focused = document.activeElement?.closest?.("#rows tr")?.dataset.id;
    const position = document.activeElement?.closest?.("#rows")
      ? [...document.activeElement.closest("tr").querySelectorAll("a, button, input")].indexOf(document.activeElement)
      : -1;
    fill(
      find("#rows"),
      rows.map((file) => row(file, how(file))),
    );
    if (focused)
      find(`#rows tr[data-id="${CSS.escape(focused)}"]`)
        ?.querySelectorAll("a, button, input")
        [position]?.focus();
    find("#list").removeAttribute("aria-busy");
    show(find("#list"), rows.length > 0);
    show(find("#list-state"), rows.length === 0);
    if (rows.length === 0) this.#empty();
    this.#heads(rows);
  }

  #heads(rows) {
    const selected = rows.filter(({ id }) => this.#selection.has(id)).length;
    const box = find("#all");
    box.checked = rows.length > 0 && selected === rows.length;
    box.indeterminate = selected > 0 && selected < rows.length;
    show(box.parentElement, this.#canDelete);
    const isPaged = Boolean(this.#more || this.#state.after);
    show(find("[data-action=select-matching]"), isPaged && box.checked && this.#selection.files.length <= rows.length);
    const ascending = this.#state.order === "asc";
    const byName = Boolean(this.#state.name);
    find("#created").setAttribute("aria-sort", byName ? "none" : ascending ? "ascending" : "descending");
    find("#named").setAttribute("aria-sort", byName ? "ascending" : "none");
    find("#order").disabled = byName;
    find("#purpose").disabled = byName;
    show(find("#pager"), isPaged);
    find("[data-action=next]").disabled = !this.#more;
    find("[data-action=previous]").disabled = !this.#state.after;
    find("#page-of").textContent = rows.length
      ? `Page ${count(this.#before.length + 1)}, ${count(rows.length)} files`
      : "";
  }

  #empty() {
    const place = find("#list-state");
    const { name, purpose } = this.#state;
    if (name || purpose) {
      const clear = () => {
        [find("#name").value, find("#purpose").value] = ["", ""];
        this.#change({ name: "", purpose: "" });
      };
      const words = name ? `No file has a name that begins with “${name}”.` : `No file has the purpose ${purpose}.`;
      empty(place, {
        title: "Nothing found",
        words,
        actions: [el("button", { type: "button", class: "button", onclick: clear }, "Show all files")],
      });
      return;
    }
    const button =
      this.#upload && el("button", { type: "button", class: "button primary", onclick: this.#upload }, "Upload files");
    empty(place, {
      title: "No files yet",
      words: this.#upload
        ? "Drop files or folders anywhere on this page, or choose them."
        : "Files of this workspace appear here.",
      actions: button ? [button] : [],
      symbol: "upload",
    });
  }

  async #delete(files) {
    const gone = await deleteFiles(files);
    if (gone.size === 0) return;
    this.#selection.set(
      files.filter(({ id }) => gone.has(id)),
      false,
    );
    await this.load(true);
    if (this.#rows.length === 0 && this.#state.after) this.#turn(this.#before.pop() ?? "", true);
  }
}
