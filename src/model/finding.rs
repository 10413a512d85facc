//! The findings of fsck and scrub.

use super::blob::BlobOwner;
use super::ids::BlobId;
use std::fmt;

/// An inconsistency or damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A ready blob is missing.
    MissingBlob {
        /// The blob.
        blob: BlobId,
        /// The File or Upload that has it; none when it was released meanwhile.
        owner: Option<BlobOwner>,
    },
    /// A blob differs in length from its row.
    WrongSize {
        /// The blob.
        blob: BlobId,
        /// The File or Upload that has it; none when it was released meanwhile.
        owner: Option<BlobOwner>,
        /// The length in its row, in bytes.
        size_bytes: u64,
        /// The length in the blob store, in bytes.
        found_bytes: u64,
    },
    /// A blob's bytes do not match its checksums.
    DamagedBlob {
        /// The blob.
        blob: BlobId,
        /// The File or Upload that has it; none when it was released meanwhile.
        owner: Option<BlobOwner>,
        /// The difference from its row.
        why: &'static str,
    },
    /// A blob has no row.
    OrphanBlob {
        /// The blob.
        blob: BlobId,
    },
    /// A name in the blob store is not the name of a blob.
    StrayFile {
        /// The name, below the folder of blobs.
        name: String,
    },
    /// A blob without a row was quarantined.
    Quarantined {
        /// Its name in the quarantine.
        name: String,
    },
    /// Rows and blobs do not belong together.
    Mismatched {
        /// The relation of their stamps.
        how: String,
    },
    /// A ready blob belongs to no File or part, or to several.
    Unowned {
        /// The blob.
        blob: BlobId,
        /// The number of Files and parts that have it.
        owners: u64,
    },
    /// A File or part has a blob that is not ready.
    Dangling {
        /// The File or part.
        owner: BlobOwner,
    },
    /// A part is kept although its File or Upload is gone, and nothing will release it.
    LeftPart {
        /// The part, or the File.
        part: BlobOwner,
    },
    /// An idempotent response is kept for a workspace that is gone.
    LostAnswer {
        /// The id of the workspace.
        workspace: String,
    },
    /// The quota counters of a workspace differ from its Files and pending Uploads.
    WrongTotal {
        /// The id of the workspace.
        workspace: String,
    },
    /// The part counters of a pending Upload differ from its parts.
    WrongParts {
        /// The Upload.
        upload: BlobOwner,
    },
    /// The ledger misses the creation or the end of a File.
    Unmetered {
        /// The File.
        file: BlobOwner,
    },
    /// The hourly cache differs from the ledger.
    WrongRollup {
        /// The number of different hours.
        hours: u64,
    },
    /// The parts of a File do not add up to its length.
    WrongSum {
        /// The File.
        file: BlobOwner,
    },
}

impl Finding {
    /// Returns its name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MissingBlob { .. } => "missing_blob",
            Self::WrongSize { .. } => "wrong_size",
            Self::DamagedBlob { .. } => "damaged_blob",
            Self::OrphanBlob { .. } => "orphan_blob",
            Self::StrayFile { .. } => "stray_file",
            Self::Quarantined { .. } => "quarantined_blob",
            Self::Mismatched { .. } => "mismatched_stores",
            Self::Unowned { .. } => "unowned_blob",
            Self::Dangling { .. } => "dangling_file",
            Self::LeftPart { .. } => "left_part",
            Self::LostAnswer { .. } => "lost_answer",
            Self::WrongTotal { .. } => "wrong_total",
            Self::WrongParts { .. } => "wrong_parts",
            Self::Unmetered { .. } => "unmetered_file",
            Self::WrongRollup { .. } => "wrong_rollup",
            Self::WrongSum { .. } => "wrong_sum",
        }
    }

    /// Returns the blob that it is about.
    #[must_use]
    pub const fn blob(&self) -> Option<BlobId> {
        match self {
            Self::MissingBlob { blob, .. }
            | Self::WrongSize { blob, .. }
            | Self::DamagedBlob { blob, .. }
            | Self::OrphanBlob { blob }
            | Self::Unowned { blob, .. } => Some(*blob),
            _ => None,
        }
    }

    /// Returns the File, Upload or part that it is about.
    #[must_use]
    pub const fn owner(&self) -> Option<&BlobOwner> {
        match self {
            Self::MissingBlob { owner, .. } | Self::WrongSize { owner, .. } | Self::DamagedBlob { owner, .. } => {
                owner.as_ref()
            }
            Self::Dangling { owner: found }
            | Self::LeftPart { part: found }
            | Self::WrongParts { upload: found }
            | Self::Unmetered { file: found }
            | Self::WrongSum { file: found } => Some(found),
            _ => None,
        }
    }

    /// Returns the id of the workspace that it is about.
    #[must_use]
    pub fn workspace(&self) -> Option<String> {
        match self {
            Self::LostAnswer { workspace } | Self::WrongTotal { workspace } => Some(workspace.clone()),
            other => other.owner().map(|owner| owner.workspace.to_string()),
        }
    }
}

impl fmt::Display for BlobOwner {
    /// Writes `FILE in WORKSPACE`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {}", self.id, self.workspace)
    }
}

/// The owner, displayed as ` of FILE in WORKSPACE`; empty without one.
struct Of<'a>(Option<&'a BlobOwner>);

impl fmt::Display for Of<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |owner| write!(out, " of {owner}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingBlob { blob, owner } => write!(out, "blob {blob}{} is missing", Of(owner.as_ref())),
            Self::WrongSize { blob, owner, size_bytes, found_bytes } => {
                write!(out, "blob {blob}{} has {found_bytes} bytes, not {size_bytes}", Of(owner.as_ref()))
            }
            Self::DamagedBlob { blob, owner, why } => {
                write!(out, "blob {blob}{} is damaged: {why}", Of(owner.as_ref()))
            }
            Self::OrphanBlob { blob } => write!(out, "blob {blob} has no row"),
            Self::StrayFile { name } => write!(out, "{name} is no blob"),
            Self::Quarantined { name } => write!(out, "{name} is in quarantine"),
            Self::Mismatched { how } => out.write_str(how),
            Self::Unowned { blob, owners } => {
                write!(out, "blob {blob} is ready and belongs to {owners} files or parts")
            }
            Self::Dangling { owner } => write!(out, "{owner} has a blob that is not ready"),
            Self::LeftPart { part } => {
                write!(out, "{part} is kept for a file or upload that is gone, and nothing releases it")
            }
            Self::LostAnswer { workspace } => write!(out, "an answer is kept for {workspace}, which is not there"),
            Self::WrongTotal { workspace } => {
                write!(out, "the files and uploads of {workspace} do not add up to its totals")
            }
            Self::WrongParts { upload } => write!(out, "the parts of {upload} do not add up to the totals of its row"),
            Self::Unmetered { file } => write!(out, "the ledger differs from the creation or the end of {file}"),
            Self::WrongRollup { hours } => {
                write!(out, "{hours} hours of the cache of usage are not what the ledger says")
            }
            Self::WrongSum { file } => write!(out, "the parts of {file} do not add up to its length"),
        }
    }
}
