// The selected Files: single ones, ranges with Shift, and all of a page; the selection lasts over pages.
import { find, show } from "../core/dom.js";
import { plural, size } from "../core/format.js";

export class Selection {
  #files = new Map();
  #last = null;
  #listener;

  constructor(listener) {
    this.#listener = listener;
  }

  has(id) {
    return this.#files.has(id);
  }

  get files() {
    return [...this.#files.values()];
  }

  set(files, is) {
    for (const file of files) {
      if (is) this.#files.set(file.id, file);
      else this.#files.delete(file.id);
    }
    this.#changed();
  }

  /** Selects or deselects a row; with Shift also those between it and the last one. */
  toggle(file, rows, withRange) {
    const is = !this.has(file.id);
    const [from, to] = [rows.findIndex(({ id }) => id === this.#last), rows.findIndex(({ id }) => id === file.id)];
    const range = withRange && from >= 0 ? rows.slice(Math.min(from, to), Math.max(from, to) + 1) : [file];
    this.#last = file.id;
    this.set(range, is);
  }

  clear() {
    this.#files.clear();
    this.#changed();
  }

  #changed() {
    const files = this.files;
    show(find("#selection"), files.length > 0);
    find("#selected").textContent =
      `${plural(files.length, "file")} selected, ${size(files.reduce((sum, file) => sum + file.bytes, 0))}`;
    this.#listener();
  }
}
