//! Requests that may be repeated: `Idempotency-Key` (docs/contract.md, section 10).

use super::caller::Refused;
use super::digest::Sha256Digest;
use super::ids::WorkspaceId;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// The longest key, in characters.
pub const MAX_KEY_CHARS: usize = 255;
/// How long an answer is given again, in seconds.
pub const REMEMBERED_SECONDS: u64 = 86_400;

/// What a client calls its request: 1 to [`MAX_KEY_CHARS`] visible characters of ASCII, or spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key, or nothing when the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_KEY_CHARS).contains(&text.len());
        (fits && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose keys they are: a key means one request of its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnswerScope {
    /// The keys of a workspace.
    Workspace(WorkspaceId),
    /// The administrators of the installation.
    Organization,
}

impl AnswerScope {
    /// What stands for [`Self::Organization`] where a workspace is written; no workspace has such an id.
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

/// Writes the answer to a change that was made: the bytes that are kept, to be answered again.
#[derive(Clone)]
pub struct WriteAnswer<T>(Arc<Write<T>>);

type Write<T> = dyn Fn(&T) -> Vec<u8> + Send + Sync;

impl<T> WriteAnswer<T> {
    /// Writes by this function.
    #[must_use]
    pub fn new(write: impl Fn(&T) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// Writes the answer to what was made.
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

/// What tells a request from another: its fields, put together one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// A request without any field yet.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Self {
        Self([0; 32]).with("method", method).with("path", path)
    }

    /// The request has this field. The order counts, so that it is the server's and not the client's.
    #[must_use]
    pub fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let texts = [name.as_bytes(), value.as_ref()];
        let digest = texts.into_iter().fold(Sha256::new_with_prefix(self.0), |digest, text| {
            digest.chain_update((text.len() as u64).to_be_bytes()).chain_update(text)
        });
        Self(digest.finalize().into())
    }

    /// The digest of all that was put in.
    #[must_use]
    pub const fn finish(self) -> [u8; 32] {
        self.0
    }
}

/// A change that is made once, however often it is asked for under its key.
#[derive(Clone, Debug)]
pub struct Once<T> {
    /// What the client calls the request.
    pub key: IdempotencyKey,
    /// What the request is.
    pub request: RequestDigest,
    /// The answer that is given now and again.
    pub answer: WriteAnswer<T>,
}

impl<T> Once<T> {
    /// The request has content of this SHA-256.
    #[must_use]
    pub fn with_content(self, sha256: Sha256Digest) -> Self {
        Self { request: self.request.with("sha256", sha256.0), ..self }
    }
}

/// What came of a change that may have been made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<T> {
    /// It is made now.
    Made(T),
    /// It was made before, and this was answered.
    Replayed(Vec<u8>),
    /// Something else was asked for under this key.
    KeyReused,
    /// It may not be made.
    Refused(Refused),
}

impl<T> Effect<T> {
    /// Looks closer at what was made.
    ///
    /// # Errors
    /// What `look` finds.
    pub fn and_then<U, E>(self, look: impl FnOnce(T) -> Result<U, E>) -> Result<Effect<U>, E> {
        Ok(match self {
            Self::Made(made) => Effect::Made(look(made)?),
            Self::Replayed(answer) => Effect::Replayed(answer),
            Self::KeyReused => Effect::KeyReused,
            Self::Refused(refused) => Effect::Refused(refused),
        })
    }

    /// Returns what a change without a key has made; none where it was not made now.
    #[must_use]
    pub fn made(self) -> Option<T> {
        match self {
            Self::Made(made) => Some(made),
            Self::Replayed(_) | Self::KeyReused | Self::Refused(_) => None,
        }
    }

    /// Whether it is made now.
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
