//! Signed links: URLs that open one File, or make one, without a key, until they expire or are revoked.
//!
//! Everything that a link allows stands in its row, which never changes but for its use and its revocation.

use super::expiry::ExpiresAfter;
use super::filename::Filename;
use super::ids::{FileId, KeyId, LinkId, WorkspaceId};
use super::purpose::Purpose;
use super::scope::Scope;
use std::ops::RangeInclusive;

/// The bounds of the lifetime of a link, in seconds: a minute to a week.
pub const LINK_SECONDS: RangeInclusive<u64> = 60..=604_800;
/// The default lifetime of a link, in seconds: a day.
pub const DEFAULT_LINK_SECONDS: u64 = 86_400;
/// The maximum of links of a workspace that have neither expired nor been revoked.
pub const MAX_LIVE_LINKS: u32 = 10_000;
/// The time that the row of an expired link is kept, in seconds: 30 days.
pub const EXPIRED_LINK_KEPT_SECONDS: u64 = 30 * 86_400;

/// The disposition of the content of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// A browser saves the content.
    Attachment,
    /// A browser shows the content.
    Inline,
}

impl Disposition {
    /// Every disposition.
    pub const ALL: [Self; 2] = [Self::Attachment, Self::Inline];

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Inline => "inline",
        }
    }

    /// Returns the disposition of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|disposition| disposition.name() == name)
    }
}

/// The right that a link gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkGrant {
    /// `GET` and `HEAD` of the content of a File.
    Download(Download),
    /// One `PUT` that makes a File.
    Upload(UploadGrant),
}

/// The content that a link opens, and its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Download {
    /// The File.
    pub file: FileId,
    /// The media type of its content; none for octets.
    pub content_type: Option<&'static str>,
    /// The disposition of its content; none for an attachment.
    pub disposition: Option<Disposition>,
    /// The link opens the File once.
    pub one_time: bool,
}

/// The File that a link makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadGrant {
    /// Its name.
    pub filename: Filename,
    /// Its purpose.
    pub purpose: Purpose,
    /// The most that it may have, in bytes.
    pub max_bytes: u64,
    /// Its expiry; by default that of its workspace and purpose.
    pub expires_after: Option<ExpiresAfter>,
}

impl LinkGrant {
    /// The names of the kinds.
    pub const KINDS: [&str; 2] = ["download", "upload"];

    /// Returns the name of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        let [download, upload] = Self::KINDS;
        match self {
            Self::Download(_) => download,
            Self::Upload(_) => upload,
        }
    }

    /// Returns the scope that the key of the link must have.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Download(_) => Scope::FilesRead,
            Self::Upload(_) => Scope::FilesWrite,
        }
    }

    /// Returns whether its first use is its last.
    #[must_use]
    pub const fn is_for_one_time(&self) -> bool {
        match self {
            Self::Download(download) => download.one_time,
            Self::Upload(_) => true,
        }
    }
}

/// A new link. The store adds its id.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// The right that it gives.
    pub grant: LinkGrant,
    /// Its lifetime, in seconds.
    pub valid_seconds: u64,
}

/// A link as the store records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its id; its second is the link's `created_at`.
    pub id: LinkId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The key that made it.
    pub key: KeyId,
    /// The right that it gives.
    pub grant: LinkGrant,
    /// The File that it opens, or that it made.
    pub file: Option<FileId>,
    /// The Unix second from which on it is refused.
    pub expires_at: u64,
    /// The Unix second of its first use.
    pub first_used_at: Option<u64>,
    /// The Unix second of its revocation.
    pub revoked_at: Option<u64>,
    /// The name of that File, while the workspace has it.
    pub file_name: Option<Filename>,
}

/// The state of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStatus {
    /// It opens its File, or makes one.
    Active,
    /// It was for one use, and was used.
    Used,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// Its File was deleted or has expired.
    FileDeleted,
}

impl LinkStatus {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Active, Self::Used, Self::Expired, Self::Revoked, Self::FileDeleted];

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::FileDeleted => "file_deleted",
        }
    }
}

impl Link {
    /// Returns the state of the link at `now_seconds`, not counting that of its key.
    #[must_use]
    pub fn status(&self, now_seconds: u64) -> LinkStatus {
        if self.revoked_at.is_some() {
            LinkStatus::Revoked
        } else if matches!(self.grant, LinkGrant::Download(_)) && self.file_name.is_none() {
            LinkStatus::FileDeleted
        } else if self.grant.is_for_one_time() && self.first_used_at.is_some() {
            LinkStatus::Used
        } else if self.expires_at <= now_seconds {
            LinkStatus::Expired
        } else {
            LinkStatus::Active
        }
    }
}

/// The workspace has [`MAX_LIVE_LINKS`] links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the workspace has {MAX_LIVE_LINKS} links, the most that it may have")]
pub struct TooManyLinks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_names_why_a_link_is_dead() {
        let file = FileId::next(None, 5, [5; 11]);
        let grant = |one_time| LinkGrant::Download(Download { file, content_type: None, disposition: None, one_time });
        let active = Link {
            id: LinkId::next(None, 5, [5; 11]),
            workspace: WorkspaceId::next(None, 5, [5; 11]),
            key: KeyId::next(None, 5, [5; 11]),
            grant: grant(false),
            file: Some(file),
            expires_at: 100,
            first_used_at: Some(50),
            revoked_at: None,
            file_name: Filename::parse("a").ok(),
        };
        let made = Link { grant: upload(), file: None, first_used_at: None, file_name: None, ..active.clone() };
        let of = |link: &Link| link.status(99);
        assert_eq!((of(&active), active.status(100)), (LinkStatus::Active, LinkStatus::Expired));
        assert_eq!(of(&Link { grant: grant(true), ..active.clone() }), LinkStatus::Used);
        assert_eq!(of(&Link { file_name: None, ..active.clone() }), LinkStatus::FileDeleted);
        assert_eq!(of(&Link { revoked_at: Some(60), file_name: None, ..active }), LinkStatus::Revoked);
        assert_eq!((of(&made), made.status(100)), (LinkStatus::Active, LinkStatus::Expired));
        assert_eq!(of(&Link { first_used_at: Some(50), file: Some(file), ..made }), LinkStatus::Used);
    }

    fn upload() -> LinkGrant {
        let filename = Filename::parse("out.jsonl").unwrap();
        LinkGrant::Upload(UploadGrant { filename, purpose: Purpose::Batch, max_bytes: 9, expires_after: None })
    }
}
