//! The verbs of archives: holding what a snapshot shows, and copying blobs from store to store.
//!
//! A copy is checked twice: block by block as it is read, and as a whole once it is durable in its new place. What is
//! damaged is told and left out; it keeps nothing else from being copied. What an older copy has is taken over once its
//! bytes were compared. The wiring of floor 5 is the only caller.

mod copy;
mod hold;
mod reuse;

pub use copy::{Copied, CopyError, complete_blobs, copy_blobs};
pub use hold::{Hold, HoldLost};
pub use reuse::{Reused, reuse_blobs};
