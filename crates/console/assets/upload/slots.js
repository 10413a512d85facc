// Slots for requests with bytes, so that uploads leave connections for the page.
export class Slots {
  #free;
  #waiting = [];

  constructor(number) {
    this.#free = number;
  }

  /** Runs a task in a slot. A task whose signal aborts while it waits is not run. */
  async with(signal, run) {
    await this.#acquire();
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      this.#release();
    }
  }

  #acquire() {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #release() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
