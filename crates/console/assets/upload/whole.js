// Uploads a file in one request.
import { newKey, send } from "./send.js";

/** Sends the file of a transfer, and returns the File. */
export function whole(transfer, slots, signal) {
  transfer.key ??= newKey();
  const form = new FormData();
  form.append("purpose", transfer.purpose);
  if (transfer.expires) {
    form.append("expires_after[anchor]", "created_at");
    form.append("expires_after[seconds]", transfer.expires);
  }
  form.append("file", transfer.file, transfer.name);
  return slots.with(signal, () => {
    transfer.begins();
    return send("files", form, {
      key: transfer.key,
      signal,
      onProgress: (bytes) => transfer.sent(Math.min(bytes, transfer.size)),
    });
  });
}
