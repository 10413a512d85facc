//! Every operation, as its users read of it: a test holds that these are the operations of the table of routes.

mod accounts;
mod admin;
mod files;
mod limits;
mod uploads;
mod usage;

use super::operation::{Group, Operation, Parameter, Place};
use super::schema::{Schema, Shape};
use crate::http::catalogue::ErrorKind;
use crate::model::idempotency::MAX_KEY_CHARS;
use serde_json::{Value, json};

/// The File of the examples.
pub const FILE: &str = "file-00VbjUjhHGglY7j08O6M3Oj9";
/// The Upload of the examples.
pub const UPLOAD: &str = "upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11";
const PART: &str = "part_2f6b1a8e4a0c4d6f9b1f35d7c8e90a12";
/// The project of the examples.
pub const PROJECT: &str = "ws_00VbjUjhHGglY7j08O6M3Oj9";
const KEY: &str = "key_00VbjUjhHGglY7j08O6M3Oj9";
/// The key of an administrator.
const ADMIN_KEY: &str = "key_00VbjV0eKQh2wXc7sT4uYb1m";
const CREATED_AT: u64 = 1_795_374_000;
const DAY: u64 = 1_795_305_600;
const SHA256: &str = "83754df67803361eb1222f15f2baad3db38b08c4262c1ddcf39733e9ab24ed8a";

/// Every operation, in the order of the documentation.
pub fn operations() -> Vec<Operation> {
    let groups = [
        files::operations(),
        uploads::operations(),
        admin::operations(),
        accounts::operations(),
        limits::operations(),
        usage::operations(),
    ];
    groups.into_iter().flatten().map(repeatable).collect()
}

/// Says of the POSTs of the administration what is true of all of them.
fn repeatable(mut operation: Operation) -> Operation {
    if operation.method == "POST" && operation.group == Group::Administration {
        operation.parameters.push(idempotency_key());
        operation.errors.push(ErrorKind::IdempotencyKeyReused);
    }
    operation
}

fn parameter(place: Place, name: &'static str, schema: Schema, about: impl Into<String>) -> Parameter {
    Parameter { place, name, schema, required: place == Place::Path, about: about.into(), example: None }
}

fn in_path(name: &'static str, about: &str, example: &'static str) -> Parameter {
    Parameter { example: Some(example), ..parameter(Place::Path, name, Schema::Text, about) }
}

fn in_query(name: &'static str, schema: Schema, about: impl Into<String>) -> Parameter {
    parameter(Place::Query, name, schema, about)
}

fn sent(example: &'static str, parameter: Parameter) -> Parameter {
    Parameter { example: Some(example), ..parameter }
}

fn in_header(name: &'static str, about: impl Into<String>) -> Parameter {
    parameter(Place::Header, name, Schema::Text, about)
}

fn idempotency_key() -> Parameter {
    let about = format!(
        "1 to {MAX_KEY_CHARS} visible characters of ASCII: repeated under it within 24 hours, the request has one \
         effect and one answer."
    );
    // White space around a field is no part of it.
    let shape = Shape { pattern: Some("^[!-~]([ -~]*[!-~])?$"), min: 1, max: MAX_KEY_CHARS };
    parameter(Place::Header, "Idempotency-Key", Schema::Shaped(shape), about)
}

/// The File of the examples.
fn file() -> Value {
    json!({
        "object": "file", "id": FILE, "purpose": "user_data", "filename": "notes.txt", "bytes": 14,
        "created_at": CREATED_AT, "expires_at": null, "status": "processed", "status_details": null, "sha256": SHA256,
    })
}

/// A page that holds one object.
fn page_of_one(object: &Value, has_more: bool) -> Value {
    let id = object.get("id").cloned().unwrap_or_default();
    json!({"object": "list", "data": [object], "first_id": id, "last_id": id, "has_more": has_more})
}
