//! Gemini's JSON objects.

use super::list::token;
use crate::http::state::ServerUrl;
use crate::http::wire::rfc3339;
use crate::model::dialect::Dialect;
use crate::model::file::File;
use crate::model::page::Page;
use crate::model::purpose::Purpose;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Uri};
use serde::Serialize;

/// The code of gRPC of an argument that is not valid.
const INVALID_ARGUMENT: u8 = 3;

/// How objects are shown: with URIs of the server as the client reaches it, and of the version that it speaks.
#[derive(Debug)]
pub struct Presentation {
    server: String,
    version: &'static str,
}

/// A File.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileObject<'a> {
    name: String,
    display_name: &'a str,
    mime_type: &'a str,
    size_bytes: String,
    create_time: String,
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256_hash: Option<String>,
    uri: String,
    download_uri: String,
    state: &'static str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FileError<'a>>,
}

#[derive(Debug, Serialize)]
struct FileError<'a> {
    code: u8,
    message: &'a str,
}

/// A File that was uploaded.
#[derive(Debug, Serialize)]
pub struct Uploaded<'a> {
    file: FileObject<'a>,
}

/// A page of Files.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilePage<'a> {
    files: Vec<FileObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

impl Presentation {
    /// Returns the one for a request.
    pub fn of(server: &ServerUrl, uri: &Uri, headers: &HeaderMap) -> Self {
        let version = if uri.path().split('/').any(|segment| segment == "v1") { "v1" } else { "v1beta" };
        Self { server: server.seen_by(uri, headers).into_owned(), version }
    }

    /// Returns the URL of an upload session.
    pub fn session_url(&self, signed: &str) -> String {
        let Self { server, version } = self;
        format!("{server}/{}/upload/{version}/sessions/{signed}", Dialect::Gemini.name())
    }

    fn uri(&self, id: &str) -> String {
        let Self { server, version } = self;
        format!("{server}/{}/{version}/files/{id}", Dialect::Gemini.name())
    }

    /// Describes a File.
    pub fn file<'a>(&self, file: &'a File) -> FileObject<'a> {
        let id = file.chosen_name.as_ref().map_or_else(|| file.id.in_lower_case(), |name| name.as_str().to_owned());
        let is_made_here = !Purpose::UPLOADABLE.contains(&file.purpose);
        let created = rfc3339(file.created_at());
        let error = file.status_details.as_deref();
        FileObject {
            display_name: file.filename.as_str(),
            mime_type: file.mime_type.as_str(),
            size_bytes: file.size_bytes.to_string(),
            create_time: created.clone(),
            update_time: created,
            expiration_time: file.expires_at.map(rfc3339),
            sha256_hash: file.digest.sha256().map(|digest| STANDARD.encode(digest.0)),
            uri: self.uri(&id),
            download_uri: format!("{}:download?alt=media", self.uri(&id)),
            state: if error.is_some() { "FAILED" } else { "ACTIVE" },
            source: if is_made_here { "GENERATED" } else { "UPLOADED" },
            error: error.map(|message| FileError { code: INVALID_ARGUMENT, message }),
            name: format!("files/{id}"),
        }
    }

    /// Describes a File that was uploaded.
    pub fn uploaded<'a>(&self, file: &'a File) -> Uploaded<'a> {
        Uploaded { file: self.file(file) }
    }

    /// Describes a page.
    pub fn page<'a>(&self, page: &'a Page<File>) -> FilePage<'a> {
        let next = page.rows.last().filter(|_| page.has_more).map(|file| token(file.id));
        FilePage { files: page.rows.iter().map(|file| self.file(file)).collect(), next_page_token: next }
    }
}
