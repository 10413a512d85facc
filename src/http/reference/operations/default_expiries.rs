//! The operations on the default expiries of projects.

use super::admin::{json_body, project_id};
use super::parameters::in_path_of;
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum};
use crate::http::reference::route_doc::{ADMINISTRATION, EXTENSION, RouteDoc, calls};
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::purpose::Purpose;
use serde_json::{Value, json};
use venna_reference::{Answer, Operation, Parameter, Schema};

const ALL: &str = "/v1/organization/projects/{project_id}/default_expiries";
const ONE: &str = "/v1/organization/projects/{project_id}/default_expiries/{purpose}";
const WEEK_SECONDS: u64 = 604_800;

pub fn operations() -> Vec<RouteDoc> {
    vec![list(), update(), delete()]
}

fn purpose() -> Parameter {
    in_path_of("purpose", Schema::Named("StoredPurpose"), "The purpose of the files.", Purpose::Batch.name())
}

fn shown(purpose: Purpose, seconds: Option<u64>, set_by_project: bool) -> Value {
    let after = seconds.map(|seconds| json!({"anchor": "created_at", "seconds": seconds}));
    json!({
        "object": "organization.project.default_expiry", "purpose": purpose.name(), "expires_after": after,
        "set_by_project": set_by_project,
    })
}

fn built_in(purpose: Purpose) -> Value {
    shown(purpose, DefaultExpiry::of(purpose).expires_after().map(ExpiresAfter::as_seconds), false)
}

fn list() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Returns the expiry of files of each purpose whose clients ask for none. Each purpose has a built-in \
             default, which a project can replace."
                .into(),
        ],
        extension: EXTENSION,
        parameters: vec![project_id()],
        answer: Answer::Json(
            "ProjectDefaultExpiryListResponse",
            json!({"object": "list", "data": Purpose::ALL.map(built_in)}),
        ),
        ..Operation::new(ADMINISTRATION, "listProjectDefaultExpiries", "GET", ALL, "List default expiries")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_project_default_expiries") }
}

fn update() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Sets the default expiry of a purpose, for files that are created and Uploads that are begun from now on. \
             `null`: they do not expire. Existing files keep their expiry."
                .into(),
        ],
        extension: EXTENSION,
        parameters: vec![project_id(), purpose()],
        body: Some(json_body(
            "ProjectDefaultExpiryRequest",
            true,
            json!({"expires_after": {"anchor": "created_at", "seconds": WEEK_SECONDS}}),
        )),
        answer: Answer::Json("ProjectDefaultExpiry", shown(Purpose::Batch, Some(WEEK_SECONDS), true)),
        ..Operation::new(ADMINISTRATION, "updateProjectDefaultExpiry", "POST", ONE, "Set default expiry")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("update_project_default_expiry") }
}

fn delete() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns to the built-in default of a purpose, which is the answer.".into()],
        extension: EXTENSION,
        parameters: vec![project_id(), purpose()],
        answer: Answer::Json("ProjectDefaultExpiry", built_in(Purpose::Batch)),
        ..Operation::new(ADMINISTRATION, "deleteProjectDefaultExpiry", "DELETE", ONE, "Delete default expiry")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("delete_project_default_expiry") }
}
