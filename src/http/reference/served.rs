//! The served pages and documents of the reference, by path, with their entity tags.

use crate::model::digest::Sha256Digest;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use venna_reference::{Asset, Site};

/// The pages and documents.
#[derive(Debug)]
pub struct Served {
    /// The assets, by path.
    pub assets: HashMap<String, ServedAsset>,
    /// The HTML page for a path that does not exist.
    pub not_found: Bytes,
}

/// A page or document.
#[derive(Debug)]
pub struct ServedAsset {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Bytes,
    /// Its strong entity tag, with quotes.
    pub etag: String,
}

impl From<Site> for Served {
    fn from(site: Site) -> Self {
        let serve = |Asset { path, content_type, body }| {
            let body = Bytes::from(body);
            let etag = format!("\"{}\"", Sha256Digest(Sha256::digest(&body).into()));
            (path, ServedAsset { content_type, body, etag })
        };
        Self { assets: site.assets.into_iter().map(serve).collect(), not_found: site.not_found.into() }
    }
}
