//! The domain types, as pure data.
//!
//! Nothing here does I/O, waits, or knows HTTP, SQL or a file system. Every layer above may use it.

pub mod adjustment;
pub mod api_key;
pub mod audit;
pub mod base62;
pub mod blob;
pub mod byte_range;
pub mod caller;
pub mod chosen_name;
pub mod clock_jump;
pub mod dialect;
pub mod digest;
pub mod expiry;
pub mod export;
pub mod file;
pub mod filename;
pub mod finding;
pub mod idempotency;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod link;
pub mod link_key;
pub mod mime_type;
pub mod outbox;
pub mod page;
pub mod person;
pub mod prices;
pub mod purpose;
pub mod scope;
pub mod scrub;
pub mod session;
pub mod stamp;
pub mod upload;
pub mod upload_session;
pub mod usage;
pub mod workspace;
