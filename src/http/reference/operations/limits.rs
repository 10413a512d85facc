//! The operations on the limits of projects and keys.

use super::admin::{api_key_id, json_body, project_id};
use super::{KEY, PROJECT};
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum};
use crate::http::reference::operation::{Answer, Group, Operation};
use serde_json::{Value, json};

pub fn operations() -> Vec<Operation> {
    vec![retrieve_project_limits(), update_project_limits(), retrieve_key_limits(), update_key_limits()]
}

fn of_project(storage_bytes: Option<u64>) -> Value {
    json!({
        "object": "organization.project.limits", "project_id": PROJECT,
        "storage_bytes": storage_bytes, "max_files": null, "monthly_spend_cents": null, "concurrent_uploads": null,
        "requests_per_minute": null, "uploads_per_minute": null, "file_bytes": {},
        "usage": {
            "stored_bytes": 0, "stored_files": 0, "reserved_bytes": 0, "reserved_files": 0,
            "monthly_spend": {"value": 0.0, "currency": "usd"},
        },
    })
}

fn of_key(requests_per_minute: Option<u64>) -> Value {
    json!({
        "object": "organization.project.api_key.limits", "api_key_id": KEY,
        "concurrent_uploads": null, "requests_per_minute": requests_per_minute, "uploads_per_minute": null,
        "file_bytes": {},
    })
}

fn retrieve_project_limits() -> Operation {
    Operation {
        about: vec!["Says what a project may have and do at most, and how much of that is used.".into()],
        extension: true,
        parameters: vec![project_id()],
        answer: Answer::Json("ProjectLimits", of_project(None)),
        python: include_str!("../calls/retrieve_project_limits.py"),
        typescript: include_str!("../calls/retrieve_project_limits.ts"),
        ..Operation::new(
            Group::Administration,
            "retrieveProjectLimits",
            "GET",
            "/v1/organization/projects/{project_id}/limits",
            "Retrieve project limits",
        )
    }
}

fn update_project_limits() -> Operation {
    Operation {
        about: vec!["Sets the limits that it names, from the next request on; `null` lifts one.".into()],
        extension: true,
        parameters: vec![project_id()],
        body: Some(json_body("ProjectLimitsRequest", true, json!({"storage_bytes": 1_073_741_824_u64}))),
        answer: Answer::Json("ProjectLimits", of_project(Some(1_073_741_824))),
        errors: vec![AboveMaximum, BelowMinimum],
        python: include_str!("../calls/update_project_limits.py"),
        typescript: include_str!("../calls/update_project_limits.ts"),
        ..Operation::new(
            Group::Administration,
            "updateProjectLimits",
            "POST",
            "/v1/organization/projects/{project_id}/limits",
            "Set project limits",
        )
    }
}

fn retrieve_key_limits() -> Operation {
    Operation {
        about: vec!["Says what a key may do at most. Of a key and its project the tighter limit holds.".into()],
        extension: true,
        parameters: vec![project_id(), api_key_id()],
        answer: Answer::Json("ProjectApiKeyLimits", of_key(None)),
        python: include_str!("../calls/retrieve_project_api_key_limits.py"),
        typescript: include_str!("../calls/retrieve_project_api_key_limits.ts"),
        ..Operation::new(
            Group::Administration,
            "retrieveProjectApiKeyLimits",
            "GET",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits",
            "Retrieve key limits",
        )
    }
}

fn update_key_limits() -> Operation {
    Operation {
        about: vec!["Sets the limits that it names, from the next request on; `null` lifts one.".into()],
        extension: true,
        parameters: vec![project_id(), api_key_id()],
        body: Some(json_body("ProjectApiKeyLimitsRequest", true, json!({"requests_per_minute": 600}))),
        answer: Answer::Json("ProjectApiKeyLimits", of_key(Some(600))),
        errors: vec![AboveMaximum, BelowMinimum],
        python: include_str!("../calls/update_project_api_key_limits.py"),
        typescript: include_str!("../calls/update_project_api_key_limits.ts"),
        ..Operation::new(
            Group::Administration,
            "updateProjectApiKeyLimits",
            "POST",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits",
            "Set key limits",
        )
    }
}
