// Chooses the preview of a File by its name and its first bytes.
import { empty, failed, loading } from "../core/state.js";
import { kindOf } from "../files/kind.js";
import { isText, range } from "./bytes.js";

const SNIFFED_BYTES = 4096;

/** Shows the content of a File in `place`; resolves with a function that goes to a place in it, or null. */
export async function preview(place, file, faults) {
  if (file.bytes === 0) {
    empty(place, { title: "Empty file", words: "There is no content to show." });
    return null;
  }
  const kind = kindOf(file);
  loading(place, "Loading the preview");
  if (kind === "image" || kind === "pdf") {
    const media = await import("./media.js");
    await media[kind](place, file);
    return null;
  }
  try {
    if (!isText(await range(file.id, 0, Math.min(file.bytes, SNIFFED_BYTES)))) {
      empty(place, {
        title: "No preview for this kind of file",
        words: "Its content is not text. Download it to see it.",
      });
      return null;
    }
    return await asText(kind, place, file, faults);
  } catch (error) {
    failed(place, error, () => preview(place, file, faults));
    return null;
  }
}

// A browser loads the modules of this kind only.
async function asText(kind, place, file, faults) {
  if (kind === "jsonl") return (await import("./jsonl.js")).jsonl(place, file, faults);
  if (kind === "csv" || kind === "tsv") return (await import("./csv.js")).csv(place, file, kind === "csv" ? "," : "\t");
  const { json, text } = await import("./text.js");
  return (kind === "json" ? json : text)(place, file);
}
