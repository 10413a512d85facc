//! The detection of clients that speak HTTP/2 without negotiation.

/// The first bytes of such a client (RFC 9113, section 3.4).
pub(super) const HTTP_2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
/// The answer in HTTP/2: empty settings, and GOAWAY with `HTTP_1_1_REQUIRED` (RFC 9113, sections 6.5 and 6.8).
pub const HTTP_1_1_REQUIRED: &[u8] =
    b"\0\0\0\x04\0\0\0\0\0\0\0\x28\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0dthis server speaks HTTP/1.1 only";

/// The comparison of the first bytes of a connection with the preface of HTTP/2.
#[derive(Debug)]
pub struct PrefaceMatch {
    /// The number of matching bytes so far; none once the comparison is decided.
    matched_bytes: Option<usize>,
}

impl PrefaceMatch {
    /// Starts the comparison at the first byte of a connection.
    pub const fn new() -> Self {
        Self { matched_bytes: Some(0) }
    }

    /// Compares the next received bytes; returns true once, when they complete the preface.
    pub fn completes(&mut self, received: &[u8]) -> bool {
        let Some(preface) = self.matched_bytes.and_then(|bytes| HTTP_2_PREFACE.get(bytes..)) else { return false };
        let common_bytes = preface.len().min(received.len());
        if preface.get(..common_bytes) != received.get(..common_bytes) {
            self.matched_bytes = None;
            return false;
        }
        let is_complete = common_bytes == preface.len();
        self.matched_bytes = (!is_complete).then_some(HTTP_2_PREFACE.len() - preface.len() + common_bytes);
        is_complete
    }
}
