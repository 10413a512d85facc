//! The record of one upload.

use super::folder::read_bytes;
use crate::checksum::hex;
use crate::error::ClientError;
use crate::files::FileObject;
use crate::local_file::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The length of an `Idempotency-Key`, in random bytes.
const KEY_BYTES: usize = 16;

/// The identity of an upload's request: an upload goes on only with equal fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fields {
    pub(crate) version: Version,
    pub(crate) filename: String,
    pub(crate) expires_after_seconds: Option<u64>,
    /// The size of all parts but the last, in bytes.
    pub(crate) part_bytes: u64,
}

/// The state of an upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) fields: Fields,
    /// The beginning of its `Idempotency-Key`s.
    key: String,
    /// The id of the Upload, once the server has one.
    pub(crate) upload_id: Option<String>,
    /// The finished parts by their number, from 0.
    pub(crate) parts: BTreeMap<u64, FinishedPart>,
    /// The File, once the upload is finished.
    pub(crate) file: Option<FileObject>,
    /// The run in which the upload was finished.
    pub(crate) run: Option<String>,
}

/// A part that the server has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FinishedPart {
    pub(crate) id: String,
    /// The server stated the SHA-256 of the part, and it is that of the local bytes.
    pub(crate) is_compared: bool,
}

impl Record {
    pub(super) fn new(fields: Fields) -> Result<Self, ClientError> {
        let key = random_text()?;
        Ok(Self { fields, key, upload_id: None, parts: BTreeMap::new(), file: None, run: None })
    }

    /// Reads a record; none if there is none or it is not one of this version.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        Ok(read_bytes(path)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Returns the `Idempotency-Key` of a request of this upload. Each request has a name of its own.
    pub(crate) fn key(&self, request: &str) -> String {
        format!("{}-{request}", self.key)
    }
}

/// Returns a random text.
pub(super) fn random_text() -> Result<String, ClientError> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| ClientError::Setup(format!("no random bytes: {error}")))?;
    Ok(hex(&bytes))
}
