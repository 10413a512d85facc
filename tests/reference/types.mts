// A life of a file through the types that the server serves, and fetch alone.
import type { CreateFileRequest, DeleteFileResponse, ErrorResponse, ListFilesResponse, OpenAIFile } from "./types.d.ts";

declare const process: { env: Record<string, string | undefined> };

const headers = { Authorization: `Bearer ${process.env["VENNA_API_KEY"]}` };

async function call<T>(method: string, path: string, body: FormData | null = null): Promise<T> {
  const answer = await fetch(`${process.env["ORIGIN"]}/v1${path}`, { method, headers, body });
  return await answer.json() as T;
}

const request: CreateFileRequest = { file: new Blob(["Hello, Files!\n"]), purpose: "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": 3600 };
const form = new FormData();
for (const [name, value] of Object.entries(request) as [string, Blob | string | number][]) {
  if (value instanceof Blob) form.append(name, value, "notes.txt");
  else form.append(name, String(value));
}
const file = await call<OpenAIFile>("POST", "/files", form);
if (file.object !== "file" || file.bytes !== 14 || file.expires_at !== file.created_at + 3600) throw new Error(JSON.stringify(file));
const page = await call<ListFilesResponse>("GET", "/files?limit=1");
if (page.data[0]?.id !== file.id || page.first_id !== file.id) throw new Error(JSON.stringify(page));
const refused = await call<ErrorResponse>("GET", "/files/file-none");
if (refused.error.param !== "id" || refused.error.code !== null) throw new Error(JSON.stringify(refused));
const deleted = await call<DeleteFileResponse>("DELETE", `/files/${file.id}`);
if (!deleted.deleted || deleted.id !== file.id) throw new Error(JSON.stringify(deleted));
console.log("uploaded, listed, refused, deleted");
