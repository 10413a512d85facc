//! Counts reads in memory and enters them into the ledger every second. A crash loses at most the last second, and
//! enters nothing twice.

use crate::error_chain::ErrorChain;
use crate::metadata::{LedgerStore, MetadataError};
use crate::model::caller::Caller;
use crate::model::dialect::Dialect;
use crate::model::ids::{KeyId, ProcessId, WorkspaceId};
use crate::model::ledger::{ReadOp, Reads};
use crate::model::purpose::Purpose;
use foldhash::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The interval of flushes.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// The key of a counter: one for each key, kind of read, purpose and dialect within a second.
type CounterKey = (WorkspaceId, KeyId, ReadOp, Option<Purpose>, Dialect);

/// The counter of reads.
#[derive(Debug)]
pub struct ReadCounter {
    metadata: Arc<dyn LedgerStore>,
    process: ProcessId,
    counts: Mutex<HashMap<CounterKey, (u64, u64)>>,
    batch: tokio::sync::Mutex<Batch>,
}

/// A batch that is being entered: the same rows under the same numbers until their commit is confirmed.
#[derive(Debug, Default)]
struct Batch {
    first_number: u64,
    reads: Vec<Reads>,
}

impl ReadCounter {
    /// Returns a counter of this process.
    #[must_use]
    pub fn new(metadata: Arc<dyn LedgerStore>, process: ProcessId) -> Self {
        Self { metadata, process, counts: Mutex::default(), batch: tokio::sync::Mutex::default() }
    }

    /// Counts a read.
    pub fn count(&self, caller: Caller, op: ReadOp, purpose: Option<Purpose>) {
        self.add(caller, op, purpose, 1, 0);
    }

    /// Counts bytes sent by a download.
    pub fn count_bytes(&self, caller: Caller, purpose: Purpose, bytes: u64) {
        self.add(caller, ReadOp::Content, Some(purpose), 0, bytes);
    }

    fn add(&self, caller: Caller, op: ReadOp, purpose: Option<Purpose>, count: u64, bytes: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = counts.entry((caller.workspace, caller.key, op, purpose, caller.dialect)).or_default();
        *entry = (entry.0 + count, entry.1 + bytes);
    }

    /// Flushes every second until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(FLUSH_INTERVAL) => {}
            }
            if let Err(error) = self.flush().await {
                tracing::warn!(error = %ErrorChain(&error), "read flush failed");
            }
        }
    }

    /// Enters the counted reads.
    ///
    /// # Errors
    /// When the store failed. The next call enters them.
    pub async fn flush(&self) -> Result<(), MetadataError> {
        let mut batch = self.batch.lock().await;
        if batch.reads.is_empty() {
            let counts = mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
            batch.reads = counts.into_iter().map(reads).collect();
        }
        if batch.reads.is_empty() {
            return Ok(());
        }
        self.metadata.add_reads(self.process, batch.first_number, batch.reads.clone()).await?;
        batch.first_number += batch.reads.len() as u64;
        batch.reads.clear();
        Ok(())
    }
}

fn reads(((workspace, key, op, purpose, dialect), (count, bytes)): (CounterKey, (u64, u64))) -> Reads {
    Reads { workspace, key, op, purpose, dialect, count, bytes }
}
