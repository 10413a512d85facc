//! Failures of a bucket, without secrets. Texts of the client hold URLs, and error bodies hold key ids and signatures,
//! so only status and error code are kept.

use crate::blobs::BlobError;
use crate::model::ids::BlobId;
use object_store::Error;
use std::fmt;
use std::io;

/// The longest error code that is kept, in bytes.
const MAX_CODE_BYTES: usize = 64;
/// The text before the status in errors of the client.
const STATUS: &str = "status code: ";
/// Error codes of a full store.
const FULL: [&str; 4] = ["QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "StorageQuotaExceeded"];
/// Error codes of refusals that stores also give in error. Such a request is retried once.
const RETRIED_REFUSALS: [&str; 5] =
    ["InvalidPart", "RequestTimeTooSkewed", "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch"];
/// Error codes of transient refusals.
const TRANSIENT: [&str; 4] = ["RequestTimeout", "SlowDown", "ServerBusy", "OperationAborted"];

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The object or upload does not exist.
    Missing,
    /// The object exists already.
    Exists,
    /// The object changed since it was opened.
    Changed,
    /// The range lies outside the object.
    OutOfRange,
    /// The store is full.
    Full,
    /// The store does not support the operation.
    Unsupported,
    /// The store refused, and would refuse again.
    Refused,
    /// The outcome is unknown, and a retry may succeed.
    Transient,
}

/// The reason why a request failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    how: How,
    /// An attempt of the request got no answer.
    pub(super) is_unanswered: bool,
}

#[derive(Clone, Debug)]
enum How {
    Answered { status: Option<u16>, code: Option<String> },
    TimedOut,
    Disconnected,
    CircuitOpen,
    Told(&'static str),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            How::Answered { status, code } => {
                out.write_str("the store answered")?;
                status.map_or(Ok(()), |status| write!(out, " {status}"))?;
                match code {
                    Some(code) => write!(out, " {code}"),
                    None if status.is_none() => out.write_str(" what cannot be understood"),
                    None => Ok(()),
                }
            }
            How::TimedOut => out.write_str("the store did not answer in time"),
            How::Disconnected => out.write_str("the connection to the store failed"),
            How::CircuitOpen => out.write_str("the store has failed again and again, and is asked again in a moment"),
            How::Told(what) => out.write_str(what),
        }
    }
}

impl Failure {
    const fn of(kind: Kind, how: How) -> Self {
        Self { kind, how, is_unanswered: false }
    }

    /// Returns the failure of a request that timed out.
    pub(super) fn timed_out() -> Self {
        Self { is_unanswered: true, ..Self::of(Kind::Transient, How::TimedOut) }
    }

    /// Returns the failure of a request that the open circuit breaker rejected.
    pub(super) const fn circuit_open() -> Self {
        Self::of(Kind::Transient, How::CircuitOpen)
    }

    /// Returns whether the circuit breaker rejected the request.
    pub(super) const fn is_circuit_open(&self) -> bool {
        matches!(self.how, How::CircuitOpen)
    }

    /// Returns the transient failure of an answer that does not fit the request.
    pub(super) const fn unexpected(what: &'static str) -> Self {
        Self::of(Kind::Transient, How::Told(what))
    }

    /// Returns the permanent failure of a call that the store answered, but carried out wrongly.
    pub(super) const fn wrong_outcome(what: &'static str) -> Self {
        Self::of(Kind::Refused, How::Told(what))
    }

    /// Returns the HTTP status of the answer.
    pub(super) const fn status(&self) -> Option<u16> {
        if let How::Answered { status, .. } = self.how { status } else { None }
    }

    /// Returns the error code of the answer; none without an answer.
    pub(super) fn code(&self) -> Option<&str> {
        if let How::Answered { code, .. } = &self.how { Some(code.as_deref().unwrap_or_default()) } else { None }
    }

    /// Returns whether the refusal is one that stores also give in error.
    pub(super) fn is_retried_refusal(&self) -> bool {
        self.kind == Kind::Refused && self.code().is_some_and(|code| RETRIED_REFUSALS.contains(&code))
    }

    /// Returns the failure of an object with fewer bytes than recorded.
    pub(super) const fn truncated() -> Self {
        Self::of(Kind::OutOfRange, How::Told("the store has fewer bytes"))
    }

