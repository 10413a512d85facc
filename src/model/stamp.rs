//! Stamps, which tell whether a metadata store and a blob store belong together.

use super::ids::InstallationId;
use std::fmt;
use std::str::FromStr;

/// The stamp of an installation, kept in both stores. The generation grows while the installation is in use, first in
/// the metadata store. So a metadata store with the smaller generation is an older copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The installation.
    pub installation: InstallationId,
    /// The number of times it was stamped.
    pub generation: u64,
}

/// The generation that only the metadata store may have, because the first start was cut off.
const FIRST_GENERATION: u64 = 1;

/// The relation of a metadata store and a blob store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorePairing {
    /// Both belong to one installation, and no blob is newer than the rows.
    Paired,
    /// The metadata store is new, the blob store is in use.
    Fresh,
    /// They belong to two installations.
    Foreign,
    /// The metadata store is an older copy.
    Older,
    /// The metadata store is in use, the blob store has no stamp: it is another one, or not mounted.
    Unstamped,
}

impl StorePairing {
    /// Compares the stamps of both stores.
    #[must_use]
    pub fn between(rows: Option<Stamp>, bytes: Option<Stamp>) -> Self {
        match (rows, bytes) {
            (Some(rows), Some(bytes)) if rows.installation != bytes.installation => Self::Foreign,
            (Some(rows), Some(bytes)) if rows.generation < bytes.generation => Self::Older,
            (Some(rows), None) if rows.generation > FIRST_GENERATION => Self::Unstamped,
            (None, Some(_)) => Self::Fresh,
            (Some(_), Some(_) | None) | (None, None) => Self::Paired,
        }
    }
}

impl StorePairing {
    /// Corrects the relation: without the ledger row that was noted beside the bytes, the metadata store is an older
    /// copy.
    #[must_use]
    pub const fn with_event(self, has_event: bool) -> Self {
        match self {
            Self::Paired if !has_event => Self::Older,
            pairing => pairing,
        }
    }
}

impl fmt::Display for StorePairing {
    /// Formats a sentence for the operator.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Paired => "metadata and blobs belong together",
            Self::Fresh => "the metadata is new and the blobs are not",
            Self::Foreign => "metadata and blobs are of two installations",
            Self::Older => "the metadata is an older copy than the blobs",
            Self::Unstamped => "the metadata is of an installation in use, and its blobs are not where blobs_url says",
        })
    }
}

/// The text is not a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed stamp")]
pub struct MalformedStamp;

impl Stamp {
    /// Returns whether this is a later stamp of the same installation.
    #[must_use]
    pub fn follows(self, earlier: Self) -> bool {
        self.installation == earlier.installation && self.generation > earlier.generation
    }

    /// Returns the next stamp.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { generation: self.generation + 1, ..self }
    }
}

impl fmt::Display for Stamp {
    /// Formats the id, a space, and the generation.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.installation, self.generation)
    }
}

impl FromStr for Stamp {
    type Err = MalformedStamp;

    fn from_str(text: &str) -> Result<Self, MalformedStamp> {
        let (installation, generation) = text.trim_end().split_once(' ').ok_or(MalformedStamp)?;
        let generation = Some(generation).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        Ok(Self {
            installation: installation.parse().map_err(|_| MalformedStamp)?,
            generation: generation.and_then(|digits| digits.parse().ok()).ok_or(MalformedStamp)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_may_be_newer_than_blobs_and_not_older() {
        let stamp = Stamp { installation: InstallationId::new([7; 16]), generation: 41 };
        let other = Stamp { installation: InstallationId::new([8; 16]), ..stamp };
        let between = |rows, bytes| StorePairing::between(rows, bytes);
        assert_eq!(between(None, None), StorePairing::Paired);
        assert_eq!(between(Some(stamp), None), StorePairing::Unstamped);
        let first = Stamp { generation: FIRST_GENERATION, ..stamp };
        assert_eq!(between(Some(first), None), StorePairing::Paired, "the first start was cut off");
        assert_eq!(between(Some(stamp), Some(stamp)), StorePairing::Paired);
        assert_eq!(between(Some(stamp.next()), Some(stamp)), StorePairing::Paired);
        assert_eq!(between(Some(stamp), Some(stamp.next())), StorePairing::Older);
        assert_eq!(between(Some(other.next()), Some(stamp)), StorePairing::Foreign);
        assert_eq!(between(None, Some(stamp)), StorePairing::Fresh);
        assert_eq!(StorePairing::Paired.with_event(true), StorePairing::Paired);
        assert_eq!(StorePairing::Paired.with_event(false), StorePairing::Older);
        assert_eq!(StorePairing::Foreign.with_event(false), StorePairing::Foreign);
    }

    #[test]
    fn stamps_move_forward_within_an_installation() {
        let stamp = Stamp { installation: InstallationId::new([7; 16]), generation: 41 };
        let other = Stamp { installation: InstallationId::new([8; 16]), ..stamp };
        assert!(stamp.next().follows(stamp));
        assert!(!stamp.follows(stamp) && !stamp.follows(stamp.next()) && !other.next().follows(stamp));
    }

    #[test]
    fn a_stamp_reads_back() {
        let stamp = Stamp { installation: InstallationId::new([7; 16]), generation: 41 };
        assert_eq!(format!("{}\n", stamp.next()).parse(), Ok(Stamp { generation: 42, ..stamp }));
        for text in ["", "x 1", "07070707070707070707070707070707", "07070707070707070707070707070707 +1"] {
            assert_eq!(text.parse::<Stamp>(), Err(MalformedStamp), "{text:?}");
        }
    }
}
