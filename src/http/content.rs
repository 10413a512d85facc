//! Downloads: the bytes of a File, whole or one range, with the headers for caches and integrity checks.

use super::accept;
use super::caller::Credentials;
use super::conditions::{Validators, Verdict, evaluate, http_date, range_applies};
use super::error::ApiError;
use super::headers::{CROSS_ORIGIN_RESOURCE_POLICY, PART_BYTES, REPR_DIGEST, put};
use super::limited::Limited;
use super::path::Named;
use super::range::{Selection, select};
use crate::error_chain::ErrorChain;
use crate::files::{ContentStream, Files, StoreError, StoredContent};
use crate::model::byte_range::ByteRange;
use crate::model::caller::Caller;
use crate::model::file::{File, FileDigest};
use crate::model::filename::Filename;
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::ledger::ReadOp;
use crate::shares::contention::ContentionLimiter;
use crate::shares::{FairPermit, FairSemaphore};
use crate::traces::{LoggedRequest, log_for};
use crate::usage::ReadCounter;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED, LOCATION, RANGE, VARY,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The maximum time that a download waits for a slot.
const MAX_DOWNLOAD_WAIT: Duration = Duration::from_secs(10);
/// The characters that need no escape in an extended value (RFC 8187, section 3.2.1).
const EXTENDED_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+');

/// The limits of downloads.
#[derive(Debug)]
pub struct DownloadLimits {
    /// The downloads from blobs that each workspace has.
    pub slots: FairSemaphore<WorkspaceId>,
    /// The turns of workspaces at reading blocks.
    pub turns: ContentionLimiter<WorkspaceId>,
}

/// The services that send content, and the caller whose limits and bill count.
#[derive(Debug)]
pub struct Reader {
    /// The Files.
    pub files: Arc<Files>,
    /// The counter of billed reads.
    pub reads: Arc<ReadCounter>,
    /// The limits of downloads.
    pub limits: Arc<DownloadLimits>,
    /// The caller.
    pub caller: Caller,
}

/// The form in which content is sent.
#[derive(Clone, Copy, Debug)]
pub struct Presentation {
    /// The media type; none for octets.
    pub content_type: Option<&'static str>,
    /// `Accept` decides about the media type.
    pub is_negotiated: bool,
    /// A browser may show the content instead of saving it.
    pub is_inline: bool,
    /// The client may be redirected to the bucket.
    pub may_redirect: bool,
}

/// `GET` and `HEAD /v1/files/{id}/content`.
pub async fn download_file(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    State(limits): State<Arc<DownloadLimits>>,
    (caller, credentials): (Caller, Credentials),
    named: Named<FileId>,
    request: Request,
) -> Result<Response, ApiError> {
    let content = files.open(caller.workspace, named.id()?).await?.ok_or_else(|| named.not_found())?;
    let (parts, _) = request.into_parts();
    let reader = Reader { files, reads, limits, caller };
    send_negotiated(reader, content, credentials, &parts, || named.not_found()).await
}

/// Sends the content of an opened File as octets, or as its type where `Accept` asks for that.
///
/// # Errors
/// As [`send`].
pub async fn send_negotiated(
    reader: Reader,
    content: StoredContent,
    credentials: Credentials,
    request: &Parts,
    gone: impl FnOnce() -> ApiError,
) -> Result<Response, ApiError> {
    let content_type = accept::asked_for(&request.headers, &content.file.mime_type);
    // Pages of the console may read from this server only.
    let may_redirect = credentials == Credentials::Key && content_type.is_none();
    let is_negotiated = accept::decides(&content.file.mime_type);
    let presentation = Presentation { content_type, is_negotiated, is_inline: false, may_redirect };
    send(reader, content, &presentation, request, ready(Ok(())), gone).await
}

