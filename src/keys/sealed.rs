//! Sealed responses: stored responses that show a key's secret, kept so that a reader of the store finds no secret.
//!
//! A key that is issued under an `Idempotency-Key` gets a secret derived from the secret of the administrator's own key
//! and a random salt. The store keeps the salt as long as the response, and of the administrator's secret only the
//! digest. Both together give the secret again; neither does alone.

use crate::model::api_key::{KEY_RANDOM_DIGITS, KeyKind, KeySecret};
use crate::model::base62;
use crate::random;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const SALT_BYTES: usize = 32;
/// The domain separator of derived secrets.
const CONTEXT: &[u8] = b"venna: the secret of a key that is made under an Idempotency-Key";
/// The placeholder of the secret in a stored response; no JSON holds this byte.
const HIDDEN: u8 = 0;

/// The stored form of a response with a secret.
#[derive(Clone, Copy, Debug)]
pub struct SealedAnswer {
    salt: [u8; SALT_BYTES],
}

impl SealedAnswer {
    /// Returns a salt for one key.
    #[must_use]
    pub fn fresh() -> Self {
        Self { salt: random::bytes() }
    }

    /// Derives the secret of a new key from `own`, the secret of the calling key or session.
    #[must_use]
    pub fn secret(&self, kind: KeyKind, own: &str) -> KeySecret {
        derived_secret(kind, own, &self.salt)
    }

    /// Returns the stored form of a response that shows `secret`.
    #[must_use]
    pub fn seal(&self, answer: &[u8], secret: &KeySecret) -> Vec<u8> {
        let mut kept = self.salt.to_vec();
        replace(&mut kept, answer, secret.expose().as_bytes(), &[HIDDEN]);
        kept
    }

    /// Restores the response; none when it was not made by [`seal`](Self::seal).
    #[must_use]
    pub fn open(kept: &[u8], kind: KeyKind, own: &str) -> Option<Vec<u8>> {
        let (salt, answer) = kept.split_first_chunk::<SALT_BYTES>()?;
        let mut shown = Vec::with_capacity(answer.len() + KEY_RANDOM_DIGITS);
        replace(&mut shown, answer, &[HIDDEN], derived_secret(kind, own, salt).expose().as_bytes());
        Some(shown)
    }
}

/// Derives a secret from another one and a salt: uniform digits from HMAC-SHA256 in counter mode.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn derived_secret(kind: KeyKind, own: &str, salt: &[u8]) -> KeySecret {
    let mut digits = (0_u32..).flat_map(|counter| {
        let mut mac = Hmac::<Sha256>::new_from_slice(own.as_bytes()).expect("any length");
        for part in [CONTEXT, &[u8::from(kind == KeyKind::Admin)], salt, &counter.to_be_bytes()] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into_iter().filter_map(even_digit)
    });
    KeySecret::from_digits(kind, [(); KEY_RANDOM_DIGITS].map(|()| digits.next().unwrap_or(b'0')))
}

/// Returns the digit of a byte; none for the remainder that would bias the digits.
fn even_digit(byte: u8) -> Option<u8> {
    (byte < u8::MAX - u8::MAX % base62::BASE).then(|| base62::digit(byte % base62::BASE))
}

fn replace(to: &mut Vec<u8>, text: &[u8], old: &[u8], new: &[u8]) {
    let mut rest = text;
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        let (before, behind) = rest.split_at(at);
        to.extend_from_slice(before);
        to.extend_from_slice(new);
        rest = behind.get(old.len()..).unwrap_or_default();
    }
    to.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn own(digit: u8) -> String {
        KeySecret::from_digits(KeyKind::Admin, [digit; KEY_RANDOM_DIGITS]).expose().to_owned()
    }

    #[test]
    fn an_answer_is_shown_again_to_the_secret_that_asked_and_is_not_kept() {
        let sealed = SealedAnswer::fresh();
        let secret = sealed.secret(KeyKind::Workspace, &own(b'a'));
        assert_eq!(KeySecret::parse(secret.expose()), Ok(secret.clone()));
        let answer = format!("{{\"name\":\"\\u0000\",\"value\":\"{}\"}}", secret.expose()).into_bytes();
        let kept = sealed.seal(&answer, &secret);
        assert!(!kept.windows(8).any(|window| secret.expose().as_bytes().windows(8).any(|part| part == window)));
        assert_eq!(SealedAnswer::open(&kept, KeyKind::Workspace, &own(b'a')), Some(answer.clone()));
        assert_ne!(SealedAnswer::open(&kept, KeyKind::Workspace, &own(b'b')), Some(answer.clone()));
        assert_ne!(SealedAnswer::open(&kept, KeyKind::Admin, &own(b'a')), Some(answer));
        assert_eq!(SealedAnswer::open(&kept[..31], KeyKind::Workspace, &own(b'a')), None);
    }

    #[test]
    fn secrets_of_different_salts_differ_and_use_all_digits() {
        let of = |salt: u16| derived_secret(KeyKind::Workspace, &own(b'a'), &salt.to_be_bytes());
        let all: HashSet<_> = (0..1000).map(|salt| of(salt).expose().to_owned()).collect();
        assert_eq!(all.len(), 1000);
        let digits: HashSet<_> = all.iter().flat_map(|secret| secret.bytes().skip(3).take(KEY_RANDOM_DIGITS)).collect();
        assert_eq!(digits.len(), usize::from(base62::BASE));
        assert_eq!(of(7), of(7));
    }
}
