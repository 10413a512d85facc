//! The page of an operation.

use crate::api::{Api, Failure, by_status};
use crate::operation::{Answer, Body, BodyExample, Operation, ParamIn, Parameter};
use crate::page::{Block, Input, Page, Trial, code};
use crate::samples::samples;
use crate::schema::{Field, Schema};
use crate::site::ERRORS_SLUG;
use crate::typescript::declarations_of;
use serde_json::Value;

/// Writes the page of an operation.
pub fn page(api: &Api, operation: &Operation) -> Page {
    let mut blocks = vec![Block::Endpoint(operation.method, operation.path)];
    blocks.extend(operation.about.iter().map(Block::text));
    blocks.extend(operation.extension.map(|extension| Block::text(format!("An extension: {extension}"))));
    blocks.extend(authorization(api, operation));
    blocks.extend(ParamIn::ALL.into_iter().flat_map(|place| parameters(operation, place)));
    blocks.extend(operation.body.iter().flat_map(|body| request_body(api, body)));
    blocks.extend(types(api, operation));
    blocks.extend(responses(api, operation));
    blocks.push(Block::heading(2, "samples", "Samples"));
    blocks.extend(samples(api, operation));
    blocks.extend(examples(operation));
    blocks.push(Block::heading(2, "try", "Try it"));
    blocks.push(Block::TryIt(Box::new(trial(api, operation))));
    Page {
        slug: operation.slug(),
        title: operation.summary.to_owned(),
        about: format!("{} {}: {}.", operation.method, operation.path, operation.summary),
        blocks,
    }
}

fn authorization(api: &Api, operation: &Operation) -> Vec<Block> {
    let keys = operation.keys.iter().filter_map(|name| api.keys.iter().find(|key| key.name == *name));
    let labels: Vec<_> = keys.map(|key| key.label).collect();
    let mut blocks = vec![
        Block::heading(2, "authorization", "Authorization"),
        Block::text("`Authorization` `Bearer <token>`"),
        Block::text(labels.join(" Or: ")),
        Block::text("In: header"),
    ];
    if let (Some(key), Some(scope)) = (api.sample_key(operation), operation.scope) {
        blocks.push(Block::text(format!("A {} needs the scope `{scope}`.", key.noun)));
    }
    blocks
}

fn parameters(operation: &Operation, place: ParamIn) -> Vec<Block> {
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
        Schema::Partial(by, ..) => format!("object by {by}"),
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

fn request_body(api: &Api, body: &Body) -> Vec<Block> {
    let need = if body.required { "Required." } else { "May be left out." };
    let mut blocks = vec![
        Block::heading(2, "request-body", "Request Body"),
        Block::text(format!("`{}` {need}", body.example.media_type())),
    ];
    blocks.extend(fields_of(api, body.schema));
    blocks
}

/// The members of a definition as a table; those that are required are marked.
fn fields_of(api: &Api, name: &str) -> Option<Block> {
    let rows = api.definition(name)?.schema.fields().iter();
    let rows = rows.map(|Field { name, schema, required, about }| row(name, schema, *required, about)).collect();
    Some(table(rows))
}

fn types(api: &Api, operation: &Operation) -> Vec<Block> {
    let names = operation.definition_names();
    if names.is_empty() {
        return Vec::new();
    }
    let what = if operation.body.is_some() { "request body and response body" } else { "response body" };
    let text = declarations_of(api, &names);
    vec![
        Block::heading(2, "types", "TypeScript Definitions"),
        Block::text(format!(
            "Use the {what} type in TypeScript. All types stand in \
                             [`types.d.ts`](/docs/types.d.ts)."
        )),
        Block::Code { title: "Types".to_owned(), language: "typescript", text },
    ]
}

fn responses(api: &Api, operation: &Operation) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "responses", "Response Body"), Block::heading(3, "response-200", "200")];
    match &operation.answer {
        Answer::Json(name, _) => {
            blocks.push(Block::text(format!("`application/json` `{name}`")));
            blocks.extend(fields_of(api, name));
        }
        Answer::Octets(_) => blocks.extend(operation.answer_notes.iter().copied().map(Block::text)),
        Answer::Lines(name, _) => {
            blocks.push(Block::text(format!("`application/jsonl`, or `text/csv`: a `{name}` a line")));
            blocks.extend(fields_of(api, name));
        }
    }
    blocks.extend(failures(api, operation));
    blocks
}

/// Writes the errors by their status.
fn failures(api: &Api, operation: &Operation) -> Vec<Block> {
    let told = |(status, failures): (u16, Vec<&Failure>)| {
        let rows = failures.into_iter().map(|failure| {
            let name = failure.code.unwrap_or("null");
            vec![format!("[`{name}`](/docs/{ERRORS_SLUG}#{})", failure.anchor), failure.cause.to_owned()]
        });
        vec![
            Block::heading(3, format!("response-{status}"), status.to_string()),
            Block::text(format!("`application/json` `{}`", api.error_object)),
            Block::Table { head: vec!["Code", "Brought about by"], rows: rows.collect() },
        ]
    };
    by_status(&operation.failures).into_iter().flat_map(told).collect()
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
    for Failure { status, anchor, sample, .. } in &operation.failures {
        if !shown.contains(status) {
            shown.push(*status);
            blocks.push(Block::json(format!("{status} {anchor}"), sample));
        }
    }
    blocks
}

fn trial(api: &Api, operation: &Operation) -> Trial {
    let mut inputs: Vec<Input> =
        operation.parameters.iter().map(|parameter| input_of_parameter(api, parameter)).collect();
    if let Some(body) = &operation.body {
        inputs.extend(inputs_of_body(api, body));
    }
    let key_format = api.sample_key(operation).map_or("...", |key| key.format);
    Trial { method: operation.method, path: operation.path, key_format, inputs }
}

fn input_of_parameter(api: &Api, parameter: &Parameter) -> Input {
    let value = match parameter.place {
        ParamIn::Path => String::new(),
        ParamIn::Query | ParamIn::Header => parameter.example.unwrap_or_default().to_owned(),
    };
    let words = words_of(api, &parameter.schema);
    Input { place: parameter.place.name(), name: parameter.name, words, value, required: parameter.required }
}

fn inputs_of_body(api: &Api, body: &Body) -> Vec<Input> {
    let BodyExample::Form { fields, .. } = &body.example else {
        let BodyExample::Json(example) = &body.example else { return Vec::new() };
        let value = serde_json::to_string_pretty(example).unwrap_or_default();
        return vec![Input { place: "body", name: "Body", words: Vec::new(), value, required: body.required }];
    };
    let of_form = api.definition(body.schema).into_iter().flat_map(|definition| definition.schema.fields());
    of_form
        .map(|field| {
            let place = if matches!(field.schema, Schema::Octets) { "file" } else { "form" };
            let example = fields.iter().find(|(name, _)| *name == field.name).map_or("", |(_, value)| value);
            let words = words_of(api, &field.schema);
            Input { place, name: field.name, words, value: example.to_owned(), required: field.required }
        })
        .collect()
}

/// The words that a value is one of.
fn words_of(api: &Api, schema: &Schema) -> Vec<&'static str> {
    match schema {
        Schema::Words(words) => words.clone(),
        Schema::Word(word) => vec![word],
        Schema::Named(name) => {
            api.definition(name).map_or_else(Vec::new, |definition| words_of(api, &definition.schema))
        }
        _ => Vec::new(),
    }
}
