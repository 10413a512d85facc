//! The entry of one request in the access log.

use crate::model::ids::{KeyId, RequestId, WorkspaceId};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// One request and its answer. No field is a text of the client.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The time at which the head of the request was received, in milliseconds since the Unix epoch.
    pub begun_ms: u64,
    /// The request.
    pub request: RequestId,
    /// The client address, as rate limits know it.
    pub client: Option<IpAddr>,
    /// The method, or a word for every other one.
    pub method: &'static str,
    /// The template of the path, or a word for a path without a route.
    pub route: Arc<str>,
    /// The version of HTTP, such as `HTTP/1.1`.
    pub protocol: &'static str,
    /// The status; none when the request ended before its answer began.
    pub status: Option<u16>,
    /// The bytes of the request body that were read.
    pub received_bytes: u64,
    /// The bytes of the response body that were passed to the connection.
    pub sent_bytes: u64,
    /// The time from the head of the request to the end of the answer.
    pub duration: Duration,
    /// The key; none without a valid one.
    pub key: Option<KeyId>,
    /// The workspace of the key; none for an admin key.
    pub workspace: Option<WorkspaceId>,
    /// The answer ended before its last byte.
    pub is_cut_short: bool,
}

#[cfg(test)]
impl Entry {
    /// Returns an entry with every field.
    pub(super) fn example() -> Self {
        Self {
            begun_ms: 1_780_000_000_123,
            request: RequestId::new([0xab; 16]),
            client: Some([203, 0, 113, 5].into()),
            method: "GET",
            route: "/v1/files/{id}/content".into(),
            protocol: "HTTP/1.1",
            status: Some(206),
            received_bytes: 0,
            sent_bytes: 4096,
            duration: Duration::from_micros(1234),
            key: Some(KeyId::next(None, 1_780_000_000_000, [0; 11])),
            workspace: Some(WorkspaceId::next(None, 1_780_000_000_000, [0; 11])),
            is_cut_short: false,
        }
    }
}
