//! Snapshots of the database while it is written to, as a database of the embedded store: a backup has one format for
//! both stores.

use super::connections::{Connections, Session};
use super::failure::Failure;
use super::ledger;
use super::store::PostgresStore;
use crate::metadata::error::MetadataError;
use crate::metadata::snapshot::SnapshotStore;
use crate::metadata::sqlite::Import;
use async_trait::async_trait;
use futures_util::TryStreamExt;
use rusqlite::types::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// The most rows and bytes of a batch.
const BATCH_ROWS: usize = 512;
const BATCH_BYTES: usize = 1 << 20;
/// Batches that may wait to be written.
const BATCHES: usize = 4;
/// How long the database may take to send the next row.
const ROW_TIMEOUT: Duration = Duration::from_mins(1);

#[async_trait]
impl SnapshotStore for PostgresStore {
    async fn snapshot(&self, database: &Path) -> Result<(), MetadataError> {
        write(&self.connections, database).await
    }
}

/// A table that both stores have. PostgreSQL has every column of SQLite.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The source, if it is not the table itself.
    from: Option<&'static str>,
}

const fn table(name: &'static str) -> Table {
    Table { name, from: None }
}

/// Every table of the embedded store. Tables with totals come after the tables that they count, whose triggers would
/// count twice.
pub(super) static TABLES: &[Table] = &[
    Table {
        name: "installation",
        from: Some(
            "(SELECT name, value FROM installation UNION ALL
              SELECT 'last_file_id', max(last_file_id) FROM workspaces HAVING max(last_file_id) IS NOT NULL) i",
        ),
    },
    table("blobs"),
    table("files"),
    table("parts"),
    table("uploads"),
    table("workspaces"),
    table("file_parts"),
    table("releases"),
    table("clock_moments"),
    table("holds"),
    table("scrub"),
    table("answers"),
    table("default_expiries"),
    table("api_keys"),
    table("key_secrets"),
    table("persons"),
    table("sessions"),
    table("links"),
    table("link_keys"),
    table("audit_log"),
    table("limits"),
    Table {
        name: "ledger",
        // Rows without a number get the next ones.
        from: Some(
            "(SELECT l.*, coalesce(l.seq, (SELECT coalesce(max(seq), 0) FROM ledger)
                  + row_number() OVER (PARTITION BY l.seq IS NULL ORDER BY l.arrival)) AS place FROM ledger l) r",
        ),
    },
    table("ledger_merges"),
    table("usage_hourly"),
    table("usage_hourly_totals"),
    table("outbox"),
    table("usage_export"),
];

/// A table with its columns in SQLite.
struct Source {
    table: &'static Table,
    columns: Vec<String>,
}

/// Rows of one table.
struct Batch {
    source: Arc<Source>,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

async fn write(connections: &Connections, database: &Path) -> Result<(), MetadataError> {
    ledger::number_all(connections).await?;
    let session = connections.snapshot_session().await?;
    // The whole has no timeout; each row has one.
    session.batch("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    let now = session.row("SELECT now_ms() / 1000", &[]).await?;
    let now_seconds = now.map(|row| super::rows::number(&row, 0)).transpose()?.unwrap_or_default();
    let (batches, mut queue) = mpsc::channel::<Batch>(BATCHES);
    let path = database.to_owned();
    let unfinished = |error: JoinError| MetadataError::Broken(Arc::new(error));
    let created = spawn_blocking(move || {
        let import = Import::create(&path, now_seconds)?;
        let source = |table: &'static Table| Ok(Arc::new(Source { table, columns: import.columns(table.name)? }));
        let sources: Result<Vec<_>, MetadataError> = TABLES.iter().map(source).collect();
        sources.map(|sources| (import, sources))
    });
    let (mut import, sources) = created.await.map_err(unfinished)??;
    let writer = spawn_blocking(move || {
        while let Some(batch) = queue.blocking_recv() {
            let Batch { source, rows, .. } = batch;
            // An empty batch ends the snapshot: a queue that just ends was cut off.
            if rows.is_empty() {
                return import.finish();
            }
            import.add(source.table.name, &source.columns, rows)?;
        }
        Err(MetadataError::Unavailable(Arc::new(Failure::Lost("the snapshot was cut off".to_owned()))))
    });
    let read = read(&session, &sources, &batches).await;
    if read.is_ok() {
        session.batch("COMMIT").await?;
        session.mark_idle();
    }
    drop(batches);
    let written = writer.await.map_err(unfinished)?;
    // The error of the writer is the cause when the reader found the queue closed.
    match (read, written) {
        (Ok(()), written) => written,
        (Err(failure), Ok(())) => Err(failure.into()),
        (Err(Failure::Late), Err(MetadataError::Unavailable(_))) => Err(Failure::Late.into()),
        (Err(_), Err(error)) => Err(error),
    }
}

async fn read(session: &Session, sources: &[Arc<Source>], batches: &mpsc::Sender<Batch>) -> Result<(), Failure> {
    let closed = |_| Failure::Lost("the snapshot cannot be written".to_owned());
    for source in sources {
        let table = source.table;
        let sql = format!("SELECT {} FROM {}", source.selected().join(", "), table.from.unwrap_or(table.name));
        let rows = session.query_raw(&sql, std::iter::empty::<&(dyn ToSql + Sync)>()).await?;
        let mut rows = std::pin::pin!(rows);
        let fresh = || Batch { source: Arc::clone(source), rows: Vec::new(), bytes: 0 };
        let mut batch = fresh();
        while let Some(row) = timeout(ROW_TIMEOUT, rows.try_next()).await.map_err(|_| Failure::Late)?? {
            batch.push(&row)?;
            if batch.rows.len() >= BATCH_ROWS || batch.bytes >= BATCH_BYTES {
                batches.send(std::mem::replace(&mut batch, fresh())).await.map_err(closed)?;
            }
        }
        if !batch.rows.is_empty() {
            batches.send(batch).await.map_err(closed)?;
        }
    }
    let Some(last) = sources.last() else { return Ok(()) };
    batches.send(Batch { source: Arc::clone(last), rows: Vec::new(), bytes: 0 }).await.map_err(closed)
}

impl Source {
    /// Returns the columns to select. Rows of the ledger may not have a number yet, and get a place.
    fn selected(&self) -> Vec<&str> {
        let place = |column| if self.table.name == "ledger" && column == "\"seq\"" { "place" } else { column };
        self.columns.iter().map(|column| place(column.as_str())).collect()
    }
}

impl Batch {
    fn push(&mut self, row: &Row) -> Result<(), Failure> {
        let values = (0..row.len()).map(|column| value(row, column)).collect::<Result<Vec<_>, _>>()?;
        let bytes = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
            Value::Null | Value::Integer(_) | Value::Real(_) => size_of::<i64>(),
        };
        self.bytes += values.iter().map(bytes).sum::<usize>();
        self.rows.push(values);
        Ok(())
    }
}

fn value(row: &Row, column: usize) -> Result<Value, Failure> {
    let kind = row.columns().get(column).map(tokio_postgres::Column::type_);
    let value = match kind {
        Some(&Type::TEXT) => row.try_get::<_, Option<String>>(column)?.map(Value::Text),
        Some(&Type::INT8) => row.try_get::<_, Option<i64>>(column)?.map(Value::Integer),
        Some(&Type::BYTEA) => row.try_get::<_, Option<Vec<u8>>>(column)?.map(Value::Blob),
        _ => return Err(Failure::Unreadable(format!("column {column} is of a type that no snapshot has"))),
    };
    Ok(value.unwrap_or(Value::Null))
}
