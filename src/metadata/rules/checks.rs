//! Checks for rows that contradict each other, which no transaction of this program leaves behind.
//!
//! Every check reads a table in the order of its primary key, page by page. Each page is one snapshot, so that a
//! finding existed at one time and no snapshot lasts longer than a page. After the last of [`CHECKS`] each store
//! compares its rollup of usage with its ledger, hour by hour.

use crate::metadata::error::MetadataError;
use crate::model::blob::BlobOwner;
use crate::model::finding::Finding;
use std::sync::Arc;

/// The position of the next page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MisfitCursor {
    /// The index of the check.
    check: usize,
    /// The columns of the last key of the page before. None at the start of a check.
    after: Option<Vec<String>>,
}

/// The result of a page.
#[derive(Debug)]
pub struct MisfitPage {
    /// The findings.
    pub findings: Vec<Finding>,
    /// The position of the next page, if there is one.
    pub next: Option<MisfitCursor>,
}

/// A column of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyColumn {
    /// A column of texts.
    Text(&'static str),
    /// A column of integers.
    Integer(&'static str),
    /// The integer column that orders the rows of the ledger of a store.
    Arrival,
}

/// The parts of the statements in which the stores differ.
#[derive(Debug)]
pub struct Dialect {
    /// The column that orders the ledger.
    pub arrival: &'static str,
    /// Writes the parameter of this number, a text, for a comparison with a text.
    pub text: fn(usize) -> String,
    /// Writes the parameter of this number, a text, for a comparison with an integer.
    pub integer: fn(usize) -> String,
}

/// A check of the rows of one table.
#[derive(Debug)]
pub struct Check {
    table: &'static str,
    key: &'static [KeyColumn],
    page_rows: u32,
    /// Selects an id, a count and the workspace of each finding. `{page}` stands for the rows of the page, as a table.
    sql: &'static str,
    finding: fn(MisfitRow) -> Result<Finding, MetadataError>,
}

/// A row that the statement of a check selects.
#[derive(Debug)]
pub struct MisfitRow {
    /// The id of what is wrong.
    pub id: String,
    /// A count, which only some checks use.
    pub count: u64,
    /// The workspace, where it has one.
    pub workspace: Option<String>,
}

impl MisfitRow {
    fn owner(self) -> Result<BlobOwner, MetadataError> {
        let workspace = self.workspace.unwrap_or_default().parse().map_err(unreadable)?;
        Ok(BlobOwner { workspace, id: self.id })
    }
}

/// The number of hours of a workspace whose usage a page compares with the ledger.
pub const HOURS_OF_A_PAGE: usize = 64;

const TEXT_ID: &[KeyColumn] = &[KeyColumn::Text("id")];
const FILE: &[KeyColumn] = &[KeyColumn::Text("workspace_id"), KeyColumn::Text("id")];
/// The number of rows of a page.
const PAGE_ROWS: u32 = 1000;
/// The number of Files or Uploads of a page that adds up their parts, of which each may have 10,000.
const OWNERS_OF_PARTS: u32 = 50;

pub static CHECKS: [Check; 12] = [
    Check {
        table: "blobs",
        key: TEXT_ID,
        page_rows: PAGE_ROWS,
        sql: "SELECT o.id, o.owners, NULL FROM (
                  SELECT t.id, (SELECT count(*) FROM files f WHERE f.blob_id = t.id)
                      + (SELECT count(*) FROM file_parts f WHERE f.blob_id = t.id)
                      + (SELECT count(*) FROM parts p WHERE p.blob_id = t.id) AS owners
                  FROM {page} t WHERE t.state = 'ready') o
              WHERE o.owners <> 1",
        finding: |row| Ok(Finding::Unowned { blob: row.id.parse().map_err(unreadable)?, owners: row.count }),
    },
    Check {
        table: "files",
        key: FILE,
        page_rows: PAGE_ROWS,
        sql: "SELECT t.id, 0, t.workspace_id FROM {page} t LEFT JOIN blobs b ON b.id = t.blob_id
              WHERE t.blob_id IS NOT NULL
                  AND (b.state IS DISTINCT FROM 'ready' OR b.size_bytes IS DISTINCT FROM t.size_bytes)",
        finding: |row| Ok(Finding::Dangling { owner: row.owner()? }),
    },
    Check {
        table: "file_parts",
        key: &[KeyColumn::Text("workspace_id"), KeyColumn::Text("file_id"), KeyColumn::Integer("position")],
        page_rows: PAGE_ROWS,
        sql: "SELECT t.file_id, 0, t.workspace_id FROM {page} t LEFT JOIN blobs b ON b.id = t.blob_id
              WHERE (b.state IS DISTINCT FROM 'ready' OR b.size_bytes IS DISTINCT FROM t.size_bytes)",
        finding: |row| Ok(Finding::Dangling { owner: row.owner()? }),
    },
    Check {
        table: "parts",
        key: TEXT_ID,
        page_rows: PAGE_ROWS,
        sql: "SELECT t.id, 0, t.workspace_id FROM {page} t LEFT JOIN blobs b ON b.id = t.blob_id
              WHERE (b.state IS DISTINCT FROM 'ready' OR b.size_bytes IS DISTINCT FROM t.size_bytes)",
        finding: |row| Ok(Finding::Dangling { owner: row.owner()? }),
    },
    Check {
        table: "parts",
        key: TEXT_ID,
        page_rows: PAGE_ROWS,
        sql: "SELECT t.id, 0, t.workspace_id FROM {page} t LEFT JOIN uploads u ON u.workspace_id = t.workspace_id AND u.id = t.upload_id
              WHERE u.status IS DISTINCT FROM 'pending' AND NOT EXISTS (
                  SELECT 1 FROM releases r WHERE r.workspace_id = t.workspace_id AND r.owner_id = t.upload_id)",
        finding: |row| Ok(Finding::LeftPart { part: row.owner()? }),
    },
    Check {
        table: "file_parts",
        key: &[KeyColumn::Text("workspace_id"), KeyColumn::Text("file_id"), KeyColumn::Integer("position")],
        page_rows: PAGE_ROWS,
        sql: "SELECT DISTINCT t.file_id, 0, t.workspace_id FROM {page} t
                  LEFT JOIN files f ON f.workspace_id = t.workspace_id AND f.id = t.file_id
              WHERE f.id IS NULL AND NOT EXISTS (
                  SELECT 1 FROM releases r WHERE r.workspace_id = t.workspace_id AND r.owner_id = t.file_id)",
        finding: |row| Ok(Finding::LeftPart { part: row.owner()? }),
    },
    Check {
        table: "answers",
        key: &[KeyColumn::Text("workspace_id"), KeyColumn::Text("key")],
        page_rows: PAGE_ROWS,
        sql: "SELECT DISTINCT t.workspace_id, 0, t.workspace_id FROM {page} t
              WHERE t.workspace_id <> 'organization'
                  AND NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.id = t.workspace_id)",
        finding: |row| Ok(Finding::LostAnswer { workspace: row.id }),
    },
    Check {
        table: "workspaces",
        key: TEXT_ID,
        // All rows of a workspace are added up in one snapshot.
        page_rows: 1,
        sql: "SELECT t.id, 0, t.id FROM {page} t
              WHERE (t.stored_bytes <> (SELECT coalesce(sum(f.size_bytes), 0) FROM files f WHERE f.workspace_id = t.id)
                  OR t.stored_files <> (SELECT count(*) FROM files f WHERE f.workspace_id = t.id)
                  OR t.reserved_bytes <> (
                      SELECT coalesce(sum(CASE WHEN u.parts_bytes > u.size_bytes THEN u.parts_bytes ELSE u.size_bytes END), 0)
                      FROM uploads u WHERE u.workspace_id = t.id AND u.status = 'pending')
                  OR t.reserved_files <> (
                      SELECT count(*) FROM uploads u WHERE u.workspace_id = t.id AND u.status = 'pending'))",
        finding: |row| Ok(Finding::WrongTotal { workspace: row.id }),
    },
    Check {
        table: "uploads",
        key: FILE,
        page_rows: OWNERS_OF_PARTS,
        sql: "SELECT t.id, 0, t.workspace_id FROM {page} t
              WHERE t.status = 'pending' AND (
                  t.parts_bytes <> (SELECT coalesce(sum(p.size_bytes), 0) FROM parts p
                                    WHERE p.workspace_id = t.workspace_id AND p.upload_id = t.id)
                  OR t.part_count <> (SELECT count(*) FROM parts p
                                      WHERE p.workspace_id = t.workspace_id AND p.upload_id = t.id))",
        finding: |row| Ok(Finding::WrongParts { upload: row.owner()? }),
    },
    Check {
        table: "files",
        key: FILE,
        page_rows: PAGE_ROWS,
        sql: "SELECT t.id, 0, t.workspace_id FROM {page} t LEFT JOIN ledger b ON b.event_id = 'st+:' || t.id
                  LEFT JOIN ledger e ON e.event_id = 'st-:' || t.id
              WHERE (b.bytes IS DISTINCT FROM t.size_bytes
                  OR b.workspace_id IS DISTINCT FROM t.workspace_id OR e.event_id IS NOT NULL)",
        finding: |row| Ok(Finding::Unmetered { file: row.owner()? }),
    },
    Check {
        table: "files",
        key: FILE,
        page_rows: OWNERS_OF_PARTS,
        sql: "SELECT t.id, 0, t.workspace_id FROM {page} t
              WHERE t.blob_id IS NULL AND t.size_bytes <> (SELECT coalesce(sum(p.size_bytes), 0)
                  FROM file_parts p WHERE p.workspace_id = t.workspace_id AND p.file_id = t.id)",
        finding: |row| Ok(Finding::WrongSum { file: row.owner()? }),
    },
    Check {
        table: "ledger",
        key: &[KeyColumn::Arrival],
        page_rows: PAGE_ROWS,
        sql: "SELECT t.file_id, 0, t.workspace_id FROM {page} t
                  LEFT JOIN files f ON f.workspace_id = t.workspace_id AND f.id = t.file_id
                  LEFT JOIN ledger e ON e.event_id = 'st-:' || t.file_id
              WHERE t.fact IN ('opening', 'create', 'complete') AND f.id IS NULL
                  AND (e.bytes IS DISTINCT FROM -t.bytes OR e.api_key_id IS DISTINCT FROM t.api_key_id OR e.ts < t.ts)",
        finding: |row| Ok(Finding::Unmetered { file: row.owner()? }),
    },
];

