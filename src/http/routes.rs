//! The table of routes of OpenAI's dialect: every operation under `/v1`, with the keys that it accepts. There is no
//! other way to a handler.

use super::caller::Access;
use super::route::{self, Route, delete, get, post, upload};
use super::state::AppState;
use super::{admin, content, files, links, models, uploads, usage};
use crate::model::scope::Scope;
use axum::Router;

const SERVICE_ACCOUNTS: &str = "/v1/organization/projects/{project_id}/service_accounts";
const SERVICE_ACCOUNT: &str = "/v1/organization/projects/{project_id}/service_accounts/{service_account_id}";

const DEFAULT_EXPIRIES: &str = "/v1/organization/projects/{project_id}/default_expiries";
const DEFAULT_EXPIRY: &str = "/v1/organization/projects/{project_id}/default_expiries/{purpose}";

const MEMBERS: &str = "/v1/organization/projects/{project_id}/users";
const MEMBER: &str = "/v1/organization/projects/{project_id}/users/{user_id}";

/// Returns every operation under `/v1`.
#[must_use]
pub fn routes() -> Vec<Route> {
    use Access::{Admin, AdminOr, AdminOrOwner, AnyKey, Scope as Needs};
    use Scope::{FilesRead, FilesWrite, UploadsWrite, UsageRead};
    vec![
        get("/v1/files", Needs(FilesRead), files::list_files),
        upload("/v1/files", Needs(FilesWrite), files::create_file),
        get("/v1/files/{id}", Needs(FilesRead), files::retrieve_file),
        delete("/v1/files/{id}", Needs(FilesWrite), files::delete_file),
        get("/v1/files/{id}/content", Needs(FilesRead), content::download_file),
        post("/v1/files/{id}/links", Needs(FilesRead), links::create_link),
        get("/v1/files/{id}/links", Needs(FilesRead), links::list_file_links),
        get("/v1/files/{id}/url", Needs(FilesRead), links::retrieve_file_url),
        post("/v1/upload_links", Needs(FilesWrite), links::create_upload_link),
        get("/v1/links", Needs(FilesRead), links::list_links),
        post("/v1/links/revoke", Needs(FilesWrite), links::revoke_links),
        get("/v1/links/{id}", Needs(FilesRead), links::retrieve_link),
        post("/v1/links/{id}/revoke", Needs(FilesWrite), links::revoke_link),
        post("/v1/uploads", Needs(UploadsWrite), uploads::create_upload),
        get("/v1/uploads/{id}", Needs(UploadsWrite), uploads::retrieve_upload),
        get("/v1/uploads/{id}/parts", Needs(UploadsWrite), uploads::list_upload_parts),
        upload("/v1/uploads/{id}/parts", Needs(UploadsWrite), uploads::add_upload_part),
        post("/v1/uploads/{id}/complete", Needs(UploadsWrite), uploads::complete_upload),
        post("/v1/uploads/{id}/cancel", Needs(UploadsWrite), uploads::cancel_upload),
        get("/v1/models", AnyKey, models::list_models),
        get("/v1/organization/key", AnyKey, admin::retrieve_own_key),
        get("/v1/organization/projects", Admin, admin::list_projects),
        post("/v1/organization/projects", Admin, admin::create_project),
        get("/v1/organization/projects/{project_id}", AdminOrOwner, admin::retrieve_project),
        post("/v1/organization/projects/{project_id}", Admin, admin::update_project),
        post("/v1/organization/projects/{project_id}/archive", Admin, admin::archive_project),
        get("/v1/organization/projects/{project_id}/api_keys", AdminOrOwner, admin::list_api_keys),
        post("/v1/organization/projects/{project_id}/api_keys", AdminOrOwner, admin::create_api_key),
        get("/v1/organization/projects/{project_id}/api_keys/{api_key_id}", AdminOrOwner, admin::retrieve_api_key),
        post("/v1/organization/projects/{project_id}/api_keys/{api_key_id}", AdminOrOwner, admin::update_api_key),
        delete("/v1/organization/projects/{project_id}/api_keys/{api_key_id}", AdminOrOwner, admin::delete_api_key),
        post(
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/rotate",
            AdminOrOwner,
            admin::rotate_api_key,
        ),
        get(SERVICE_ACCOUNTS, AdminOrOwner, admin::list_service_accounts),
        post(SERVICE_ACCOUNTS, AdminOrOwner, admin::create_service_account),
        get(SERVICE_ACCOUNT, AdminOrOwner, admin::retrieve_service_account),
        post(SERVICE_ACCOUNT, AdminOrOwner, admin::update_service_account),
        delete(SERVICE_ACCOUNT, AdminOrOwner, admin::delete_service_account),
        get(MEMBERS, AdminOrOwner, admin::list_project_users),
        post(MEMBERS, AdminOrOwner, admin::create_project_user),
        get(MEMBER, AdminOrOwner, admin::retrieve_project_user),
        post(MEMBER, AdminOrOwner, admin::update_project_user),
        delete(MEMBER, AdminOrOwner, admin::delete_project_user),
        get("/v1/organization/users", Admin, admin::list_users),
        get("/v1/organization/users/{user_id}", Admin, admin::retrieve_user),
        post("/v1/organization/users/{user_id}", Admin, admin::update_user),
        delete("/v1/organization/users/{user_id}", Admin, admin::delete_user),
        get("/v1/organization/projects/{project_id}/rate_limits", AdminOrOwner, admin::list_rate_limits),
        post("/v1/organization/projects/{project_id}/rate_limits/{rate_limit_id}", Admin, admin::update_rate_limit),
        get("/v1/organization/projects/{project_id}/spend_limit", AdminOrOwner, admin::retrieve_spend_limit),
        post("/v1/organization/projects/{project_id}/spend_limit", Admin, admin::update_spend_limit),
        delete("/v1/organization/projects/{project_id}/spend_limit", Admin, admin::delete_spend_limit),
        get("/v1/organization/admin_api_keys", Admin, admin::list_admin_api_keys),
        post("/v1/organization/admin_api_keys", Admin, admin::create_admin_api_key),
        get("/v1/organization/admin_api_keys/{key_id}", Admin, admin::retrieve_admin_api_key),
        delete("/v1/organization/admin_api_keys/{key_id}", Admin, admin::delete_admin_api_key),
        get("/v1/organization/projects/{project_id}/limits", AdminOrOwner, admin::retrieve_project_limits),
        post("/v1/organization/projects/{project_id}/limits", Admin, admin::update_project_limits),
        get(
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits",
            AdminOrOwner,
            admin::retrieve_key_limits,
        ),
        post("/v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits", Admin, admin::update_key_limits),
        get(DEFAULT_EXPIRIES, AdminOrOwner, admin::list_default_expiries),
        post(DEFAULT_EXPIRY, AdminOrOwner, admin::update_default_expiry),
        delete(DEFAULT_EXPIRY, AdminOrOwner, admin::delete_default_expiry),
        get("/v1/organization/usage/files", AdminOr(UsageRead), usage::list_usage),
        get("/v1/organization/costs", AdminOr(UsageRead), usage::list_costs),
        get("/v1/organization/usage/ledger", AdminOr(UsageRead), usage::list_ledger),
        post("/v1/organization/usage/adjustments", Admin, usage::create_adjustment),
        get("/v1/organization/audit_logs", Admin, admin::list_audit_logs),
        get("/v1/organization/server", Admin, admin::retrieve_server),
        get("/v1/organization/server/configuration", Admin, admin::retrieve_configuration),
    ]
}

/// Builds the router of all routes.
pub(super) fn router() -> Router<AppState> {
    route::router(routes())
}
