// The kind of a file by its name, which chooses its icon and its preview.
const KINDS = {
  jsonl: ["jsonl", "ndjson"],
  json: ["json", "geojson", "ipynb", "har"],
  csv: ["csv"],
  tsv: ["tsv", "tab"],
  image: ["png", "jpg", "jpeg", "gif", "webp", "avif", "bmp"],
  pdf: ["pdf"],
};
const ICONS = { jsonl: "table", json: "text", csv: "table", tsv: "table", image: "image", pdf: "text", other: "file" };

export function extension(name) {
  const found = /\.([A-Za-z0-9]+)$/.exec(name);
  return found ? found[1].toLowerCase() : "";
}

/** Returns the kind: one of the names above, or `other`. */
export function kindOf({ filename, purpose }) {
  const ending = extension(filename);
  const found = Object.entries(KINDS).find(([, endings]) => endings.includes(ending));
  if (found) return found[0];
  return !ending && ["batch", "batch_output", "fine-tune"].includes(purpose) ? "jsonl" : "other";
}

export const iconOf = (file) => ICONS[kindOf(file)];
