//! The request of content, which may lead to a bucket.

use super::state::Download;
use crate::checksum::Checksum;
use crate::connection::Client;
use crate::error::ClientError;
use crate::progress::Tally;
use reqwest::header::{ETAG, HeaderMap, HeaderName, IF_RANGE, LOCATION, RANGE};
use reqwest::{Method, Response, StatusCode, Url};

/// Content that is to be received.
pub(crate) struct Content {
    pub(crate) answer: Response,
    /// The `ETag` at the server of the API.
    pub(crate) etag: Option<String>,
    /// The checksum of the whole content.
    pub(crate) checksum: Option<Checksum>,
}

impl Client {
    /// Returns the checksum of a content; none if the server states none.
    pub async fn checksum(&self, id: &str) -> Result<Option<Checksum>, ClientError> {
        let path = self.dialect().content_path(id)?;
        let asked = self.send(&Tally::unwatched(), async || Ok(self.request(Method::HEAD, &path))).await;
        match asked {
            Ok(answer) => Ok(Checksum::stated(answer.headers())),
            Err(ClientError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for the bytes of a content that `state` lacks. The answer has these, or all.
    pub(crate) async fn open_content(&self, id: &str, state: &Download) -> Result<Content, ClientError> {
        let resumed = state.etag.as_deref().filter(|etag| state.received_bytes > 0 && !etag.starts_with("W/"));
        match self.content_from(id, resumed.map(|etag| (state.received_bytes, etag))).await {
            // All bytes are there already: the content begins again, so that its checksum is compared.
            Err(ClientError::Refused { status: StatusCode::RANGE_NOT_SATISFIABLE, .. }) => {
                self.content_from(id, None).await
            }
            content => content,
        }
    }

    /// Asks for a content from a byte on, if it still has this `ETag`.
    async fn content_from(&self, id: &str, from: Option<(u64, &str)>) -> Result<Content, ClientError> {
        let path = self.dialect().content_path(id)?;
        let make = async || {
            let request = self.request(Method::GET, &path);
            Ok(match from {
                Some((byte, etag)) => request.header(RANGE, format!("bytes={byte}-")).header(IF_RANGE, etag),
                None => request,
            })
        };
        let accepts = |status: StatusCode| status.is_success() || status.is_redirection();
        let answer = self.send_until(accepts, &Tally::unwatched(), make).await?;
        let etag = text(answer.headers(), ETAG);
        if answer.status().is_success() {
            let checksum = Checksum::stated(answer.headers());
            return Ok(Content { answer, etag, checksum });
        }
        let place = text(answer.headers(), LOCATION).unwrap_or_default();
        let url = answer.url().join(&place).map_err(|error| ClientError::Setup(error.to_string()))?;
        // The bucket has another ETag, so the condition is checked here.
        let from = from.filter(|(_, expected)| etag.as_deref() == Some(expected)).map(|(byte, _)| byte);
        let answer = self.follow(url, from).await?;
        Ok(Content { answer, etag, checksum: self.checksum(id).await? })
    }

    /// Asks another server for content from a byte on, without the key.
    async fn follow(&self, url: Url, from: Option<u64>) -> Result<Response, ClientError> {
        let make = async || {
            let request = self.foreign_request(Method::GET, url.clone());
            Ok(match from {
                Some(byte) => request.header(RANGE, format!("bytes={byte}-")),
                None => request,
            })
        };
        self.send(&Tally::unwatched(), make).await
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
