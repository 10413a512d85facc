//! The description of the API, as the generator takes it.

use super::errors::failure;
use super::objects::definitions;
use super::operation::{Group, Operation};
use super::operations::operations;
use super::sdk_samples::{ADMIN_KEY_VARIABLE, WORKSPACE_KEY_VARIABLE, sdk_samples};
use crate::http::caller::Access;
use crate::http::catalogue::ErrorKind;
use crate::model::scope::Scope;
use venna_reference::{Answer, Api, KeyScheme, OtherAnswer};

/// The name of workspace keys in the OpenAPI document.
const WORKSPACE_KEY: &str = "workspaceKey";
/// The name of admin keys in the OpenAPI document.
const ADMIN_KEY: &str = "adminKey";
/// What is said of an operation that OpenAI does not have.
const EXTENSION: &str = "OpenAI has no such operation.";

/// Describes the API of a server at `origin`.
pub fn api(origin: &str) -> Api {
    Api {
        title: "Venna Files",
        version: env!("CARGO_PKG_VERSION"),
        summary: "OpenAI's Files API, for teams that run their own gateway or models.",
        description: "Everything under `/v1` takes `Authorization: Bearer vk_...`. Every answer carries `x-request-id`.",
        license: "Apache-2.0",
        abstract_for_models: format!(
            "OpenAI's Files API on your own server. Base URL {origin}/v1, `Authorization: Bearer vk_...`."
        ),
        origin: origin.to_owned(),
        groups: Group::ALL.map(Group::described).to_vec(),
        keys: vec![
            KeyScheme {
                name: WORKSPACE_KEY,
                noun: "workspace key",
                format: "vk_...",
                description: "Workspace API key - `Authorization: Bearer vk_...`. Billing targets the key workspace.",
                label: "Workspace API key - `Authorization: Bearer vk_...`. Billing targets the key workspace.",
                variable: WORKSPACE_KEY_VARIABLE,
            },
            KeyScheme {
                name: ADMIN_KEY,
                noun: "admin key",
                format: "vka_...",
                description: "Admin key - `Authorization: Bearer vka_...`. It opens the administration and no files.",
                label: "Admin key - `Authorization: Bearer vka_...`.",
                variable: ADMIN_KEY_VARIABLE,
            },
        ],
        answer_header: ("x-request-id", "The id of the request."),
        operations: operations().into_iter().map(|operation| describe(operation, origin)).collect(),
        definitions: definitions(),
        error_object: "ErrorResponse",
        failures: ErrorKind::ALL.into_iter().map(|kind| failure(kind, None)).collect(),
    }
}

fn describe(operation: Operation, origin: &str) -> venna_reference::Operation {
    let access = operation.access();
    let (keys, scope) = match access {
        Some(Access::Admin) => (vec![ADMIN_KEY], None),
        Some(Access::AdminOr(scope)) => (vec![WORKSPACE_KEY, ADMIN_KEY], Some(scope)),
        Some(Access::AnyKey) => (vec![WORKSPACE_KEY, ADMIN_KEY], None),
        Some(Access::Scope(scope)) => (vec![WORKSPACE_KEY], Some(scope)),
        None => (vec![WORKSPACE_KEY], None),
    };
    let is_download = matches!(operation.answer, Answer::Octets(_));
    venna_reference::Operation {
        failures: operation.all_errors().into_iter().map(|kind| failure(kind, Some(&operation))).collect(),
        sdk_samples: sdk_samples(&operation, origin, access == Some(Access::Admin)).to_vec(),
        answer_notes: if is_download { DOWNLOAD_NOTES.to_vec() } else { Vec::new() },
        other_answers: if is_download { DOWNLOAD_ANSWERS.to_vec() } else { Vec::new() },
        id: operation.id,
        group: operation.group.described().title,
        method: operation.method,
        path: operation.path,
        summary: operation.summary,
        about: operation.about,
        extension: operation.extension.then_some(EXTENSION),
        keys,
        scope: scope.map(Scope::name),
        parameters: operation.parameters,
        body: operation.body,
        answer: operation.answer,
    }
}

/// The paragraphs on the answer to a download.
const DOWNLOAD_NOTES: [&str; 2] = [
    "`application/octet-stream` The bytes; 206 and `Content-Range` for a range.",
    "Headers: `ETag`, `Last-Modified`, `Accept-Ranges`, `Content-Length`, `Content-Disposition` and, where it is known, \
     `Repr-Digest`.",
];

/// The other answers to a download.
const DOWNLOAD_ANSWERS: [OtherAnswer; 3] = [
    OtherAnswer { status: 206, about: "The range that was asked for.", has_octets: true, url_header: None },
    OtherAnswer {
        status: 302,
        about: "A server with `blobs_redirect` leads to a URL of its bucket, good for a short time.",
        has_octets: false,
        url_header: Some(("Location", "The URL.")),
    },
    OtherAnswer {
        status: 304,
        about: "The content is still the one of `If-None-Match`.",
        has_octets: false,
        url_header: None,
    },
];
