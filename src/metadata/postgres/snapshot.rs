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
use tokio::task::spawn_blocking;
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

/// A table that both stores have, with its columns in SQLite and its source in PostgreSQL.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    /// The source, if it is not the table itself.
    from: Option<&'static str>,
}

const fn table(name: &'static str, columns: &'static [&'static str]) -> Table {
    Table { name, columns, from: None }
}

const USAGE: &[&str] = &[
    "workspace_id",
    "hour",
    "api_key_id",
    "purpose",
    "delta_bytes",
    "delta_files",
    "byte_seconds",
    "ops_class_a",
    "ops_class_b",
    "ingress_bytes",
    "egress_bytes",
];

/// Every table of the embedded store. Tables with totals come after the tables that they count, whose triggers would
/// count twice.
pub(super) static TABLES: &[Table] = &[
    Table {
        name: "installation",
        columns: &["name", "value"],
        from: Some(
            "(SELECT name, value FROM installation UNION ALL
              SELECT 'last_file_id', max(last_file_id) FROM workspaces HAVING max(last_file_id) IS NOT NULL) i",
        ),
    },
    table(
        "blobs",
        &[
            "id",
            "workspace_id",
            "process_id",
            "state",
            "size_bytes",
            "sha256",
            "checksums",
            "content",
            "upload_id",
            "deleted_at",
        ],
    ),
    table(
        "files",
        &[
            "workspace_id",
            "id",
            "blob_id",
            "purpose",
            "filename",
            "size_bytes",
            "sha256",
            "parts_sha256",
            "part_count",
            "expires_at",
            "status_details",
        ],
    ),
    table("parts", &["seq", "id", "workspace_id", "upload_id", "blob_id", "size_bytes", "sha256"]),
    table(
        "uploads",
        &[
            "workspace_id",
            "id",
            "size_bytes",
            "filename",
            "purpose",
            "lives_seconds",
            "expires_at",
            "status",
            "file_id",
            "completion",
            "parts_bytes",
            "part_count",
        ],
    ),
    table(
        "workspaces",
        &["id", "name", "archived_at", "stored_bytes", "stored_files", "reserved_bytes", "reserved_files"],
    ),
    table("file_parts", &["workspace_id", "file_id", "position", "blob_id", "size_bytes"]),
    table("releases", &["workspace_id", "owner_id", "released_at"]),
    table("clock_moments", &["boot_id", "wall_ms", "uptime_ms"]),
    table("holds", &["id", "expires_at"]),
    table("scrub", &["\"only\"", "begun_at", "ended_at", "after", "blobs", "bytes", "damaged"]),
    table("answers", &["workspace_id", "key", "request", "answer", "made_at"]),
    table("default_expiries", &["workspace_id", "purpose", "lives_seconds"]),
    table(
        "api_keys",
        &["id", "workspace_id", "scopes", "redacted", "name", "expires_at", "revoked_at", "last_used_at"],
    ),
    table("key_secrets", &["digest", "key_id", "retires_at"]),
    table("audit_log", &["id", "actor", "action", "workspace_id", "object_id", "address", "request_id", "details"]),
    table("limits", &["owner_id", "name", "value"]),
    Table {
        name: "ledger",
        columns: &[
            "seq",
            "event_id",
            "ts",
            "fact",
            "workspace_id",
            "api_key_id",
            "purpose",
            "file_id",
            "line_item",
            "bytes",
            "count",
            "request_id",
            "reverses",
            "note",
            "actor",
        ],
        // Rows without a number get the next ones.
        from: Some(
            "(SELECT l.*, coalesce(l.seq, (SELECT coalesce(max(seq), 0) FROM ledger)
                  + row_number() OVER (PARTITION BY l.seq IS NULL ORDER BY l.arrival)) AS place FROM ledger l) r",
        ),
    },
    table("ledger_merges", &["workspace_id", "ts", "seq"]),
    table("usage_hourly", USAGE),
    table("usage_hourly_totals", USAGE),
    table(
        "outbox",
        &[
            "seq",
            "message_id",
            "sink",
            "content_type",
            "body",
            "created_at",
            "acknowledged_at",
            "refused_at",
            "refused_status",
            "skipped_at",
        ],
    ),
    table(
        "usage_export",
        &[
            "\"only\"",
            "until",
            "through_seq",
            "corrections",
            "part_through_seq",
            "part_number",
            "part_hour",
            "part_line_item",
            "part_workspace_id",
            "part_api_key_id",
            "part_purpose",
        ],
    ),
];

/// Rows of one table.
struct Batch {
    table: &'static Table,
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
    let writer = spawn_blocking(move || {
        let mut import = Import::create(&path, now_seconds)?;
        while let Some(batch) = queue.blocking_recv() {
            let Batch { table, rows, .. } = batch;
            // An empty batch ends the snapshot: a queue that just ends was cut off.
            if rows.is_empty() {
                return import.finish();
            }
            import.add(table.name, table.columns, rows)?;
        }
        Err(MetadataError::Unavailable(Arc::new(Failure::Lost("the snapshot was cut off".to_owned()))))
    });
    let read = read(&session, &batches).await;
    if read.is_ok() {
        session.batch("COMMIT").await?;
        session.mark_idle();
    }
    drop(batches);
    let written = writer.await.map_err(|unfinished| MetadataError::Broken(Arc::new(unfinished)))?;
    // The error of the writer is the cause when the reader found the queue closed.
    match (read, written) {
        (Ok(()), written) => written,
        (Err(failure), Ok(())) => Err(failure.into()),
        (Err(Failure::Late), Err(MetadataError::Unavailable(_))) => Err(Failure::Late.into()),
        (Err(_), Err(error)) => Err(error),
    }
}

async fn read(session: &Session, batches: &mpsc::Sender<Batch>) -> Result<(), Failure> {
    let closed = |_| Failure::Lost("the snapshot cannot be written".to_owned());
    for table in TABLES {
        let columns = table.columns.iter().map(|column| if *column == "seq" { place(table) } else { column });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {columns} FROM {}", table.from.unwrap_or(table.name));
        let rows = session.query_raw(&sql, std::iter::empty::<&(dyn ToSql + Sync)>()).await?;
        let mut rows = std::pin::pin!(rows);
        let fresh = || Batch { table, rows: Vec::new(), bytes: 0 };
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
    let Some(last) = TABLES.last() else { return Ok(()) };
    batches.send(Batch { table: last, rows: Vec::new(), bytes: 0 }).await.map_err(closed)
}

/// Returns the column with the number of a row, which rows of the ledger may not have yet.
fn place(table: &Table) -> &'static str {
    if table.name == "ledger" { "place" } else { "seq" }
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
