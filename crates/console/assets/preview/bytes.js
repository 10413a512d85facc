// Ranges of the content of a File.
import { api, request } from "../core/api.js";
import { ApiError } from "../core/problem.js";

/** Reads the bytes from `from` up to `to`, exclusive. */
export async function range(id, from, to, signal) {
  if (to <= from) return new Uint8Array();
  const answer = await request("GET", api(`files/${id}/content`), {
    headers: { Range: `bytes=${from}-${to - 1}` },
    signal,
  });
  try {
    return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    if (signal?.aborted) throw error;
    // The server breaks the connection when a later block does not match its checksum.
    throw new ApiError(500, { message: "The content broke off before its end.", code: "file_damaged" });
  }
}

/** Says whether these first bytes are those of a text. */
export function isText(bytes) {
  return !bytes.includes(0);
}
