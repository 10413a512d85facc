//! A session of uploading: an Upload that is reached without a key, by the signed form of the session.

use super::ids::{KeyId, UploadId};
use super::link_key::Signable;
use std::fmt;
use std::str::FromStr;

/// The longest time of a session, in seconds: a week. Keys that sign are kept longer.
pub const MAX_SESSION_SECONDS: u64 = 7 * 86_400;
/// The character between the ids.
const SEPARATOR: char = '-';

/// A session: the Upload, and the key that began it and for which every request acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadSession {
    /// The Upload.
    pub upload: UploadId,
    /// The key.
    pub key: KeyId,
}

/// A text that names no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the ids of an upload and a key")]
pub struct MalformedSession;

impl fmt::Display for UploadSession {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{SEPARATOR}{}", self.upload, self.key)
    }
}

impl FromStr for UploadSession {
    type Err = MalformedSession;

    fn from_str(text: &str) -> Result<Self, MalformedSession> {
        let (upload, key) = text.split_once(SEPARATOR).ok_or(MalformedSession)?;
        let upload = upload.parse().map_err(|_| MalformedSession)?;
        Ok(Self { upload, key: key.parse().map_err(|_| MalformedSession)? })
    }
}

impl Signable for UploadSession {
    const CONTEXT: &'static [u8] = b"venna: a session of an upload";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_read_from_its_text() {
        let session = UploadSession { upload: UploadId::new(7, [7; 12]), key: KeyId::next(None, 5, [5; 11]) };
        let text = session.to_string();
        assert_eq!(text.parse(), Ok(session));
        for wrong in ["", "-", &text[1..], &text.replace('-', "_"), &format!("{text}-")] {
            assert_eq!(wrong.parse::<UploadSession>(), Err(MalformedSession), "{wrong}");
        }
    }
}
