//! A sign-in under way: one random secret in the browser, from which state, nonce and PKCE verifier follow.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;

/// The number of random bytes of the secret.
pub const SECRET_BYTES: usize = 32;
/// The length of the secret as text.
const SECRET_CHARS: usize = 43;

/// A sign-in under way. Its `Debug` form hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt(String);

impl Attempt {
    /// Returns the attempt of these random bytes.
    #[must_use]
    pub fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Parses an attempt as a browser sent it; none if it is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == SECRET_CHARS && text.bytes().all(is_base64)).then(|| Self(text.to_owned()))
    }

    /// Returns the secret itself, for the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the `state`, which the provider sends back with its answer.
    #[must_use]
    pub fn state(&self) -> String {
        self.derived(b"state")
    }

    /// Returns whether `state` is that of this attempt, in a time that does not depend on it.
    #[must_use]
    pub fn is_state(&self, state: &str) -> bool {
        URL_SAFE_NO_PAD.decode(state).is_ok_and(|state| self.mac(b"state").verify_slice(&state).is_ok())
    }

    /// Returns the `nonce`, which the ID token repeats.
    #[must_use]
    pub fn nonce(&self) -> String {
        self.derived(b"nonce")
    }

    /// Returns the `code_verifier` (RFC 7636).
    #[must_use]
    pub fn verifier(&self) -> String {
        self.derived(b"verifier")
    }

    /// Returns the `code_challenge` of method `S256`.
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier()))
    }

    fn derived(&self, purpose: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(purpose).finalize().into_bytes())
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn mac(&self, purpose: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("any length");
        mac.update(b"venna: the OpenID sign-in's ");
        mac.update(purpose);
        mac
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Attempt")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_nonce_and_verifier_differ_and_belong_to_one_browser() {
        let (one, other) = (Attempt::new([1; SECRET_BYTES]), Attempt::new([2; SECRET_BYTES]));
        assert_eq!(Attempt::parse(one.expose()), Some(one.clone()));
        assert!(one.is_state(&one.state()) && !other.is_state(&one.state()) && !one.is_state(&one.nonce()));
        let all = [one.state(), one.nonce(), one.verifier(), one.challenge(), one.expose().to_owned()];
        assert!(all.iter().all(|text| text.len() == SECRET_CHARS));
        assert!((1..all.len()).all(|at| !all[at..].contains(&all[at - 1])));
        assert_eq!(format!("{one:?}"), "Attempt");
        for text in ["", "x", &format!("{}x", one.expose())] {
            assert_eq!(Attempt::parse(text), None);
        }
    }
}
