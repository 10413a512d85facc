//! The samples with OpenAI's SDKs.
//!
//! `tests/reference` takes each sample from the served pages and runs it against a server, with existing ids in place
//! of the shown ones.

use super::route_doc::RouteDoc;
use venna_reference::Sample;

/// The environment variable of a workspace key.
pub const WORKSPACE_KEY_VARIABLE: &str = "VENNA_API_KEY";
/// The environment variable of an admin key.
pub const ADMIN_KEY_VARIABLE: &str = "VENNA_ADMIN_KEY";
/// The paths to which OpenAI's SDKs send the admin key.
const ADMINISTRATION: &str = "/v1/organization/";

/// Writes the samples of an operation on a server at `origin`.
pub fn sdk_samples(doc: &RouteDoc, origin: &str, takes_admin_key: bool) -> [Sample; 2] {
    let variable = if takes_admin_key { ADMIN_KEY_VARIABLE } else { WORKSPACE_KEY_VARIABLE };
    [
        Sample { title: "Python", language: "python", text: python(doc, origin, variable) },
        Sample { title: "TypeScript", language: "typescript", text: typescript(doc, origin, variable) },
    ]
}

fn python(doc: &RouteDoc, origin: &str, variable: &str) -> String {
    let json = if doc.calls.python.contains("json.dumps") { "import json\n" } else { "" };
    let admin = if doc.operation.path.starts_with(ADMINISTRATION) {
        format!(", admin_api_key=os.environ[\"{variable}\"]")
    } else {
        String::new()
    };
    format!(
        "{json}import os\n\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=\"{origin}/v1\", \
         api_key=os.environ[\"{variable}\"]{admin})\n\n{}",
        doc.calls.python
    )
}

fn typescript(doc: &RouteDoc, origin: &str, variable: &str) -> String {
    let fs = if doc.calls.typescript.contains("fs.") { "import fs from \"node:fs\";\n" } else { "" };
    let admin = if doc.operation.path.starts_with(ADMINISTRATION) {
        format!(", adminAPIKey: process.env.{variable}")
    } else {
        String::new()
    };
    format!(
        "{fs}import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{origin}/v1\", \
         apiKey: process.env.{variable}{admin} }});\n\n{}",
        doc.calls.typescript
    )
}
