// The controls of a preview that is read window by window.
import { el, fill } from "../core/dom.js";
import { count, size } from "../core/format.js";
import { failed, loading } from "../core/state.js";

/**
 * Shows a long text in `place`. `draw` writes a window into an element. Returns a function that goes to a place in bytes.
 * @param {HTMLElement} place
 * @param {{windows: import("./windows.js").Windows, total: number, draw: (into: HTMLElement, window: object) => void}} of
 */
export async function pager(place, { windows, total, draw }) {
  const body = el("div", { class: "preview-body" });
  const told = el("span", { class: "quiet", role: "status" });
  const button = (label, onclick) => el("button", { type: "button", class: "button small", onclick }, label);
  const before = [];
  let current = null;
  const first = button("First", () =>
    go(
      () => windows.from(0),
      () => {
        before.length = 0;
      },
    ),
  );
  const previous = button("Previous", () => go(() => windows.from(before.pop() ?? 0)));
  const next = button("Next", () =>
    go(
      () => windows.from(current.to),
      () => before.push(current.from),
    ),
  );
  const last = button("Last", () =>
    go(
      () => windows.last(),
      () => before.push(current.from),
    ),
  );
  const bar = el("div", { class: "preview-bar" }, told, el("span", { class: "buttons" }, first, previous, next, last));
  fill(place, bar, body);

  async function go(read, note = () => {}) {
    if (!current) loading(body);
    try {
      const window = await read();
      note();
      current = window;
      body.replaceChildren();
      draw(body, window);
      body.scrollTop = 0;
      tell();
    } catch (error) {
      failed(body, error, () => go(read, note));
    }
  }

  function tell() {
    const { from, to } = current;
    const whole = from === 0 && to >= total;
    told.textContent = whole ? `${size(total)}, whole` : `Bytes ${count(from)} to ${count(to)} of ${count(total)}`;
    bar.classList.toggle("whole", whole);
    [first.disabled, previous.disabled, next.disabled, last.disabled] = [
      from === 0,
      from === 0,
      to >= total,
      to >= total,
    ];
  }

  await go(() => windows.from(0));
  return (from) =>
    go(
      () => windows.from(from),
      () => current && before.push(current.from),
    );
}