impl Check {
    /// Returns the statement that selects the last key of the page behind a key: the columns of the key as texts, no
    /// row when the page is the last one. Its parameters are the columns of `after`.
    pub fn last_key(&self, after: bool, dialect: &Dialect) -> String {
        let columns: Vec<String> = self.columns(dialect).map(|(column, _)| format!("CAST({column} AS TEXT)")).collect();
        let behind = self.behind(after, dialect);
        format!("SELECT {} {behind} LIMIT 1 OFFSET {}", columns.join(", "), self.page_rows - 1)
    }

    /// Returns the statement that selects an id, a count and a workspace for all that is wrong in the page behind a
    /// key. Its parameters are the columns of `after`.
    pub fn found(&self, after: bool, dialect: &Dialect) -> String {
        let behind = self.behind(after, dialect);
        self.sql.replace("{page}", &format!("(SELECT * {behind} LIMIT {})", self.page_rows))
    }

    /// Returns how many columns a key has.
    pub const fn key_columns(&self) -> usize {
        self.key.len()
    }

    /// Returns the finding of a row that [`found`](Self::found) selected.
    ///
    /// # Errors
    /// When an id cannot be read.
    pub fn finding(&self, row: MisfitRow) -> Result<Finding, MetadataError> {
        (self.finding)(row)
    }

