//! The page of an operation, in the order that users know.

use super::errors::{SLUG as ERRORS, sample_of};
use super::objects::definitions;
use super::operation::{Answer, Body, BodyExample, Operation, Parameter, Place};
use super::page::{Block, Input, Page, Trial, code};
use super::samples::samples;
use super::schema::{Field, Schema};
use super::typescript::declarations_of;
use crate::http::caller::Access;
use crate::http::catalogue::ErrorKind;
use serde_json::Value;
use std::collections::BTreeMap;

/// The page of an operation on a server that is reached at `origin`.
pub fn page(operation: &Operation, origin: &str) -> Page {
    let mut blocks = vec![Block::Endpoint(operation.method, operation.path)];
    blocks.extend(operation.about.iter().map(Block::text));
    if operation.extension {
        blocks.push(Block::text("An extension: OpenAI has no such operation."));
    }
    blocks.extend(authorization(operation));
    blocks.extend(Place::ALL.into_iter().flat_map(|place| parameters(operation, place)));
    blocks.extend(operation.body.iter().flat_map(request_body));
    blocks.extend(types(operation));
    blocks.extend(responses(operation));
    blocks.push(Block::heading(2, "samples", "Samples"));
    blocks.extend(samples(operation, origin));
    blocks.extend(examples(operation));
    blocks.push(Block::heading(2, "try", "Try it"));
    blocks.push(Block::TryIt(Box::new(trial(operation))));
    Page {
        slug: operation.slug(),
        title: operation.summary.to_owned(),
        about: format!("{} {}: {}.", operation.method, operation.path, operation.summary),
        blocks,
    }
}

fn authorization(operation: &Operation) -> Vec<Block> {
    const WORKSPACE: &str = "Workspace API key - `Authorization: Bearer vk_...`. Billing targets the key workspace.";
    const ADMIN: &str = "Admin key - `Authorization: Bearer vka_...`.";
    let mut blocks = vec![Block::heading(2, "authorization", "Authorization")];
    let (keys, scope) = match operation.access() {
        Some(Access::Admin) => (ADMIN.to_owned(), None),
        Some(Access::AdminOr(scope)) => (format!("{WORKSPACE} Or: {ADMIN}"), Some(scope)),
        Some(Access::AnyKey) => (format!("{WORKSPACE} Or: {ADMIN}"), None),
        Some(Access::Scope(scope)) => (WORKSPACE.to_owned(), Some(scope)),
        None => (WORKSPACE.to_owned(), None),
    };
    blocks.push(Block::text("`Authorization` `Bearer <token>`"));
    blocks.push(Block::text(keys));
    blocks.push(Block::text("In: header"));
    blocks.extend(scope.map(|scope| Block::text(format!("A workspace key needs the scope `{scope}`."))));
    blocks
}

fn parameters(operation: &Operation, place: Place) -> Vec<Block> {
    let rows: Vec<_> = operation
        .parameters_in(place)
        .map(|Parameter { name, schema, required, about, .. }| row(name, schema, *required, about))
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Block::heading(2, format!("{}-parameters", place.name()), place.title()), table(rows)]
}

fn row(name: &str, schema: &Schema, required: bool, about: &str) -> Vec<String> {
    let mark = if required { "*" } else { "" };
    vec![format!("`{name}`{mark}"), code(kind(schema)), format!("{about}{}", bounds(schema))]
}

/// The type in a word.
fn kind(schema: &Schema) -> String {
    match schema {
        Schema::Object(_) => "object".to_owned(),
        Schema::Nullable(inner) => format!("{} | null", kind(inner)),
        Schema::Partial(..) => "object by purpose".to_owned(),
        other => other.typescript(0),
    }
}

fn bounds(schema: &Schema) -> String {
    match schema.json() {
        Value::Object(bounds) => match (bounds.get("minimum"), bounds.get("maximum")) {
            (Some(least), Some(most)) => format!(" From {least} to {most}."),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn table(rows: Vec<Vec<String>>) -> Block {
    Block::Table { head: vec!["Name", "Type", "Description"], rows }
}

fn request_body(body: &Body) -> Vec<Block> {
    let need = if body.required { "Required." } else { "May be left out." };
    let mut blocks = vec![
        Block::heading(2, "request-body", "Request Body"),
        Block::text(format!("`{}` {need}", body.example.media_type())),
    ];
    blocks.extend(fields_of(body.schema));
    blocks
}

/// The members of a definition as a table; those that are required are marked.
fn fields_of(name: &str) -> Option<Block> {
    let definition = definitions().into_iter().find(|definition| definition.name == name)?;
    let rows = definition.schema.fields().iter();
    let rows = rows.map(|Field { name, schema, required, about }| row(name, schema, *required, about)).collect();
    Some(table(rows))
}

fn types(operation: &Operation) -> Vec<Block> {
    let names = operation.definition_names();
    if names.is_empty() {
        return Vec::new();
    }
    let what = if operation.body.is_some() { "request body and response body" } else { "response body" };
    let text = declarations_of(&names);
    vec![
        Block::heading(2, "types", "TypeScript Definitions"),
        Block::text(format!(
            "Use the {what} type in TypeScript. All types stand in \
                             [`types.d.ts`](/docs/types.d.ts)."
        )),
        Block::Code { title: "Types".to_owned(), language: "typescript", text },
    ]
}

fn responses(operation: &Operation) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "responses", "Response Body"), Block::heading(3, "response-200", "200")];
    match &operation.answer {
        Answer::Json(name, _) => {
            blocks.push(Block::text(format!("`application/json` `{name}`")));
            blocks.extend(fields_of(name));
        }
        Answer::Octets(_) => {
            blocks.push(Block::text("`application/octet-stream` The bytes; 206 and `Content-Range` for a range."));
            blocks.push(Block::text(
                "Headers: `ETag`, `Last-Modified`, `Accept-Ranges`, `Content-Length`, `Content-Disposition` and, \
                 where it is known, `Repr-Digest`.",
            ));
        }
        Answer::Lines(name, _) => {
            blocks.push(Block::text(format!("`application/jsonl`, or `text/csv`: a `{name}` a line")));
            blocks.extend(fields_of(name));
        }
    }
    blocks.extend(failures(operation));
    blocks
}

