//! Anthropic's JSON objects.

use super::caller::Shape;
use super::list::token;
use crate::http::wire::rfc3339;
use crate::model::file::File;
use crate::model::ids::FileId;
use crate::model::page::Page;
use crate::model::purpose::Purpose;
use serde::Serialize;

/// How objects are shown.
#[derive(Clone, Copy, Debug)]
pub struct Presentation {
    /// The shape of objects.
    pub shape: Shape,
    /// The content of uploads is served.
    pub serves_uploads: bool,
}

/// A File.
#[derive(Debug, Serialize)]
pub struct FileMetadata<'a> {
    id: String,
    r#type: &'static str,
    filename: &'a str,
    mime_type: &'a str,
    size_bytes: u64,
    created_at: String,
    downloadable: bool,
    /// None where the shape has no such key.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Nullable>,
}

/// A page of Files, with the members that its shape has.
#[derive(Debug, Serialize)]
pub struct FilePage<'a> {
    data: Vec<FileMetadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<Nullable>,
    #[serde(flatten)]
    ends: Option<Ends>,
}

/// A member that is `null` where it has no value.
#[derive(Debug, Serialize)]
struct Nullable(Option<String>);

/// The ends of a page.
#[derive(Debug, Serialize)]
struct Ends {
    has_more: bool,
    first_id: Option<String>,
    last_id: Option<String>,
}

impl Presentation {
    /// Describes a File.
    pub fn file(self, file: &File) -> FileMetadata<'_> {
        FileMetadata {
            id: file.id.underscored(),
            r#type: "file",
            filename: file.filename.as_str(),
            mime_type: file.mime_type.as_str(),
            size_bytes: file.size_bytes,
            created_at: rfc3339(file.created_at()),
            downloadable: self.serves_uploads || !Purpose::UPLOADABLE.contains(&file.purpose),
            expires_at: (self.shape != Shape::Beta).then(|| Nullable(file.expires_at.map(rfc3339))),
        }
    }

    /// Describes a page.
    pub fn page(self, page: &Page<File>) -> FilePage<'_> {
        let id = |file: &File| file.id.underscored();
        let (first, last) = (page.rows.first(), page.rows.last());
        let next = || Nullable(last.filter(|_| page.has_more).map(|file| token(file.id)));
        let ends = || Ends { has_more: page.has_more, first_id: first.map(id), last_id: last.map(id) };
        FilePage {
            data: page.rows.iter().map(|file| self.file(file)).collect(),
            next_page: (self.shape != Shape::Beta).then(next),
            ends: (self.shape != Shape::Current).then(ends),
        }
    }
}

/// A deleted File.
#[derive(Debug, Serialize)]
pub struct FileDeleted {
    id: String,
    r#type: &'static str,
}

impl FileDeleted {
    /// Describes a deleted File.
    pub fn new(id: FileId) -> Self {
        Self { id: id.underscored(), r#type: "file_deleted" }
    }
}
