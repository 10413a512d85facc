//! Sessions of the console: their secret, their limits, and the tokens against forged requests.
//!
//! A session is a random secret of 256 bits in a cookie. The store keeps its SHA-256.

use super::api_key::KeyDigest;
use super::audit::Actor;
use super::ids::{SessionId, WorkspaceId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;

/// The number of random bytes of a secret.
pub const SECRET_BYTES: usize = 32;
/// The length of a secret as text, in characters of base64url.
const SECRET_CHARS: usize = 43;
/// The resolution of `last_used_at`, in seconds.
pub const TOUCH_SECONDS: u64 = 60;
/// The maximum of sessions of one key or person. A further sign-in ends the oldest one.
pub const MAX_SESSIONS_PER_ACTOR: u32 = 20;
/// The maximum of sessions of an installation. A further sign-in is refused.
pub const MAX_SESSIONS: u32 = 10_000;
/// The longest session id of an OpenID provider that is kept, in bytes.
pub const MAX_PROVIDER_SESSION_BYTES: usize = 255;
/// The domain separator of tokens against forged requests.
const CSRF_CONTEXT: &[u8] = b"venna: the CSRF token of a console session";

/// The secret of a session. Its `Debug` form hides it, so that no log shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret(String);

/// The SHA-256 of a secret, under which a session is stored and found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionDigest(pub [u8; 32]);

/// The text is not the secret of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed session secret")]
pub struct MalformedSecret;

impl SessionSecret {
    /// Returns the secret of these random bytes.
    #[must_use]
    pub fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Parses a secret as a browser sent it.
    ///
    /// # Errors
    /// When it is malformed. No store need be asked then.
    pub fn parse(text: &str) -> Result<Self, MalformedSecret> {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let well_formed = text.len() == SECRET_CHARS && text.bytes().all(is_base64);
        well_formed.then(|| Self(text.to_owned())).ok_or(MalformedSecret)
    }

    /// Returns the secret itself, for the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digest under which the store keeps it.
    #[must_use]
    pub fn digest(&self) -> SessionDigest {
        SessionDigest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// Returns the token that requests of the session's pages repeat in a header. It tells nothing of the secret.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.csrf_mac().finalize().into_bytes())
    }

    /// Returns whether a text is the token of this session, in a time that does not depend on the text.
    #[must_use]
    pub fn is_csrf_token(&self, text: &str) -> bool {
        URL_SAFE_NO_PAD.decode(text).is_ok_and(|token| self.csrf_mac().verify_slice(&token).is_ok())
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn csrf_mac(&self) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("any length");
        mac.update(CSRF_CONTEXT);
        mac
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SessionSecret")
    }
}

impl fmt::Debug for SessionDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SessionDigest")
    }
}

/// The limits of the lifetime of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLifetime {
    /// The time after which an unused session ends, in seconds.
    pub idle_seconds: u64,
    /// The time after which every session ends, in seconds.
    pub absolute_seconds: u64,
}

/// A new session. The store adds its id and its times.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The digest of its secret.
    pub digest: SessionDigest,
    /// The key or the person.
    pub actor: Actor,
    /// The digest of the secret of the key; none for a person.
    pub key_digest: Option<KeyDigest>,
    /// The workspace of the key, for the audit log; none for a person or an administrator.
    pub workspace: Option<WorkspaceId>,
    /// The id of the session at the OpenID provider, if it names one.
    pub provider_session: Option<String>,
    /// Its limits.
    pub lifetime: SessionLifetime,
}

/// A session as the store records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id; its second is the time of the sign-in.
    pub id: SessionId,
    /// The key or the person.
    pub actor: Actor,
    /// The digest of the secret of the key; none for a person.
    pub key_digest: Option<KeyDigest>,
    /// The client address of the sign-in, where known.
    pub address: Option<IpAddr>,
    /// The Unix second of its last use, to the minute.
    pub last_used_at: u64,
    /// The Unix second of its absolute limit.
    pub expires_at: u64,
    /// The Unix second at which it ends unless it is used before.
    pub ends_at: u64,
}

impl Session {
    /// Returns whether the session has ended at `now_seconds`.
    #[must_use]
    pub const fn has_ended(&self, now_seconds: u64) -> bool {
        self.ends_at <= now_seconds
    }

    /// Returns whether the store should be told that the session is in use.
    #[must_use]
    pub const fn is_touch_due(&self, now_seconds: u64) -> bool {
        self.last_used_at.saturating_add(TOUCH_SECONDS) <= now_seconds
    }
}

/// The reason why no session is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_SESSIONS} sessions are open, the most that there may be")]
pub struct TooManySessions;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_hides_itself() {
        let secret = SessionSecret::new([0xfe; SECRET_BYTES]);
        assert_eq!(SessionSecret::parse(secret.expose()), Ok(secret.clone()));
        assert_eq!(secret.expose().len(), SECRET_CHARS);
        assert_eq!(format!("{secret:?} {:?}", secret.digest()), "SessionSecret SessionDigest");
        let longer = format!("{}A", secret.expose());
        for text in ["", "abc", &longer, &secret.expose().replace('_', "=")] {
            assert_eq!(SessionSecret::parse(text), Err(MalformedSecret), "{text}");
        }
    }

    #[test]
    fn a_token_belongs_to_one_session() {
        let (one, other) = (SessionSecret::new([1; SECRET_BYTES]), SessionSecret::new([2; SECRET_BYTES]));
        let token = one.csrf_token();
        assert!(one.is_csrf_token(&token) && !other.is_csrf_token(&token));
        for forged in ["", "x", &token[1..], one.expose()] {
            assert!(!one.is_csrf_token(forged), "{forged}");
        }
        assert!(!token.contains(one.expose()));
    }
}
