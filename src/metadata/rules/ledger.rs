//! The names of events of the ledger.

use crate::model::ids::{FileId, ProcessId};

/// Returns the event of a new File.
pub fn created_event(file: FileId) -> String {
    format!("st+:{file}")
}

/// Returns the event of the reads of this number of a process, which are entered once under it.
pub fn reads_event(process: ProcessId, number: u64) -> String {
    format!("rd:{process}:{number}")
}
