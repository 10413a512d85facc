//! Unused pages of the database. Some are kept for new rows, the others are returned to the file system.
//!
//! A database that an earlier version created without auto-vacuum keeps its unused pages until it is compacted.

use super::connection::{AUTO_VACUUM, OpenError, PAGE_BYTES, connect, pragma};
use crate::filesystem;
use rusqlite::{Connection, Result};
use std::fs::File;
use std::path::Path;

/// The value of `PRAGMA auto_vacuum` of a database that can free pages in steps.
const INCREMENTAL: u32 = 2;
/// The unused bytes that the database keeps at least.
const MIN_SPARE_BYTES: u64 = 64 << 20;
/// The divisor of the size of the database that gives the share that may be unused.
const SPARE_PART: u64 = 4;
/// The copies of the content of the database that the disk must hold while it is compacted: one in a temporary file,
/// and one in the write-ahead log.
const COPIES: u64 = 2;

/// The size of a database before and after it was compacted, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The size before.
    pub bytes_before: u64,
    /// The size now.
    pub bytes_now: u64,
}

/// The reason why a database was not compacted.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite failed.
    #[error("the database cannot be compacted")]
    Sqlite(#[from] rusqlite::Error),
    /// The disk is too full.
    #[error("compacting needs {needed_bytes} bytes beside the database, and {available_bytes} are available")]
    NoRoom {
        /// The bytes that compacting needs.
        needed_bytes: u64,
        /// The bytes that the disk has.
        available_bytes: u64,
    },
    /// The file system failed.
    #[error("the system refused")]
    System(#[from] std::io::Error),
}

/// Frees at most `limit` of the surplus pages. Returns their number. The file is shorter after the next checkpoint.
pub(super) fn give_back(connection: &Connection, limit: u32) -> Result<usize> {
    if pragma(connection, "auto_vacuum")? != u64::from(INCREMENTAL) {
        return Ok(0);
    }
    let surplus = surplus_pages(pragma(connection, "freelist_count")?, pragma(connection, "page_count")?);
    let pages = surplus.min(u64::from(limit));
    if pages == 0 {
        return Ok(0);
    }
    // Each row of the result is a freed page.
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut given = vacuum.query([])?;
    while given.next()?.is_some() {}
    Ok(usize::try_from(pages).unwrap_or_default())
}

/// Rewrites the database without unused pages. No other process has it open.
///
/// # Errors
/// When the disk is too full, or SQLite fails. The database stays as it was.
pub(super) fn compact(path: &Path) -> std::result::Result<Compacted, CompactError> {
    let connection = connect(path)?;
    truncate_log(&connection)?;
    let bytes_before = std::fs::metadata(path)?.len();
    let used_pages = pragma(&connection, "page_count")?.saturating_sub(pragma(&connection, "freelist_count")?);
    let needed_bytes = used_pages.saturating_mul(PAGE_BYTES).saturating_mul(COPIES);
    let available_bytes = filesystem::available_bytes(File::open(filesystem::folder_of(path))?)?;
    if available_bytes < needed_bytes {
        return Err(CompactError::NoRoom { needed_bytes, available_bytes });
    }
    connection.execute_batch(AUTO_VACUUM)?;
    connection.execute_batch("VACUUM")?;
    truncate_log(&connection)?;
    Ok(Compacted { bytes_before, bytes_now: std::fs::metadata(path)?.len() })
}

fn truncate_log(connection: &Connection) -> Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Returns the number of unused pages beyond those that a database keeps.
fn surplus_pages(unused_pages: u64, pages: u64) -> u64 {
    unused_pages.saturating_sub((MIN_SPARE_BYTES / PAGE_BYTES).max(pages / SPARE_PART))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_quarter_of_the_database_and_64_mib_are_kept() {
        let pages = |bytes: u64| bytes / PAGE_BYTES;
        assert_eq!(surplus_pages(pages(64 * MIB), pages(65 * MIB)), 0);
        assert_eq!(surplus_pages(pages(65 * MIB), pages(66 * MIB)), pages(MIB));
        assert_eq!(surplus_pages(pages(300 * MIB), pages(1024 * MIB)), pages(44 * MIB));
    }

    /// Opens a database from which this many bytes were deleted.
    fn emptied(path: &Path, bytes: u64) -> Connection {
        let connection = connect(path).unwrap();
        connection.execute_batch("CREATE TABLE t (x BLOB)").unwrap();
        connection.execute("INSERT INTO t VALUES (zeroblob(?1)), (zeroblob(100000))", [bytes]).unwrap();
        connection.execute("DELETE FROM t WHERE length(x) = ?1", [bytes]).unwrap();
        truncate_log(&connection).unwrap();
        connection
    }

    #[test]
    fn room_goes_back_in_steps_until_enough_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let connection = emptied(&path, 66 * MIB);
        let mut steps = Vec::new();
        loop {
            let given = give_back(&connection, 256).unwrap();
            if given == 0 {
                break;
            }
            steps.push(given);
        }
        assert!(steps.len() >= 2 && steps.iter().all(|step| *step <= 256), "{steps:?}");
        truncate_log(&connection).unwrap();
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert!((64 * MIB..65 * MIB).contains(&bytes), "{bytes}");
        assert_eq!(connection.query_row("SELECT length(x) FROM t", [], |row| row.get::<_, u32>(0)).unwrap(), 100_000);
    }

    #[test]
    fn a_database_of_old_gives_nothing_back_until_it_is_compacted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        Connection::open(&path).unwrap().execute_batch("PRAGMA auto_vacuum = NONE; CREATE TABLE old (x)").unwrap();
        let connection = emptied(&path, 66 * MIB);
        assert_eq!(give_back(&connection, 256).unwrap(), 0);
        drop(connection);
        let compacted = compact(&path).unwrap();
        assert!(compacted.bytes_before > 66 * MIB && compacted.bytes_now < MIB, "{compacted:?}");
        let connection = Connection::open(&path).unwrap();
        assert_eq!(pragma(&connection, "auto_vacuum").unwrap(), u64::from(INCREMENTAL));
        assert_eq!(connection.query_row("SELECT length(x) FROM t", [], |row| row.get::<_, u32>(0)).unwrap(), 100_000);
    }
}
