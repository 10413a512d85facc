//! Errors for people.

use crate::connection::in_time;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use std::io;
use std::path::PathBuf;

/// The longest error body that is read, in bytes.
const MAX_BODY_BYTES: usize = 65_536;
/// The longest message of a server that is shown, in characters.
const MAX_MESSAGE_CHARACTERS: usize = 500;

/// The statuses of refusals that pass.
const PASSING: [StatusCode; 4] =
    [StatusCode::REQUEST_TIMEOUT, StatusCode::CONFLICT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];

/// A failed request or transfer. No variant holds the key.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered with an error.
    #[error("the server answers {status}: {message}{}", request_id.as_ref().map_or_else(String::new, |id| format!(" (request {id})")))]
    Refused {
        /// The status.
        status: StatusCode,
        /// The message of the server, or the reason phrase.
        message: String,
        /// The id of the request at the server.
        request_id: Option<String>,
    },
    /// The connection failed.
    #[error("the connection to the server failed")]
    Connection(#[source] reqwest::Error),
    /// The answer is not what the API says.
    #[error("the answer of the server is not readable")]
    Unreadable(#[source] serde_json::Error),
    /// The server was silent for longer than the time limit.
    #[error("the server does not answer")]
    Silent,
    /// A local file cannot be read or written.
    #[error("cannot access {path}")]
    Local {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file was changed while it was sent.
    #[error("{0} changed while it was read; nothing of it was kept on the server")]
    Changed(PathBuf),
    /// Another process uploads the file.
    #[error("another process uploads this file")]
    Busy,
    /// The File of a completed Upload was deleted.
    #[error("the file of the upload {0} was deleted")]
    Gone(String),
    /// Received or sent bytes differ from what the server says.
    #[error("{0}: the bytes do not match the checksum or length of the server")]
    Damaged(String),
    /// The content changed during a download that cannot begin again.
    #[error("{0} changed on the server during the download")]
    Replaced(String),
    /// The client cannot be set up as asked.
    #[error("{0}")]
    Setup(String),
}

impl ClientError {
    /// Reads an error from an answer, in OpenAI's envelope if it is one.
    pub(crate) async fn of(mut answer: Response) -> Self {
        let status = answer.status();
        let request_id = answer.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(shown);
        let mut body = Vec::new();
        let received = in_time(async {
            while let Ok(Some(piece)) = answer.chunk().await
                && body.len() <= MAX_BODY_BYTES
            {
                body.extend_from_slice(&piece);
            }
        });
        // The status says enough if the body does not come.
        received.await.unwrap_or_default();
        let reason = || status.canonical_reason().unwrap_or("no reason given").to_owned();
        Self::Refused { status, message: message(&body).unwrap_or_else(reason), request_id }
    }

    /// Returns whether the server has no such object.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::NOT_FOUND | StatusCode::GONE, .. })
    }

    /// Returns whether an upload that goes on may succeed if it begins anew: the server no longer knows its Upload, or
    /// the bytes of an earlier run are not those of the file.
    pub(crate) fn is_outdated(&self) -> bool {
        let is_refused = matches!(self, Self::Refused { status: StatusCode::BAD_REQUEST, .. });
        is_refused || self.is_not_found() || matches!(self, Self::Gone(_))
    }

    /// Returns whether an upload has ended without a File, so that nothing goes on.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.is_client_error() && !self.is_denied() && !PASSING.contains(status),
            Self::Changed(_) | Self::Damaged(_) | Self::Gone(_) => true,
            _ => false,
        }
    }

    /// Returns whether the server did not accept the key or its rights.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        let denied = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        matches!(self, Self::Refused { status, .. } if denied.contains(status))
    }
}

/// Returns the message of an error body in OpenAI's envelope.
fn message(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    value.get("error")?.get("message")?.as_str().map(shown)
}

/// Removes control characters, which would reach a terminal, and cuts the text.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MAX_MESSAGE_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream::pending;
    use reqwest::Body;

    #[tokio::test(start_paused = true)]
    async fn an_error_whose_body_does_not_come_is_shown_by_its_status() {
        let silence = Body::wrap_stream(pending::<Result<Vec<u8>, io::Error>>());
        let answer = http::Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).body(silence).unwrap();
        let error = ClientError::of(answer.into()).await;
        assert_eq!(error.to_string(), "the server answers 503 Service Unavailable: Service Unavailable");
    }

    #[test]
    fn messages_come_from_the_envelope_without_control_characters() {
        assert_eq!(message(br#"{"error":{"message":"no \u001b[31mfile"}}"#).as_deref(), Some("no [31mfile"));
        assert_eq!((message(b"<html>"), message(br#"{"error":"no"}"#)), (None, None));
        assert_eq!(shown(&"a".repeat(600)).len(), MAX_MESSAGE_CHARACTERS);
    }
}
