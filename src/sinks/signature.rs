//! Message signatures by Standard Webhooks: an HMAC-SHA256 over id, time and body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::ops::RangeInclusive;

const SECRET_PREFIX: &str = "whsec_";
/// The length of a secret in bytes, by the specification.
const SECRET_BYTES: RangeInclusive<usize> = 24..=64;
/// The version of the scheme: a shared secret.
const VERSION: &str = "v1";

/// A secret shared with a receiver.
#[derive(Clone)]
pub struct SigningSecret(Vec<u8>);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningSecret")
    }
}

/// The text is not a Standard Webhooks secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {SECRET_PREFIX} and the base64 of 24 to 64 bytes")]
pub struct MalformedSecret;

impl SigningSecret {
    /// Parses a secret.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(text: &str) -> Result<Self, MalformedSecret> {
        let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|digits| STANDARD.decode(digits).ok());
        bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len())).map(Self).ok_or(MalformedSecret)
    }

    /// Returns the `webhook-signature` header of a message sent at `now_seconds`.
    #[must_use]
    pub fn sign(&self, id: &str, now_seconds: u64, body: &[u8]) -> String {
        let mut mac = self.mac();
        mac.update(format!("{id}.{now_seconds}.").as_bytes());
        mac.update(body);
        format!("{VERSION},{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.0).expect("a key of any length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(format!("{secret:?}"), "SigningSecret");
    }

    #[test]
    fn a_secret_has_its_prefix_and_from_24_to_64_bytes() {
        for (bytes, valid) in [(23, false), (24, true), (64, true), (65, false)] {
            let text = format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
            assert_eq!(SigningSecret::parse(&text).is_ok(), valid, "{bytes}");
            assert!(SigningSecret::parse(text.trim_start_matches("whsec_")).is_err());
        }
        assert!(SigningSecret::parse("whsec_not base64").is_err());
    }
}
