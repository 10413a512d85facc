//! `Accept` of downloads: content is octets unless a client names the type of the File (docs/contract.md, section 7).

use crate::model::mime_type::{MimeType, harmless};
use http::HeaderMap;
use http::header::ACCEPT;

/// Returns the media type of a File if the client names it and no browser runs it. A range of types, such as `*/*`,
/// names none.
pub fn asked_for(headers: &HeaderMap, mime_type: &MimeType) -> Option<&'static str> {
    let known = served_as(mime_type)?;
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(','));
    ranges.any(|range| names(range, known)).then_some(known)
}

/// Returns whether `Accept` decides about the type under which content of this type is sent.
pub fn decides(mime_type: &MimeType) -> bool {
    served_as(mime_type).is_some()
}

fn served_as(mime_type: &MimeType) -> Option<&'static str> {
    harmless(mime_type.as_str()).filter(|_| *mime_type != MimeType::OCTETS)
}

/// Returns whether a media range (RFC 9110, section 12.5.1) is this type, with a weight above 0.
fn names(range: &str, known: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let is_type = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(known));
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")));
    is_type && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::filename::Filename;
    use http::HeaderValue;

    fn asked(accept: &str, name: &str) -> Option<&'static str> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(accept).unwrap())]);
        asked_for(&headers, &MimeType::of_name(&Filename::parse(name).unwrap()))
    }

    #[test]
    fn only_the_type_itself_asks_for_it() {
        for accept in ["text/plain", "image/png, TEXT/Plain;q=0.5", "text/plain; charset=utf-8"] {
            assert_eq!(asked(accept, "a.txt"), Some("text/plain"), "{accept}");
        }
        for accept in ["*/*", "text/*", "application/json", "text/plain;q=0", "text/plain;q=x", ""] {
            assert_eq!(asked(accept, "a.txt"), None, "{accept}");
        }
    }

    #[test]
    fn nothing_that_a_browser_runs_is_sent_as_such() {
        for name in ["a.html", "a.svg", "a.js", "a.xml"] {
            let mime_type = MimeType::of_name(&Filename::parse(name).unwrap());
            assert_eq!(asked(mime_type.as_str(), name), None, "{name}");
        }
    }
}
