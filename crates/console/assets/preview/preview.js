// Chooses the preview of a File by its name and its first bytes.
import { empty, failed, loading } from "../core/state.js";
import { kindOf } from "../files/kind.js";
import { isText, range } from "./bytes.js";
import { csv } from "./csv.js";
import { jsonl } from "./jsonl.js";
import { image, pdf } from "./media.js";
import { json, text } from "./text.js";

const SNIFFED_BYTES = 4096;

/** Shows the content of a File in `place`; resolves with a function that goes to a place in it, or null. */
export async function preview(place, file, faults) {
  if (file.bytes === 0) {
    empty(place, { title: "Empty file", words: "There is no content to show." });
    return null;
  }
  const kind = kindOf(file);
  if (kind === "image") return none(image(place, file));
  if (kind === "pdf") return none(pdf(place, file));
  loading(place, "Loading the preview");
  try {
    if (!isText(await range(file.id, 0, Math.min(file.bytes, SNIFFED_BYTES)))) {
      empty(place, { title: "No preview for this kind of file", words: "Its content is not text. Download it to see it." });
      return null;
    }
    return await asText(kind, place, file, faults);
  } catch (error) {
    failed(place, error, () => preview(place, file, faults));
    return null;
  }
}

const none = (shown) => shown.then(() => null);

function asText(kind, place, file, faults) {
  if (kind === "jsonl") return jsonl(place, file, faults);
  if (kind === "json") return json(place, file);
  if (kind === "csv") return csv(place, file, ",");
  if (kind === "tsv") return csv(place, file, "\t");
  return text(place, file);
}
