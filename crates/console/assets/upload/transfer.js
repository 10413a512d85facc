// A file on its way to the server.
import { CHECKED } from "../files/purposes.js";
import { PART_BYTES, abandoned, inParts } from "./parts.js";
import { Rate } from "./rate.js";
import { whole } from "./whole.js";

// The largest file whose lines are checked, which only one request does.
const MAX_CHECKED_BYTES = 512 * 1024 * 1024;

/**
 * States: `waiting`, `running`, `paused`, `lost` (the browser has no file after a reload), `failed`, `done`, `cancelled`.
 */
export class Transfer {
  state = "waiting";
  error = null;
  result = null;
  record = null;
  key = null;
  sentBytes = 0;
  #rate = new Rate();
  #stop = null;
  #listener;

  constructor({ file, name, size, purpose, expires, workspace, record = null }, listener) {
    Object.assign(this, { file, name, size, purpose, expires, workspace, record });
    if (!file) this.state = "lost";
    if (record) this.sentBytes = Math.min(size, record.parts.filter(Boolean).length * record.partBytes);
    this.#listener = listener;
  }

  get isActive() {
    return this.state === "waiting" || this.state === "running";
  }

  get isOver() {
    return this.state === "done" || this.state === "cancelled";
  }

  get perSecond() {
    return this.state === "running" ? this.#rate.perSecond : 0;
  }

  get secondsLeft() {
    const rate = this.perSecond;
    return rate > 0 ? (this.size - this.sentBytes) / rate : null;
  }

  get isInParts() {
    if (this.record) return true;
    return this.size > PART_BYTES && !(CHECKED.has(this.purpose) && this.size <= MAX_CHECKED_BYTES);
  }

  begins() {
    if (this.state === "waiting") this.#become("running");
  }

  sent(bytes) {
    this.sentBytes = bytes;
    this.#rate.note(bytes);
    this.#listener(this);
  }

  /** Sends the file. Resolves when it is done, failed, paused or cancelled. */
  async run(slots) {
    const stop = (this.#stop = new AbortController());
    this.#become("waiting");
    try {
      this.result = await (this.isInParts ? inParts : whole)(this, slots, stop.signal);
      this.sentBytes = this.size;
      this.#become("done");
      this.file = null;
    } catch (error) {
      if (stop.signal.aborted) return;
      // The other parts in flight stop, too.
      stop.abort(error);
      this.error = error;
      this.#become("failed");
    }
  }

  pause() {
    if (!this.isActive) return;
    this.#become("paused");
    this.#stop?.abort(new DOMException("paused", "AbortError"));
    this.#rate.clear();
    if (!this.record) this.sentBytes = 0;
  }

  async cancel() {
    if (this.isOver) return;
    this.#become("cancelled");
    this.#stop?.abort(new DOMException("cancelled", "AbortError"));
    this.file = null;
    await abandoned(this);
  }

  /** Gives the file back after a reload. */
  found(file) {
    this.file = file;
    this.#become("paused");
  }

  ready() {
    this.error = null;
    this.#rate.clear();
    this.#become("waiting");
  }

  #become(state) {
    this.state = state;
    this.#listener(this);
  }
}
