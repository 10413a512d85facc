//! The verbs of archives: holding what a snapshot shows, and copying blobs from store to store.
//!
//! A copy is checked twice: block by block as it is read, and as a whole once it is durable in its new place. What is
//! damaged is told and left out; it keeps nothing else from being copied. The wiring of floor 5 is the only caller.

mod copy;
mod hold;

pub use copy::{Copied, CopyError, copy_blobs};
pub use hold::{Hold, HoldLost};