/// Sends the content of an opened File, or answers a condition or a `HEAD`. `begin` is awaited before content is sent;
/// `gone` is the answer when the File was deleted meanwhile.
///
/// # Errors
/// When a condition or the range does not hold, a limit is reached, `begin` refuses, or a store failed.
pub async fn send(
    reader: Reader,
    content: StoredContent,
    presentation: &Presentation,
    request: &Parts,
    begin: impl Future<Output = Result<(), ApiError>>,
    gone: impl FnOnce() -> ApiError,
) -> Result<Response, ApiError> {
    let Reader { files, reads, limits, caller } = reader;
    let (method, headers) = (&request.method, &request.headers);
    let etag = content.file.digest.etag();
    let validators = Validators { etag: &etag, modified_at: content.file.created_at() };
    match evaluate(headers, validators) {
        Verdict::NotModified => {
            let mut headers = validation_headers(&etag, &content.file, presentation);
            if method == Method::HEAD {
                // Without a length, the router would set 0 (RFC 9110, section 8.6).
                headers.insert(CONTENT_LENGTH, HeaderValue::from(content.file.size_bytes));
            }
            return Ok(answer(StatusCode::NOT_MODIFIED, headers, Body::empty()));
        }
        Verdict::Failed => {
            return Err(ApiError::precondition_failed());
        }
        Verdict::Proceed => {}
    }
    let requested = range_header(method, headers).filter(|_| range_applies(headers, validators));
    let size_bytes = content.file.size_bytes;
    let (status, range) = match requested.map_or(Selection::Whole, |range| select(range, size_bytes)) {
        Selection::Whole => (StatusCode::OK, ByteRange::whole(size_bytes)),
        Selection::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Selection::Unsatisfiable => return Err(ApiError::range_not_satisfiable(size_bytes)),
    };
    let signed_range = requested.filter(|_| status == StatusCode::PARTIAL_CONTENT);
    let disposition = disposition(&content.file.filename, presentation.is_inline);
    if method == Method::GET
        && presentation.may_redirect
        && let Some(url) = files.url(&content, &disposition, signed_range).await?
    {
        begin.await?;
        let headers = validation_headers(&etag, &content.file, presentation);
        return Ok(redirect(&reads, caller, &content.file, range, headers, &url));
    }
    let purpose = content.file.purpose;
    let mut headers = validation_headers(&etag, &content.file, presentation);
    put_content_headers(&mut headers, &content, status, range);
    let content_type = presentation.content_type.unwrap_or("application/octet-stream");
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    put(&mut headers, CONTENT_DISPOSITION, &disposition);
    if method == Method::HEAD {
        return Ok(answer(status, headers, Body::empty()));
    }
    let slot = limits.slot(caller.workspace, &content).await?;
    let stream = files.read(caller.workspace, content, range).await?.ok_or_else(gone)?;
    begin.await?;
    let counter = Arc::clone(&reads);
    let count = move |chunk: &Bytes| counter.count_bytes(caller, purpose, chunk.len() as u64);
    let body = body(in_turn(stream, slot, limits, caller.workspace).inspect_ok(count));
    reads.count(caller, ReadOp::Content, Some(purpose));
    Ok(answer(status, headers, body))
}

/// Redirects the client to the bucket, where it sends the same `Range` again; a URL that was signed with a range serves
/// that range only. The read is billed here: the bucket does not report what it sent.
fn redirect(
    reads: &ReadCounter,
    caller: Caller,
    file: &File,
    range: ByteRange,
    mut headers: HeaderMap,
    url: &str,
) -> Response {
    reads.count(caller, ReadOp::Content, Some(file.purpose));
    reads.count_bytes(caller, file.purpose, range.len());
    // The URL grants access to the file.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    put(&mut headers, LOCATION, url);
    answer(StatusCode::FOUND, headers, Body::empty())
}

/// Returns the only `Range` header of a GET; other methods have no ranges (RFC 9110, section 14.2).
fn range_header<'a>(method: &Method, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut values = headers.get_all(RANGE).iter();
    let range = values.next().filter(|_| values.next().is_none() && method == Method::GET)?;
    range.to_str().ok()
}

/// Reads each block of a download in the turn of its workspace, and holds `slot` until the last one.
fn in_turn(
    stream: ContentStream,
    slot: Option<FairPermit<WorkspaceId>>,
    limits: Arc<DownloadLimits>,
    workspace: WorkspaceId,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
    stream::try_unfold((stream, slot), move |(mut stream, slot)| {
        let limits = Arc::clone(&limits);
        async move {
            let _turn = limits.turns.acquire(workspace).await;
            Ok(stream.try_next().await?.map(|chunk| (chunk, (stream, slot))))
        }
    })
}

/// Creates the body of a download. Its first block has been read already, so damage there is answered 500. Damage in a
/// later block resets the connection.
fn body(stream: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static) -> Body {
    let request = LoggedRequest::current();
    Body::from_stream(stream.inspect_err(move |error: &StoreError| {
        log_for(request.clone(), || tracing::error!(error = %ErrorChain(error), "download aborted"));
    }))
}