/// The errors by their status.
fn failures(operation: &Operation) -> Vec<Block> {
    let mut by_status: BTreeMap<u16, Vec<ErrorKind>> = BTreeMap::new();
    for kind in operation.all_errors() {
        by_status.entry(kind.entry().status).or_default().push(kind);
    }
    let told = |(status, kinds): (u16, Vec<ErrorKind>)| {
        let rows = kinds.into_iter().map(|kind| {
            let name = kind.entry().code.unwrap_or("null");
            vec![format!("[`{name}`](/docs/{ERRORS}#{})", kind.anchor()), kind.entry().brought_about_by.to_owned()]
        });
        vec![
            Block::heading(3, format!("response-{status}"), status.to_string()),
            Block::text("`application/json` `ErrorResponse`"),
            Block::Table { head: vec!["Code", "Brought about by"], rows: rows.collect() },
        ]
    };
    by_status.into_iter().flat_map(told).collect()
}

fn examples(operation: &Operation) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "examples", "Examples")];
    blocks.push(match &operation.answer {
        Answer::Json(_, example) => Block::json("200", example),
        Answer::Lines(_, rows) => {
            Block::Code { title: "200".to_owned(), language: "json", text: Operation::lines(rows) }
        }
        Answer::Octets(content) => {
            Block::Code { title: "200".to_owned(), language: "text", text: (*content).to_owned() }
        }
    });
    let mut shown = Vec::new();
    for kind in operation.all_errors() {
        let status = kind.entry().status;
        if !shown.contains(&status) {
            shown.push(status);
            blocks.push(Block::json(format!("{status} {}", kind.anchor()), &sample_of(operation, kind)));
        }
    }
    blocks
}

fn trial(operation: &Operation) -> Trial {
    let mut inputs: Vec<Input> = operation.parameters.iter().map(input_of_parameter).collect();
    if let Some(body) = &operation.body {
        inputs.extend(inputs_of_body(body));
    }
    Trial { method: operation.method, path: operation.path, admin: operation.takes_admin_key(), inputs }
}

fn input_of_parameter(parameter: &Parameter) -> Input {
    let value = match parameter.place {
        Place::Path => String::new(),
        Place::Query | Place::Header => parameter.example.unwrap_or_default().to_owned(),
    };
    let words = words_of(&parameter.schema);
    Input { place: parameter.place.name(), name: parameter.name, words, value, required: parameter.required }
}

fn inputs_of_body(body: &Body) -> Vec<Input> {
    let BodyExample::Form { fields, .. } = &body.example else {
        let BodyExample::Json(example) = &body.example else { return Vec::new() };
        let value = serde_json::to_string_pretty(example).unwrap_or_default();
        return vec![Input { place: "body", name: "Body", words: Vec::new(), value, required: body.required }];
    };
    let definition = definitions().into_iter().find(|definition| definition.name == body.schema);
    let of_form = definition.iter().flat_map(|definition| definition.schema.fields());
    of_form
        .map(|field| {
            let place = if matches!(field.schema, Schema::Octets) { "file" } else { "form" };
            let example = fields.iter().find(|(name, _)| *name == field.name).map_or("", |(_, value)| value);
            let words = words_of(&field.schema);
            Input { place, name: field.name, words, value: example.to_owned(), required: field.required }
        })
        .collect()
}

/// The words that a value is one of.
fn words_of(schema: &Schema) -> Vec<&'static str> {
    match schema {
        Schema::Words(words) => words.clone(),
        Schema::Word(word) => vec![word],
        Schema::Named(name) => definitions()
            .iter()
            .find(|definition| definition.name == *name)
            .map_or_else(Vec::new, |definition| words_of(&definition.schema)),
        _ => Vec::new(),
    }
}
