//! Idempotent requests: `Idempotency-Key` (docs/contract.md, section 10).

use super::caller::Refused;
use super::digest::Sha256Digest;
use super::ids::{LinkId, WorkspaceId};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// The longest key, in characters.
pub const MAX_KEY_CHARS: usize = 255;
/// The time that a response is replayed, in seconds.
pub const REMEMBERED_SECONDS: u64 = 86_400;

/// The value of `Idempotency-Key`: 1 to [`MAX_KEY_CHARS`] visible ASCII characters or spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Parses a key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_KEY_CHARS).contains(&text.len());
        (fits && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// Returns the key of the uploads by a link. No client can send it: it has a tab.
    #[must_use]
    pub fn of_link(link: LinkId) -> Self {
        Self(format!("link\t{link}"))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The scope of a key. A key names one request within its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnswerScope {
    /// A workspace.
    Workspace(WorkspaceId),
    /// The administrators of the installation.
    Organization,
}

impl AnswerScope {
    /// The stored form of [`Self::Organization`]; no workspace has such an id.
    pub const ORGANIZATION: &'static str = "organization";
}

impl fmt::Display for AnswerScope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(workspace) => workspace.fmt(out),
            Self::Organization => out.write_str(Self::ORGANIZATION),
        }
    }
}

/// A function that writes the response to a change, which is stored and replayed.
#[derive(Clone)]
pub struct WriteAnswer<T>(Arc<Write<T>>);

type Write<T> = dyn Fn(&T) -> Vec<u8> + Send + Sync;

impl<T> WriteAnswer<T> {
    /// Wraps a function.
    #[must_use]
    pub fn new(write: impl Fn(&T) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// Writes the response to a change.
    #[must_use]
    pub fn write(&self, made: &T) -> Vec<u8> {
        (self.0)(made)
    }
}

impl<T> fmt::Debug for WriteAnswer<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("WriteAnswer")
    }
}

/// A digest of a request's fields, which tells requests apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// Returns the digest of a method and a path.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Self {
        Self([0; 32]).with("method", method).with("path", path)
    }

    /// Adds a field. The order counts, so the server fixes it.
    #[must_use]
    pub fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let texts = [name.as_bytes(), value.as_ref()];
        let digest = texts.into_iter().fold(Sha256::new_with_prefix(self.0), |digest, text| {
            digest.chain_update((text.len() as u64).to_be_bytes()).chain_update(text)
        });
        Self(digest.finalize().into())
    }

    /// Returns the digest of all fields.
    #[must_use]
    pub const fn finish(self) -> [u8; 32] {
        self.0
    }
}

/// The idempotency of a change: its key, its request and its response.
#[derive(Clone, Debug)]
pub struct Idempotency<T> {
    /// The key that the client chose.
    pub key: IdempotencyKey,
    /// The digest of the request.
    pub request: RequestDigest,
    /// The writer of the response.
    pub answer: WriteAnswer<T>,
}

impl<T> Idempotency<T> {
    /// Adds the SHA-256 of the request's content.
    #[must_use]
    pub fn with_content(self, sha256: Sha256Digest) -> Self {
        Self { request: self.request.with("sha256", sha256.0), ..self }
    }
}

/// The outcome of an idempotent change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdempotentOutcome<T> {
    /// The change was made now.
    Made(T),
    /// The change was made before, with this response.
    Replayed(Vec<u8>),
    /// The key was used for another request.
    KeyReused,
    /// The change was refused.
    Refused(Refused),
}

impl<T> IdempotentOutcome<T> {
    /// Applies `look` to a change that was made now.
    ///
    /// # Errors
    /// The error of `look`.
    pub fn and_then<U, E>(self, look: impl FnOnce(T) -> Result<U, E>) -> Result<IdempotentOutcome<U>, E> {
        Ok(match self {
            Self::Made(made) => IdempotentOutcome::Made(look(made)?),
            Self::Replayed(answer) => IdempotentOutcome::Replayed(answer),
            Self::KeyReused => IdempotentOutcome::KeyReused,
            Self::Refused(refused) => IdempotentOutcome::Refused(refused),
        })
    }

    /// Returns the change if it was made now.
    #[must_use]
    pub fn made(self) -> Option<T> {
        match self {
            Self::Made(made) => Some(made),
            Self::Replayed(_) | Self::KeyReused | Self::Refused(_) => None,
        }
    }

    /// Returns whether the change was made now.
    #[must_use]
    pub const fn is_made(&self) -> bool {
        matches!(self, Self::Made(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_short_visible_text() {
        for text in ["a", "8e03978e-40d5-43e8-bc93-6894a57f9324", "two words", &"k".repeat(255)] {
            assert_eq!(IdempotencyKey::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(IdempotencyKey::parse(IdempotencyKey::of_link(LinkId::next(None, 5, [5; 11])).as_str()), None);
        for text in ["", "\t", "\u{e9}", "a\u{7f}", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let digest = |fields: &[(&str, &str)]| {
            fields
                .iter()
                .fold(RequestDigest::of("POST", "/"), |digest, (name, value)| digest.with(name, value))
                .finish()
        };
        assert_eq!(digest(&[("a", "b")]), digest(&[("a", "b")]));
        assert_ne!(digest(&[("a", "bc")]), digest(&[("ab", "c")]));
        assert_ne!(digest(&[("a", "b"), ("c", "d")]), digest(&[("a", "bcd")]));
    }
}
