//! The service of backups: it holds the bytes of a snapshot, and copies blobs between stores.
//!
//! A copy is verified block by block as it is read, and as a whole once it is durable. A damaged blob is reported and
//! skipped. Blobs of an older copy are reused after their bytes were compared. Only `app` calls it.

mod copy;
mod hold;
mod reuse;

pub use copy::{CopyError, CopyOutcome, complete_blobs, copy_blobs};
pub use hold::{Hold, HoldLost};
pub use reuse::{ReuseOutcome, reuse_blobs};