impl DownloadLimits {
    /// Waits for the slot of a download. A download keeps a block in memory until its client has read it. A File with
    /// its content in its row needs no slot, since it keeps no more than that content.
    async fn slot(
        &self,
        workspace: WorkspaceId,
        content: &StoredContent,
    ) -> Result<Option<FairPermit<WorkspaceId>>, ApiError> {
        if content.blobs.iter().all(|stored| stored.inline.is_some()) {
            return Ok(None);
        }
        let slot = timeout(MAX_DOWNLOAD_WAIT, self.slots.acquire(workspace)).await;
        let message = "Too many downloads of this project are under way. Please try again in a moment.";
        let too_many = |_| ApiError::too_many(Limited::ConcurrentDownloads, message);
        slot.map(Some).map_err(too_many)
    }
}

fn answer(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Returns the headers that a 304 has, too.
fn validation_headers(etag: &str, file: &File, presentation: &Presentation) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    put(&mut headers, ETAG, etag);
    put(&mut headers, LAST_MODIFIED, &http_date(file.created_at()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if presentation.is_negotiated {
        headers.insert(VARY, HeaderValue::from_static("accept"));
    }
    headers
}

/// Puts the further headers of content but its type and its disposition. Whatever they are, a browser runs nothing of
/// it, and no page may embed it.
fn put_content_headers(headers: &mut HeaderMap, content: &StoredContent, status: StatusCode, range: ByteRange) {
    let file = &content.file;
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.len()));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if let Some(sha256) = file.digest.sha256() {
        put(headers, REPR_DIGEST, &format!("sha-256=:{}:", STANDARD.encode(sha256.0)));
    }
    if let Some(bytes) = part_bytes(content) {
        headers.insert(PART_BYTES, HeaderValue::from(bytes));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), file.size_bytes);
        put(headers, CONTENT_RANGE, &part);
    }
}

/// Returns the size of all parts but the last, with which a client computes the `ETag` from the content; none for
/// content that came whole, in parts of several sizes, or with empty parts.
fn part_bytes(content: &StoredContent) -> Option<u64> {
    let FileDigest::Parts { count, .. } = content.file.digest else { return None };
    let (last, others) = content.blobs.split_last()?;
    let size_bytes = others.first().unwrap_or(last).size_bytes;
    let are_equal = others.iter().all(|part| part.size_bytes == size_bytes) && last.size_bytes <= size_bytes;
    (are_equal && last.size_bytes > 0 && content.blobs.len() == count as usize).then_some(size_bytes)
}

/// Writes both forms of RFC 6266: a plain name for all clients, and the exact name if it differs or has a `%`, which
/// some clients would decode as an escape (appendix D).
fn disposition(filename: &Filename, is_inline: bool) -> String {
    let kind = if is_inline { "inline" } else { "attachment" };
    let name = filename.for_download();
    let is_plain = |character: char| matches!(character, ' '..='~') && character != '"';
    if name.chars().all(|character| is_plain(character) && character != '%') {
        return format!("{kind}; filename=\"{name}\"");
    }
    let fallback = name.replace(|character| !is_plain(character), "_");
    format!("{kind}; filename=\"{fallback}\"; filename*=UTF-8''{}", utf8_percent_encode(&name, EXTENDED_VALUE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_both_forms_where_they_differ() {
        for (name, header) in [
            ("train.jsonl", "filename=\"train.jsonl\""),
            ("John's Report (1); final.pdf", "filename=\"John's Report (1); final.pdf\""),
            ("100%25.txt", "filename=\"100%25.txt\"; filename*=UTF-8''100%2525.txt"),
            ("\u{e9}\".txt", "filename=\"__.txt\"; filename*=UTF-8''%C3%A9%22.txt"),
            ("text/csv", "filename=\"text_csv\""),
            ("a\\b", "filename=\"a_b\""),
        ] {
            assert_eq!(disposition(&Filename::parse(name).unwrap(), false), format!("attachment; {header}"));
        }
    }

    proptest! {
        #[test]
        fn any_name_is_a_header_and_comes_back(name in "\\PC{1,60}") {
            let filename = Filename::stored(name);
            let header = disposition(&filename, false);
            prop_assert!(HeaderValue::from_str(&header).is_ok());
            let exact = header.split_once("filename*=UTF-8''").map(|(_, encoded)| percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap().into_owned());
            let quoted = header.split('"').nth(1).unwrap().to_owned();
            prop_assert_eq!(exact.unwrap_or(quoted), filename.for_download());
        }
    }
}
