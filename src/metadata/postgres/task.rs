//! Work that one server at a time does.

/// What one server at a time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Gives rows of the ledger their numbers, and takes them into the cache of usage.
    Ledger,
    /// Writes messages to the outside.
    Outbox,
    /// Brings the schema up to date.
    Migrate,
    /// Gives entries of the audit log their numbers.
    AuditLog,
}

impl Task {
    /// The number of its lock among the advisory locks of the database: "venna" and a digit, in ASCII.
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
