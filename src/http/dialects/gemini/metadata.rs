//! What a client says about a File before its bytes: a JSON object in both spellings, and headers.

use super::headers::{FILE_NAME, MIME_TYPE, TOTAL_BYTES};
use crate::files::FileDetails;
use crate::http::error::ApiError;
use crate::http::form;
use crate::http::json::JsonObject;
use crate::model::chosen_name::{ChosenName, MalformedName};
use crate::model::expiry::ExpiresAfter;
use crate::model::filename::Filename;
use crate::model::mime_type::MimeType;
use crate::model::purpose::Purpose;
use crate::model::upload::MAX_UPLOAD_BYTES;
use crate::model::upload_session::MAX_SESSION_SECONDS;
use crate::uploads::PlannedUpload;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode;
use serde::Deserialize;

/// The member of the body that describes the File.
const FILE: &str = "file";
/// The beginning of a chosen name.
const RESOURCE: &str = "files/";
/// The name of a File that has none, before the extension of its type.
const UNNAMED: &str = "unnamed";

/// What a client says about a File. Other members are ignored, as those that only the server writes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    name: Option<String>,
    #[serde(alias = "displayName")]
    display_name: Option<String>,
    #[serde(alias = "mimeType")]
    mime_type: Option<String>,
    #[serde(alias = "sizeBytes")]
    size_bytes: Option<SizeBytes>,
}

/// A size in bytes, as a number or as its digits.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SizeBytes {
    Number(u64),
    Digits(String),
}

impl SizeBytes {
    fn read(&self) -> Result<u64, ApiError> {
        match self {
            Self::Number(number) => bounded("size_bytes", *number),
            Self::Digits(digits) => size("size_bytes", digits),
        }
    }
}

impl Metadata {
    /// Reads it from the member `file` of a body; nothing if there is none.
    ///
    /// # Errors
    /// When a member has another type.
    pub fn of_body(mut body: JsonObject) -> Result<Self, ApiError> {
        body.object(FILE)?.map_or_else(|| Ok(Self::default()), JsonObject::read_as)
    }

    /// Takes the name of a part of a form where it has none.
    #[must_use]
    pub fn or_named(self, filename: Option<String>) -> Self {
        Self { display_name: self.display_name.or(filename), ..self }
    }

    /// Returns the Upload that it plans together with the headers of the request. The type that is sent with the bytes
    /// is `sent_type`.
    ///
    /// # Errors
    /// When a value is not valid.
    pub fn plan(self, headers: &HeaderMap, sent_type: Option<&str>) -> Result<PlannedUpload, ApiError> {
        let chosen_name = self.name.as_deref().filter(|name| !name.is_empty()).map(chosen).transpose()?;
        let of_header = headers.get(TOTAL_BYTES).and_then(|value| value.to_str().ok());
        let size_bytes = match (of_header, &self.size_bytes) {
            (Some(digits), _) => Some(size(TOTAL_BYTES.as_str(), digits)?),
            (None, of_body) => of_body.as_ref().map(SizeBytes::read).transpose()?,
        };
        let of_header = headers.get(MIME_TYPE).and_then(|value| value.to_str().ok());
        let declared = self.mime_type.as_deref().filter(|text| !text.is_empty()).or(of_header).or(sent_type);
        let filename = self.filename(headers, chosen_name.as_ref(), declared)?;
        let mime_type = MimeType::of_file(declared, &filename);
        let expires_after: Option<ExpiresAfter> = None;
        let details = FileDetails { purpose: Purpose::UserData, filename, mime_type, expires_after };
        Ok(PlannedUpload { details, size_bytes, chosen_name, max_ttl_seconds: MAX_SESSION_SECONDS })
    }

    fn filename(
        &self,
        headers: &HeaderMap,
        chosen_name: Option<&ChosenName>,
        declared: Option<&str>,
    ) -> Result<Filename, ApiError> {
        if let Some(name) = self.display_name.as_deref().filter(|name| !name.is_empty()) {
            return form::filename(name, "display_name");
        }
        let of_header = headers.get(FILE_NAME).map(|value| decoded(value.as_bytes()));
        if let Some(name) = of_header.filter(|name| !name.is_empty()) {
            return form::filename(&name, FILE_NAME.as_str());
        }
        let name = chosen_name.map_or_else(|| unnamed(declared), |name| name.as_str().to_owned());
        form::filename(&name, FILE)
    }
}

