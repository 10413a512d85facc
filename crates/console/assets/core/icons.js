// Line icons of 20 px.
import { svg } from "./dom.js";

const PATHS = {
  file: "M5 2.5h6.5l4 4v11H5zM11.5 2.5v4h4",
  text: "M5 2.5h6.5l4 4v11H5zM11.5 2.5v4h4M7.5 10.5h5M7.5 13.5h5",
  image: "M3 4h14v12H3zM3 13l4-4 4 4 2-2 4 3.5M12.5 7.5h.01",
  table: "M3 4h14v12H3zM3 8h14M3 12h14M8.5 4v12",
  copy: "M7 7h9v9H7zM13 7V4H4v9h3",
  trash: "M4 5.5h12M8 5.5v-2h4v2M5.5 5.5l.7 11h7.6l.7-11M8.5 8.5v5M11.5 8.5v5",
  download: "M10 3v9M6.5 9l3.5 3.5L13.5 9M4 16.5h12",
  upload: "M10 13V4M6.5 7.5 10 4l3.5 3.5M4 16.5h12",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4.5v11l9-5.5z",
  retry: "M4 10a6 6 0 1 0 2-4.5L4 7.5M4 3.5v4h4",
  close: "M5 5l10 10M15 5 5 15",
  check: "M4 10.5 8 14.5 16 6",
  alert: "M10 3 2.5 16.5h15zM10 8v4M10 14.3v.01",
  down: "M5 8l5 5 5-5",
  key: "M12.5 3.5a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM9.7 10.3 3.5 16.5v-3M6.5 13.5l1.5 1.5",
  wait: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6v4l2.5 2",
  gauge: "M3.5 14.5a7 7 0 1 1 13 0M10 12.5l3.5-4",
  edit: "M4 16l.7-3.2L13.5 4l2.5 2.5-8.8 8.8z",
};

/** Builds an icon; an unknown name is an error, because a button without its icon is blank. */
export function icon(name) {
  if (!Object.hasOwn(PATHS, name)) throw new Error(`there is no icon ${name}`);
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", class: "icon" }, svg("path", { d: PATHS[name] }));
}
