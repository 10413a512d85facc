//! The migrations, which are files in `migrations/`; `build.rs` lists them. Each store has its own SQL for each number,
//! so that a schema has the same number in every store. The applied migrations are compared with the list first.

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
        "the database is at schema {found}, this program knows {known}: run the version that made it, or a later one; the \
         way back is a backup from before the upgrade"
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
    /// The database has no schema, and this opener may not create one.
    #[error("the database holds no installation; start `venna serve` first")]
    Missing,
    /// An applied migration differs from that of this program.
    #[error("schema {0} of the database is not the one that this program knows")]
    Changed(u32),
}

/// The migrations of PostgreSQL, in order.
pub(super) static POSTGRES: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations_postgres.rs"));
/// The migrations of SQLite, in order.
pub(super) static SQLITE: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations_sqlite.rs"));

/// The treatment of a database of an earlier version of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outdated {
    /// Migrates its schema: no program of the earlier version uses it.
    Migrate,
    /// Creates a missing schema, and refuses an earlier one.
    Create,
    /// Refuses an earlier schema, and creates none: a server of the earlier version may use it, and would fail after a
    /// migration.
    Refuse,
}

impl Outdated {
    /// Refuses a schema that lacks migrations and may not be migrated.
    pub(super) fn allow(self, applied: usize, all: &[Migration]) -> Result<(), SchemaError> {
        let number = |migration: Option<&Migration>| migration.map_or(0, |migration| migration.number);
        match self {
            Self::Create | Self::Refuse if applied < all.len() => {
                let found = number(applied.checked_sub(1).and_then(|last| all.get(last)));
                Err(SchemaError::Older { found, known: number(all.last()) })
            }
            Self::Migrate | Self::Create | Self::Refuse => Ok(()),
        }
    }
}

/// The state of a schema that this program can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// The database has none.
    Missing,
    /// An earlier version of the program made it, and a start of the server migrates it.
    Older {
        /// The schema of the database.
        found: u32,
        /// The newest schema of this program.
        known: u32,
    },
    /// The schema of the database, which is that of this program.
    Current(u32),
}

impl SchemaState {
    /// Returns the state by the number of applied migrations.
    pub(super) fn of(applied: usize, all: &[Migration]) -> Self {
        let known = all.last().map_or(0, |migration| migration.number);
        match applied.checked_sub(1).and_then(|last| all.get(last)) {
            Some(last) if applied < all.len() => Self::Older { found: last.number, known },
            Some(last) => Self::Current(last.number),
            None => Self::Missing,
        }
    }

    /// Returns whether no migration is missing.
    pub(super) const fn is_current(self) -> bool {
        matches!(self, Self::Current(_))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stores_have_the_same_migrations() {
        let names = |all: &[Migration]| all.iter().map(|one| (one.number, one.name)).collect::<Vec<_>>();
        assert_eq!(names(POSTGRES), names(SQLITE));
        assert!(SQLITE.is_sorted_by(|one, next| one.number < next.number), "a number is given once");
    }
}
