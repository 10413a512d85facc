//! The examination of a database by `venna check`. Leaves nothing behind.

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::migrate;
use super::open::connect;
use super::open_error::OpenError;
use super::snapshot::TABLES;
use super::store::PostgresStore;
use crate::clock::Clock;
use crate::metadata::migrations::{POSTGRES, SchemaState};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Client;

/// The timeout of the whole examination.
const EXAMINATION_TIMEOUT: Duration = Duration::from_secs(30);
/// Creates a table and drops it again.
const CREATE: &str = "BEGIN; CREATE TABLE venna_check (number BIGINT PRIMARY KEY); ROLLBACK";
/// Selects the version, whether writes are refused, and the user.
const SERVER: &str = "SELECT current_setting('server_version'),
    pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', current_user::text";
/// Selects the given tables on which the user lacks a privilege.
const LACKING: &str = "SELECT string_agg(c.relname::text, ', ' ORDER BY c.relname) FROM pg_class c
    WHERE c.oid IN (SELECT to_regclass(name) FROM unnest($1::text[]) AS t (name))
    AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
             AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))";
/// Selects the time of the database in Unix milliseconds.
const TIME: &str = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// The findings about a database that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The hosts and ports.
    pub address: String,
    /// The version of the server.
    pub version: String,
    /// The state of the schema.
    pub schema: SchemaState,
    /// The time by which the clock of the database is ahead of this machine's, in milliseconds.
    pub ahead_ms: i64,
}

impl PostgresStore {
    /// Examines the database at a URL without a lasting change: its server, the permissions of its user, its schema and
    /// its clock.
    ///
    /// # Errors
    /// Fails when a server could not use the database.
    pub async fn examine(url: &str, clock: &Clock) -> Result<Examined, OpenError> {
        let endpoint: Endpoint = url.parse()?;
        let examined = async {
            let (client, ..) = connect(&endpoint, clock).await?;
            let row = client.query_one(SERVER, &[]).await?;
            let (version, is_read_only, user): (String, bool, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if is_read_only {
                return Err(OpenError::Unusable("it takes no writes: it is a standby, or read-only".to_owned()));
            }
            let schema = schema(&client).await?;
            check_privileges(&client, schema, &user).await?;
            let ahead_ms = ahead_ms(&client, clock).await?;
            Ok(Examined { address: endpoint.to_string(), version, schema, ahead_ms })
        };
        timeout(EXAMINATION_TIMEOUT, examined).await.unwrap_or_else(|_| Err(Failure::Late.into()))
    }
}

async fn schema(client: &Client) -> Result<SchemaState, OpenError> {
    if !migrate::has_schema(client).await? {
        return Ok(SchemaState::Missing);
    }
    Ok(SchemaState::of(migrate::check(client, POSTGRES).await?, POSTGRES))
}

/// Checks that the user may change the rows of all tables, and may create tables where a migration will.
async fn check_privileges(client: &Client, schema: SchemaState, user: &str) -> Result<(), OpenError> {
    let tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    if let Some(lacking) = client.query_one(LACKING, &[&tables]).await?.try_get::<_, Option<String>>(0)? {
        let wanted = "SELECT, INSERT, UPDATE or DELETE";
        return Err(OpenError::Unusable(format!("user {user} lacks {wanted} on its tables {lacking}")));
    }
    if schema.is_current() { Ok(()) } else { Ok(client.batch_execute(CREATE).await?) }
}

/// Compares the clocks. The answer was made halfway between request and receipt.
async fn ahead_ms(client: &Client, clock: &Clock) -> Result<i64, OpenError> {
    let statement = client.prepare(TIME).await?;
    let before_ms = clock.now_ms();
    let theirs: i64 = client.query_one(&statement, &[]).await?.try_get(0)?;
    let ours = i64::try_from(before_ms.midpoint(clock.now_ms())).unwrap_or(i64::MAX);
    Ok(theirs.saturating_sub(ours))
}
