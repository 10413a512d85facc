//! Changes that share a transaction with others of their workspace (`group_commit`).

use crate::model::caller::Caller;
use crate::model::file::{File, NewFile};
use crate::model::idempotency::Idempotency;
use crate::model::ids::FileId;

/// A File that is to be created.
#[derive(Debug)]
pub(super) struct PendingCreate {
    pub(super) caller: Caller,
    pub(super) new: NewFile,
    pub(super) once: Option<Idempotency<File>>,
}

/// A File that is to be deleted.
#[derive(Debug)]
pub(super) struct PendingDelete {
    pub(super) caller: Caller,
    pub(super) file: FileId,
}
