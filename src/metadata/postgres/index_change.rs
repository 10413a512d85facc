//! Index changes of a migration: `CREATE INDEX CONCURRENTLY` and `DROP INDEX CONCURRENTLY`, which run outside of a
//! transaction and can be repeated after an interruption.

use super::failure::Failure;
use tokio_postgres::Client;

/// The word that makes a migration one of index changes.
const CONCURRENTLY: &str = "CONCURRENTLY";
/// The lock timeout of an index build: none. A build waits for older transactions, which may be long reads, and blocks
/// no writer meanwhile.
const WAIT_FOR_OTHERS: &str = "SET lock_timeout = 0";
/// The lock timeout of the other migrations.
const WAIT_SHORTLY: &str = "SET lock_timeout = 2000";

/// One statement of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexChange {
    /// The name of the index.
    index: String,
    /// The statement.
    sql: String,
    /// The statement makes the index.
    creates: bool,
}

/// Returns whether a migration consists of index changes.
pub(super) fn is_concurrent(sql: &str) -> bool {
    without_comments(sql).contains(CONCURRENTLY)
}

/// Returns SQL without its lines of comments.
pub(super) fn without_comments(sql: &str) -> String {
    sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n")
}

/// Returns the index changes of a migration in their order.
///
/// # Errors
/// Fails when a statement is something else.
pub(super) fn parse(sql: &str) -> Result<Vec<IndexChange>, Failure> {
    let sql = without_comments(sql);
    sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(IndexChange::parse).collect()
}

impl IndexChange {
    fn parse(sql: &str) -> Result<Self, Failure> {
        let words: Vec<&str> = sql.split_whitespace().take(6).collect();
        let (index, creates) = match words.as_slice() {
            ["CREATE", "INDEX", CONCURRENTLY, index, ..] | ["CREATE", "UNIQUE", "INDEX", CONCURRENTLY, index, ..] => {
                (*index, true)
            }
            ["DROP", "INDEX", CONCURRENTLY, "IF", "EXISTS", index] => (*index, false),
            _ => return Err(Failure::Unreadable(format!("no index change: {}", words.join(" ")))),
        };
        Ok(Self { index: index.to_owned(), sql: sql.to_owned(), creates })
    }

    /// Returns the statement without `CONCURRENTLY`, for new tables within a transaction.
    pub(super) fn in_transaction(&self) -> String {
        self.sql.replacen(CONCURRENTLY, "", 1)
    }

    /// Runs the statement. A valid index stays; one whose build was interrupted is dropped and built again.
    ///
    /// # Errors
    /// Fails when PostgreSQL refuses it.
    pub(super) async fn run(&self, client: &Client) -> Result<(), Failure> {
        client.batch_execute(WAIT_FOR_OTHERS).await?;
        if self.creates {
            match self.is_valid(client).await? {
                Some(true) => return Ok(client.batch_execute(WAIT_SHORTLY).await?),
                Some(false) => {
                    tracing::warn!(index = self.index, "index build restarted");
                    client.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {}", self.index)).await?;
                }
                None => {}
            }
        }
        tracing::info!(index = self.index, "index change started");
        client.batch_execute(&self.sql).await?;
        Ok(client.batch_execute(WAIT_SHORTLY).await?)
    }

    /// Returns whether the index is complete; none where there is no such index.
    async fn is_valid(&self, client: &Client) -> Result<Option<bool>, Failure> {
        let sql = "SELECT indisvalid AND indisready FROM pg_index WHERE indexrelid = to_regclass($1)";
        let found = client.query_opt(sql, &[&self.index]).await?;
        Ok(found.map(|row| row.try_get(0)).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_of_index_changes_holds_nothing_else() {
        let sql = "-- Why; CONCURRENTLY is said here.\nCREATE INDEX CONCURRENTLY a ON t (x)\n    WHERE y > 0;\n
                   DROP INDEX CONCURRENTLY IF EXISTS b;\nCREATE UNIQUE INDEX CONCURRENTLY c ON t (z);";
        assert!(is_concurrent(sql) && !is_concurrent("-- CONCURRENTLY\nSELECT 1;"));
        let changes = parse(sql).unwrap();
        assert_eq!(changes.iter().map(|change| change.index.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(changes[0].in_transaction(), "CREATE INDEX  a ON t (x)\n    WHERE y > 0");
        for other in ["CREATE INDEX CONCURRENTLY a ON t (x); UPDATE t SET x = 1", "DROP INDEX CONCURRENTLY b"] {
            assert!(parse(other).is_err(), "{other}");
        }
    }
}
