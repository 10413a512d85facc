//! What a store in the cloud answered, without what must not be shown: texts of the client hold URLs, and bodies of errors
//! hold key ids and signatures, so that nothing of them but the status and the code goes on.

use crate::blobs::BlobError;
use crate::model::ids::BlobId;
use object_store::Error;
use std::fmt;
use std::io;

/// The longest code that is repeated, in bytes.
const MAX_CODE_BYTES: usize = 64;
/// What stands before the status in the texts of the client.
const STATUS: &str = "status code: ";
/// Codes by which stores say that there is no room.
const FULL: [&str; 4] = ["QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "StorageQuotaExceeded"];
/// Codes of refusals that stores give in passing, though the request was right: such a request is made once more.
const DOUBTFUL: [&str; 5] =
    ["InvalidPart", "RequestTimeTooSkewed", "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch"];
/// Codes of refusals that pass by themselves.
const PASSING: [&str; 4] = ["RequestTimeout", "SlowDown", "ServerBusy", "OperationAborted"];

/// How a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is no such object or upload.
    Missing,
    /// There is one already.
    Exists,
    /// The object is not the one that was meant.
    Changed,
    /// The range lies outside the object.
    OutOfRange,
    /// No room.
    Full,
    /// The store cannot do this.
    Unsupported,
    /// The store refused, and would again.
    Refused,
    /// It may have been done, or not, and may go well the next time.
    Passing,
}

/// Why a request came to nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Answered { status: Option<u16>, code: Option<String> },
    Silent,
    Disconnected,
    Resting,
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
            How::Silent => out.write_str("the store did not answer in time"),
            How::Disconnected => out.write_str("the connection to the store failed"),
            How::Resting => out.write_str("the store has failed again and again, and is asked again in a moment"),
            How::Told(what) => out.write_str(what),
        }
    }
}

impl Failure {
    /// The store took too long.
    pub(super) const fn silent() -> Self {
        Self { kind: Kind::Passing, how: How::Silent }
    }

    /// The store was not asked.
    pub(super) const fn resting() -> Self {
        Self { kind: Kind::Passing, how: How::Resting }
    }

    /// Whether the store was not asked.
    pub(super) const fn is_resting(&self) -> bool {
        matches!(self.how, How::Resting)
    }

    /// The store did something else than it was asked for.
    pub(super) const fn odd(what: &'static str) -> Self {
        Self { kind: Kind::Passing, how: How::Told(what) }
    }

    /// The store did what it was asked for, and something else came of it.
    pub(super) const fn told(what: &'static str) -> Self {
        Self { kind: Kind::Refused, how: How::Told(what) }
    }

    /// The status of the answer.
    pub(super) const fn status(&self) -> Option<u16> {
        if let How::Answered { status, .. } = self.how { status } else { None }
    }

    /// The code of the answer; none where the store was not heard.
    pub(super) fn code(&self) -> Option<&str> {
        if let How::Answered { code, .. } = &self.how { Some(code.as_deref().unwrap_or_default()) } else { None }
    }

    /// Whether the store refused what it may take the next time.
    pub(super) fn is_doubtful(&self) -> bool {
        self.kind == Kind::Refused && self.code().is_some_and(|code| DOUBTFUL.contains(&code))
    }

    /// The store has fewer bytes than there should be.
    pub(super) const fn short() -> Self {
        Self { kind: Kind::OutOfRange, how: How::Told("the store has fewer bytes") }
    }

    /// What an error of the client comes to.
    pub(super) fn of(error: &Error) -> Self {
        let text = error.to_string();
        let (status, code) = (status_of(&text), code_of(&text));
        let kind = kind_of(error, status, code.as_deref());
        let disconnected =
            status.is_none() && code.is_none() && kind == Kind::Passing && !matches!(error, Error::NotFound { .. });
        let how = if disconnected && is_transport(error) { How::Disconnected } else { How::Answered { status, code } };
        Self { kind, how }
    }

    /// For the blob that was asked for.
    pub(super) fn of_blob(self, id: BlobId) -> BlobError {
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
    if is_one_of(&PASSING) {
        return Kind::Passing;
    }
    match error {
        // A bucket that is not there is no missing object: nothing may be concluded from it.
        Error::NotFound { .. } if is_one_of(&["NoSuchBucket", "ContainerNotFound"]) => Kind::Refused,
        Error::NotFound { .. } => Kind::Missing,
        Error::AlreadyExists { .. } => Kind::Exists,
        Error::Precondition { .. } | Error::NotModified { .. } => Kind::Changed,
        Error::NotImplemented { .. } | Error::NotSupported { .. } => Kind::Unsupported,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Kind::Refused,
        _ => match status {
            Some(416) => Kind::OutOfRange,
            Some(501) => Kind::Unsupported,
            Some(408 | 429 | 500..) | None => Kind::Passing,
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

/// The first code of an error in XML, if it looks like one.
fn code_of(text: &str) -> Option<String> {
    let (code, _) = text.split_once("<Code>")?.1.split_once("</Code>")?;
    let plain = code.len() <= MAX_CODE_BYTES && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Failure {
        Failure::of(&Error::Generic { store: "S3", source: text.into() })
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
            ("status code: 500 x", Kind::Passing),
            ("status code: 503 x: <Code>SlowDown</Code>", Kind::Passing),
            ("status code: 400 x: <Code>RequestTimeout</Code>", Kind::Passing),
            ("status code: 429 x", Kind::Passing),
            ("status code: 400 x: <Code>InvalidArgument</Code>", Kind::Refused),
            ("status code: 416 x", Kind::OutOfRange),
            ("status code: 501 x", Kind::Unsupported),
            ("status code: 507 x", Kind::Full),
            ("status code: 403 x: <Code>QuotaExceeded</Code>", Kind::Full),
            ("Server returned error response: <Code>InternalError</Code>", Kind::Passing),
            ("anything", Kind::Passing),
        ] {
            assert_eq!(generic(text).kind, kind, "{text}");
        }
        let missing = |text: &str| Failure::of(&Error::NotFound { path: "p".into(), source: text.into() }).kind;
        assert_eq!(missing("status code: 404 x: <Code>NoSuchKey</Code>"), Kind::Missing);
        assert_eq!(missing("status code: 404 x: <Code>NoSuchBucket</Code>"), Kind::Refused);
    }
}
