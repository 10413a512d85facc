// A bar chart over time, which is read by keyboard and as a table, too.
import { el, fill, svg } from "../core/dom.js";
import { utcDay } from "../core/format.js";

const WIDTH = 1000;
const HEIGHT = 160;
const GAP = 0.25;

/**
 * Builds a chart.
 * @param {{label: string, points: {start: number, value: number}[], words: (value: number) => string, total: string}} of
 */
export function chart({ label, points, words, total }) {
  const most = Math.max(...points.map(({ value }) => value), 0);
  const step = WIDTH / Math.max(1, points.length);
  const reading = el("span", { class: "reading", role: "status" }, total);
  const bars = points.map(({ value }, index) => {
    const height = most > 0 ? Math.max(value > 0 ? 2 : 0, (value / most) * (HEIGHT - 4)) : 0;
    return svg("rect", {
      x: index * step + (step * GAP) / 2,
      y: HEIGHT - height,
      width: step * (1 - GAP),
      height,
      class: "bar",
    });
  });
  let at = -1;
  const read = (index) => {
    bars[at]?.classList.remove("read");
    at = index;
    bars[at]?.classList.add("read");
    fill(reading, at < 0 ? total : `${utcDay(points[at].start)}: ${words(points[at].value)}`);
  };
  const drawing = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "slider",
      tabindex: "0",
      "aria-label": `${label} by day, read with the arrow keys`,
      "aria-valuemin": 0,
      "aria-valuemax": Math.max(0, points.length - 1),
      "aria-valuenow": 0,
      "aria-valuetext": total,
      onpointermove: ({ offsetX, currentTarget }) =>
        read(
          Math.min(points.length - 1, Math.max(0, Math.floor((offsetX / currentTarget.clientWidth) * points.length))),
        ),
      onpointerleave: () => read(-1),
      onblur: () => read(-1),
      onkeydown: (event) => {
        const to = {
          ArrowRight: at + 1,
          ArrowUp: at + 1,
          ArrowLeft: at < 0 ? points.length - 1 : at - 1,
          ArrowDown: at - 1,
          Home: 0,
          End: points.length - 1,
        }[event.key];
        if (to === undefined || points.length === 0) return;
        event.preventDefault();
        read(Math.min(points.length - 1, Math.max(0, to)));
        drawing.setAttribute("aria-valuenow", String(at));
        drawing.setAttribute("aria-valuetext", reading.textContent);
      },
    },
    ...bars,
  );
  return el(
    "figure",
    { class: "chart" },
    el("figcaption", {}, reading, el("span", { class: "quiet" }, most > 0 ? `up to ${words(most)}` : "")),
    drawing,
    el(
      "div",
      { class: "ends quiet", "aria-hidden": "true" },
      el("span", {}, points.length ? utcDay(points[0].start) : ""),
      el("span", {}, points.length ? utcDay(points.at(-1).start) : ""),
    ),
    table(label, points, words),
  );
}

function table(label, points, words) {
  const rows = points
    .filter(({ value }) => value !== 0)
    .map(({ start, value }) => el("tr", {}, el("th", { scope: "row" }, utcDay(start)), el("td", {}, words(value))));
  return el(
    "details",
    {},
    el("summary", {}, "As a table"),
    el(
      "div",
      { class: "table" },
      el(
        "table",
        {},
        el("caption", { class: "unseen" }, `${label} by day`),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Day (UTC)"), el("th", { scope: "col" }, label))),
        el("tbody", {}, ...(rows.length > 0 ? rows : [el("tr", {}, el("td", { colspan: 2 }, "Nothing in this time"))])),
      ),
    ),
  );
}
