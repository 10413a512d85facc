//! The JSON objects of Files and Uploads (docs/contract.md, sections 1.3, 2, 4, 6).

mod file;
mod members;

pub use file::FileObject;

use super::catalogue::Entry;
use crate::model::expiry::ExpiresAfter;
use crate::model::file::File;
use crate::model::ids::FileId;
use crate::model::page::Page;
use crate::model::prices::NanoUsd;
use crate::model::upload::{Part, Upload};
use axum::body::Body;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// Returns the text of a Unix second (RFC 3339), in UTC.
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.unwrap_or(DateTime::<Utc>::MAX_UTC).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The expiry of Files, as requests have it.
#[derive(Debug, Serialize)]
pub struct ExpiresAfterObject {
    anchor: &'static str,
    seconds: u64,
}

impl From<ExpiresAfter> for ExpiresAfterObject {
    fn from(after: ExpiresAfter) -> Self {
        Self { anchor: "created_at", seconds: after.as_seconds() }
    }
}

/// OpenAI's list object.
#[derive(Debug, Serialize)]
pub struct List<T> {
    object: &'static str,
    data: Vec<T>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

impl<T> List<T> {
    /// Creates a page of rows; `id` returns the id of a row.
    pub fn of<'a, R>(page: &'a Page<R>, id: impl Fn(&R) -> String) -> Self
    where
        T: From<&'a R>,
    {
        Self::with(page, id, T::from)
    }

    /// Creates a page of rows, each made by `object`.
    pub fn with<'a, R>(page: &'a Page<R>, id: impl Fn(&R) -> String, object: impl Fn(&'a R) -> T) -> Self {
        Self {
            object: "list",
            data: page.rows.iter().map(object).collect(),
            first_id: page.rows.first().map(&id),
            last_id: page.rows.last().map(&id),
            has_more: page.has_more,
        }
    }

    /// Changes each row.
    pub fn for_each(&mut self, change: impl FnMut(&mut T)) {
        self.data.iter_mut().for_each(change);
    }
}

impl List<PartObject> {
    /// Creates a page of the parts of an Upload.
    pub fn of_parts(page: &Page<Part>) -> Self {
        Self::of(page, |part| part.id.to_string())
    }
}

/// The answer to a delete.
#[derive(Debug, Serialize)]
pub struct FileDeleted {
    object: &'static str,
    deleted: bool,
    id: String,
}

impl FileDeleted {
    /// Creates the answer for a deleted File.
    pub const fn new(id: String) -> Self {
        Self { object: "file", deleted: true, id }
    }
}

/// OpenAI's Upload object, in the order of its keys; `file` is absent before completion.
#[derive(Debug, Serialize)]
pub struct UploadObject<'a> {
    id: String,
    object: &'static str,
    bytes: u64,
    created_at: u64,
    filename: &'a str,
    purpose: &'static str,
    status: &'static str,
    expires_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileObject<'a>>,
}

impl<'a> From<&'a Upload> for UploadObject<'a> {
    fn from(upload: &'a Upload) -> Self {
        Self {
            id: upload.id.to_string(),
            object: "upload",
            bytes: upload.size_bytes,
            created_at: upload.id.created_at(),
            filename: upload.filename.as_str(),
            purpose: upload.purpose.name(),
            status: upload.status.name(),
            expires_at: upload.expires_at,
            file: upload.file.as_ref().map(FileObject::from),
        }
    }
}

/// OpenAI's Part object, with the size and digest that a client compares.
#[derive(Debug, Serialize)]
pub struct PartObject {
    id: String,
    object: &'static str,
    created_at: u64,
    upload_id: String,
    bytes: u64,
    sha256: String,
}

impl From<&Part> for PartObject {
    fn from(part: &Part) -> Self {
        Self {
            id: part.id.to_string(),
            object: "upload.part",
            created_at: part.id.created_at(),
            upload_id: part.upload.to_string(),
            bytes: part.size_bytes,
            sha256: part.sha256.to_string(),
        }
    }
}

