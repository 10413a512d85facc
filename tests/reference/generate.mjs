// Types of the document, with bytes as `Blob`, which is how openapi-typescript's own manual makes them of `format: binary`.
import fs from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const BLOB = ts.factory.createTypeReferenceNode(ts.factory.createIdentifier("Blob"));
const [, , from, to] = process.argv;
const transform = (schema) => (schema.format === "binary" ? BLOB : undefined);
fs.writeFileSync(to, astToString(await openapiTS(JSON.parse(fs.readFileSync(from, "utf8")), { transform })));
