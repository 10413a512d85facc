//! The media type of a File's content (RFC 9110, section 8.3.1), without parameters.

use super::filename::Filename;
use mime::Mime;
use std::borrow::Cow;

/// The longest type, in characters: two names of 127 characters (RFC 6838, section 4.2) and a slash.
pub const MAX_MIME_TYPE_CHARACTERS: usize = 255;

const OCTETS: &str = "application/octet-stream";

/// The types of common extensions, which no release of `mime_guess` changes, and of those that it does not know or of
/// which it knows another use.
const EXTENSIONS: [(&str, &str); 18] = [
    ("jsonl", "application/jsonl"),
    ("txt", "text/plain"),
    ("pdf", "application/pdf"),
    ("json", "application/json"),
    ("csv", "text/csv"),
    ("md", "text/markdown"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("bin", OCTETS),
    ("zip", "application/zip"),
    ("html", "text/html"),
    ("ndjson", "application/x-ndjson"),
    ("parquet", "application/vnd.apache.parquet"),
    ("ts", "text/plain"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("wav", "audio/wav"),
];

/// The types under which content may be sent to a browser, which runs none of them.
pub const HARMLESS_TYPES: [&str; 22] = [
    "application/gzip",
    "application/json",
    "application/jsonl",
    OCTETS,
    "application/pdf",
    "application/x-ndjson",
    "application/zip",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/markdown",
    "text/plain",
    "video/mp4",
];

/// Returns the type of [`HARMLESS_TYPES`] that has this name.
#[must_use]
pub fn harmless(name: &str) -> Option<&'static str> {
    HARMLESS_TYPES.into_iter().find(|known| *known == name)
}

/// A media type: two names in lower case and a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MimeType(Cow<'static, str>);

impl MimeType {
    /// The type of content of which nothing is known.
    pub const OCTETS: Self = Self(Cow::Borrowed(OCTETS));

    /// Returns the type of a file: the one that its client declared, else that of its name.
    #[must_use]
    pub fn of_file(declared: Option<&str>, filename: &Filename) -> Self {
        declared.and_then(Self::declared).unwrap_or_else(|| Self::of_name(filename))
    }

    /// Returns the type that a client declared; octets if it declared none.
    #[must_use]
    pub fn of_declared(declared: Option<&str>) -> Self {
        declared.and_then(Self::declared).unwrap_or(Self::OCTETS)
    }

    /// Returns the usual extension of files of this type; none if it is not a common one.
    #[must_use]
    pub fn extension(&self) -> Option<&'static str> {
        EXTENSIONS.into_iter().find(|(_, name)| *name == self.as_str()).map(|(extension, _)| extension)
    }

    /// Returns the type of the extension of a name; octets if it is not known.
    #[must_use]
    pub fn of_name(filename: &Filename) -> Self {
        filename.extension().and_then(Self::of_extension).unwrap_or(Self::OCTETS)
    }

    /// Returns a stored type, unchecked.
    #[must_use]
    pub fn stored(name: &str) -> Self {
        if name == OCTETS { Self::OCTETS } else { Self(Cow::Owned(name.to_owned())) }
    }

    /// Returns the type.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the type that a client declared. OpenAI's examples have a bare extension, too. None for octets, which
    /// clients declare when they know no better, and for what is not a type.
    fn declared(text: &str) -> Option<Self> {
        let text = text.split(';').next().unwrap_or_default().trim();
        if text == OCTETS || text.len() > MAX_MIME_TYPE_CHARACTERS {
            return None;
        }
        if !text.contains('/') {
            return Self::of_extension(text);
        }
        let parsed: Mime = text.parse().ok()?;
        let is_whole = !parsed.type_().as_str().is_empty() && !parsed.subtype().as_str().is_empty();
        let name = parsed.essence_str();
        (is_whole && name != OCTETS && !name.contains('*')).then(|| Self(Cow::Owned(name.to_owned())))
    }

    fn of_extension(extension: &str) -> Option<Self> {
        let known = EXTENSIONS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(extension));
        let name = known.map(|(_, name)| name).or_else(|| mime_guess::from_ext(extension).first_raw());
        name.map(|name| Self(Cow::Borrowed(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(declared: Option<&str>, name: &str) -> String {
        MimeType::of_file(declared, &Filename::parse(name).unwrap()).as_str().to_owned()
    }

    #[test]
    fn a_declared_type_goes_before_the_extension() {
        for (declared, mime_type) in [
            (Some("image/png"), "image/png"),
            (Some("Text/HTML; charset=\"UTF-8\""), "text/html"),
            (Some("application/vnd.api+json"), "application/vnd.api+json"),
            (Some("image/png ; charset=x"), "image/png"),
            (Some("image/png; header"), "image/png"),
            (Some("text/"), "text/csv"),
            (Some("/csv"), "text/csv"),
            (Some("pdf"), "application/pdf"),
            (Some("application/octet-stream"), "text/csv"),
            (Some("*/*"), "text/csv"),
            (Some("text/*"), "text/csv"),
            (Some("no type"), "text/csv"),
            (Some("a/b/c"), "text/csv"),
            (Some(""), "text/csv"),
            (Some(&format!("text/{}", "x".repeat(251))), "text/csv"),
            (None, "text/csv"),
        ] {
            assert_eq!(of_file(declared, "a.csv"), mime_type, "{declared:?}");
        }
    }

    #[test]
    fn an_extension_has_one_type() {
        for (name, mime_type) in [
            ("a.jsonl", "application/jsonl"),
            ("A.JSONL", "application/jsonl"),
            ("dir.d/a.TXT", "text/plain"),
            ("a.pdf", "application/pdf"),
            ("a.md", "text/markdown"),
            ("a.tar.gz", "application/gzip"),
            ("a.unknown", OCTETS),
            ("jsonl", OCTETS),
            ("a.", OCTETS),
        ] {
            assert_eq!(of_file(None, name), mime_type, "{name}");
        }
    }

    #[test]
    fn every_harmless_type_is_one() {
        for name in HARMLESS_TYPES {
            assert_eq!(of_file(Some(name), "a"), name);
        }
    }
}
