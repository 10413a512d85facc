//! Room in the database that deleted rows have left: some of it is kept for rows to come, the rest goes back to the disk.
//!
//! A database that was made by a version before this one keeps its room until it is compacted.

use super::connection::{GIVES_ROOM_BACK, OpenError, PAGE_BYTES, connect, pragma};
use crate::filesystem;
use rusqlite::{Connection, Result};
use std::fs::File;
use std::path::Path;

/// `PRAGMA auto_vacuum` of a database that can.
const INCREMENTAL: u32 = 2;
/// Room that is kept in the database, at least.
const MIN_SPARE_BYTES: u64 = 64 << 20;
/// The part of the database that may be spare.
const SPARE_PART: u64 = 4;
/// How often what the database holds has to fit on the disk again while it is compacted: once in a temporary file, once in
/// SQLite's log.
const COPIES: u64 = 2;

/// How long a database was and is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Before.
    pub bytes_before: u64,
    /// Now.
    pub bytes_now: u64,
}

/// Why a database was not compacted.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite refused.
    #[error("the database cannot be compacted")]
    Sqlite(#[from] rusqlite::Error),
    /// The disk is too full.
    #[error("compacting needs {needed_bytes} bytes beside the database, and {available_bytes} are available")]
    NoRoom {
        /// Room that it takes.
        needed_bytes: u64,
        /// Room that there is.
        available_bytes: u64,
    },
    /// The file system does not tell how full it is.
    #[error("the system refused")]
    System(#[from] std::io::Error),
}

/// Gives at most `limit` pages back to the disk, of those that are too many, and returns how many. The file is shorter once
/// the log is written into it.
pub(super) fn give_back(connection: &Connection, limit: u32) -> Result<usize> {
    if pragma(connection, "auto_vacuum")? != u64::from(INCREMENTAL) {
        return Ok(0);
    }
    let surplus = surplus_pages(pragma(connection, "freelist_count")?, pragma(connection, "page_count")?);
    let pages = surplus.min(u64::from(limit));
    if pages == 0 {
        return Ok(0);
    }
    // Each row that it answers is a page.
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut given = vacuum.query([])?;
    while given.next()?.is_some() {}
    Ok(usize::try_from(pages).unwrap_or_default())
}

/// Writes the database anew without unused pages. Nobody else has it open.
///
/// # Errors
/// When the disk is too full for it, or SQLite refuses; the database is as it was.
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
    connection.execute_batch(GIVES_ROOM_BACK)?;
    connection.execute_batch("VACUUM")?;
    truncate_log(&connection)?;
    Ok(Compacted { bytes_before, bytes_now: std::fs::metadata(path)?.len() })
}

fn truncate_log(connection: &Connection) -> Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Unused pages of a database beyond those that it keeps.
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

    /// Opens a database that has held so many bytes and holds few.
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
