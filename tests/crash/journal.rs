//! What the clients know. It lies in the memory of the test, which no power cut reaches.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use venna::model::digest::Sha256Digest;

/// Size and SHA-256 of a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub size: usize,
    pub sha256: String,
}

impl Content {
    pub fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len(), sha256: Sha256Digest(Sha256::digest(bytes).into()).to_string() }
    }
}

/// An Upload that was begun and not acknowledged as complete.
#[derive(Debug)]
pub struct OpenUpload {
    pub whole: Content,
    /// The parts that were acknowledged.
    pub parts: Vec<String>,
    /// Its completion was asked for.
    pub completing: bool,
    /// Its end was asked for.
    pub cancelling: bool,
}

/// Everything that was acknowledged, and what was asked for without an answer.
#[derive(Debug, Default)]
pub struct Journal {
    pub files: BTreeMap<String, Content>,
    /// Files whose delete was asked for and not answered: there, or not.
    pub doubtful: BTreeMap<String, Content>,
    pub deleted: BTreeSet<String>,
    /// Of the deleted ones, those that were not asked for since.
    pub just_deleted: Vec<String>,
    pub uploads: BTreeMap<String, OpenUpload>,
    pub tally: Tally,
    /// Requests that failed while servers were killed beside those that went on.
    pub failures: usize,
    /// What failed though nobody had struck yet.
    pub complaints: Vec<String>,
}

/// How much was acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub files: usize,
    pub completed: usize,
    pub parts: usize,
    pub deletes: usize,
}

impl Tally {
    pub const fn acknowledged(self) -> usize {
        self.files + self.completed + self.parts + self.deletes
    }
}

/// The journal of all writers.
pub type Shared = Arc<Mutex<Journal>>;
