//! Session settings: set after the connection is made and read back, because a pooler may refuse or drop the options of
//! the start-up packet.
//!
//! `default_transaction_read_only` is left alone: operators set it to stop writers.

use super::endpoint::CONNECT_TIMEOUT;
use super::failure::Failure;
use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

/// Settings and their values as PostgreSQL shows them. A statement takes no longer than its request, a lock wait is
/// shorter, and no transaction stays open; a statement ends when its client is gone.
const SETTINGS: [(&str, &str); 6] = [
    ("statement_timeout", "4s"),
    ("lock_timeout", "3s"),
    ("idle_in_transaction_session_timeout", "5s"),
    ("client_connection_check_interval", "1s"),
    ("default_transaction_isolation", "read committed"),
    ("jit", "off"),
];

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

/// Sets the settings of a new connection and reads them back, in two round trips.
///
/// # Errors
/// Fails when they cannot be set, or do not last.
pub(super) async fn set_up(client: &Client, commit: CommitMode) -> Result<(), Failure> {
    let wanted = SETTINGS.into_iter().chain([("synchronous_commit", commit.value())]);
    let set: Vec<String> = wanted.clone().map(|(name, value)| format!("SET {name} = '{value}'")).collect();
    // Read in a second message: a shared session may lose them after the first.
    let read: Vec<String> = wanted.clone().map(|(name, _)| format!("SHOW {name}")).collect();
    let both = async {
        client.batch_execute(&set.join(";")).await?;
        client.simple_query(&read.join(";")).await
    };
    let shown = timeout(CONNECT_TIMEOUT, both).await.map_err(|_| Failure::Late)??;
    let shown = shown.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default()),
        _ => None,
    });
    match wanted.zip(shown).find(|((_, wanted), shown)| wanted != shown) {
        None => Ok(()),
        Some(((name, wanted), shown)) => Err(Failure::Lost(format!("{name} was set to {wanted} and is {shown}"))),
    }
}
