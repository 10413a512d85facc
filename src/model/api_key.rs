//! API keys: `vk_` for a workspace or `vka_` for the administration, 30 random base62 digits, and 6 digits of CRC-32 over
//! what precedes (docs/design/billing.md, section 6).
//!
//! The checksum lets a scanner or a server tell a mistyped key without a database; the store keeps a SHA-256 only.

use super::base62;
use super::ids::{KeyId, WorkspaceId};
use super::limits::LimitsInForce;
use super::scope::Scopes;
use crc_fast::CrcAlgorithm;
use sha2::{Digest, Sha256};
use std::fmt;
use std::ops::RangeInclusive;

/// Random base62 digits of a key: 178 bits.
pub const KEY_RANDOM_DIGITS: usize = 30;
const CHECKSUM_DIGITS: usize = 6;

/// How many seconds a secret may live on after a newer one was made: up to 30 days.
pub const OVERLAP_SECONDS: RangeInclusive<u64> = 0..=30 * 86_400;
/// How many it does when nobody says otherwise: a day.
pub const DEFAULT_OVERLAP_SECONDS: u64 = 86_400;
/// How many seconds a key may be valid: up to a hundred years of 366 days.
pub const VALID_SECONDS: RangeInclusive<u64> = 1..=100 * 366 * 86_400;

/// How exactly it is known when a key was used last, in seconds.
pub const USED_SECONDS: u64 = 60;

/// What the secret of a key begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `vk_`: it opens a workspace.
    Workspace,
    /// `vka_`: it opens the administration.
    Admin,
}

impl KeyKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Workspace => "vk_",
            Self::Admin => "vka_",
        }
    }
}

/// The secret of a key. It shows itself only when asked to, never in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

/// SHA-256 of a whole secret: how a key is kept and looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub [u8; 32]);

/// The text is no key: wrong prefix, length, digits or checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed key")]
pub struct MalformedKey;

impl KeySecret {
    /// The key of these digits; a byte that is no base62 digit would make it unreadable.
    #[must_use]
    pub fn from_digits(kind: KeyKind, random: [u8; KEY_RANDOM_DIGITS]) -> Self {
        let mut text = String::from(kind.prefix());
        text.extend(random.map(char::from));
        let checksum = checksum(&text);
        text.extend(checksum.map(char::from));
        Self(text)
    }

    /// Reads a key as a client sent it.
    ///
    /// # Errors
    /// When it is not well-formed; no store need be asked then.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let kinds = [KeyKind::Workspace, KeyKind::Admin];
        let digits = kinds.into_iter().find_map(|kind| text.strip_prefix(kind.prefix())).ok_or(MalformedKey)?;
        let well_formed = digits.len() == KEY_RANDOM_DIGITS + CHECKSUM_DIGITS
            && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !well_formed {
            return Err(MalformedKey);
        }
        let (body, sent) = text.split_at(text.len() - CHECKSUM_DIGITS);
        if checksum(body).as_slice() == sent.as_bytes() { Ok(Self(text.to_owned())) } else { Err(MalformedKey) }
    }

    /// What it begins with.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        if self.0.starts_with(KeyKind::Admin.prefix()) { KeyKind::Admin } else { KeyKind::Workspace }
    }

    /// The secret itself: for the one moment in which it is shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store keeps in its place.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// A form that people can tell keys by: `vk_a1B2...9xYz`.
    #[must_use]
    pub fn redacted(&self) -> String {
        let head = self.0.get(..self.kind().prefix().len() + 4).unwrap_or_default();
        let tail = self.0.get(self.0.len() - 4..).unwrap_or_default();
        format!("{head}...{tail}")
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeySecret")
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeyDigest")
    }
}

fn checksum(body: &str) -> [u8; CHECKSUM_DIGITS] {
    base62::encode(u128::from(crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, body.as_bytes())))
}

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// A workspace, as far as the scopes go.
    Workspace(WorkspaceId, Scopes),
    /// The administration of the installation, and no workspace's Files.
    Administration,
}

impl Opens {
    /// The workspace, if it is one.
    #[must_use]
    pub const fn workspace(self) -> Option<WorkspaceId> {
        match self {
            Self::Workspace(workspace, _) => Some(workspace),
            Self::Administration => None,
        }
    }

    /// The scopes, if it opens a workspace.
    #[must_use]
    pub const fn scopes(self) -> Option<Scopes> {
        match self {
            Self::Workspace(_, scopes) => Some(scopes),
            Self::Administration => None,
        }
    }

    /// What the secrets of such keys begin with.
    #[must_use]
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::Workspace(..) => KeyKind::Workspace,
            Self::Administration => KeyKind::Admin,
        }
    }
}

/// A key as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id; its second is the key's `created_at`.
    pub id: KeyId,
    /// What it opens.
    pub opens: Opens,
    /// What its owner calls it.
    pub name: String,
    /// How people tell its newest secret from others.
    pub redacted: String,
    /// The second, in Unix time, from which on it is refused.
    pub expires_at: Option<u64>,
    /// The second, in Unix time, at which it was revoked.
    pub revoked_at: Option<u64>,
    /// When it was last used, in Unix time and to the minute.
    pub last_used_at: Option<u64>,
}

/// Whether a key opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl KeyStatus {
    /// Its name in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl ApiKey {
    /// Whether the key opens anything at this second.
    #[must_use]
    pub fn status(&self, now_seconds: u64) -> KeyStatus {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, Some(expires_at)) if expires_at <= now_seconds => KeyStatus::Expired,
            (None, _) => KeyStatus::Active,
        }
    }
}

/// A key as it is found by one of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The key.
    pub key: ApiKey,
    /// The second, in Unix time, from which on this secret is refused, because the key has a newer one.
    pub retires_at: Option<u64>,
    /// The workspace was archived.
    pub archived: bool,
    /// What may be done with it at most.
    pub limits: LimitsInForce,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_documented_one() {
        let key = KeySecret::from_digits(KeyKind::Workspace, [b'0'; KEY_RANDOM_DIGITS]);
        assert_eq!(key.expose(), "vk_00000000000000000000000000000000R6IX");
        assert_eq!(KeySecret::parse(key.expose()), Ok(key));
    }

    #[test]
    fn a_changed_digit_is_noticed() {
        let key = KeySecret::from_digits(KeyKind::Admin, *b"a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5");
        for at in key.kind().prefix().len()..key.0.len() {
            let mut bytes = key.0.clone().into_bytes();
            bytes[at] = if bytes[at] == b'z' { b'y' } else { b'z' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(KeySecret::parse(&changed), Err(MalformedKey), "{changed}");
        }
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        for (kind, prefix) in [(KeyKind::Workspace, "vk_"), (KeyKind::Admin, "vka_")] {
            let key = KeySecret::from_digits(kind, [b'x'; KEY_RANDOM_DIGITS]);
            assert_eq!((key.kind(), format!("{key:?}")), (kind, "KeySecret".to_owned()));
            assert!(key.redacted().starts_with(&format!("{prefix}xxxx...")));
            assert_eq!(key.redacted().len(), prefix.len() + 11);
        }
    }
}
