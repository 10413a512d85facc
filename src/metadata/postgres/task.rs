//! Tasks that one server at a time runs.

/// A task that one server at a time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Numbers rows of the ledger and adds them to the rollup.
    Ledger,
    /// Inserts messages into the outbox.
    Outbox,
    /// Migrates the schema.
    Migrate,
    /// Numbers entries of the audit log.
    AuditLog,
}

impl Task {
    /// Returns the number of the advisory lock: "venna" in ASCII and a digit.
    pub(super) const fn key(self) -> i64 {
        const VENNA: i64 = 0x7665_6e6e_6100;
        VENNA
            + match self {
                Self::Migrate => 0,
                Self::Ledger => 1,
                Self::Outbox => 2,
                Self::AuditLog => 3,
            }
    }
}
