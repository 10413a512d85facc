//! Errors of the database, without the content of rows and URLs.
//!
//! The errors of the driver carry the content of rows. They do not leave this file.

use crate::metadata::error::MetadataError;
use std::io;
use std::sync::Arc;
use tokio_postgres::error::{DbError, Error as DriverError, SqlState};

/// The parts of a database error that may be logged.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} ({severity} {code})")]
pub struct Said {
    severity: String,
    code: String,
    message: String,
}

/// The reason why a statement has no result.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The database refused the statement.
    #[error("{1}")]
    Refused(SqlState, Said),
    /// The server is read-only: it is a standby, or an operator stopped writers. Nothing was written.
    #[error("the database takes no writes: {0}")]
    ReadOnly(String),
    /// No connection could be made.
    #[error("no connection to the database: {0}")]
    NotConnected(String),
    /// The connection failed or was lost.
    #[error("the connection to the database is lost: {0}")]
    Lost(String),
    /// A timeout passed.
    #[error("the database did not answer in time")]
    Late,
    /// Too many operations of the workspace wait already.
    #[error("too many operations of the workspace wait for the database")]
    Crowded,
    /// A row has an unexpected value.
    #[error("a row cannot be read: {0}")]
    Unreadable(String),
}

impl Failure {
    /// Returns whether the transaction must be repeated: a serialization failure, a deadlock, or a statement after
    /// either.
    pub(super) fn is_conflict(&self) -> bool {
        let again =
            [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::IN_FAILED_SQL_TRANSACTION];
        matches!(self, Self::Refused(code, _) if again.contains(code))
    }

    /// Returns whether the connection is lost and another may work.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Refused(code, _) => ends_sessions(code),
            Self::NotConnected(_) | Self::Late | Self::Crowded | Self::ReadOnly(_) | Self::Unreadable(_) => false,
        }
    }

    /// Returns whether a timeout of this program or of the database ended the statement.
    pub(super) fn is_late(&self) -> bool {
        match self {
            Self::Late => true,
            Self::Refused(code, _) => *code == SqlState::QUERY_CANCELED,
            Self::NotConnected(_) | Self::Lost(_) | Self::ReadOnly(_) | Self::Unreadable(_) | Self::Crowded => false,
        }
    }

    /// Returns whether the error is a violation of a unique key.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Self::Refused(code, _) if *code == SqlState::UNIQUE_VIOLATION)
    }
}

/// The cause by which the driver names a missing password.
const NO_PASSWORD: &str = "password missing";

impl Failure {
    /// Adds the address of the server to the reason why a connection could not be made.
    pub(super) fn at(self, address: &impl std::fmt::Display) -> Self {
        match self {
            Self::Lost(why) | Self::NotConnected(why) => Self::NotConnected(format!("{address}: {why}")),
            other => other,
        }
    }

    /// Returns why a connection could not be made. Errors of this stage carry no content of rows.
    pub(super) fn of_connecting(error: DriverError) -> Self {
        if error.as_db_error().is_some() {
            return error.into();
        }
        match std::error::Error::source(&error) {
            Some(cause) if cause.to_string() == NO_PASSWORD => Self::NotConnected(
                "the server asks for a password: set it in metadata_url, in PGPASSWORD, or in a password file \
                 (PGPASSFILE, or passfile= in metadata_url)"
                    .to_owned(),
            ),
            Some(cause) if cause.is::<io::Error>() => Self::Lost(cause.to_string()),
            Some(cause) => Self::NotConnected(format!("{error}: {cause}")),
            None => Self::NotConnected(error.to_string()),
        }
    }
}

/// Returns whether the server closes the connection after this error, or has not opened it.
fn ends_sessions(code: &SqlState) -> bool {
    let ended = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    ended.contains(code) || code.code().starts_with("08")
}

impl From<&DbError> for Said {
    /// Leaves out the details, which repeat the content of rows.
    fn from(error: &DbError) -> Self {
        Self {
            severity: error.severity().to_owned(),
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
        }
    }
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        if let Some(said) = error.as_db_error() {
            if *said.code() == SqlState::READ_ONLY_SQL_TRANSACTION {
                return Self::ReadOnly(said.message().to_owned());
            }
            return Self::Refused(said.code().clone(), said.into());
        }
        let io = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
        match io {
            Some(cause) => Self::Lost(cause.to_string()),
            None if error.is_closed() => Self::Lost("it was closed".to_owned()),
            None => Self::Unreadable(error.to_string()),
        }
    }
}

impl From<Failure> for MetadataError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(ref code, _) if *code == SqlState::DISK_FULL => Self::OutOfSpace(Arc::new(failure)),
            Failure::Refused(ref code, _) if is_mistake(code) => Self::Broken(Arc::new(failure)),
            Failure::Unreadable(_) => Self::Broken(Arc::new(failure)),
            Failure::Crowded => Self::Crowded(Arc::new(failure)),
            Failure::ReadOnly(_) => Self::ReadOnly(Arc::new(failure)),
            Failure::Refused(..) | Failure::NotConnected(_) | Failure::Lost(_) | Failure::Late => {
                Self::Unavailable(Arc::new(failure))
            }
        }
    }
}

/// Returns whether the error is a mistake of this program (syntax, data) or damage of the database.
fn is_mistake(code: &SqlState) -> bool {
    ["22", "42", "XX"].iter().any(|class| code.code().starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_may_be_tried_again_and_what_is_late_may_not() {
        assert!(Failure::Lost("x".into()).is_lost());
        assert!(!Failure::Late.is_lost() && !Failure::Late.is_conflict());
        assert!(ends_sessions(&SqlState::CRASH_SHUTDOWN) && ends_sessions(&SqlState::CONNECTION_FAILURE));
        assert!(!ends_sessions(&SqlState::UNIQUE_VIOLATION));
        assert!(is_mistake(&SqlState::UNDEFINED_TABLE) && !is_mistake(&SqlState::LOCK_NOT_AVAILABLE));
    }
}
