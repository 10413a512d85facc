//! The APIs that a server may have: where files are, and how a key is sent.

use crate::error::ClientError;
use crate::files::segment;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// The version of Anthropic's API.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// The API of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's, with all operations.
    #[default]
    OpenAi,
    /// Anthropic's, to list and to read.
    Anthropic,
    /// Google Gemini's, to list and to read.
    Gemini,
}

impl Dialect {
    /// Returns the segment of a path that names the version.
    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Anthropic => "v1",
            Self::Gemini => "v1beta",
        }
    }

    /// Returns the headers of each request. The key is marked as a secret.
    pub(crate) fn headers(self, key: &str) -> Result<HeaderMap, ClientError> {
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| ClientError::Setup("the key has characters that no header may have".to_owned()))?;
            value.set_sensitive(true);
            Ok(value)
        };
        Ok(match self {
            Self::OpenAi => HeaderMap::from_iter([(AUTHORIZATION, secret(&format!("Bearer {key}"))?)]),
            Self::Anthropic => HeaderMap::from_iter([
                (HeaderName::from_static("x-api-key"), secret(key)?),
                (HeaderName::from_static("anthropic-version"), HeaderValue::from_static(ANTHROPIC_VERSION)),
            ]),
            Self::Gemini => HeaderMap::from_iter([(HeaderName::from_static("x-goog-api-key"), secret(key)?)]),
        })
    }

    /// Returns the path of a content below the version.
    pub(crate) fn content_path(self, id: &str) -> Result<String, ClientError> {
        let id = segment(id)?;
        Ok(match self {
            Self::OpenAi | Self::Anthropic => format!("/files/{id}/content"),
            Self::Gemini => format!("/files/{id}:download?alt=media"),
        })
    }
}
