//! Answers with their whole body.

use crate::connection::in_time;
use crate::error::ClientError;
use bytes::Bytes;
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

/// An answer whose body has arrived.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// Receives the body of an answer.
    pub(crate) async fn of(answer: Response) -> Result<Self, ClientError> {
        let headers = answer.headers().clone();
        let body = in_time(answer.bytes()).await?.map_err(|error| ClientError::Connection(error.without_url()))?;
        Ok(Self { headers, body })
    }

    /// Reads the body as JSON.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(ClientError::Unreadable)
    }
}
