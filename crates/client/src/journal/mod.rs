//! The journal of uploads under way: a folder with one small file for each, so that a killed upload goes on.
//!
//! A record is written durably before the first byte is sent, and replaced by rename. It holds no key of the server
//! and no content. The record of a finished upload stays until its run ends: a run over many files, killed and run
//! again, sends no finished file twice.

mod entry;
mod folder;
mod lock;
mod record;
mod run;

pub(crate) use entry::Entry;
pub use folder::Journal;
pub(crate) use folder::name_of;
pub(crate) use record::{Fields, FinishedPart, Record};
pub use run::Run;
