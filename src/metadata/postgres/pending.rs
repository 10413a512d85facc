//! Operations that share a transaction with others of their workspace (`group_commit`).

use crate::model::caller::Caller;
use crate::model::file::{File, NewFile};
use crate::model::idempotency::Idempotency;
use crate::model::ids::FileId;

/// A create of a File.
#[derive(Debug)]
pub(super) struct PendingCreate {
    pub(super) caller: Caller,
    pub(super) new: NewFile,
    pub(super) once: Option<Idempotency<File>>,
}

/// A delete of a File.
#[derive(Debug)]
pub(super) struct PendingDelete {
    pub(super) caller: Caller,
    pub(super) file: FileId,
}
