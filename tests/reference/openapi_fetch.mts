// A life of a file through types that openapi-typescript made, and fetch.
import createClient from "openapi-fetch";
import type { paths } from "./api.d.ts";

declare const process: { env: Record<string, string | undefined> };

const client = createClient<paths>({
  baseUrl: process.env["ORIGIN"] ?? "",
  headers: { Authorization: `Bearer ${process.env["VENNA_API_KEY"]}` },
});

function must<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const file = must(await client.POST("/v1/files", {
  body: { file: new Blob(["Hello, Files!\n"]), purpose: "user_data" },
  bodySerializer: ({ file, purpose }) => {
    const form = new FormData();
    form.append("file", file, "notes.txt");
    form.append("purpose", purpose);
    return form;
  },
}));
if (file.bytes !== 14 || file.filename !== "notes.txt") throw new Error(JSON.stringify(file));

const path = { id: file.id };
const page = must(await client.GET("/v1/files", { params: { query: { limit: 1, order: "desc" } } }));
if (page.data[0]?.id !== file.id) throw new Error("it is not listed");
if (must(await client.GET("/v1/files/{id}", { params: { path } })).sha256 !== file.sha256) throw new Error("it is another one");
const content: Blob = must(await client.GET("/v1/files/{id}/content", { params: { path }, parseAs: "blob" }));
if (await content.text() !== "Hello, Files!\n") throw new Error("the content differs");
const { error, response } = await client.GET("/v1/files/{id}", { params: { path: { id: "file-none" } } });
if (response.status !== 404 || error?.error.param !== "id") throw new Error(JSON.stringify(error));
if (!must(await client.DELETE("/v1/files/{id}", { params: { path } })).deleted) throw new Error("it is still there");
console.log("uploaded, listed, retrieved, read, refused, deleted");