    /// Returns the rows behind a key in the order of the key. One comparison of all columns, whose values need no
    /// conversion, is what SQLite's index begins at; with a second bound it reads all rows that have the same first
    /// column.
    fn behind(&self, after: bool, dialect: &Dialect) -> String {
        let columns: Vec<String> = self.columns(dialect).map(|(column, _)| column).collect();
        let values = (1..).zip(self.columns(dialect)).map(|(number, (_, is_integer))| {
            if is_integer { (dialect.integer)(number) } else { (dialect.text)(number) }
        });
        let (order, values) = (columns.join(", "), values.collect::<Vec<_>>().join(", "));
        let condition = if after { format!("WHERE ({order}) > ({values})") } else { String::new() };
        format!("FROM {} t {condition} ORDER BY {order}", self.table)
    }

    fn columns(&self, dialect: &Dialect) -> impl Iterator<Item = (String, bool)> {
        self.key.iter().map(|column| match column {
            KeyColumn::Text(name) => (format!("t.{name}"), false),
            KeyColumn::Integer(name) => (format!("t.{name}"), true),
            KeyColumn::Arrival => (format!("t.{}", dialect.arrival), true),
        })
    }
}

impl MisfitCursor {
    /// Returns the check that goes on here, and the key behind which it does.
    pub fn check(&self) -> Option<(&'static Check, Option<&[String]>)> {
        CHECKS.get(self.check).map(|check| (check, self.after.as_deref()))
    }

    /// Returns the key behind which the comparison of the cache of usage goes on.
    pub fn usage_after(&self) -> Option<&[String]> {
        self.after.as_deref()
    }

    /// Returns where the walk goes on behind a page with this last key, or behind the last page of a check.
    #[must_use]
    pub fn behind(&self, last_key: Option<Vec<String>>) -> Self {
        match last_key {
            Some(key) => Self { check: self.check, after: Some(key) },
            None => Self { check: self.check + 1, after: None },
        }
    }
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> MetadataError {
    MetadataError::Broken(Arc::new(error))
}