    /// Classifies an error of the client.
    pub(super) fn from_client(error: &Error) -> Self {
        let text = error.to_string();
        let (status, code) = (status_of(&text), code_of(&text));
        let kind = kind_of(error, status, code.as_deref());
        let disconnected =
            status.is_none() && code.is_none() && kind == Kind::Transient && !matches!(error, Error::NotFound { .. });
        if disconnected && is_transport(error) {
            return Self { is_unanswered: true, ..Self::of(kind, How::Disconnected) };
        }
        Self::of(kind, How::Answered { status, code })
    }

    /// Converts the failure of a read or deletion of blob `id`.
    pub(super) fn into_blob_error(self, id: BlobId) -> BlobError {
        match self.kind {
            Kind::Missing => BlobError::Damaged(id, "it is missing"),
            Kind::OutOfRange => BlobError::Damaged(id, "it is shorter than it was"),
            Kind::Changed => BlobError::Damaged(id, "it was replaced"),
            _ => self.into(),
        }
    }
}

impl From<Failure> for BlobError {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            Kind::Full => Self::OutOfSpace(io::Error::other(failure)),
            _ => Self::Unavailable(io::Error::other(failure)),
        }
    }
}

fn kind_of(error: &Error, status: Option<u16>, code: Option<&str>) -> Kind {
    let is_one_of = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
    if status == Some(507) || is_one_of(&FULL) {
        return Kind::Full;
    }
    if is_one_of(&TRANSIENT) {
        return Kind::Transient;
    }
    match error {
        // A missing bucket is not a missing object: nothing may be concluded from it.
        Error::NotFound { .. } if is_one_of(&["NoSuchBucket", "ContainerNotFound"]) => Kind::Refused,
        Error::NotFound { .. } => Kind::Missing,
        Error::AlreadyExists { .. } => Kind::Exists,
        Error::Precondition { .. } | Error::NotModified { .. } => Kind::Changed,
        Error::NotImplemented { .. } | Error::NotSupported { .. } => Kind::Unsupported,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Kind::Refused,
        _ => match status {
            Some(416) => Kind::OutOfRange,
            Some(501) => Kind::Unsupported,
            Some(408 | 429 | 500..) | None => Kind::Transient,
            Some(_) => Kind::Refused,
        },
    }
}

fn is_transport(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<object_store::client::HttpError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn status_of(text: &str) -> Option<u16> {
    text.split_once(STATUS)?.1.get(..3)?.parse().ok()
}

/// Returns the error code of an XML body if it is well-formed.
fn code_of(text: &str) -> Option<String> {
    let (code, _) = text.split_once("<Code>")?.1.split_once("</Code>")?;
    let plain = code.len() <= MAX_CODE_BYTES && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Failure {
        Failure::from_client(&Error::Generic { store: "S3", source: text.into() })
    }

    #[test]
    fn status_and_code_are_told_and_nothing_else() {
        let body = "Error performing PUT http://h/b/k?X-Amz-Signature=hunter2 in 1s - Server returned non-2xx status code: \
                    403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        let failure = generic(body);
        assert_eq!(
            (failure.kind, failure.to_string().as_str()),
            (Kind::Refused, "the store answered 403 SignatureDoesNotMatch")
        );
        assert!(!format!("{failure:?}").contains("AKIA") && !format!("{failure:?}").contains("hunter2"));
        let odd = generic("status code: 400 Bad: <Code>AKIA secret</Code>");
        assert_eq!(odd.to_string(), "the store answered 400");
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for (text, kind) in [
            ("status code: 500 x", Kind::Transient),
            ("status code: 503 x: <Code>SlowDown</Code>", Kind::Transient),
            ("status code: 400 x: <Code>RequestTimeout</Code>", Kind::Transient),
            ("status code: 429 x", Kind::Transient),
            ("status code: 400 x: <Code>InvalidArgument</Code>", Kind::Refused),
            ("status code: 416 x", Kind::OutOfRange),
            ("status code: 501 x", Kind::Unsupported),
            ("status code: 507 x", Kind::Full),
            ("status code: 403 x: <Code>QuotaExceeded</Code>", Kind::Full),
            ("Server returned error response: <Code>InternalError</Code>", Kind::Transient),
            ("anything", Kind::Transient),
        ] {
            assert_eq!(generic(text).kind, kind, "{text}");
        }
        let missing =
            |text: &str| Failure::from_client(&Error::NotFound { path: "p".into(), source: text.into() }).kind;
        assert_eq!(missing("status code: 404 x: <Code>NoSuchKey</Code>"), Kind::Missing);
        assert_eq!(missing("status code: 404 x: <Code>NoSuchBucket</Code>"), Kind::Refused);
    }
}
