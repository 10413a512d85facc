// The names of files by their ids, each read once.
import { get } from "../core/api.js";
import { Slots } from "../upload/slots.js";

const AT_ONCE = 4;

const slots = new Slots(AT_ONCE);
const known = new Map();

/** Resolves with the name of a file, or with its id where the name cannot be read. */
export function nameOf(id) {
  if (!known.has(id)) known.set(id, read(id));
  return known.get(id);
}

async function read(id) {
  try {
    return await slots.with(new AbortController().signal, async () => (await get(`files/${id}`)).filename);
  } catch {
    return id;
  }
}
