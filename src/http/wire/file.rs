//! OpenAI's File object: how it is written, and how the reference describes it.

use crate::model::digest::Sha256Digest;
use crate::model::file::File;
use serde::{Serialize, Serializer};
use std::fmt::Display;
use venna_reference::{Field, Schema, count, may, must, or_null, unix_seconds};

/// OpenAI's File object, in the order of its keys.
#[derive(Debug, Serialize)]
pub struct FileObject<'a> {
    object: &'static str,
    id: &'a str,
    purpose: &'static str,
    filename: &'a str,
    bytes: u64,
    created_at: u64,
    expires_at: Option<u64>,
    status: &'static str,
    status_details: Option<&'a str>,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text_if_any")]
    sha256: Option<Sha256Digest>,
}

impl FileObject<'_> {
    /// Describes the keys, for the reference.
    pub fn fields() -> Vec<Field> {
        vec![
            must("object", Schema::Word("file"), "The type of the object."),
            must("id", Schema::Text, "The id: `file-` and 24 characters. Ids sort by creation time."),
            must("purpose", Schema::Named("StoredPurpose"), "The use of the File."),
            must("filename", Schema::Text, "The name."),
            must("bytes", count(), "The size, in bytes."),
            must("created_at", unix_seconds(), "Creation time, in Unix seconds."),
            must("expires_at", or_null(unix_seconds()), "Expiry, in Unix seconds; `null` if the File does not expire."),
            must(
                "status",
                Schema::Words(vec!["processed", "error"]),
                "`error` if lines of a `batch` or `fine-tune` file are not valid.",
            ),
            must(
                "status_details",
                or_null(Schema::Text),
                "The first bad lines, each with the reason; `null` if there are none.",
            ),
            must(
                "mime_type",
                Schema::Text,
                "The media type: as the upload declared it, or that of the name's extension. An extension.",
            ),
            may(
                "sha256",
                Schema::Text,
                "The SHA-256 of the content, in hex. An extension. Files that were completed from parts have it only if their `md5` was checked.",
            ),
        ]
    }
}

impl<'a> From<&'a File> for FileObject<'a> {
    fn from(file: &'a File) -> Self {
        Self {
            object: "file",
            id: file.id.as_str(),
            purpose: file.purpose.name(),
            filename: file.filename.as_str(),
            bytes: file.size_bytes,
            created_at: file.created_at(),
            expires_at: file.expires_at,
            status: if file.status_details.is_none() { "processed" } else { "error" },
            status_details: file.status_details.as_deref(),
            mime_type: file.mime_type.as_str(),
            sha256: file.digest.sha256(),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands on a reference to the field")]
fn as_text_if_any<S: Serializer>(value: &Option<impl Display>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}
