//! The description of the API for the crate `venna_reference`.

use super::errors::failure;
use super::objects::definitions;
use super::operations::operations;
use super::route_doc::{ADMINISTRATION, FILES, LINKS, RouteDoc, UPLOADS, USAGE};
use super::sdk_samples::{ADMIN_KEY_VARIABLE, WORKSPACE_KEY_VARIABLE, sdk_samples};
use crate::http::caller::Access;
use crate::http::catalogue::ErrorKind;
use crate::http::pages::{HEADER_LINKS, SITE};
use crate::model::scope::Scope;
use venna_reference::{Api, KeyScheme, Operation};

/// The name of workspace keys in the OpenAPI document.
const WORKSPACE_KEY: &str = "workspaceKey";
/// The name of admin keys in the OpenAPI document.
const ADMIN_KEY: &str = "adminKey";

/// Describes the API of a server at `origin`.
pub fn api(origin: &str) -> Api {
    Api {
        title: SITE,
        version: env!("CARGO_PKG_VERSION"),
        summary: "OpenAI's Files API, for teams that run their own gateway or models.",
        description: "Everything under `/v1` takes `Authorization: Bearer vk_...`. Every answer carries `x-request-id`.",
        license: "Apache-2.0",
        abstract_for_models: format!(
            "OpenAI's Files API on your own server. Base URL {origin}/v1, `Authorization: Bearer vk_...`."
        ),
        origin: origin.to_owned(),
        header_links: HEADER_LINKS,
        groups: vec![FILES, LINKS, UPLOADS, ADMINISTRATION, USAGE],
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
        operations: operations().into_iter().map(|doc| complete(doc, origin)).collect(),
        definitions: definitions(),
        error_object: "ErrorResponse",
        failures: ErrorKind::ALL.into_iter().map(|kind| failure(kind, None)).collect(),
    }
}

/// Completes the description of an operation on a server at `origin`: its keys, its errors, its samples with SDKs.
fn complete(doc: RouteDoc, origin: &str) -> Operation {
    let access = doc.access();
    let (keys, scope) = match access {
        Some(Access::Admin | Access::AdminOrOwner) => (vec![ADMIN_KEY], None),
        Some(Access::AdminOr(scope)) => (vec![WORKSPACE_KEY, ADMIN_KEY], Some(scope)),
        Some(Access::AnyKey) => (vec![WORKSPACE_KEY, ADMIN_KEY], None),
        Some(Access::Scope(scope)) => (vec![WORKSPACE_KEY], Some(scope)),
        None => (vec![WORKSPACE_KEY], None),
    };
    Operation {
        keys,
        scope: scope.map(Scope::name),
        failures: doc.all_errors().into_iter().map(|kind| failure(kind, Some(&doc))).collect(),
        sdk_samples: sdk_samples(&doc, origin, matches!(access, Some(Access::Admin | Access::AdminOrOwner))).to_vec(),
        ..doc.operation
    }
}
