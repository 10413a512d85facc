// Reads dropped folders to their depth, and counts what is not taken.
export const MAX_FILES = 20_000;
// Files and folders that are looked at, so that the walk of a whole disk ends.
const MAX_ENTRIES = 200_000;

/**
 * @typedef {{items: {file: File, name: string}[], left: number, more: boolean, unreadable: number}} Walk `left` files are
 *   beyond the bound, `more` of them were not counted; `unreadable` files and folders could not be read
 */

/**
 * Reads the files of dropped or pasted items.
 * @param {(FileSystemEntry | File | null)[]} entries
 * @returns {Promise<Walk>}
 */
export async function walked(entries) {
  const walk = { items: [], left: 0, more: false, unreadable: 0 };
  const queue = [...entries];
  for (let at = 0; at < queue.length; at += 1) {
    const entry = queue[at];
    // What was looked at need not stay in memory.
    queue[at] = null;
    try {
      if (entry.isDirectory) walk.more = !(await children(entry, queue)) || walk.more;
      else if (walk.items.length >= MAX_FILES) walk.left += 1;
      else walk.items.push(await item(entry));
    } catch {
      walk.unreadable += 1;
    }
  }
  return walk;
}

async function item(entry) {
  if (entry instanceof File) return { file: entry, name: entry.name };
  const file = await new Promise((resolve, reject) => {
    entry.file(resolve, reject);
  });
  return { file, name: entry.fullPath.replace(/^\//, "") };
}

/** Adds the entries of a folder to the queue. Returns whether the queue has room for all of them. */
async function children(folder, queue) {
  const reader = folder.createReader();
  // A reader gives a hundred entries at a time, and none at the end.
  for (;;) {
    const some = await new Promise((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return true;
    const room = MAX_ENTRIES - queue.length;
    queue.push(...some.slice(0, Math.max(0, room)));
    if (some.length > room) return false;
  }
}

/** Returns the files of an input, named with their folders. @returns {Walk} */
export function chosen(input) {
  const files = [...input.files];
  const items = files.slice(0, MAX_FILES).map((file) => ({ file, name: file.webkitRelativePath || file.name }));
  return { items, left: files.length - items.length, more: false, unreadable: 0 };
}