/// OpenAI's error envelope. All four keys are always present.
#[derive(Debug, Serialize)]
pub struct ErrorEnvelope<'a> {
    error: ErrorObject<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorObject<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    error_type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

impl<'a> ErrorEnvelope<'a> {
    /// Creates the envelope of an entry of the catalogue.
    pub const fn new(entry: &Entry, message: &'a str, param: Option<&'a str>) -> Self {
        Self { error: ErrorObject { message, error_type: entry.error_type, param, code: entry.code } }
    }
}

/// An amount of money.
#[derive(Clone, Debug, Serialize)]
pub struct Amount {
    value: f64,
    currency: &'static str,
}

impl From<NanoUsd> for Amount {
    fn from(amount: NanoUsd) -> Self {
        Self { value: amount.dollars(), currency: "usd" }
    }
}

/// Appends the JSON of a value. No object here can fail to serialize; a failure would append nothing.
pub fn append(json: &mut Vec<u8>, value: &impl Serialize) {
    let begun = json.len();
    if serde_json::to_writer(&mut *json, value).is_err() {
        json.truncate(begun);
    }
}

/// Writes the JSON of a File.
pub fn file(file: &File) -> Vec<u8> {
    let mut json = Vec::with_capacity(USUAL_FILE_BYTES);
    FileObject::from(file).write(&mut json);
    json
}

/// Writes the JSON of a list of Files.
pub fn file_list(page: &Page<File>) -> Vec<u8> {
    let mut json = FILE_LIST_HEAD.to_vec();
    append_files(&mut json, &page.rows);
    let id = |file: Option<&File>| file.map(|file| file.id);
    json.extend(file_list_tail(id(page.rows.first()), id(page.rows.last()), page.has_more));
    json
}

/// Appends the JSON of Files, with commas between them.
pub fn append_files(json: &mut Vec<u8>, files: &[File]) {
    json.reserve(files.len() * USUAL_FILE_BYTES);
    for (place, file) in files.iter().enumerate() {
        if place > 0 {
            json.push(b',');
        }
        FileObject::from(file).write(json);
    }
}

/// Writes the JSON of an Upload.
pub fn upload(upload: &Upload) -> Vec<u8> {
    written(&UploadObject::from(upload))
}

/// Writes the JSON of a part.
pub fn part(part: &Part) -> Vec<u8> {
    written(&PartObject::from(part))
}

/// Writes the JSON of a value.
pub fn written(value: &impl Serialize) -> Vec<u8> {
    let mut json = Vec::new();
    append(&mut json, value);
    json
}

/// The length of the JSON of a File with a usual name, in bytes.
const USUAL_FILE_BYTES: usize = 400;
/// The begin of a list of Files, before its rows.
pub const FILE_LIST_HEAD: &[u8] = b"{\"object\":\"list\",\"data\":[";

/// Writes the end of a list of Files, after its rows.
pub fn file_list_tail(first_id: Option<FileId>, last_id: Option<FileId>, has_more: bool) -> Vec<u8> {
    let quoted = |id: Option<FileId>| id.map_or_else(|| "null".to_owned(), |id| format!("\"{id}\""));
    let (first_id, last_id) = (quoted(first_id), quoted(last_id));
    format!("],\"first_id\":{first_id},\"last_id\":{last_id},\"has_more\":{has_more}}}").into_bytes()
}

/// Creates a JSON answer. The content type carries no charset, as OpenAI's does.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => json_body(status, Body::from(body)),
        Err(_) => json_body(StatusCode::INTERNAL_SERVER_ERROR, Body::empty()),
    }
}

/// The headers that an answer has room for, so that the middleware adds its own without another allocation.
const ANSWER_HEADERS: usize = 16;

/// Creates a JSON answer with a written body.
pub fn json_body(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = HeaderMap::with_capacity(ANSWER_HEADERS);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
