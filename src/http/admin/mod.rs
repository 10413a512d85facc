//! The administration, in the paths and shapes of OpenAI's admin API, whose projects are workspaces
//! (docs/design/billing.md, section 6).

mod admin_api_keys;
mod api_keys;
mod audit_logs;
mod default_expiries;
mod key;
mod limits;
mod path;
mod post;
mod project_users;
mod projects;
mod query;
mod rate_limit;
mod rate_limits;
mod server;
mod service_accounts;
mod spend_limit;
mod users;
mod wire;
mod workspace_usage;

pub use admin_api_keys::{create_admin_api_key, delete_admin_api_key, list_admin_api_keys, retrieve_admin_api_key};
pub use api_keys::{create_api_key, delete_api_key, list_api_keys, retrieve_api_key, rotate_api_key, update_api_key};
pub use audit_logs::list_audit_logs;
pub use default_expiries::{delete_default_expiry, list_default_expiries, update_default_expiry};
pub use key::retrieve_own_key;
pub use limits::{retrieve_key_limits, retrieve_project_limits, update_key_limits, update_project_limits};
pub use project_users::{
    create_project_user, delete_project_user, list_project_users, retrieve_project_user, update_project_user,
};
pub use projects::{archive_project, create_project, list_projects, retrieve_project, update_project};
pub use rate_limit::RATE_LIMITS;
pub use rate_limits::{list_rate_limits, update_rate_limit};
pub use server::{RunningServer, SettingInForce, retrieve_configuration, retrieve_server};
pub use service_accounts::{
    create_service_account, delete_service_account, list_service_accounts, retrieve_service_account,
    update_service_account,
};
pub use spend_limit::{delete_spend_limit, retrieve_spend_limit, update_spend_limit};
pub use users::{delete_user, list_users, retrieve_user, update_user};