/// Returns the media type of the body of a request.
pub fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

fn chosen(name: &str) -> Result<ChosenName, ApiError> {
    let wrong = |error: MalformedName| ApiError::invalid(format!("Invalid 'name': {error}.")).param("name");
    ChosenName::parse(name.strip_prefix(RESOURCE).unwrap_or(name)).map_err(wrong)
}

fn size(param: &str, digits: &str) -> Result<u64, ApiError> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err(ApiError::not_an_integer(param, digits));
    }
    bounded(param, digits.parse().unwrap_or(u64::MAX))
}

fn bounded(param: &str, size_bytes: u64) -> Result<u64, ApiError> {
    if size_bytes <= MAX_UPLOAD_BYTES {
        return Ok(size_bytes);
    }
    Err(ApiError::above_maximum(param, MAX_UPLOAD_BYTES, &size_bytes.to_string()))
}

/// Decodes the name in a header: percent-encoded or not, of UTF-8 or else of Latin-1.
fn decoded(value: &[u8]) -> String {
    let bytes: Vec<u8> = percent_decode(value).collect();
    let latin = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect();
    String::from_utf8(bytes).unwrap_or_else(|_| str::from_utf8(value).map_or_else(|_| latin(value), str::to_owned))
}

fn unnamed(declared: Option<&str>) -> String {
    match MimeType::of_declared(declared).extension() {
        Some(extension) => format!("{UNNAMED}.{extension}"),
        None => UNNAMED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use serde_json::{Value, json};

    fn plan(body: Value, headers: &[(HeaderName, &str)]) -> Result<PlannedUpload, ApiError> {
        let metadata: Metadata = serde_json::from_value(body).unwrap();
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        metadata.plan(&headers, None)
    }

    fn shown(planned: &PlannedUpload) -> (&str, &str, Option<u64>, Option<&str>) {
        let FileDetails { filename, mime_type, .. } = &planned.details;
        let name = planned.chosen_name.as_ref().map(ChosenName::as_str);
        (filename.as_str(), mime_type.as_str(), planned.size_bytes, name)
    }

    #[test]
    fn both_spellings_say_the_same() {
        for body in [
            json!({"name": "files/abc-1", "display_name": "d", "mime_type": "text/plain", "size_bytes": 3}),
            json!({"name": "abc-1", "displayName": "d", "mimeType": "text/plain", "sizeBytes": "3", "state": "ACTIVE"}),
        ] {
            let planned = plan(body, &[]).unwrap();
            assert_eq!(shown(&planned), ("d", "text/plain", Some(3), Some("abc-1")));
        }
    }

    #[test]
    fn headers_say_what_the_body_does_not() {
        let headers = [(FILE_NAME, "a%20b.txt"), (TOTAL_BYTES, "7"), (MIME_TYPE, "text/x-b")];
        assert_eq!(shown(&plan(json!({}), &headers).unwrap()), ("a b.txt", "text/x-b", Some(7), None));
        assert_eq!(shown(&plan(json!({}), &[]).unwrap()), ("unnamed.bin", "application/octet-stream", None, None));
        let png = plan(json!({"mimeType": "image/png"}), &[]).unwrap();
        assert_eq!(shown(&png), ("unnamed.png", "image/png", None, None));
        assert_eq!(shown(&plan(json!({"name": "files/x"}), &[]).unwrap()).0, "x");
    }

    #[test]
    fn names_in_headers_are_of_either_encoding() {
        assert_eq!(decoded("na\u{ef}ve \u{6587}".as_bytes()), "na\u{ef}ve \u{6587}");
        assert_eq!(decoded(b"na\xefve"), "na\u{ef}ve");
        assert_eq!(decoded(b"na%C3%AFve"), "na\u{ef}ve");
        assert_eq!(decoded(b"100%25"), "100%");
        assert_eq!(decoded(b"100%FF"), "100%FF");
    }

    #[test]
    fn what_is_not_valid_is_refused() {
        for body in [json!({"name": "files/A"}), json!({"size_bytes": "x"}), json!({"size_bytes": u64::MAX})] {
            assert!(plan(body.clone(), &[]).is_err(), "{body}");
        }
        assert!(plan(json!({}), &[(TOTAL_BYTES, "-1")]).is_err());
    }
}
