//! What an inspection finds wrong.

use super::blob::BlobOwner;
use super::ids::BlobId;
use std::fmt;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A row says that a blob is ready, and it is not there.
    MissingBlob {
        /// The blob.
        blob: BlobId,
        /// The File or Upload that has it; none when nothing has it any more.
        owner: Option<BlobOwner>,
    },
    /// A blob has another length than its row says.
    WrongSize {
        /// The blob.
        blob: BlobId,
        /// The File or Upload that has it; none when nothing has it any more.
        owner: Option<BlobOwner>,
        /// What the row says, in bytes.
        size_bytes: u64,
        /// What is there, in bytes.
        found_bytes: u64,
    },
    /// A blob's bytes are not what was stored.
    DamagedBlob {
        /// The blob.
        blob: BlobId,
        /// The File or Upload that has it; none when nothing has it any more.
        owner: Option<BlobOwner>,
        /// The difference from its row.
        why: &'static str,
    },
    /// A blob is there that no row knows.
    OrphanBlob {
        /// The blob.
        blob: BlobId,
    },
    /// A file lies in the blob store that is no blob.
    StrayFile {
        /// Its name, below the folder of blobs.
        name: String,
    },
    /// A blob that no row knew was put aside.
    Quarantined {
        /// Its name in the quarantine.
        name: String,
    },
    /// Rows and blobs do not belong together.
    Mismatched {
        /// How they stand to each other.
        how: String,
    },
    /// A ready blob belongs to nothing, or to more than one thing.
    Unowned {
        /// The blob.
        blob: BlobId,
        /// How many Files and parts have it.
        owners: u64,
    },
    /// A File or part has a blob that is not ready.
    Dangling {
        /// The id of the File or part.
        owner: String,
    },
    /// A part is kept for a File or an Upload that is gone, and nothing will release it.
    LeftPart {
        /// The id of the part, or of the File.
        part: String,
    },
    /// An answer is kept for a workspace that is not there.
    LostAnswer {
        /// The id of the workspace.
        workspace: String,
    },
    /// The Files and pending Uploads of a workspace do not amount to what is counted against its quotas.
    WrongTotal {
        /// The id of the workspace.
        workspace: String,
    },
    /// The parts of a pending Upload do not amount to what its row says.
    WrongParts {
        /// The id of the Upload.
        upload: String,
    },
    /// The ledger does not say of a File what is true of it: that it is there, or when it ended.
    Unmetered {
        /// The id of the File.
        file: String,
    },
    /// The cache of the ledger by hours is not what the ledger says.
    WrongRollup {
        /// How many hours of it.
        hours: u64,
    },
    /// The blobs of a File that came in parts do not add up to its length.
    WrongSum {
        /// The id of the File.
        file: String,
    },
}

impl Finding {
    /// Its name in reports.
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

    /// Returns the blob of a File or Upload whose bytes are not what was stored, and what has it.
    #[must_use]
    pub const fn damaged(&self) -> Option<(BlobId, Option<&BlobOwner>)> {
        match self {
            Self::MissingBlob { blob, owner }
            | Self::WrongSize { blob, owner, .. }
            | Self::DamagedBlob { blob, owner, .. } => Some((*blob, owner.as_ref())),
            _ => None,
        }
    }
}

/// ` of FILE in WORKSPACE`, or nothing.
struct Of<'a>(Option<&'a BlobOwner>);

impl fmt::Display for Of<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |owner| write!(out, " of {} in {}", owner.id, owner.workspace))
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
            Self::Unmetered { file } => write!(out, "the ledger does not tell of {file} what is so"),
            Self::WrongRollup { hours } => {
                write!(out, "{hours} hours of the cache of usage are not what the ledger says")
            }
            Self::WrongSum { file } => write!(out, "the parts of {file} do not add up to its length"),
        }
    }
}
