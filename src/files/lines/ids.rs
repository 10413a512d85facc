//! Finds repeated `custom_id`s of a batch file.

use super::fault::{Fault, MAX_BATCH_REQUESTS};
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

/// The ids as keyed 64-bit hashes, with their lines: 13 bytes each, less than 1 MiB for a whole batch with the table's
/// reserve. Two different ids of one file collide once in 10^10 whole batches. Nobody can choose colliding ids, since
/// the hash key is random.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// Hashes as bytes, which need no padding beside a line.
    lines: HashMap<[u8; 8], u32>,
    hasher: RandomState,
    requests: u64,
}

impl Ids {
    /// Adds the id of the request in a line, numbered from 1.
    ///
    /// # Errors
    /// When an earlier request has the same id, or there are too many requests.
    pub(super) fn add(&mut self, id: &[u8], line: u64) -> Result<(), Fault> {
        self.requests += 1;
        if self.requests > MAX_BATCH_REQUESTS {
            return Err(Fault::TooMany);
        }
        match self.lines.entry(self.hasher.hash_one(id).to_ne_bytes()) {
            Entry::Occupied(first) => Err(Fault::RepeatedId(*first.get())),
            Entry::Vacant(empty) => {
                // A batch file has fewer lines than this, since it has at most `MAX_BATCH_FILE_BYTES`.
                empty.insert(u32::try_from(line).unwrap_or(u32::MAX));
                Ok(())
            }
        }
    }
}
