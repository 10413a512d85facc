//! The operations on service accounts and admin keys, in OpenAI's shapes.

use super::admin::{after, json_body, limit, project_id};
use super::examples::{ADMIN_KEY, CREATED_AT, KEY, page_of_one};
use super::parameters::{in_path, in_query, or, sent};
use crate::http::reference::ids::KEY_ID;
use crate::http::reference::route_doc::{ADMINISTRATION, RouteDoc, calls};
use serde_json::{Value, json};
use venna_reference::{Answer, Operation, Parameter, Schema};

const ACCOUNTS: &str = "/v1/organization/projects/{project_id}/service_accounts";
const ACCOUNT: &str = "/v1/organization/projects/{project_id}/service_accounts/{service_account_id}";
const ADMIN_KEYS: &str = "/v1/organization/admin_api_keys";
const ONE_ADMIN_KEY: &str = "/v1/organization/admin_api_keys/{key_id}";

pub fn operations() -> Vec<RouteDoc> {
    vec![
        list_service_accounts(),
        create_service_account(),
        retrieve_service_account(),
        update_service_account(),
        delete_service_account(),
        list_admin_api_keys(),
        create_admin_api_key(),
        retrieve_admin_api_key(),
        delete_admin_api_key(),
    ]
}

fn account_id() -> Parameter {
    in_path("service_account_id", "The id of the service account, which is the id of its key.", KEY)
}

fn key_id() -> Parameter {
    in_path("key_id", "The id of the key.", ADMIN_KEY)
}

fn account(name: &str) -> Value {
    json!({
        "object": "organization.project.service_account", "id": KEY, "name": name, "role": "member",
        "created_at": CREATED_AT,
    })
}

fn account_with_key() -> Value {
    let mut account = account("ci");
    if let Some(account) = account.as_object_mut() {
        let key = json!({
            "object": "organization.project.service_account.api_key", "id": KEY, "name": "ci",
            "value": "vk_J6mQ0d3uE8sYcT1bWq9ZrPx2LfKhVn00Xk3f", "created_at": CREATED_AT, "expires_at": null,
        });
        account.insert("api_key".to_owned(), key);
    }
    account
}

fn admin_key() -> Value {
    json!({
        "object": "organization.admin_api_key", "id": ADMIN_KEY, "name": "deploy", "redacted_value": "vka_t7Rw...a9Qe",
        "created_at": CREATED_AT, "last_used_at": null, "expires_at": null,
        "owner": {
            "type": "service_account", "object": "organization.service_account", "id": ADMIN_KEY, "name": "deploy",
            "created_at": CREATED_AT, "role": "owner",
        },
    })
}

fn admin_key_with_value() -> Value {
    let mut key = admin_key();
    if let Some(key) = key.as_object_mut() {
        key.insert("value".to_owned(), json!("vka_t7RwB2nM5xK8cV1zL4qH7jG0fD3sA6a9QeYy"));
    }
    key
}

fn list_service_accounts() -> RouteDoc {
    let operation = Operation {
        about: vec!["Lists the service accounts of a project, oldest first. A service account is one key.".into()],
        parameters: vec![project_id(), limit(), after(KEY_ID)],
        answer: Answer::Json("ProjectServiceAccountListResponse", page_of_one(&account("worker"))),
        ..Operation::new(ADMINISTRATION, "listProjectServiceAccounts", "GET", ACCOUNTS, "List project service accounts")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_project_service_accounts") }
}

fn create_service_account() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Creates a service account and its key with all scopes except `files.produce`. Only this answer has the `value`."
                .into(),
        ],
        parameters: vec![project_id()],
        body: Some(json_body("ProjectServiceAccountCreateRequest", true, json!({"name": "ci"}))),
        answer: Answer::Json("ProjectServiceAccountCreateResponse", account_with_key()),
        ..Operation::new(
            ADMINISTRATION,
            "createProjectServiceAccount",
            "POST",
            ACCOUNTS,
            "Create project service account",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("create_project_service_account") }
}

fn retrieve_service_account() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns a service account.".into()],
        parameters: vec![project_id(), account_id()],
        answer: Answer::Json("ProjectServiceAccount", account("worker")),
        ..Operation::new(
            ADMINISTRATION,
            "retrieveProjectServiceAccount",
            "GET",
            ACCOUNT,
            "Retrieve project service account",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_project_service_account") }
}

fn update_service_account() -> RouteDoc {
    let operation = Operation {
        about: vec!["Renames a service account and its key.".into()],
        parameters: vec![project_id(), account_id()],
        body: Some(json_body("ProjectServiceAccountUpdateRequest", false, json!({"name": "nightly"}))),
        answer: Answer::Json("ProjectServiceAccount", account("nightly")),
        ..Operation::new(
            ADMINISTRATION,
            "updateProjectServiceAccount",
            "POST",
            ACCOUNT,
            "Modify project service account",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("update_project_service_account") }
}

fn delete_service_account() -> RouteDoc {
    let example = json!({"object": "organization.project.service_account.deleted", "id": KEY, "deleted": true});
    let operation = Operation {
        about: vec!["Deletes a service account and revokes its key.".into()],
        parameters: vec![project_id(), account_id()],
        answer: Answer::Json("ProjectServiceAccountDeleteResponse", example),
        ..Operation::new(
            ADMINISTRATION,
            "deleteProjectServiceAccount",
            "DELETE",
            ACCOUNT,
            "Delete project service account",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("delete_project_service_account") }
}

fn list_admin_api_keys() -> RouteDoc {
    let order = in_query("order", Schema::Words(vec!["asc", "desc"]), "`asc` is oldest first, `desc` newest first.");
    let order = or("`asc`", order);
    let operation = Operation {
        about: vec!["Lists admin keys, oldest first, without deleted ones.".into()],
        parameters: vec![limit(), after(KEY_ID), sent("desc", order)],
        answer: Answer::Json("ApiKeyList", page_of_one(&admin_key())),
        ..Operation::new(ADMINISTRATION, "listAdminApiKeys", "GET", ADMIN_KEYS, "List admin API keys")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_admin_api_keys") }
}

fn create_admin_api_key() -> RouteDoc {
    let operation = Operation {
        about: vec!["Creates an admin key. Only this answer has the `value`.".into()],
        body: Some(json_body("AdminApiKeyCreateRequest", true, json!({"name": "deploy"}))),
        answer: Answer::Json("AdminApiKey", admin_key_with_value()),
        ..Operation::new(ADMINISTRATION, "createAdminApiKey", "POST", ADMIN_KEYS, "Create admin API key")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("create_admin_api_key") }
}

fn retrieve_admin_api_key() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns an admin key.".into()],
        parameters: vec![key_id()],
        answer: Answer::Json("AdminApiKey", admin_key()),
        ..Operation::new(ADMINISTRATION, "retrieveAdminApiKey", "GET", ONE_ADMIN_KEY, "Retrieve admin API key")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_admin_api_key") }
}

fn delete_admin_api_key() -> RouteDoc {
    let example = json!({"object": "organization.admin_api_key.deleted", "id": ADMIN_KEY, "deleted": true});
    let operation = Operation {
        about: vec!["Revokes an admin key. It may be the key of the request.".into()],
        parameters: vec![key_id()],
        answer: Answer::Json("AdminApiKeyDeleteResponse", example),
        ..Operation::new(ADMINISTRATION, "deleteAdminApiKey", "DELETE", ONE_ADMIN_KEY, "Delete admin API key")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("delete_admin_api_key") }
}
