//! Samples that run: curl, Python and TypeScript with OpenAI's SDKs, and Rust with `reqwest`.
//!
//! `tests/reference` takes each from the served pages and runs it against a server, with ids that are there in place
//! of those that are shown.

use super::operation::{Answer, BodyExample, Operation, Place};
use super::page::Block;
use serde_json::Value;

/// The samples of an operation on a server that is reached at `origin`.
pub fn samples(operation: &Operation, origin: &str) -> Vec<Block> {
    let sample = |title: &str, language, text| Block::Code { title: title.to_owned(), language, text };
    vec![
        sample("curl", "sh", curl(operation, origin)),
        sample("Python", "python", python(operation, origin)),
        sample("TypeScript", "typescript", typescript(operation, origin)),
        sample("Rust", "rust", rust(operation, origin)),
    ]
}

/// The variable of the environment that holds the key.
const fn key_variable(admin: bool) -> &'static str {
    if admin { "VENNA_ADMIN_KEY" } else { "VENNA_API_KEY" }
}

fn curl(operation: &Operation, origin: &str) -> String {
    let query: Vec<_> = operation.examples_in(Place::Query).collect();
    let method = if query.is_empty() { format!("-X {}", operation.method) } else { "-G".to_owned() };
    let mut lines = vec![
        format!("curl {method} \"{origin}{}\"", operation.example_path()),
        format!("-H \"Authorization: Bearer ${}\"", key_variable(operation.takes_admin_key())),
    ];
    lines.extend(query.iter().map(|(name, value)| format!("-d \"{name}={value}\"")));
    match operation.body.as_ref().map(|body| &body.example) {
        None => {}
        Some(BodyExample::Json(value)) => {
            lines.push("-H \"Content-Type: application/json\"".to_owned());
            lines.push(format!("-d '{}'", pretty(value)));
        }
        Some(BodyExample::Form { file: (name, path), fields }) => {
            lines.push(format!("-F {name}=\"@{path}\""));
            lines.extend(fields.iter().map(|(name, value)| format!("-F {name}=\"{value}\"")));
        }
    }
    lines.join(" \\\n  ") + "\n"
}

fn python(operation: &Operation, origin: &str) -> String {
    let key = key_variable(operation.takes_admin_key());
    let json = if operation.python.contains("json.dumps") { "import json\n" } else { "" };
    let admin = if operation.path.starts_with(ADMINISTRATION) {
        format!(", admin_api_key=os.environ[\"{key}\"]")
    } else {
        String::new()
    };
    format!(
        "{json}import os\n\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=\"{origin}/v1\", \
         api_key=os.environ[\"{key}\"]{admin})\n\n{}",
        operation.python
    )
}

/// What OpenAI's SDKs send the admin key to.
const ADMINISTRATION: &str = "/v1/organization/";

fn typescript(operation: &Operation, origin: &str) -> String {
    let key = key_variable(operation.takes_admin_key());
    let fs = if operation.typescript.contains("fs.") { "import fs from \"node:fs\";\n" } else { "" };
    let admin = if operation.path.starts_with(ADMINISTRATION) {
        format!(", adminAPIKey: process.env.{key}")
    } else {
        String::new()
    };
    format!(
        "{fs}import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{origin}/v1\", \
         apiKey: process.env.{key}{admin} }});\n\n{}",
        operation.typescript
    )
}

/// With the features `json`, `multipart` and `stream` of `reqwest`, and `tokio`.
fn rust(operation: &Operation, origin: &str) -> String {
    let mut text = String::from("#[tokio::main]\nasync fn main() -> Result<(), Box<dyn std::error::Error>> {\n");
    let query: Vec<_> = operation.examples_in(Place::Query).map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let mut calls = vec![format!(".bearer_auth(std::env::var(\"{}\")?)", key_variable(operation.takes_admin_key()))];
    match operation.body.as_ref().map(|body| &body.example) {
        None => {}
        Some(BodyExample::Json(value)) => calls.push(format!(".json(&serde_json::json!({value}))")),
        Some(BodyExample::Form { file: (name, path), fields }) => {
            text.push_str("    let form = reqwest::multipart::Form::new()");
            for (name, value) in fields {
                text.push_str(&format!("\n        .text(\"{name}\", \"{value}\")"));
            }
            text.push_str(&format!("\n        .file(\"{name}\", \"{path}\")\n        .await?;\n"));
            calls.push(".multipart(form)".to_owned());
        }
    }
    let method = operation.method.to_ascii_lowercase();
    text.push_str("    let response = reqwest::Client::new()\n");
    text.push_str(&format!("        .{method}(\"{origin}{}{query}\")\n", operation.example_path()));
    for call in calls {
        text.push_str(&format!("        {call}\n"));
    }
    text.push_str("        .send()\n        .await?\n        .error_for_status()?;\n");
    text.push_str(match operation.answer {
        Answer::Json(..) => "    println!(\"{:#}\", response.json::<serde_json::Value>().await?);\n",
        Answer::Octets(_) | Answer::Lines(..) => "    println!(\"{}\", response.text().await?);\n",
    });
    text.push_str("    Ok(())\n}\n");
    text
}

/// JSON as a person writes it into a command.
fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
