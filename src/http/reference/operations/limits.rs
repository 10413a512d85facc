//! The operations on the limits of projects and keys.

use super::admin::{api_key_id, json_body, project_id};
use super::examples::{KEY, PROJECT};
use super::parameters::{in_path, in_query, limit_of};
use crate::http::admin::RATE_LIMITS;
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum};
use crate::http::reference::route_doc::{ADMINISTRATION, EXTENSION, RouteDoc, calls};
use crate::model::limits::Limit;
use serde_json::{Value, json};
use venna_reference::{Answer, Operation, Schema};

/// The value of a rate limit without a limit.
const NO_LIMIT: u64 = *Limit::RequestsPerMinute.bounds().end();

pub fn operations() -> Vec<RouteDoc> {
    vec![
        list_rate_limits(),
        update_rate_limit(),
        retrieve_spend_limit(),
        update_spend_limit(),
        delete_spend_limit(),
        retrieve_project_limits(),
        update_project_limits(),
        retrieve_key_limits(),
        update_key_limits(),
    ]
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

fn rate_limit(id: &str, model: &str, per_minute: u64) -> Value {
    json!({
        "object": "project.rate_limit", "id": id, "model": model, "max_requests_per_1_minute": per_minute,
        "max_tokens_per_1_minute": NO_LIMIT,
    })
}

fn list_rate_limits() -> RouteDoc {
    let [requests, uploads] = RATE_LIMITS;
    let page = json!({
        "object": "list",
        "data": [rate_limit(requests, "requests", NO_LIMIT), rate_limit(uploads, "uploads", NO_LIMIT)],
        "first_id": requests, "last_id": uploads, "has_more": false,
    });
    let operation = Operation {
        about: vec![
            "Lists the rate limits of a project: one for all requests, one for uploads of files and parts.".into(),
        ],
        parameters: vec![
            project_id(),
            limit_of(100, "100"),
            in_query("after", Schema::Words(RATE_LIMITS.to_vec()), "Cursor: return objects after this id."),
            in_query("before", Schema::Words(RATE_LIMITS.to_vec()), "Cursor: return objects before this id."),
        ],
        answer: Answer::Json("ProjectRateLimitListResponse", page),
        ..Operation::new(
            ADMINISTRATION,
            "listProjectRateLimits",
            "GET",
            "/v1/organization/projects/{project_id}/rate_limits",
            "List project rate limits",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_project_rate_limits") }
}

fn update_rate_limit() -> RouteDoc {
    let id = in_path("rate_limit_id", "`rl-requests` or `rl-uploads`.", RATE_LIMITS[0]);
    let operation = Operation {
        about: vec![
            "Sets how many requests a minute there may be. Limits on tokens, images and the like are refused: nothing \
             of the kind is counted. `POST .../limits` lifts a limit."
                .into(),
        ],
        parameters: vec![project_id(), id],
        body: Some(json_body("ProjectRateLimitUpdateRequest", false, json!({"max_requests_per_1_minute": 600}))),
        answer: Answer::Json("ProjectRateLimit", rate_limit(RATE_LIMITS[0], "requests", 600)),
        ..Operation::new(
            ADMINISTRATION,
            "updateProjectRateLimit",
            "POST",
            "/v1/organization/projects/{project_id}/rate_limits/{rate_limit_id}",
            "Modify project rate limit",
        )
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("update_project_rate_limit") }
}

fn spend_limit() -> Value {
    json!({
        "object": "project.spend_limit", "currency": "USD", "interval": "month", "threshold_amount": 10000,
        "enforcement": {"status": "inactive"},
    })
}

fn retrieve_spend_limit() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns the spend limit of a project and its state. 404 if there is no limit.".into()],
        parameters: vec![project_id()],
        answer: Answer::Json("ProjectSpendLimit", spend_limit()),
        ..Operation::new(
            ADMINISTRATION,
            "retrieveProjectSpendLimit",
            "GET",
            "/v1/organization/projects/{project_id}/spend_limit",
            "Retrieve project spend limit",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_project_spend_limit") }
}

fn update_spend_limit() -> RouteDoc {
    let body = json!({"threshold_amount": 10000, "currency": "USD", "interval": "month"});
    let operation = Operation {
        about: vec!["Sets the spend limit of a project: `monthly_spend_cents` of its limits.".into()],
        parameters: vec![project_id()],
        body: Some(json_body("ProjectSpendLimitRequest", true, body)),
        answer: Answer::Json("ProjectSpendLimit", spend_limit()),
        ..Operation::new(
            ADMINISTRATION,
            "updateProjectSpendLimit",
            "POST",
            "/v1/organization/projects/{project_id}/spend_limit",
            "Set project spend limit",
        )
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("update_project_spend_limit") }
}

fn delete_spend_limit() -> RouteDoc {
    let example = json!({"object": "project.spend_limit.deleted", "deleted": true});
    let operation = Operation {
        about: vec!["Removes the spend limit of a project. 404 if there is none.".into()],
        parameters: vec![project_id()],
        answer: Answer::Json("ProjectSpendLimitDeleted", example),
        ..Operation::new(
            ADMINISTRATION,
            "deleteProjectSpendLimit",
            "DELETE",
            "/v1/organization/projects/{project_id}/spend_limit",
            "Delete project spend limit",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("delete_project_spend_limit") }
}

fn retrieve_project_limits() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns the limits of a project, and its usage.".into()],
        extension: EXTENSION,
        parameters: vec![project_id()],
        answer: Answer::Json("ProjectLimits", of_project(None)),
        ..Operation::new(
            ADMINISTRATION,
            "retrieveProjectLimits",
            "GET",
            "/v1/organization/projects/{project_id}/limits",
            "Retrieve project limits",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_project_limits") }
}

fn update_project_limits() -> RouteDoc {
    let operation = Operation {
        about: vec!["Sets the named limits from the next request on. `null` removes a limit.".into()],
        extension: EXTENSION,
        parameters: vec![project_id()],
        body: Some(json_body("ProjectLimitsRequest", true, json!({"storage_bytes": 1_073_741_824_u64}))),
        answer: Answer::Json("ProjectLimits", of_project(Some(1_073_741_824))),
        ..Operation::new(
            ADMINISTRATION,
            "updateProjectLimits",
            "POST",
            "/v1/organization/projects/{project_id}/limits",
            "Set project limits",
        )
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("update_project_limits") }
}

fn retrieve_key_limits() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns the limits of a key. Of the limits of a key and its project the lower one holds.".into()],
        extension: EXTENSION,
        parameters: vec![project_id(), api_key_id()],
        answer: Answer::Json("ProjectApiKeyLimits", of_key(None)),
        ..Operation::new(
            ADMINISTRATION,
            "retrieveProjectApiKeyLimits",
            "GET",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits",
            "Retrieve key limits",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_project_api_key_limits") }
}

fn update_key_limits() -> RouteDoc {
    let operation = Operation {
        about: vec!["Sets the named limits from the next request on. `null` removes a limit.".into()],
        extension: EXTENSION,
        parameters: vec![project_id(), api_key_id()],
        body: Some(json_body("ProjectApiKeyLimitsRequest", true, json!({"requests_per_minute": 600}))),
        answer: Answer::Json("ProjectApiKeyLimits", of_key(Some(600))),
        ..Operation::new(
            ADMINISTRATION,
            "updateProjectApiKeyLimits",
            "POST",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits",
            "Set key limits",
        )
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("update_project_api_key_limits") }
}
