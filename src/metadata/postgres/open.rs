//! The first connection to a database: checks its server and how it commits.

use super::connecting::connect_to;
use super::endpoint::Endpoint;
use super::open_error::OpenError;
use super::session_setup::CommitMode;
use super::{pooler, rows};
use crate::clock::Clock;
use tokio_postgres::Client;

/// The oldest supported `server_version_num`: 15.
const MIN_SERVER_VERSION: i32 = 150_000;
/// Settings without which the server loses acknowledged commits.
const DURABLE: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];

/// Connects to a server that can be used. Returns the connection, its commit mode, and the time in Unix seconds.
pub(super) async fn connect(endpoint: &Endpoint, clock: &Clock) -> Result<(Client, CommitMode, u64), OpenError> {
    let client = connect_to(endpoint).await?;
    pooler::refuse_shared_sessions(endpoint, &client).await?;
    let commit = check_server(&client).await?;
    let now_seconds = match clock.set_ms() {
        Some(set_ms) => set_ms / 1000,
        None => rows::number(&client.query_one("SELECT extract(epoch FROM now())::bigint", &[]).await?, 0)?,
    };
    Ok((client, commit, now_seconds))
}

/// Checks a server. Returns its commit mode.
///
/// # Errors
/// Fails when the server is too old, has another encoding than UTF8, or would lose acknowledged commits.
pub(super) async fn check_server(client: &Client) -> Result<CommitMode, OpenError> {
    let setting = async |name: &str| -> Result<String, OpenError> {
        Ok(client.query_one("SELECT current_setting($1)", &[&name]).await?.try_get(0)?)
    };
    let version = setting("server_version_num").await?;
    if version.parse().unwrap_or(0) < MIN_SERVER_VERSION {
        return Err(OpenError::Unusable(format!("PostgreSQL 15 or later is needed, this is {version}")));
    }
    let encoding = setting("server_encoding").await?;
    if encoding != "UTF8" {
        return Err(OpenError::Unusable(format!("its encoding is {encoding}, UTF8 is needed")));
    }
    for name in DURABLE {
        if setting(name).await? == "off" {
            return Err(OpenError::NotDurable(format!("{name} is off")));
        }
    }
    // `remote_apply` is stricter than `on`, so it is kept.
    let stronger = setting("synchronous_commit").await? == "remote_apply";
    Ok(if stronger { CommitMode::Applied } else { CommitMode::Flushed })
}
