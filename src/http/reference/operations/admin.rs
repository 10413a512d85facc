//! The operations on projects, their keys and the audit log.

use super::examples::{CREATED_AT, KEY, PROJECT, page_of_one};
use super::parameters::{email_filter, in_path, in_query, limit_of, sent};
use crate::http::catalogue::ErrorKind;
use crate::http::list::{MAX_FILTER_VALUES, MAX_TIME};
use crate::http::reference::ids::{AUDIT_ID, KEY_ID, PROJECT_ID, USER_ID};
use crate::http::reference::route_doc::{ADMINISTRATION, EXTENSION, RouteDoc, calls};
use crate::model::audit::{Action, MAX_OBJECT_ID_CHARS};
use serde_json::{Value, json};
use venna_reference::{Answer, Body, BodyExample, Operation, Parameter, Schema, Shape};

pub fn operations() -> Vec<RouteDoc> {
    vec![
        list_models(),
        own_key(),
        list_projects(),
        create_project(),
        retrieve_project(),
        update_project(),
        archive_project(),
        list_api_keys(),
        create_api_key(),
        retrieve_api_key(),
        update_api_key(),
        delete_api_key(),
        rotate_api_key(),
        list_audit_logs(),
    ]
}

/// Describes a JSON body by the name of its object and an example.
pub fn json_body(schema: &'static str, required: bool, example: Value) -> Body {
    Body { schema, required, example: BodyExample::Json(example) }
}

pub fn project_id() -> Parameter {
    in_path("project_id", "The id of the project.", PROJECT)
}

pub fn api_key_id() -> Parameter {
    in_path("api_key_id", "The id of the key.", KEY)
}

pub fn limit() -> Parameter {
    sent("20", limit_of(100, "20"))
}

pub fn after(id: Schema) -> Parameter {
    in_query("after", id, "Cursor: return objects after this id.")
}

fn owner_project_access() -> Parameter {
    let words = Schema::Words(vec!["active", "inactive", "any"]);
    in_query(
        "owner_project_access",
        words,
        "Filter by access of the owner. Owners always have access, so `inactive` finds nothing.",
    )
}

fn project(name: &str) -> Value {
    json!({
        "id": PROJECT, "object": "organization.project", "name": name, "created_at": CREATED_AT, "archived_at": null,
        "status": "active", "external_key_id": null, "residency": null,
    })
}

fn api_key() -> Value {
    json!({
        "object": "organization.project.api_key", "id": KEY, "name": "worker",
        "redacted_value": "vk_J6mQ...Xk3f",
        "created_at": CREATED_AT, "last_used_at": null, "expires_at": null,
        "scopes": ["files.read", "files.write", "uploads.write", "usage.read"],
        "owner": {
            "type": "service_account",
            "service_account": {"id": KEY, "name": "worker", "role": "member", "created_at": CREATED_AT},
        },
        "owner_project_access": "active",
    })
}

fn api_key_with_value() -> Value {
    let mut key = api_key();
    if let Some(key) = key.as_object_mut() {
        key.insert("value".to_owned(), json!("vk_J6mQ0d3uE8sYcT1bWq9ZrPx2LfKhVn00Xk3f"));
    }
    key
}

