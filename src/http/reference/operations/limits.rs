//! The operations on the limits of projects and keys.

use super::admin::{api_key_id, begun, json_body, project_id};
use super::{KEY, PROJECT};
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum};
use crate::http::reference::operation::{Answer, Operation};
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
        python: "limits = client.get(\"/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/limits\", cast_to=dict)\nprint(json.dumps(limits, indent=2))",
        typescript: "const limits = await client.get(\"/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/limits\");\nconsole.log(JSON.stringify(limits, null, 2));",
        ..begun(
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
        python: "limits = client.post(\n    \"/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/limits\", cast_to=dict, body={\"storage_bytes\": 1073741824}\n)\nprint(json.dumps(limits, indent=2))",
        typescript: "const limits = await client.post(\"/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/limits\", {\n  body: { storage_bytes: 1073741824 },\n});\nconsole.log(JSON.stringify(limits, null, 2));",
        ..begun("updateProjectLimits", "POST", "/v1/organization/projects/{project_id}/limits", "Set project limits")
    }
}

fn retrieve_key_limits() -> Operation {
    Operation {
        about: vec!["Says what a key may do at most. Of a key and its project the tighter limit holds.".into()],
        extension: true,
        parameters: vec![project_id(), api_key_id()],
        answer: Answer::Json("ProjectApiKeyLimits", of_key(None)),
        python: "limits = client.get(\n    \"/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys/key_00VbjUjhHGglY7j08O6M3Oj9/limits\", cast_to=dict\n)\nprint(json.dumps(limits, indent=2))",
        typescript: "const limits = await client.get(\n  \"/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys/key_00VbjUjhHGglY7j08O6M3Oj9/limits\",\n);\nconsole.log(JSON.stringify(limits, null, 2));",
        ..begun(
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
        python: "limits = client.post(\n    \"/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys/key_00VbjUjhHGglY7j08O6M3Oj9/limits\",\n    cast_to=dict,\n    body={\"requests_per_minute\": 600},\n)\nprint(json.dumps(limits, indent=2))",
        typescript: "const limits = await client.post(\n  \"/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys/key_00VbjUjhHGglY7j08O6M3Oj9/limits\",\n  { body: { requests_per_minute: 600 } },\n);\nconsole.log(JSON.stringify(limits, null, 2));",
        ..begun(
            "updateProjectApiKeyLimits",
            "POST",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits",
            "Set key limits",
        )
    }
}
