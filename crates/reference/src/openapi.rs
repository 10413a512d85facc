//! The document in the format OpenAPI 3.1.

use crate::api::{Api, Failure, by_status};
use crate::operation::{Answer, Body, BodyExample, Operation, OtherAnswer, ParamIn, Parameter};
use crate::schema::{Definition, Schema, closed};
use serde_json::{Map, Value, json};

/// Writes the OpenAPI document of an API.
pub fn document(api: &Api) -> Value {
    let tags: Vec<_> =
        api.groups.iter().map(|group| json!({"name": group.title, "description": group.about})).collect();
    let keys = api.keys.iter().map(|key| {
        let scheme = json!({
            "type": "http", "scheme": "bearer", "bearerFormat": key.format, "description": key.description,
        });
        (key.name.to_owned(), scheme)
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": api.title,
            "version": api.version,
            "summary": api.summary,
            "description": api.description,
            "license": {"name": api.license, "identifier": api.license},
        },
        "servers": [{"url": api.origin}],
        "tags": tags,
        "paths": paths(api),
        "components": {
            "securitySchemes": keys.collect::<Map<_, _>>(),
            "responses": shared_responses(api),
            "schemas": schemas(api),
        },
    })
}

/// Writes the objects. Those of requests are closed, as the server refuses unknown members; those of answers may have
/// more members in later versions.
fn schemas(api: &Api) -> Value {
    let is_sent =
        |name: &str| api.operations.iter().filter_map(|one| one.body.as_ref()).any(|body| body.schema == name);
    let of = |definition: &Definition| {
        let schema = definition.schema.json();
        let mut schema = if is_sent(definition.name) { closed(schema) } else { schema };
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), json!(definition.about));
        }
        (definition.name.to_owned(), schema)
    };
    Value::Object(api.definitions.iter().map(of).collect())
}

fn paths(api: &Api) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in &api.operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_ascii_lowercase(), described(api, operation));
        }
    }
    Value::Object(paths)
}

fn described(api: &Api, operation: &Operation) -> Value {
    let security: Vec<_> = operation.keys.iter().map(|name| json!({*name: []})).collect();
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.group.title],
        "summary": operation.summary,
        "description": operation.about.join("\n\n"),
        "security": security,
        "responses": responses(api, operation),
    });
    if let Some(described) = described.as_object_mut() {
        if !operation.parameters.is_empty() {
            let parameters = operation.parameters.iter().map(parameter).collect();
            described.insert("parameters".to_owned(), Value::Array(parameters));
        }
        if let Some(body) = &operation.body {
            described.insert("requestBody".to_owned(), request_body(body));
        }
        if let Some(scope) = operation.scope {
            described.insert("x-required-scopes".to_owned(), json!([scope]));
        }
        if let Some(extension) = operation.extension {
            described.insert("x-extension".to_owned(), json!(extension));
        }
    }
    described
}

fn parameter(parameter: &Parameter) -> Value {
    let mut described = json!({
        "name": parameter.name,
        "in": parameter.place.name(),
        "required": parameter.required,
        "description": parameter.about,
        "schema": parameter.schema.json(),
    });
    if let (ParamIn::Query, false, Some(described)) = (parameter.place, parameter.required, described.as_object_mut()) {
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

fn responses(api: &Api, operation: &Operation) -> Value {
    let mut responses = Map::from_iter([("200".to_owned(), success(api, &operation.answer))]);
    responses.extend(operation.other_answers.iter().map(|answer| (answer.status.to_string(), other(answer))));
    for (status, failures) in by_status(&operation.failures) {
        let response = if failures.iter().all(|failure| failure.everywhere) {
            json!({"$ref": format!("#/components/responses/{}", shared_name(status))})
        } else {
            failed(api, &failures)
        };
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

fn other(answer: &OtherAnswer) -> Value {
    let mut other = Map::from_iter([("description".to_owned(), json!(answer.about))]);
    if answer.has_octets {
        other.insert("content".to_owned(), octets());
    }
    if let Some((name, about)) = answer.url_header {
        let url = json!({"type": "string", "format": "uri"});
        other.insert("headers".to_owned(), json!({name: {"description": about, "schema": url}}));
    }
    Value::Object(other)
}

/// Writes the errors that every operation can answer.
fn shared_responses(api: &Api) -> Value {
    let shared = by_status(api.failures.iter().filter(|failure| failure.everywhere));
    Value::Object(shared.into_iter().map(|(status, failures)| (shared_name(status), failed(api, &failures))).collect())
}

fn shared_name(status: u16) -> String {
    format!("Error{status}")
}

fn success(api: &Api, answer: &Answer) -> Value {
    let (header, about) = api.answer_header;
    let headers = json!({header: {"description": about, "schema": {"type": "string"}}});
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

/// Writes all errors of one status.
fn failed(api: &Api, failures: &[&Failure]) -> Value {
    let causes: Vec<_> = failures.iter().map(|failure| failure.cause).collect();
    let examples: Map<String, Value> =
        failures.iter().map(|failure| (failure.anchor.clone(), json!({"value": failure.sample}))).collect();
    let schema = Schema::Named(api.error_object).json();
    let content = json!({"application/json": {"schema": schema, "examples": examples}});
    json!({"description": causes.join(" "), "content": content})
}
