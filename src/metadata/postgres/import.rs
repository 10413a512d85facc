//! Fills a database with the rows of an embedded store in one transaction: an installation appears whole or not at all.

use super::connecting::connect_to;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::open::check_server;
use super::open_error::OpenError;
use super::snapshot::{TABLES, Table};
use super::store::PostgresStore;
use super::{migrate, pooler};
use crate::metadata::error::MetadataError;
use crate::metadata::migrations::Outdated;
use crate::metadata::sqlite::{Dump, has_numbers};
use rusqlite::types::Value;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::spawn_blocking;
use tokio_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

/// Rows that may wait to be sent. Each may hold the bytes of a small file.
const QUEUED_ROWS: usize = 256;
/// The fact that the embedded store keeps once, and this store for each workspace.
const LAST_FILE_ID: &str = "last_file_id";

/// The reason why a database was not filled.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database holds an installation.
    #[error("the database holds an installation already")]
    NotEmpty,
    /// A row could not be read or written.
    #[error(transparent)]
    Rows(#[from] MetadataError),
}

impl From<tokio_postgres::Error> for FillError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Rows(Failure::from(error).into())
    }
}

impl PostgresStore {
    /// Checks that a database exists and holds no installation.
    ///
    /// # Errors
    /// Fails when it does not exist or is not empty.
    pub async fn check_fillable(url: &str) -> Result<(), FillError> {
        let endpoint: Endpoint = url.parse().map_err(OpenError::from)?;
        let client = connect(&endpoint).await?;
        let known: bool = client.query_one("SELECT to_regclass('workspaces') IS NOT NULL", &[]).await?.try_get(0)?;
        let filled = known && client.query_opt("SELECT 1 FROM workspaces LIMIT 1", &[]).await?.is_some();
        if filled { Err(FillError::NotEmpty) } else { Ok(()) }
    }

    /// Fills a database without an installation from an embedded store that is not written to. Returns the number of
    /// rows.
    ///
    /// # Errors
    /// Fails when the database is not empty or a row cannot be copied; the database is unchanged then.
    pub async fn fill(url: &str, database: &Path, now_seconds: u64) -> Result<u64, FillError> {
        let endpoint: Endpoint = url.parse().map_err(OpenError::from)?;
        let mut client = connect(&endpoint).await?;
        check_server(&client).await?;
        migrate::migrate(&mut client, Outdated::Create, now_seconds).await.map_err(OpenError::from)?;
        let transaction = client.transaction().await?;
        transaction
            .batch_execute("SET LOCAL synchronous_commit = on; LOCK TABLE workspaces IN ACCESS EXCLUSIVE MODE")
            .await?;
        if transaction.query_opt("SELECT 1 FROM workspaces LIMIT 1", &[]).await?.is_some() {
            return Err(FillError::NotEmpty);
        }
        let (mut dump, mut copied, mut last_file_id) = (Dump::open(database)?, 0, None);
        for table in TABLES {
            let columns: Arc<[String]> = dump.columns(table.name)?.into();
            let (sender, mut queue) = mpsc::channel(QUEUED_ROWS);
            let names = Arc::clone(&columns);
            let reader = spawn_blocking(move || {
                let read = dump.read(table.name, &names, |row| sender.blocking_send(row).is_ok());
                (dump, read)
            });
            let written = copy(&transaction, table, &columns, &mut queue, &mut last_file_id).await;
            drop(queue);
            let (back, read) = reader.await.map_err(|unfinished| MetadataError::Broken(Arc::new(unfinished)))?;
            (dump, copied) = (back, copied + written?);
            read?;
            continue_numbers(&transaction, table, &columns).await?;
        }
        // No workspace has a later id.
        transaction.execute("UPDATE workspaces SET last_file_id = $1", &[&last_file_id]).await?;
        transaction.commit().await?;
        client.batch_execute("ANALYZE").await?;
        Ok(copied)
    }
}

async fn connect(endpoint: &Endpoint) -> Result<tokio_postgres::Client, OpenError> {
    let client = connect_to(endpoint).await?;
    pooler::refuse_shared_sessions(endpoint, &client).await?;
    Ok(client)
}

/// Copies the rows of a table. Returns their number.
async fn copy(
    transaction: &Transaction<'_>,
    table: &Table,
    columns: &[String],
    queue: &mut Receiver<Vec<Value>>,
    last_file_id: &mut Option<String>,
) -> Result<u64, FillError> {
    let columns = columns.join(", ");
    let shape = transaction.prepare(&format!("SELECT {columns} FROM {}", table.name)).await?;
    let types: Vec<Type> = shape.columns().iter().map(|column| column.type_().clone()).collect();
    let sink = transaction.copy_in(&format!("COPY {} ({columns}) FROM STDIN BINARY", table.name)).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    while let Some(row) = queue.recv().await {
        if let [Value::Text(name), Value::Text(value)] = row.as_slice()
            && table.name == "installation"
            && name == LAST_FILE_ID
        {
            *last_file_id = Some(value.clone());
            continue;
        }
        let cells =
            row.into_iter().zip(&types).map(|(value, kind)| cell(value, kind)).collect::<Result<Vec<_>, _>>()?;
        let cells: Vec<&(dyn ToSql + Sync)> = cells.iter().map(|cell| &**cell as _).collect();
        writer.as_mut().write(&cells).await?;
    }
    Ok(writer.as_mut().finish().await?)
}

/// Continues the sequence of a table after its copied rows.
async fn continue_numbers(transaction: &Transaction<'_>, table: &Table, columns: &[String]) -> Result<(), FillError> {
    if has_numbers(columns) {
        let sql = format!(
            "SELECT setval(s.name::regclass, s.last) FROM (
                 SELECT pg_get_serial_sequence('{0}', 'seq') AS name, (SELECT max(seq) FROM {0}) AS last
             ) s WHERE s.name IS NOT NULL AND s.last IS NOT NULL",
            table.name
        );
        transaction.batch_execute(&sql).await?;
    }
    Ok(())
}

fn cell(value: Value, kind: &Type) -> Result<Box<dyn ToSql + Sync + Send>, MetadataError> {
    Ok(match (value, kind) {
        (Value::Text(text), &Type::TEXT) => Box::new(text),
        (Value::Integer(number), &Type::INT8) => Box::new(number),
        (Value::Blob(bytes), &Type::BYTEA) => Box::new(bytes),
        (Value::Null, &Type::TEXT) => Box::new(None::<String>),
        (Value::Null, &Type::INT8) => Box::new(None::<i64>),
        (Value::Null, &Type::BYTEA) => Box::new(None::<Vec<u8>>),
        (value, kind) => {
            let odd = format!("a {} where there should be {kind}", value.data_type());
            return Err(Failure::Unreadable(odd).into());
        }
    })
}
