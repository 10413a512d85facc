// Uploads a file in parts, a few at a time, and goes on with those that are missing.
import { get, post } from "../core/api.js";
import { ApiError } from "../core/problem.js";
import { newKey, patiently, send } from "./send.js";
import { forget, save } from "./store.js";

const MIB = 1024 * 1024;
export const PART_BYTES = 8 * MIB;
const PARTS_AT_ONCE = 3;
const MAX_PAGE = 10_000;

/** Sends the parts of a transfer that are missing, completes the Upload, and returns the File. */
export async function inParts(transfer, slots, signal) {
  let record = transfer.record;
  const found = record ? await standing(record, signal) : null;
  if (found?.file) return finished(transfer, found.file);
  if (!found) record = await created(transfer, signal);
  transfer.record = record;
  const arrived = found?.parts ?? new Map();
  record.parts = record.parts.map((id) => (arrived.has(id) ? id : null));
  const unnamed = unnamedBy(record, arrived);
  await missing(transfer, record, unnamed, slots, signal);
  const upload = await patiently(
    () =>
      post(
        `uploads/${record.uploadId}/complete`,
        { part_ids: record.parts },
        { signal, headers: { "idempotency-key": `${record.key}-complete` } },
      ),
    signal,
  );
  return finished(transfer, upload.file);
}

function finished(transfer, file) {
  forget(transfer.record.key);
  return file;
}

async function created(transfer, signal) {
  const { file, name, size, purpose, expires, workspace } = transfer;
  const key = newKey();
  const asked = { bytes: size, filename: name, mime_type: file.type || "application/octet-stream", purpose };
  if (expires) asked.expires_after = { anchor: "created_at", seconds: Number(expires) };
  const upload = await patiently(() => post("uploads", asked, { signal, headers: { "idempotency-key": key } }), signal);
  const parts = Array.from({ length: Math.ceil(size / PART_BYTES) }, () => null);
  const record = {
    key,
    workspace,
    uploadId: upload.id,
    name,
    size,
    lastModified: file.lastModified,
    purpose,
    expires,
    partBytes: PART_BYTES,
    parts,
    expiresAt: upload.expires_at,
  };
  await save(record);
  return record;
}

/** Returns what the server has of an Upload: its parts, or its File; null if the Upload is gone. */
async function standing(record, signal) {
  try {
    const upload = await patiently(() => get(`uploads/${record.uploadId}`, {}, { signal }), signal);
    if (upload.status === "completed") return { file: upload.file };
    if (upload.status !== "pending") return null;
    const list = await patiently(
      () => get(`uploads/${record.uploadId}/parts`, { limit: MAX_PAGE }, { signal }),
      signal,
    );
    return { parts: new Map(list.data.map((part) => [part.id, part])) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** Returns the ids of parts whose answers were lost, by their SHA-256. */
function unnamedBy(record, arrived) {
  const named = new Set(record.parts);
  return new Map([...arrived.values()].filter(({ id }) => !named.has(id)).map(({ id, sha256 }) => [sha256, id]));
}

async function missing(transfer, record, unnamed, slots, signal) {
  const queue = record.parts.map((id, index) => (id ? -1 : index)).filter((index) => index >= 0);
  const moving = new Map();
  const tell = () => {
    const stand = record.parts.reduce((sum, id, index) => sum + (id ? lengthOf(record, index) : 0), 0);
    transfer.sent(stand + [...moving.values()].reduce((sum, bytes) => sum + bytes, 0));
  };
  tell();
  const one = async (index) => {
    const blob = transfer.file.slice(index * record.partBytes, index * record.partBytes + lengthOf(record, index));
    const onProgress = (bytes) => {
      moving.set(index, Math.min(bytes, blob.size));
      tell();
    };
    const id =
      (await arrivedAs(blob, unnamed)) ??
      (
        await slots.with(signal, () => {
          transfer.begins();
          return part(record, index, blob, { signal, onProgress });
        })
      ).id;
    moving.delete(index);
    record.parts[index] = id;
    tell();
    await save(record);
  };
  const worker = async () => {
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      signal.throwIfAborted();
      await one(index);
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, worker));
}

const lengthOf = ({ size, partBytes }, index) => Math.min(partBytes, size - index * partBytes);

function part(record, index, blob, options) {
  const form = new FormData();
  form.append("data", blob, "part");
  return send(`uploads/${record.uploadId}/parts`, form, { key: `${record.key}-${index}`, ...options });
}

/** Returns the id of an arrived part with this content; browsers hash only in a secure context. */
async function arrivedAs(blob, unnamed) {
  if (unnamed.size === 0 || !crypto.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const id = unnamed.get(sha256) ?? null;
  unnamed.delete(sha256);
  return id;
}

/** Cancels the Upload of a transfer, so that its parts are removed. */
export async function abandoned({ record }) {
  if (!record) return;
  await forget(record.key);
  await post(`uploads/${record.uploadId}/cancel`).catch(() => {});
}
