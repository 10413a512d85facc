//! Why a database cannot be opened.

use super::endpoint::BadUrl;
use super::failure::Failure;
use super::tls::TlsError;
use crate::metadata::migrations::SchemaError;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its URL cannot be used.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// TLS cannot be spoken with it.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It does not answer, or not as it should.
    #[error(transparent)]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// The schema cannot be brought up to date.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The database would not keep what it acknowledges.
    #[error("the database would not be durable: {0}")]
    NotDurable(String),
    /// The server is not one that this program knows how to use.
    #[error("the database cannot be used: {0}")]
    Unusable(String),
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(Box::new(failure))
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::from(error).into()
    }
}

/// Why a schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// It is not one that this program can use.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// PostgreSQL refused.
    #[error("the schema cannot be brought up to date")]
    Postgres(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for MigrationError {
    fn from(failure: Failure) -> Self {
        Self::Postgres(Box::new(failure))
    }
}

impl From<tokio_postgres::Error> for MigrationError {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::from(error).into()
    }
}
