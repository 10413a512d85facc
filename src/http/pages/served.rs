//! Files that are held in memory: their entity tags, their compressed representation, and the answer that has them.

use crate::http::conditions::{Validators, Verdict, evaluate};
use crate::http::headers::{CROSS_ORIGIN_RESOURCE_POLICY, put};
use crate::model::digest::Sha256Digest;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderValue, LOCATION, REFERRER_POLICY, VARY,
};
use http::{HeaderMap, Method, StatusCode};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::sync::OnceLock;
use venna_design::Bundle;
use venna_reference::Asset;

/// The media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";
/// The Content-Security-Policy: pages load from and send requests to this server only, and are not embedded.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The size from which on a file is compressed, in bytes: a smaller one fits into a packet as it is.
const COMPRESSED_FROM_BYTES: usize = 1024;
/// The caching of a file whose path has its hash: a year, and never asked for again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The caching of everything else: asked for each time, by its entity tag.
const ASK_EACH_TIME: &str = "no-cache";
/// The content coding of the compressed form.
const GZIP: &str = "gzip";

/// Files, by path.
#[derive(Debug)]
pub struct Served(HashMap<String, ServedFile>);

/// A file.
#[derive(Debug)]
pub struct ServedFile {
    content_type: &'static str,
    caching: &'static str,
    plain: Representation,
    /// Compressed when the first client asks for it.
    compressed: OnceLock<Option<Representation>>,
}

/// A representation of a file: its bytes, and its strong entity tag, with quotes.
#[derive(Debug)]
struct Representation {
    bytes: Bytes,
    etag: String,
}

impl Served {
    /// Serves pages and documents.
    pub fn new(assets: Vec<Asset>) -> Self {
        Self(
            assets
                .into_iter()
                .map(|Asset { path, content_type, body }| (path, ServedFile::new(content_type, body)))
                .collect(),
        )
    }

    /// Serves files with a hash in their path.
    pub fn bundles(bundles: &[Bundle]) -> Self {
        let files =
            bundles.iter().flat_map(|bundle| bundle.files.iter().map(move |file| (bundle.path(file.name), file)));
        let serve = |file: &venna_design::BundleFile| ServedFile {
            caching: FOR_EVER,
            ..ServedFile::new(file.content_type, file.text.to_owned())
        };
        Self(files.map(|(path, file)| (format!("/{path}"), serve(file))).collect())
    }

    /// Returns the file at a path.
    pub fn get(&self, path: &str) -> Option<&ServedFile> {
        self.0.get(path)
    }
}

impl ServedFile {
    /// Serves a text.
    pub fn new(content_type: &'static str, text: String) -> Self {
        let bytes = Bytes::from(text);
        let etag = format!("\"{}\"", Sha256Digest(Sha256::digest(&bytes).into()));
        Self {
            content_type,
            caching: ASK_EACH_TIME,
            plain: Representation { bytes, etag },
            compressed: OnceLock::new(),
        }
    }

    fn compressed(&self) -> Option<&Representation> {
        let compress = || {
            let plain = &self.plain.bytes;
            let bytes = (plain.len() >= COMPRESSED_FROM_BYTES).then(|| gzip(plain)).flatten()?;
            let etag = format!("{}-{GZIP}\"", self.plain.etag.trim_end_matches('"'));
            Some(Representation { bytes: bytes.into(), etag })
        };
        self.compressed.get_or_init(compress).as_ref()
    }
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

/// Answers a request with a file, compressed if the client takes it so (RFC 9110, section 12.5.3).
pub fn found(file: &ServedFile, method: &Method, headers: &HeaderMap) -> Response {
    let compressed = takes_gzip(headers).then(|| file.compressed()).flatten();
    let Representation { bytes, etag } = compressed.unwrap_or(&file.plain);
    let (status, body) = match evaluate(headers, Validators { etag, modified_at: u64::MAX }) {
        Verdict::NotModified if method != Method::HEAD => (StatusCode::NOT_MODIFIED, Bytes::new()),
        Verdict::NotModified => (StatusCode::NOT_MODIFIED, bytes.clone()),
        Verdict::Proceed | Verdict::Failed => (StatusCode::OK, bytes.clone()),
    };
    let mut response = page(status, file.content_type, body, method);
    let headers = response.headers_mut();
    if compressed.is_some() {
        put(headers, CONTENT_ENCODING, GZIP);
    }
    put(headers, ETAG, etag);
    put(headers, CACHE_CONTROL, file.caching);
    put(headers, VARY, "accept-encoding");
    response
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(GZIP));
        let is_refused = parts.any(|weight| {
            weight.strip_prefix("q=").is_some_and(|weight| weight.parse().is_ok_and(|weight: f32| weight <= 0.0))
        });
        is_gzip && !is_refused
    })
}

/// Leads to another path, relative to that of the request.
pub fn moved(to: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    put(response.headers_mut(), LOCATION, to);
    response
}

/// Returns an answer with its length, since `axum` would set the length of an answer to `HEAD` to 0.
pub fn page(status: StatusCode, content_type: &'static str, body: Bytes, method: &Method) -> Response {
    let length = body.len();
    let mut response = Response::new(if method == Method::HEAD { Body::empty() } else { Body::from(body) });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status != StatusCode::NOT_MODIFIED || method == Method::HEAD {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    put(headers, CONTENT_TYPE, content_type);
    put(headers, CONTENT_SECURITY_POLICY, POLICY);
    put(headers, REFERRER_POLICY, "no-referrer");
    put(headers, CROSS_ORIGIN_RESOURCE_POLICY, "same-origin");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_unless_it_is_refused() {
        for (line, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0, br", false),
            ("identity", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(line))]);
            assert_eq!(takes_gzip(&headers), takes, "{line}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
