// All transfers of the page: a few files at a time, and a bound on requests with bytes.
import { isOf } from "./store.js";
import { Slots } from "./slots.js";
import { Transfer } from "./transfer.js";

const FILES_AT_ONCE = 4;
const REQUESTS_AT_ONCE = 4;

export class Queue {
  transfers = [];
  #slots = new Slots(REQUESTS_AT_ONCE);
  #running = new Set();
  #listener;
  #onDone;

  constructor(listener, onDone) {
    [this.#listener, this.#onDone] = [listener, onDone];
  }

  /** Adds files; one whose upload was broken off goes on with it. */
  add(items) {
    for (const item of items) {
      const lost = this.transfers.find(({ state, record }) => state === "lost" && isOf(record, item.file, item.name));
      if (lost) {
        lost.found(item.file);
        lost.ready();
      } else {
        this.transfers.push(new Transfer({ ...item, size: item.file.size }, this.#listener));
      }
    }
    this.#next();
  }

  /** Adds an upload that a reload broke off. */
  restore(record) {
    this.transfers.push(new Transfer({ file: null, ...record, record }, this.#listener));
    this.#listener();
  }

  resume(transfer) {
    if (transfer.state !== "paused" && transfer.state !== "failed") return;
    transfer.ready();
    this.#next();
  }

  cancel(transfer) {
    transfer.cancel();
    this.#next();
  }

  each(use) {
    for (const transfer of [...this.transfers]) use(transfer);
  }

  /** Removes the transfers that are over from the list. */
  clear() {
    this.transfers = this.transfers.filter(({ isOver }) => !isOver);
    this.#listener();
  }

  get isActive() {
    return this.transfers.some(({ isActive }) => isActive);
  }

  #next() {
    this.#listener();
    for (const transfer of this.transfers) {
      if (this.#running.size >= FILES_AT_ONCE) return;
      if (transfer.state !== "waiting" || this.#running.has(transfer)) continue;
      this.#running.add(transfer);
      transfer.run(this.#slots).finally(() => {
        this.#running.delete(transfer);
        if (transfer.state === "done") this.#onDone(transfer);
        this.#next();
      });
    }
  }
}
