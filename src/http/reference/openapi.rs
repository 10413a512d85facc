//! The document in the format `OpenAPI` 3.1: the operations, the definitions, the table of routes and the catalogue of
//! errors in one.

use super::errors::{sample, sample_of};
use super::objects::definitions;
use super::operation::{Answer, Body, BodyExample, EVERYWHERE, Group, Operation, Parameter, Place};
use super::operations::operations;
use super::schema::{Definition, Schema, closed};
use crate::http::caller::Access;
use crate::http::catalogue::ErrorKind;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const WORKSPACE_KEY: &str = "workspaceKey";
const ADMIN_KEY: &str = "adminKey";

/// The document of a server that is reached at `origin`.
pub fn document(origin: &str) -> Value {
    let tags = Group::ALL.map(|group| json!({"name": group.title(), "description": group.about()}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Venna Files",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "OpenAI's Files API, for teams that run their own gateway or models.",
            "description": "Everything under `/v1` takes `Authorization: Bearer vk_...`. Every answer carries \
                            `x-request-id`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": origin}],
        "tags": tags,
        "paths": paths(),
        "components": {
            "securitySchemes": {
                WORKSPACE_KEY: {
                    "type": "http", "scheme": "bearer", "bearerFormat": "vk_...",
                    "description": "Workspace API key - `Authorization: Bearer vk_...`. Billing targets the key \
                                    workspace.",
                },
                ADMIN_KEY: {
                    "type": "http", "scheme": "bearer", "bearerFormat": "vka_...",
                    "description": "Admin key - `Authorization: Bearer vka_...`. It opens the administration and no \
                                    files.",
                },
            },
            "responses": shared_responses(),
            "schemas": schemas(),
        },
    })
}

/// The definitions. What a request holds is closed, as the server refuses what it does not know; what an answer holds may
/// have more members in later versions.
fn schemas() -> Value {
    let bodies: Vec<_> = operations().into_iter().filter_map(|operation| operation.body).collect();
    let is_sent = |name: &str| bodies.iter().any(|body| body.schema == name);
    let of = |definition: &Definition| {
        let schema = definition.schema.json();
        let mut schema = if is_sent(definition.name) { closed(schema) } else { schema };
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), json!(definition.about));
        }
        (definition.name.to_owned(), schema)
    };
    Value::Object(definitions().iter().map(of).collect())
}

fn paths() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_ascii_lowercase(), described(&operation));
        }
    }
    Value::Object(paths)
}

fn described(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.group.title()],
        "summary": operation.summary,
        "description": operation.about.join("\n\n"),
        "security": security(operation.access()),
        "responses": responses(operation),
    });
    if let Some(described) = described.as_object_mut() {
        if !operation.parameters.is_empty() {
            let parameters = operation.parameters.iter().map(parameter).collect();
            described.insert("parameters".to_owned(), Value::Array(parameters));
        }
        if let Some(body) = &operation.body {
            described.insert("requestBody".to_owned(), request_body(body));
        }
        if let Some(Access::Scope(scope) | Access::AdminOr(scope)) = operation.access() {
            described.insert("x-required-scopes".to_owned(), json!([scope.name()]));
        }
        if operation.extension {
            described.insert("x-extension".to_owned(), json!("OpenAI has no such operation."));
        }
    }
    described
}

fn security(access: Option<Access>) -> Value {
    match access {
        Some(Access::Admin) => json!([{ADMIN_KEY: []}]),
        Some(Access::AdminOr(_) | Access::AnyKey) => json!([{WORKSPACE_KEY: []}, {ADMIN_KEY: []}]),
        Some(Access::Scope(_)) | None => json!([{WORKSPACE_KEY: []}]),
    }
}

