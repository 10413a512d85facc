// Unfinished uploads in IndexedDB, so that they go on after a reload. A record has no content of the file.
const DATABASE = "venna-uploads";
const RECORDS = "records";

/**
 * @typedef {{key: string, workspace: string, uploadId: string, name: string, size: number, lastModified: number, purpose: string,
 *   expires: string, partBytes: number, parts: (string | null)[], expiresAt: number}} Record
 */

let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(RECORDS, { keyPath: "key" }));
    opening.addEventListener("success", () => resolve(opening.result));
    opening.addEventListener("error", () => reject(opening.error));
  });
  return opened;
}

// Without storage an upload works, too; it is only forgotten by a reload.
async function run(mode, use, otherwise) {
  try {
    const store = (await database()).transaction(RECORDS, mode).objectStore(RECORDS);
    const asked = use(store);
    return await new Promise((resolve, reject) => {
      asked.addEventListener("success", () => resolve(asked.result));
      asked.addEventListener("error", () => reject(asked.error));
    });
  } catch {
    return otherwise;
  }
}

export const save = (record) => run("readwrite", (store) => store.put(record));
export const forget = (key) => run("readwrite", (store) => store.delete(key));

/** Returns the records of a workspace; those whose Upload has expired are removed. */
export async function unfinished(workspace) {
  const records = await run("readonly", (store) => store.getAll(), []);
  const now = Date.now() / 1000;
  for (const { key, expiresAt } of records) if (expiresAt <= now) forget(key);
  return records.filter((record) => record.workspace === workspace && record.expiresAt > now);
}

/** Returns whether a file is the one that a record is about. */
export const isOf = (record, file, name) =>
  record.name === name && record.size === file.size && record.lastModified === file.lastModified;
