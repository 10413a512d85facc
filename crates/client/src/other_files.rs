//! Lists the files of servers with another API than OpenAI's.

use crate::connection::Client;
use crate::dialect::Dialect;
use crate::error::ClientError;
use crate::progress::Tally;
use reqwest::Method;
use serde::{Deserialize, Deserializer, de};
use std::time::UNIX_EPOCH;

/// The beginning of the names of files of Gemini.
const GEMINI_PREFIX: &str = "files/";
/// The state of a file of Gemini that can be read.
const GEMINI_ACTIVE: &str = "ACTIVE";

/// A file of a server with another API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherFile {
    /// The id.
    pub id: String,
    /// The name.
    pub filename: String,
    /// The size, in bytes.
    pub bytes: u64,
    /// Creation time, in Unix seconds.
    pub created_at: Option<u64>,
    /// Expiry, in Unix seconds.
    pub expires_at: Option<u64>,
    /// The server gives out its content.
    pub is_readable: bool,
}

#[derive(Deserialize)]
struct AnthropicPage {
    data: Vec<AnthropicFile>,
    next_page: Option<String>,
}

#[derive(Deserialize)]
struct AnthropicFile {
    id: String,
    filename: String,
    size_bytes: u64,
    #[serde(default, deserialize_with = "unix_seconds")]
    created_at: Option<u64>,
    #[serde(default, deserialize_with = "unix_seconds")]
    expires_at: Option<u64>,
    #[serde(default)]
    downloadable: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeminiPage {
    #[serde(default)]
    files: Vec<GeminiFile>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeminiFile {
    name: String,
    display_name: Option<String>,
    #[serde(deserialize_with = "number_in_text")]
    size_bytes: u64,
    #[serde(default, deserialize_with = "unix_seconds")]
    create_time: Option<u64>,
    #[serde(default, deserialize_with = "unix_seconds")]
    expiration_time: Option<u64>,
    download_uri: Option<String>,
    state: Option<String>,
}

impl Client {
    /// Lists all files, the oldest first; none of a server with OpenAI's API, whose list is [`Client::list`].
    pub async fn other_files(&self) -> Result<Vec<OtherFile>, ClientError> {
        let (mut files, mut token) = (Vec::new(), None);
        loop {
            let (page, next) = match self.dialect() {
                Dialect::OpenAi => return Ok(files),
                Dialect::Anthropic => self.anthropic_page(token.as_deref()).await?,
                Dialect::Gemini => self.gemini_page(token.as_deref()).await?,
            };
            let is_end = page.is_empty() || next.as_ref().is_none_or(String::is_empty) || next == token;
            files.extend(page);
            token = next;
            if is_end {
                files.sort_by_key(|file| file.created_at);
                return Ok(files);
            }
        }
    }

    async fn anthropic_page(&self, token: Option<&str>) -> Result<(Vec<OtherFile>, Option<String>), ClientError> {
        let page: AnthropicPage = self.page("limit=1000", "page", token).await?;
        Ok((page.data.into_iter().map(OtherFile::from).collect(), page.next_page))
    }

    async fn gemini_page(&self, token: Option<&str>) -> Result<(Vec<OtherFile>, Option<String>), ClientError> {
        let page: GeminiPage = self.page("pageSize=100", "pageToken", token).await?;
        Ok((page.files.into_iter().map(OtherFile::from).collect(), page.next_page_token))
    }

    async fn page<T: de::DeserializeOwned>(
        &self,
        size: &str,
        token_name: &str,
        token: Option<&str>,
    ) -> Result<T, ClientError> {
        let make = async || {
            let request = self.request(Method::GET, &format!("/files?{size}"));
            Ok(match token {
                Some(token) => request.query(&[(token_name, token)]),
                None => request,
            })
        };
        self.receive(&Tally::unwatched(), make).await?.read()
    }
}

impl From<AnthropicFile> for OtherFile {
    fn from(file: AnthropicFile) -> Self {
        Self {
            id: file.id,
            filename: file.filename,
            bytes: file.size_bytes,
            created_at: file.created_at,
            expires_at: file.expires_at,
            is_readable: file.downloadable,
        }
    }
}

impl From<GeminiFile> for OtherFile {
    fn from(file: GeminiFile) -> Self {
        let id = file.name.strip_prefix(GEMINI_PREFIX).unwrap_or(&file.name).to_owned();
        let is_active = file.state.is_none_or(|state| state == GEMINI_ACTIVE);
        Self {
            filename: file.display_name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone()),
            id,
            bytes: file.size_bytes,
            created_at: file.create_time,
            expires_at: file.expiration_time,
            is_readable: is_active && file.download_uri.is_some(),
        }
    }
}

/// Reads a time of RFC 3339; null is none.
fn unix_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let time = humantime::parse_rfc3339(&text).map_err(de::Error::custom)?;
    Ok(time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs()))
}

fn number_in_text<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    String::deserialize(from)?.parse().map_err(de::Error::custom)
}
