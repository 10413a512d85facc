// The speed of the last seconds.
const WINDOW_MS = 5000;
const STEP_MS = 200;

export class Rate {
  #points = [];

  /** Notes the number of bytes that were sent until now. */
  note(bytes, now = performance.now()) {
    const last = this.#points.at(-1);
    if (last && now - last.now < STEP_MS) last.bytes = bytes;
    else this.#points.push({ now, bytes });
    while (this.#points.length > 2 && now - this.#points[0].now > WINDOW_MS) this.#points.shift();
  }

  /** Returns bytes per second; 0 while unknown. */
  get perSecond() {
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    if (!first || last.now - first.now < STEP_MS || performance.now() - last.now > WINDOW_MS) return 0;
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.now - first.now));
  }

  clear() {
    this.#points = [];
  }
}
