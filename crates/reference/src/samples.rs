//! Samples that run: curl, the SDKs that the description brings, and Rust with `reqwest`.

use crate::api::Api;
use crate::operation::{Answer, BodyExample, Operation, ParamIn, Sample};
use crate::page::{Block, Code};
use serde_json::Value;

/// Writes the samples of an operation, a tab for each language.
pub fn samples(api: &Api, operation: &Operation) -> Block {
    let variable = api.sample_key(operation).map_or("API_KEY", |key| key.variable);
    let curl = Sample { title: "curl", language: "sh", text: curl(operation, &api.origin, variable) };
    let rust = Sample { title: "Rust", language: "rust", text: rust(operation, &api.origin, variable) };
    let all = [curl].into_iter().chain(operation.sdk_samples.iter().cloned()).chain([rust]);
    let code = |Sample { title, language, text }: Sample| Code {
        title: title.to_owned(),
        language: language.to_owned(),
        text,
    };
    Block::Tabs(all.map(code).collect())
}

fn curl(operation: &Operation, origin: &str, variable: &str) -> String {
    let query: Vec<_> = operation.examples_in(ParamIn::Query).collect();
    let method = if query.is_empty() { format!("-X {}", operation.method) } else { "-G".to_owned() };
    let mut lines = vec![
        format!("curl {method} \"{origin}{}\"", operation.example_path()),
        format!("-H \"Authorization: Bearer ${variable}\""),
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

/// With the features `json`, `multipart` and `stream` of `reqwest`, and `tokio`.
fn rust(operation: &Operation, origin: &str, variable: &str) -> String {
    let mut text = String::from("#[tokio::main]\nasync fn main() -> Result<(), Box<dyn std::error::Error>> {\n");
    let query: Vec<_> = operation.examples_in(ParamIn::Query).map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let mut calls = vec![format!(".bearer_auth(std::env::var(\"{variable}\")?)")];
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
