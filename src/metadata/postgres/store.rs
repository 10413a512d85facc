//! The store: how it is opened, and the macros by which its methods run statements.

use super::connecting::connect_to;
use super::connections::Connections;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::group_commit::GroupCommit;
use super::migrate;
use super::open::connect;
use super::open_error::OpenError;
use super::pending::{PendingCreate, PendingDelete};
use super::timeouts::Timeouts;
use crate::clock::Clock;
use crate::metadata::migrations::Outdated;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The timeout of the first connection. Migrations have none.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Selects whether the schema is visible, a schema that is hidden for lack of a permission, and the user.
const IS_THERE: &str = "SELECT to_regclass('schema_migrations') IS NOT NULL,
    (SELECT min(n.nspname::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = 'schema_migrations' AND NOT has_schema_privilege(n.oid, 'USAGE')),
    current_user::text";

/// A metadata store in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    pub(super) connections: Arc<Connections>,
    pub(super) creates: Arc<GroupCommit<PendingCreate>>,
    pub(super) deletes: Arc<GroupCommit<PendingDelete>>,
    pub(super) clock: Clock,
}

impl PostgresStore {
    /// Opens the existing database at a libpq URL and migrates its schema. A request takes `time_limit` at most.
    ///
    /// # Errors
    /// Fails when the database cannot be opened, has a newer schema than this program, or would not be durable.
    pub async fn open(url: &str, clock: Clock, time_limit: Duration) -> Result<Self, OpenError> {
        Self::open_as(Outdated::Migrate, url, clock, time_limit).await
    }

    /// Opens the database beside servers that may run an earlier version: refuses a schema that is not up to date.
    ///
    /// # Errors
    /// Fails when the database cannot be opened, has another schema than this program, or would not be durable.
    pub async fn open_current(url: &str, clock: Clock, time_limit: Duration) -> Result<Self, OpenError> {
        Self::open_as(Outdated::Refuse, url, clock, time_limit).await
    }

    async fn open_as(outdated: Outdated, url: &str, clock: Clock, time_limit: Duration) -> Result<Self, OpenError> {
        let endpoint: Endpoint = url.parse()?;
        let opening = connect(&endpoint, &clock);
        let opened = timeout(OPEN_TIMEOUT, opening).await.unwrap_or_else(|_| Err(Failure::Late.into()))?;
        let (mut client, commit, now_seconds) = opened;
        migrate::migrate(&mut client, outdated, now_seconds).await?;
        drop(client);
        let connections =
            Arc::new(Connections::new(&endpoint, commit, clock.clone(), Timeouts::of_requests(time_limit))?);
        let creates = GroupCommit::new(Arc::clone(&connections));
        let deletes = GroupCommit::new(Arc::clone(&connections));
        Ok(Self { connections, creates, deletes, clock })
    }

    /// Returns whether the database at a URL holds an installation. Changes nothing.
    ///
    /// # Errors
    /// Fails when the database does not answer, or its user may not use the schema of an installation.
    pub async fn is_there(url: &str) -> Result<bool, OpenError> {
        let endpoint: Endpoint = url.parse()?;
        let asking = async {
            let client = connect_to(&endpoint).await?;
            let row = client.query_one(IS_THERE, &[]).await?;
            let (is_there, hidden, user): (bool, Option<String>, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            match hidden.filter(|_| !is_there) {
                None => Ok(is_there),
                Some(schema) => Err(OpenError::Unusable(format!("user {user} lacks USAGE on its schema {schema}"))),
            }
        };
        timeout(OPEN_TIMEOUT, asking).await.unwrap_or_else(|_| Err(Failure::Late.into()))
    }
}

/// Runs a short read on any connection, within the limits of a workspace where one is given. The body is asynchronous
/// and returns a `Result<_, Failure>`, as the bodies of the macros below.
macro_rules! read {
    ($store:ident, |$session:ident| $body:expr) => {
        read!($store, None, |$session| $body)
    };
    ($store:ident, $owner:expr, |$session:ident| $body:expr) => {
        $crate::metadata::postgres::store::statement!($store, read_permit, $owner, |$session| $body)
    };
}

/// Runs a write of one statement, which must be idempotent: it is repeated when the connection is lost.
macro_rules! write {
    ($store:ident, |$session:ident| $body:expr) => {
        write!($store, None, |$session| $body)
    };
    ($store:ident, $owner:expr, |$session:ident| $body:expr) => {
        $crate::metadata::postgres::store::statement!($store, permit, $owner, |$session| $body)
    };
}

/// Runs the body of `read` or `write` on a connection, with the permit of the method `$permit`.
macro_rules! statement {
    ($store:ident, $permit:ident, $owner:expr, |$session:ident| $body:expr) => {{
        let owner: $crate::metadata::postgres::fair_gate::Owner = $owner.into();
        let connections = &$store.connections;
        connections
            .run(|deadline| async move {
                let _permit = connections.$permit(owner, deadline.request).await?;
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
    ($store:ident, |$tx:ident| $body:expr) => {
        transaction!($store, None, |$tx| $body)
    };
    ($store:ident, $owner:expr, |$tx:ident| $body:expr) => {{
        let owner: $crate::metadata::postgres::fair_gate::Owner = $owner.into();
        let connections = &$store.connections;
        connections
            .run(|deadline| async move {
                let $tx = $crate::metadata::postgres::writer::Transaction::new(connections, owner, deadline).await?;
                $body
            })
            .await
    }};
}

pub(super) use {read, read_long, statement, transaction, write};