fn parameter(parameter: &Parameter) -> Value {
    let mut described = json!({
        "name": parameter.name,
        "in": parameter.place.name(),
        "required": parameter.required,
        "description": parameter.about,
        "schema": parameter.schema.json(),
    });
    if let (Place::Query, false, Some(described)) = (parameter.place, parameter.required, described.as_object_mut()) {
        described.insert("allowEmptyValue".to_owned(), json!(true));
    }
    if let (Some(example), Some(described)) = (parameter.example, described.as_object_mut()) {
        let example = match parameter.schema {
            Schema::Whole(..) => json!(example.parse::<u64>().unwrap_or_default()),
            Schema::List(..) => json!([example]),
            _ => json!(example),
        };
        described.insert("example".to_owned(), example);
    }
    described
}

fn request_body(body: &Body) -> Value {
    let schema = Schema::Named(body.schema).json();
    let media = match &body.example {
        BodyExample::Json(example) => json!({"schema": schema, "example": example}),
        BodyExample::Form { .. } => json!({"schema": schema}),
    };
    json!({"required": body.required, "content": {body.example.media_type(): media}})
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::from_iter([("200".to_owned(), success(&operation.answer))]);
    if matches!(operation.answer, Answer::Octets(_)) {
        let range = json!({"description": "The range that was asked for.", "content": octets()});
        responses.insert("206".to_owned(), range);
        let elsewhere = "A server with `blobs_redirect` leads to a URL of its bucket, good for a short time.";
        let location = json!({"Location": {"description": "The URL.", "schema": {"type": "string", "format": "uri"}}});
        responses.insert("302".to_owned(), json!({"description": elsewhere, "headers": location}));
        responses.insert("304".to_owned(), json!({"description": "The content is still the one of `If-None-Match`."}));
    }
    for (status, kinds) in by_status(&operation.all_errors()) {
        let shared = by_status(&EVERYWHERE).get(&status) == Some(&kinds);
        let response = if shared {
            json!({"$ref": format!("#/components/responses/{}", shared_name(status))})
        } else {
            failure(&kinds, |kind| sample_of(operation, kind))
        };
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

fn by_status(kinds: &[ErrorKind]) -> BTreeMap<u16, Vec<ErrorKind>> {
    let mut found: BTreeMap<u16, Vec<ErrorKind>> = BTreeMap::new();
    for kind in kinds {
        found.entry(kind.entry().status).or_default().push(*kind);
    }
    found
}

/// The answers that every operation has.
fn shared_responses() -> Value {
    let of = |(status, kinds): (u16, Vec<ErrorKind>)| (shared_name(status), failure(&kinds, sample));
    Value::Object(by_status(&EVERYWHERE).into_iter().map(of).collect())
}

fn shared_name(status: u16) -> String {
    format!("Error{status}")
}

fn success(answer: &Answer) -> Value {
    let headers = json!({"x-request-id": {"description": "The id of the request.", "schema": {"type": "string"}}});
    let content = match answer {
        Answer::Json(name, example) => {
            json!({"application/json": {"schema": Schema::Named(name).json(), "example": example}})
        }
        Answer::Octets(_) => octets(),
        Answer::Lines(_, rows) => json!({
            "application/jsonl": {"schema": {"type": "string"}, "example": Operation::lines(rows)},
            "text/csv": {"schema": {"type": "string"}},
        }),
    };
    json!({"description": "Success.", "headers": headers, "content": content})
}

fn octets() -> Value {
    json!({"application/octet-stream": {"schema": Schema::Octets.json()}})
}

/// All that may go wrong with one status.
fn failure(kinds: &[ErrorKind], sample: impl Fn(ErrorKind) -> Value) -> Value {
    let causes: Vec<_> = kinds.iter().map(|kind| kind.entry().brought_about_by).collect();
    let example = |kind: &ErrorKind| (kind.anchor(), json!({"value": sample(*kind)}));
    let examples: Map<String, Value> = kinds.iter().map(example).collect();
    let content = json!({"application/json": {"schema": Schema::Named("ErrorResponse").json(), "examples": examples}});
    json!({"description": causes.join(" "), "content": content})
}
