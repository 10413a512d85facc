//! Session settings: set after the connection is made and read back, because a pooler may refuse or drop the options of
//! the start-up packet.
//!
//! `default_transaction_read_only` is left alone: operators set it to stop writers.

use super::endpoint::CONNECT_TIMEOUT;
use super::failure::Failure;
use super::timeouts::Timeouts;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

/// The interval at which the database looks whether the client of a running statement is gone.
const CLIENT_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// When a commit counts as durable. An operator may ask for the stronger mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommitMode {
    /// Once it is flushed on this server and on the synchronous standbys.
    Flushed,
    /// Once the synchronous standbys have applied it.
    Applied,
}

impl CommitMode {
    /// Returns the value of `synchronous_commit`.
    pub(super) const fn value(self) -> &'static str {
        match self {
            Self::Flushed => "on",
            Self::Applied => "remote_apply",
        }
    }
}

/// Returns the settings of a session and their values, times in milliseconds. A statement takes no longer than its
/// request, a lock wait is shorter, and no transaction stays open; a statement ends when its client is gone.
fn settings(commit: CommitMode, timeouts: Timeouts) -> BTreeMap<&'static str, String> {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    BTreeMap::from([
        ("statement_timeout", milliseconds(timeouts.statement())),
        ("lock_timeout", milliseconds(timeouts.lock())),
        ("idle_in_transaction_session_timeout", milliseconds(timeouts.idle_transaction())),
        ("client_connection_check_interval", milliseconds(CLIENT_CHECK_INTERVAL)),
        ("default_transaction_isolation", "read committed".to_owned()),
        ("jit", "off".to_owned()),
        ("synchronous_commit", commit.value().to_owned()),
    ])
}

/// Sets the settings of a new connection and reads them back, in two round trips.
///
/// # Errors
/// Fails when they cannot be set, or do not last.
pub(super) async fn set_up(client: &Client, commit: CommitMode, timeouts: Timeouts) -> Result<(), Failure> {
    let wanted = settings(commit, timeouts);
    let set: Vec<String> = wanted.iter().map(|(name, value)| format!("SET {name} = '{value}'")).collect();
    let names: Vec<String> = wanted.keys().map(|name| format!("'{name}'")).collect();
    let read = format!("SELECT name, setting FROM pg_settings WHERE name IN ({})", names.join(", "));
    let both = async {
        client.batch_execute(&set.join(";")).await?;
        // Read in a second message: a shared session may lose them after the first.
        client.simple_query(&read).await
    };
    let answer = timeout(CONNECT_TIMEOUT, both).await.map_err(|_| Failure::Late)??;
    let shown: BTreeMap<&str, &str> = answer
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).zip(row.get(1)),
            _ => None,
        })
        .collect();
    let lost = wanted.iter().find(|(name, wanted)| shown.get(*name) != Some(&wanted.as_str()));
    match lost {
        None => Ok(()),
        Some((name, wanted)) => {
            let shown = shown.get(name).unwrap_or(&"unknown");
            Err(Failure::Lost(format!("{name} was set to {wanted} and is {shown}")))
        }
    }
}
