//! The store: its connections, how it is opened, and the four ways in which a method of it runs statements.

use super::connections::Connections;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::group_commit::GroupCommit;
use super::open::connect;
use super::open_error::OpenError;
use super::pending::{PendingCreate, PendingDelete};
use super::{migrate, tls};
use crate::clock::Clock;
use crate::metadata::migrations::Outdated;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the start waits for the database to answer. Migrations take as long as they need.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Rows in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    pub(super) connections: Arc<Connections>,
    pub(super) creates: Arc<GroupCommit<PendingCreate>>,
    pub(super) deletes: Arc<GroupCommit<PendingDelete>>,
    pub(super) clock: Clock,
}

impl PostgresStore {
    /// Opens the database that a URL of libpq's form names, bringing its schema up to date. The database itself is there.
    ///
    /// # Errors
    /// When it cannot be opened, is newer than this program, or would not be durable.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, OpenError> {
        Self::open_with(url, clock, Outdated::Migrate).await
    }

    /// The same beside servers that may be of an earlier version: a schema that is not up to date is refused.
    ///
    /// # Errors
    /// When it cannot be opened, is of another version than this program, or would not be durable.
    pub async fn open_current(url: &str, clock: Clock) -> Result<Self, OpenError> {
        Self::open_with(url, clock, Outdated::Refuse).await
    }

    async fn open_with(url: &str, clock: Clock, outdated: Outdated) -> Result<Self, OpenError> {
        let endpoint: Endpoint = url.parse()?;
        let opening = connect(&endpoint, &clock);
        let opened = timeout(OPEN_TIMEOUT, opening).await.unwrap_or_else(|_| Err(Failure::Late.into()))?;
        let (mut client, commit, now_seconds) = opened;
        migrate::migrate(&mut client, outdated, now_seconds).await?;
        drop(client);
        let connections = Arc::new(Connections::new(&endpoint, commit, clock.clone())?);
        let creates = GroupCommit::new(Arc::clone(&connections));
        let deletes = GroupCommit::new(Arc::clone(&connections));
        Ok(Self { connections, creates, deletes, clock })
    }

    /// Whether the database that a URL names holds an installation. Nothing is changed.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn is_there(url: &str) -> Result<bool, OpenError> {
        let endpoint: Endpoint = url.parse()?;
        let asking = async {
            let (client, connection) = endpoint.config.connect(tls::connector(&endpoint)?).await?;
            drop(tokio::spawn(connection));
            Ok(client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?.try_get(0)?)
        };
        timeout(OPEN_TIMEOUT, asking).await.unwrap_or_else(|_| Err(Failure::Late.into()))
    }
}

/// Runs a short read on any connection, in the share of a workspace where one is given. The body is asynchronous and ends
/// with a `Result<_, Failure>`, as those of the macros below.
macro_rules! read {
    ($store:ident, |$session:ident| $body:expr) => {
        read!($store, None, |$session| $body)
    };
    ($store:ident, $owner:expr, |$session:ident| $body:expr) => {
        $crate::metadata::postgres::store::statement!($store, read_place, $owner, |$session| $body)
    };
}

/// Runs a change of one statement, which may be repeated without harm.
macro_rules! write {
    ($store:ident, |$session:ident| $body:expr) => {
        write!($store, None, |$session| $body)
    };
    ($store:ident, $owner:expr, |$session:ident| $body:expr) => {
        $crate::metadata::postgres::store::statement!($store, place, $owner, |$session| $body)
    };
}

/// Runs the body of `read` or `write` on a connection, with the permit that `$place` gives.
macro_rules! statement {
    ($store:ident, $place:ident, $owner:expr, |$session:ident| $body:expr) => {{
        let owner: $crate::metadata::postgres::fair_gate::Owner = $owner.into();
        let connections = &$store.connections;
        connections
            .run(|deadline| async move {
                let _place = connections.$place(owner, deadline.request).await?;
                let $session = &connections.session(deadline.request).await?;
                connections.ask($session, deadline, async { $body }).await
            })
            .await
    }};
}

/// Runs a long read, whose statements all see one snapshot.
macro_rules! read_long {
    ($store:ident, |$session:ident| $body:expr) => {
        read_long!($store, None, |$session| $body)
    };
    ($store:ident, $owner:expr, |$session:ident| $body:expr) => {{
        let owner: $crate::metadata::postgres::fair_gate::Owner = $owner.into();
        let connections = std::sync::Arc::clone(&$store.connections);
        connections.read_long(owner, move |$session| Box::pin(async move { $body })).await
    }};
}

/// Runs a transaction.
macro_rules! transaction {
    ($store:ident, |$change:ident| $body:expr) => {
        transaction!($store, None, |$change| $body)
    };
    ($store:ident, $owner:expr, |$change:ident| $body:expr) => {{
        let owner: $crate::metadata::postgres::fair_gate::Owner = $owner.into();
        let connections = &$store.connections;
        connections
            .run(|deadline| async move {
                let $change = $crate::metadata::postgres::writer::Change::new(connections, owner, deadline).await?;
                $body
            })
            .await
    }};
}

pub(super) use {read, read_long, statement, transaction, write};
