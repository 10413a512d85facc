//! The check of `Content-Encoding`. Request bodies are never decoded, so an encoded body would be stored or parsed
//! encoded.

use super::catalogue::ErrorKind;
use super::error::{ApiError, echo};
use axum::extract::Request;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http_body::Body as _;

/// The identity coding (RFC 9110, section 12.5.3).
const IDENTITY: &str = "identity";

/// Refuses a body in a content coding.
///
/// # Errors
/// 415, with the received codings and the accepted one (RFC 9110, section 15.5.16).
pub fn refuse(request: &Request) -> Result<(), ApiError> {
    if request.body().is_end_stream() {
        return Ok(());
    }
    let lines = request.headers().get_all(CONTENT_ENCODING).iter();
    let codings = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let unknown = codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(IDENTITY.as_bytes()));
    let unknown: Vec<_> = unknown.map(String::from_utf8_lossy).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The request body has the Content-Encoding '{}', which is not supported. Send it without one.",
        echo(&unknown.join(", "))
    );
    Err(ApiError::new(ErrorKind::UnsupportedMediaType, message).header(ACCEPT_ENCODING, IDENTITY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn refused(codings: &[&str], body: Body) -> Option<String> {
        let mut request = Request::new(body);
        for coding in codings {
            request.headers_mut().append(CONTENT_ENCODING, coding.parse().unwrap());
        }
        refuse(&request).err().map(|error| format!("{error:?}"))
    }

    #[test]
    fn only_a_body_that_is_coded_is_refused() {
        for codings in [&[][..], &["identity"], &["Identity, identity"], &[""]] {
            assert_eq!(refused(codings, Body::from("x")), None, "{codings:?}");
        }
        assert_eq!(refused(&["gzip"], Body::empty()), None);
        for (codings, named) in
            [(&["gzip"][..], "'gzip'"), (&["identity, br"], "'br'"), (&["zstd", "x-gzip"], "'zstd, x-gzip'")]
        {
            let error = refused(codings, Body::from("x")).unwrap();
            assert!(error.contains(named) && error.contains("UnsupportedMediaType"), "{error}");
        }
    }
}
