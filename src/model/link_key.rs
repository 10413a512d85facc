//! The keys that sign links and upload sessions, and their signed form.
//!
//! The signed form has the name of what is signed, the version of the key and a signature over both.

use super::ids::LinkId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// The time after which a new signing key is made, in seconds: a week.
pub const KEY_ROTATION_SECONDS: u64 = 7 * 86_400;
/// The time after its creation in which a key does not sign if there is an older one, in seconds: all servers know the
/// key by then.
pub const KEY_LEAD_SECONDS: u64 = 600;
/// The time after which a key is deleted, in seconds since its successor was made. It signs for [`KEY_LEAD_SECONDS`] of
/// it, its last link lives for a week, and the rest of nine days is to spare.
pub const KEY_KEPT_SECONDS: u64 = 9 * 86_400;
/// The number of random bytes of a signing key.
pub const LINK_SECRET_BYTES: usize = 32;

/// The length of a signature as text, in characters of base64url.
const SIGNATURE_CHARS: usize = 43;
/// The longest version of a key as text, in digits.
const MAX_VERSION_DIGITS: usize = 10;

/// What is signed. Its text has no `.`.
pub trait Signable: Debug + Display + FromStr {
    /// The domain separator of its signatures.
    const CONTEXT: &'static [u8];
}

impl Signable for LinkId {
    const CONTEXT: &'static [u8] = b"venna: a signed link to the content of a file";
}

/// A key that signs. Its `Debug` form hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkKey {
    /// Its version; newer keys have greater ones.
    pub version: u64,
    /// Its secret.
    pub secret: [u8; LINK_SECRET_BYTES],
    /// The Unix second of its creation.
    pub created_at: u64,
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LinkKey {}", self.version)
    }
}

impl LinkKey {
    /// Returns the key that signs new links at `now_seconds`: the newest one that all servers know.
    #[must_use]
    pub fn signing(keys: &[Self], now_seconds: u64) -> Option<&Self> {
        let is_known = |key: &&Self| key.created_at.saturating_add(KEY_LEAD_SECONDS) <= now_seconds;
        let by_version = |key: &&Self| key.version;
        keys.iter().filter(is_known).max_by_key(by_version).or_else(|| keys.iter().min_by_key(by_version))
    }

    /// Returns the signed form, for a URL.
    #[must_use]
    pub fn sign<T: Signable>(&self, subject: &T) -> String {
        let signature = URL_SAFE_NO_PAD.encode(self.mac(subject).finalize().into_bytes());
        format!("{subject}.{}.{signature}", self.version)
    }

    /// Returns whether the key made a signature, in a time that does not depend on the signature.
    #[must_use]
    pub fn verifies<T: Signable>(&self, signed: &Signed<T>) -> bool {
        self.version == signed.version && self.mac(&signed.subject).verify_slice(&signed.signature).is_ok()
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn mac<T: Signable>(&self, subject: &T) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("any length");
        mac.update(T::CONTEXT);
        mac.update(&self.version.to_be_bytes());
        mac.update(subject.to_string().as_bytes());
        mac
    }
}

/// A signed form, parsed and not verified. Its `Debug` form hides the signature.
pub struct Signed<T> {
    /// What is signed.
    pub subject: T,
    version: u64,
    signature: [u8; 32],
}

impl<T: Signable> Debug for Signed<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signed {}", self.subject)
    }
}

impl<T: Signable> Signed<T> {
    /// Parses a signed form. Each subject has one form only: another spelling of its version or signature is refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (subject, rest) = text.split_once('.')?;
        let (version, signature) = rest.split_once('.')?;
        let is_number = version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0');
        if !is_number || version.len() > MAX_VERSION_DIGITS || signature.len() != SIGNATURE_CHARS {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
        Some(Self { subject: subject.parse().ok()?, version: version.parse().ok()?, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::link::LINK_SECONDS;

    fn key(version: u64, created_at: u64) -> LinkKey {
        LinkKey { version, secret: [u8::try_from(version).unwrap(); LINK_SECRET_BYTES], created_at }
    }

    #[test]
    fn a_signature_holds_for_one_link_one_key_and_one_spelling() {
        let (id, signer) = (LinkId::next(None, 5, [5; 11]), key(3, 0));
        let text = signer.sign(&id);
        let verifies =
            |text: &str, key: &LinkKey| Signed::<LinkId>::parse(text).is_some_and(|signed| key.verifies(&signed));
        assert!(verifies(&text, &signer));
        assert!(!verifies(&text, &key(4, 0)) && !verifies(&text, &LinkKey { version: 3, ..key(4, 0) }));
        for at in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(!verifies(&changed, &signer), "{changed}");
            }
        }
        for changed in [format!("{text}A"), format!("{text}="), text.replacen(".3.", ".03.", 1), String::new()] {
            assert!(!verifies(&changed, &signer), "{changed}");
        }
        let shown = format!("{signer:?} {:?}", Signed::<LinkId>::parse(&text).unwrap());
        assert!(!shown.contains(text.rsplit('.').next().unwrap()), "{shown}");
    }

    #[test]
    fn a_key_signs_once_all_servers_know_it() {
        let version = |keys: &[LinkKey], now| LinkKey::signing(keys, now).map(|key| key.version);
        let keys = [key(1, 100), key(2, 1000)];
        assert_eq!(version(&keys[..1], 100), Some(1), "there is no other one");
        assert_eq!(version(&keys, 1000 + KEY_LEAD_SECONDS - 1), Some(1));
        assert_eq!(version(&keys, 1000 + KEY_LEAD_SECONDS), Some(2));
        assert_eq!(version(&[], 0), None);
        assert!(KEY_LEAD_SECONDS + LINK_SECONDS.end() < KEY_KEPT_SECONDS, "a key outlives its links");
    }
}
