//! The JSON objects of links.

use crate::http::wire::{ExpiresAfterObject, List};
use crate::links::CreatedLink;
use crate::model::link::{Disposition, Link, LinkGrant};
use crate::model::page::Page;
use serde::Serialize;

/// A link. The fields of the other kind are null.
#[derive(Debug, Serialize)]
pub struct LinkObject {
    id: String,
    object: &'static str,
    kind: &'static str,
    created_at: u64,
    expires_at: u64,
    first_used_at: Option<u64>,
    revoked_at: Option<u64>,
    status: &'static str,
    created_by: String,
    file_id: Option<String>,
    one_time: bool,
    content_type: Option<&'static str>,
    disposition: Option<&'static str>,
    filename: Option<String>,
    purpose: Option<&'static str>,
    max_bytes: Option<u64>,
    expires_after: Option<ExpiresAfterObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl LinkObject {
    /// Creates the object of a link without its URL.
    pub fn new(link: &Link, now_seconds: u64) -> Self {
        let (download, upload) = match &link.grant {
            LinkGrant::Download(download) => (Some(download), None),
            LinkGrant::Upload(upload) => (None, Some(upload)),
        };
        let filename = upload.map(|upload| &upload.filename).or(link.file_name.as_ref());
        Self {
            id: link.id.to_string(),
            object: "file.link",
            kind: link.grant.kind(),
            created_at: link.id.created_at(),
            expires_at: link.expires_at,
            first_used_at: link.first_used_at,
            revoked_at: link.revoked_at,
            status: link.status(now_seconds).name(),
            created_by: link.key.to_string(),
            file_id: link.file.map(|file| file.to_string()),
            one_time: link.grant.is_for_one_time(),
            content_type: download.and_then(|download| download.content_type),
            disposition: download.and_then(|download| download.disposition).map(Disposition::name),
            filename: filename.map(|name| name.as_str().to_owned()),
            purpose: upload.map(|upload| upload.purpose.name()),
            max_bytes: upload.map(|upload| upload.max_bytes),
            expires_after: upload.and_then(|upload| upload.expires_after).map(ExpiresAfterObject::from),
            url: None,
        }
    }

    /// Creates the object of a new link with its URL, which only this answer shows.
    pub fn created(created: &CreatedLink, url: String, now_seconds: u64) -> Self {
        Self { url: Some(url), ..Self::new(&created.link, now_seconds) }
    }
}

/// Creates a page of links.
pub fn page(page: &Page<Link>, now_seconds: u64) -> List<LinkObject> {
    List::with(page, |link| link.id.to_string(), |link| LinkObject::new(link, now_seconds))
}

/// The URL of a link and nothing else.
#[derive(Debug, Serialize)]
pub struct LinkUrl {
    /// The URL.
    pub url: String,
}

/// The answer to the revocation of several links.
#[derive(Debug, Serialize)]
pub struct LinkRevocation {
    object: &'static str,
    revoked: usize,
}

impl LinkRevocation {
    /// Creates the answer for so many links.
    pub const fn new(revoked: usize) -> Self {
        Self { object: "link.revocation", revoked }
    }
}
