//! Lists, retrieves and deletes Files.

use crate::connection::Client;
use crate::error::ClientError;
use crate::progress::Tally;
use reqwest::Method;
use serde::{Deserialize, Serialize};

/// A File, as any compatible server sends it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileObject {
    /// The id.
    pub id: String,
    /// The name.
    pub filename: String,
    /// The use of the File.
    pub purpose: String,
    /// The size, in bytes.
    pub bytes: u64,
    /// Creation time, in Unix seconds.
    pub created_at: u64,
    /// Expiry, in Unix seconds.
    #[serde(default)]
    pub expires_at: Option<u64>,
    /// The SHA-256 in hex, of servers that have it.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// A page of Files.
#[derive(Clone, Debug, Deserialize)]
pub struct FilePage {
    /// The Files.
    pub data: Vec<FileObject>,
    /// Tells that there is a further page.
    #[serde(default)]
    pub has_more: bool,
}

/// The filter and the position of a page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListQuery {
    /// The purpose of the Files.
    pub purpose: Option<String>,
    /// The beginning of the names; an extension.
    pub name_prefix: Option<String>,
    /// `asc` or `desc`.
    pub order: Option<String>,
    /// The size of the page.
    pub limit: Option<u32>,
    /// The id of the File before the page.
    pub after: Option<String>,
}

impl Client {
    /// Lists a page of Files.
    pub async fn list(&self, query: &ListQuery) -> Result<FilePage, ClientError> {
        let made = async || Ok(self.request(Method::GET, "/files").query(query));
        self.receive(&Tally::unwatched(), made).await?.read()
    }

    /// Retrieves a File.
    pub async fn retrieve(&self, id: &str) -> Result<FileObject, ClientError> {
        let path = path_of(id)?;
        self.receive(&Tally::unwatched(), async || Ok(self.request(Method::GET, &path))).await?.read()
    }

    /// Deletes a File. A repetition that finds no File after a lost answer has deleted it.
    pub async fn delete(&self, id: &str) -> Result<(), ClientError> {
        let path = path_of(id)?;
        let mut requests = 0;
        let made = || {
            requests += 1;
            std::future::ready(Ok(self.request(Method::DELETE, &path)))
        };
        match self.send(&Tally::unwatched(), made).await {
            Err(error) if error.is_not_found() && requests > 1 => Ok(()),
            deleted => deleted.map(drop),
        }
    }
}

/// Returns the path of a File.
pub(crate) fn path_of(id: &str) -> Result<String, ClientError> {
    Ok(format!("/files/{}", segment(id)?))
}

/// Returns an id as a segment of a path; refuses one that would lead elsewhere.
pub fn segment(id: &str) -> Result<&str, ClientError> {
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if plain { Ok(id) } else { Err(ClientError::Setup(format!("'{}' is no id", id.escape_debug()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        assert_eq!(path_of("file-a_1").unwrap(), "/files/file-a_1");
        for wrong in ["", "..", "a/b", "a?b", "a%2e"] {
            assert!(path_of(wrong).is_err(), "{wrong}");
        }
    }
}
