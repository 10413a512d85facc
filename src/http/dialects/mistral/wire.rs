//! Mistral's JSON objects.

use super::purposes;
use crate::model::file::File;
use serde::Serialize;

/// The visibility of every File: its workspace.
pub const VISIBILITY: &str = "workspace";

/// A File.
#[derive(Debug, Serialize)]
pub struct FileObject<'a> {
    id: &'a str,
    object: &'static str,
    bytes: u64,
    created_at: u64,
    filename: &'a str,
    purpose: &'static str,
    sample_type: &'static str,
    source: &'static str,
    mimetype: &'a str,
    expires_at: Option<u64>,
    visibility: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
}

impl<'a> FileObject<'a> {
    /// Describes a File as the answer to a retrieval does.
    pub fn retrieved(file: &'a File) -> Self {
        Self { deleted: Some(false), ..Self::from(file) }
    }
}

impl<'a> From<&'a File> for FileObject<'a> {
    fn from(file: &'a File) -> Self {
        Self {
            id: file.id.as_str(),
            object: "file",
            bytes: file.size_bytes,
            created_at: file.created_at(),
            filename: file.filename.as_str(),
            purpose: purposes::name(file.purpose),
            sample_type: purposes::sample_type(file.purpose),
            source: purposes::source(file.purpose),
            mimetype: file.mime_type.as_str(),
            expires_at: file.expires_at,
            visibility: VISIBILITY,
            deleted: None,
        }
    }
}

/// A page of Files.
#[derive(Debug, Serialize)]
pub struct FileList<'a> {
    object: &'static str,
    data: Vec<FileObject<'a>>,
    total: Option<u64>,
}

impl<'a> FileList<'a> {
    /// Creates a page; none as `total` if they were not counted.
    pub fn new(files: &'a [File], total: Option<u64>) -> Self {
        Self { object: "list", data: files.iter().map(FileObject::from).collect(), total }
    }
}
