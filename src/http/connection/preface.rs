//! The detection of clients that speak HTTP/2 without negotiation.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The first bytes of such a client (RFC 9113, section 3.4).
pub(super) const HTTP_2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first bytes of a connection, as many as show the version of HTTP.
#[derive(Debug, Default)]
pub struct FirstBytes {
    bytes: [u8; HTTP_2_PREFACE.len()],
    /// The range of `bytes` that the parser has not yet got.
    unread: std::ops::Range<usize>,
}

impl FirstBytes {
    /// Receives bytes until they are the preface of HTTP/2 or differ from it, or nothing more arrives.
    pub async fn receive(mut from: impl AsyncRead + Unpin) -> Self {
        let mut first = Self::default();
        while !first.is_http_2() && HTTP_2_PREFACE.starts_with(first.unread()) {
            let free = first.bytes.get_mut(first.unread.end..).unwrap_or_default();
            // The parser meets the end of the connection and its error again.
            match from.read(free).await {
                Ok(0) | Err(_) => break,
                Ok(received_bytes) => first.unread.end += received_bytes,
            }
        }
        first
    }

    /// Returns whether the bytes are the preface of HTTP/2.
    pub fn is_http_2(&self) -> bool {
        self.unread() == HTTP_2_PREFACE
    }

    /// Returns at most `most_bytes` of the unread bytes, and marks them as read.
    pub fn take(&mut self, most_bytes: usize) -> &[u8] {
        let start = self.unread.start;
        self.unread.start = self.unread.end.min(start.saturating_add(most_bytes));
        self.bytes.get(start..self.unread.start).unwrap_or_default()
    }

    fn unread(&self) -> &[u8] {
        self.bytes.get(self.unread.clone()).unwrap_or_default()
    }
}
