//! Detection of a pooler that shares sessions.
//!
//! In the modes `transaction` and `statement` of `PgBouncer` a connection gets another session of the server for each
//! transaction. Settings such as `synchronous_commit`, locks and prepared statements of the session then belong to
//! another client. Such a pooler is refused at the start, since no statement would fail at once.

use super::connecting::connect_to;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::open_error::OpenError;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

/// Attempts to get the session of another connection. One is enough where the pooler has no other client.
const TRIES: u32 = 5;
/// The timeout of the second connection.
const SECOND_SESSION: Duration = Duration::from_secs(5);

/// Refuses a pooler that shares sessions: an idle connection and one in a transaction must keep different sessions.
///
/// # Errors
/// Fails when they share one, or there is no second session.
pub(super) async fn refuse_shared_sessions(endpoint: &Endpoint, idle: &Client) -> Result<(), OpenError> {
    let second = async {
        let busy = connect_to(endpoint).await?;
        share_sessions(idle, &busy).await.map_err(OpenError::from)
    };
    let shared = timeout(SECOND_SESSION, second).await.unwrap_or_else(|_| {
        let wait = SECOND_SESSION.as_secs();
        Err(OpenError::Unusable(format!(
            "a second connection got no session within {wait} s: a pooler in between needs at least 16 connections to the \
             database for each venna server, and 2 for each command (PgBouncer: default_pool_size)"
        )))
    })?;
    if shared {
        return Err(OpenError::Unusable(
            "a pooler in between shares sessions among connections: let it keep a session for each connection (PgBouncer: \
             pool_mode = session for this database), or connect to the database itself"
                .to_owned(),
        ));
    }
    Ok(())
}

async fn share_sessions(idle: &Client, busy: &Client) -> Result<bool, Failure> {
    let own = session_number(idle, "").await?;
    for _ in 0..TRIES {
        if session_number(busy, "").await? == own {
            return Ok(true);
        }
        match session_number(busy, "BEGIN;").await {
            Ok(number) if number != own && session_number(idle, "").await? == own => {}
            Ok(_) => return Ok(true),
            // A pooler in mode `statement` refuses BEGIN.
            Err(Failure::Refused(code, _)) if code == SqlState::PROTOCOL_VIOLATION => return Ok(true),
            Err(failure) => return Err(failure),
        }
        busy.batch_execute("ROLLBACK").await?;
    }
    Ok(false)
}

/// Returns the process id of the server behind a connection. Prepares nothing: a shared session would not know the
/// statement later.
async fn session_number(client: &Client, before: &str) -> Result<String, Failure> {
    let answers = client.simple_query(&format!("{before} SELECT pg_backend_pid()")).await?;
    let number = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    number.ok_or_else(|| Failure::Unreadable("a session without a number".to_owned()))
}
