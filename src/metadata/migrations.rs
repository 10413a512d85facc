//! The list of migrations, which all stores share. Each store has its own SQL for each number, so that a schema has the
//! same number in every store. The applied migrations are compared with the list first.

use sha2::{Digest, Sha256};

/// A migration of the schema.
#[derive(Debug)]
pub(super) struct Migration {
    /// Its number. Migrations are applied in the order of their numbers.
    pub(super) number: u32,
    /// Its name.
    pub(super) name: &'static str,
    /// Its statements.
    pub(super) sql: &'static str,
}

/// The reason why this program cannot use a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A later version of the program has migrated the database.
    #[error(
        "the database is at schema {found}, this program knows {known}: run the version that made it, or a later one"
    )]
    Newer {
        /// The schema of the database.
        found: u32,
        /// The newest schema of this program.
        known: u32,
    },
    /// An earlier version of the program made the database, and this opener may not migrate it.
    #[error(
        "the database is at schema {found}, this program needs {known}: start the server of this version, or stop the \
         server and run `venna upgrade`; until then only commands of the version that made it can be used"
    )]
    Older {
        /// The database's schema.
        found: u32,
        /// The newest schema of this program.
        known: u32,
    },
    /// An applied migration differs from that of this program.
    #[error("schema {0} of the database is not the one that this program knows")]
    Changed(u32),
}

/// Lists the migrations of a store, from its folder in `migrations`.
macro_rules! migrations {
    ($store:literal) => {
        $crate::metadata::migrations::migrations!(
            $store,
            (1, "files", "0001_files"),
            (2, "uploads", "0002_uploads"),
            (3, "upkeep", "0003_upkeep"),
            (4, "inline content", "0004_inline_content"),
            (5, "status details", "0005_status_details"),
            (6, "answers", "0006_answers"),
            (7, "default expiries", "0007_default_expiries"),
            (8, "keys", "0008_keys"),
            (9, "audit log", "0009_audit_log"),
            (10, "limits", "0010_limits"),
            (11, "ledger", "0011_ledger"),
            (12, "adjustments", "0012_adjustments"),
            (13, "outbox", "0013_outbox"),
            (14, "blob uploads", "0014_blob_uploads"),
            (15, "claimed messages", "0015_claimed_messages"),
            (16, "upload reservations", "0016_upload_reservations"),
            (17, "overdue indexes", "0017_overdue_indexes"),
            (18, "releases", "0018_releases"),
            (19, "ended uploads", "0019_ended_uploads"),
            (20, "clock moments", "0020_clock_moments"),
            (21, "servers", "0021_servers"),
            (22, "audit log order", "0022_audit_log_order"),
            (23, "statement indexes", "0023_statement_indexes"),
            (24, "export parts", "0024_export_parts"),
            (25, "due blobs", "0025_due_blobs"),
            (26, "ledger merges", "0026_ledger_merges"),
            (27, "ledger reads", "0027_ledger_reads"),
            (28, "scrubber", "0028_scrubber"),
            (31, "refused messages", "0031_refused_messages"),
            (32, "refused messages indexes", "0032_refused_messages_indexes"),
            (33, "session clock", "0033_session_clock"),
        )
    };
    ($store:literal, $(($number:literal, $name:literal, $file:literal),)*) => {
        &[$($crate::metadata::migrations::Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $store, "/", $file, ".sql")),
        }),*]
    };
}
pub(super) use migrations;

/// The treatment of a database of an earlier version of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outdated {
    /// Migrates its schema: no program of the earlier version uses it.
    Migrate,
    /// Refuses its schema: a server of the earlier version may use it, and would fail after a migration.
    Refuse,
}

impl Outdated {
    /// Refuses a schema that lacks migrations and may not be migrated.
    pub(super) fn allow(self, applied: usize, all: &[Migration]) -> Result<(), SchemaError> {
        let number = |migration: Option<&Migration>| migration.map_or(0, |migration| migration.number);
        match self {
            Self::Refuse if applied < all.len() => {
                let found = number(applied.checked_sub(1).and_then(|last| all.get(last)));
                Err(SchemaError::Older { found, known: number(all.last()) })
            }
            Self::Migrate | Self::Refuse => Ok(()),
        }
    }
}

/// Returns how many migrations are applied, from the number and checksum of each applied one, in order.
pub(super) fn count_applied(applied: &[(u32, Vec<u8>)], all: &[Migration]) -> Result<usize, SchemaError> {
    let known = |number: u32| all.iter().find(|migration| migration.number == number);
    if let Some((found, _)) = applied.last().filter(|(number, _)| known(*number).is_none()) {
        let known = all.last().map_or(0, |migration| migration.number);
        return Err(SchemaError::Newer { found: *found, known });
    }
    let changed = |(number, sha256): &&(u32, Vec<u8>)| known(*number).is_none_or(|known| known.sha256() != **sha256);
    match applied.iter().find(changed) {
        Some((number, _)) => Err(SchemaError::Changed(*number)),
        None => Ok(applied.len()),
    }
}

impl Migration {
    /// Returns the SHA-256 of its statements, which identifies their form.
    pub(super) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.sql.as_bytes()).into()
    }
}