fn list_models() -> RouteDoc {
    let operation = Operation {
        about: vec!["Answers an empty list to a valid key. Many tools test their connection with it.".into()],
        answer: Answer::Json("ListModelsResponse", json!({"object": "list", "data": []})),
        ..Operation::new(ADMINISTRATION, "listModels", "GET", "/v1/models", "List models")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_models") }
}

fn own_key() -> RouteDoc {
    let example = json!({
        "object": "organization.key", "id": KEY, "type": "workspace", "name": "worker", "redacted_value": "vk_J6mQ...Xk3f",
        "created_at": CREATED_AT, "expires_at": null, "last_used_at": null,
        "scopes": ["files.read", "files.write", "uploads.write", "usage.read"],
        "project": project("research"),
        "limits": {
            "storage_bytes": null, "max_files": null, "monthly_spend_cents": null, "concurrent_uploads": null,
            "requests_per_minute": null, "uploads_per_minute": null, "file_bytes": {},
        },
        "usage": {
            "stored_bytes": 0, "stored_files": 0, "reserved_bytes": 0, "reserved_files": 0,
            "monthly_spend": {"value": 0.0, "currency": "usd"},
        },
    });
    let operation = Operation {
        about: vec!["Returns the key of the request: its scopes, its limits, and the usage of its project.".into()],
        extension: EXTENSION,
        answer: Answer::Json("OwnKey", example),
        ..Operation::new(ADMINISTRATION, "retrieveOwnKey", "GET", "/v1/organization/key", "Who am I")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_own_key") }
}

fn list_projects() -> RouteDoc {
    let operation = Operation {
        about: vec!["Lists projects, oldest first.".into()],
        parameters: vec![
            limit(),
            after(PROJECT_ID),
            in_query("include_archived", Schema::Flag, "Include archived projects."),
        ],
        answer: Answer::Json("ProjectListResponse", page_of_one(&project("default"))),
        ..Operation::new(ADMINISTRATION, "listProjects", "GET", "/v1/organization/projects", "List projects")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_projects") }
}

fn create_project() -> RouteDoc {
    let operation = Operation {
        about: vec!["Creates a project without a key. Names of projects are unique on this server.".into()],
        body: Some(json_body("ProjectCreateRequest", true, json!({"name": "research"}))),
        answer: Answer::Json("Project", project("research")),
        ..Operation::new(ADMINISTRATION, "createProject", "POST", "/v1/organization/projects", "Create project")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("create_project") }
}

fn retrieve_project() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns a project, active or archived.".into()],
        parameters: vec![project_id()],
        answer: Answer::Json("Project", project("research")),
        ..Operation::new(
            ADMINISTRATION,
            "retrieveProject",
            "GET",
            "/v1/organization/projects/{project_id}",
            "Retrieve project",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_project") }
}

fn update_project() -> RouteDoc {
    let operation = Operation {
        about: vec!["Renames a project.".into()],
        parameters: vec![project_id()],
        body: Some(json_body("ProjectUpdateRequest", false, json!({"name": "research 2"}))),
        answer: Answer::Json("Project", project("research 2")),
        ..Operation::new(
            ADMINISTRATION,
            "updateProject",
            "POST",
            "/v1/organization/projects/{project_id}",
            "Modify project",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("update_project") }
}

fn archive_project() -> RouteDoc {
    let mut archived = project("research");
    if let Some(archived) = archived.as_object_mut() {
        archived.insert("archived_at".to_owned(), json!(CREATED_AT + 60));
        archived.insert("status".to_owned(), json!("archived"));
    }
    let operation = Operation {
        about: vec!["Archives a project. Its keys are refused from the next request on. Its files stay.".into()],
        parameters: vec![project_id()],
        answer: Answer::Json("Project", archived),
        ..Operation::new(
            ADMINISTRATION,
            "archiveProject",
            "POST",
            "/v1/organization/projects/{project_id}/archive",
            "Archive project",
        )
    };
    RouteDoc { operation, errors: vec![ErrorKind::InvalidRequest], calls: calls!("archive_project") }
}

fn list_api_keys() -> RouteDoc {
    let operation = Operation {
        about: vec!["Lists the keys of a project, oldest first, without deleted ones.".into()],
        parameters: vec![project_id(), limit(), after(KEY_ID), owner_project_access()],
        answer: Answer::Json("ProjectApiKeyListResponse", page_of_one(&api_key())),
        ..Operation::new(
            ADMINISTRATION,
            "listProjectApiKeys",
            "GET",
            "/v1/organization/projects/{project_id}/api_keys",
            "List project API keys",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_project_api_keys") }
}

fn create_api_key() -> RouteDoc {
    let operation = Operation {
        about: vec!["Creates a key of a project. Only this answer has the `value`.".into()],
        extension: EXTENSION,
        parameters: vec![project_id()],
        body: Some(json_body("CreateProjectApiKeyRequest", true, json!({"name": "worker"}))),
        answer: Answer::Json("ProjectApiKey", api_key_with_value()),
        ..Operation::new(
            ADMINISTRATION,
            "createProjectApiKey",
            "POST",
            "/v1/organization/projects/{project_id}/api_keys",
            "Create project API key",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("create_project_api_key") }
}

fn retrieve_api_key() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns a key.".into()],
        parameters: vec![project_id(), api_key_id()],
        answer: Answer::Json("ProjectApiKey", api_key()),
        ..Operation::new(
            ADMINISTRATION,
            "retrieveProjectApiKey",
            "GET",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}",
            "Retrieve project API key",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_project_api_key") }
}

fn update_api_key() -> RouteDoc {
    let mut changed = api_key();
    if let Some(changed) = changed.as_object_mut() {
        changed.insert("expires_at".to_owned(), json!(CREATED_AT + 86_400));
    }
    let operation = Operation {
        about: vec!["Changes scopes or expiry of a key from the next request on. The secret stays.".into()],
        parameters: vec![project_id(), api_key_id()],
        body: Some(json_body("UpdateProjectApiKeyRequest", false, json!({"expires_in_seconds": 86400}))),
        answer: Answer::Json("ProjectApiKey", changed),
        ..Operation::new(
            ADMINISTRATION,
            "updateProjectApiKey",
            "POST",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}",
            "Modify project API key",
        )
    };
    RouteDoc {
        operation,
        errors: vec![ErrorKind::AboveMaximum, ErrorKind::BelowMinimum],
        calls: calls!("update_project_api_key"),
    }
}

fn delete_api_key() -> RouteDoc {
    let example = json!({"object": "organization.project.api_key.deleted", "id": KEY, "deleted": true});
    let operation = Operation {
        about: vec!["Revokes a key. The server refuses every later request with it.".into()],
        parameters: vec![project_id(), api_key_id()],
        answer: Answer::Json("ProjectApiKeyDeleteResponse", example),
        ..Operation::new(
            ADMINISTRATION,
            "deleteProjectApiKey",
            "DELETE",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}",
            "Delete project API key",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("delete_project_api_key") }
}

fn rotate_api_key() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Gives a key a new secret under the same id. The answer is the only one that shows it; the old \
                     one is good for a while."
                .into(),
        ],
        extension: EXTENSION,
        parameters: vec![project_id(), api_key_id()],
        body: Some(json_body("RotateProjectApiKeyRequest", false, json!({"overlap_seconds": 3600}))),
        answer: Answer::Json("ProjectApiKey", api_key_with_value()),
        ..Operation::new(
            ADMINISTRATION,
            "rotateProjectApiKey",
            "POST",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/rotate",
            "Rotate project API key",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("rotate_project_api_key") }
}

fn list_audit_logs() -> RouteDoc {
    let some = |of| Schema::List(Box::new(of), Some(MAX_FILTER_VALUES));
    let actor = Schema::Either(vec![KEY_ID, USER_ID, Schema::Words(vec!["command_line", "anonymous"])]);
    let object = Schema::Shaped(Shape { pattern: Some("^[ -~]+$"), min: 1, max: MAX_OBJECT_ID_CHARS });
    let types = Schema::Words(Action::ALL.map(Action::name).to_vec());
    let seconds = || Schema::Whole(0, MAX_TIME);
    let entry = json!({
        "object": "organization.audit_log", "id": "audit_00VbjUjhHGglY7j08O6M3Oj9", "type": "api_key.created",
        "effective_at": CREATED_AT, "actor": {"type": "api_key", "api_key": {"id": KEY, "type": "service_account"}},
        "project": {"id": PROJECT}, "ip_address": "127.0.0.1", "request_id": "req_9a3c5e7f1b2d4c6e8fa0b1c2d3e4f506",
        "api_key.created": {
            "id": KEY,
            "data": {"name": "worker", "scopes": ["files.read", "files.write", "uploads.write", "usage.read"]},
        },
    });
    let operation = Operation {
        about: vec![
            "Lists actions of administrators and deletes of files, newest first. Several filters are combined with *and*."
                .into(),
        ],
        parameters: vec![
            sent("20", limit_of(100, "20")),
            after(AUDIT_ID),
            in_query("before", AUDIT_ID, "Cursor: return objects before this id."),
            in_query("effective_at[gte]", seconds(), "Filter: at or after this time, in Unix seconds."),
            in_query("effective_at[gt]", seconds(), "Filter: after this time, in Unix seconds."),
            in_query("effective_at[lte]", seconds(), "Filter: at or before this time, in Unix seconds."),
            in_query("effective_at[lt]", seconds(), "Filter: before this time, in Unix seconds."),
            in_query("event_types[]", some(types), "Filter by action."),
            in_query("actor_ids[]", some(actor), "Filter by the ids of keys and people, or by `command_line` or `anonymous`."),
            email_filter("actor_emails[]", "Filter by the e-mail addresses that people have now."),
            sent(PROJECT, in_query("project_ids[]", some(PROJECT_ID), "Filter by project.")),
            in_query("resource_ids[]", some(object), "Filter by the ids of the objects."),
        ],
        answer: Answer::Json("ListAuditLogsResponse", page_of_one(&entry)),
        ..Operation::new(ADMINISTRATION, "listAuditLogs", "GET", "/v1/organization/audit_logs", "List audit logs")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_audit_logs") }
}
