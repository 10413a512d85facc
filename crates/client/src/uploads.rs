//! The requests of Uploads: create, add a part, complete, cancel.

use crate::connection::Client;
use crate::error::ClientError;
use crate::files::{FileObject, segment};
use crate::progress::Tally;
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// The statuses of a server that has no Uploads.
const NO_UPLOADS: [StatusCode; 3] =
    [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
/// The media type of every File, which has no effect.
const MIME_TYPE: &str = "application/octet-stream";

/// An Upload to create.
#[derive(Debug)]
pub(crate) struct NewUpload<'a> {
    pub(crate) filename: &'a str,
    pub(crate) purpose: &'a str,
    pub(crate) size_bytes: u64,
    pub(crate) expires_after_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Creation<'a> {
    bytes: u64,
    filename: &'a str,
    mime_type: &'a str,
    purpose: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_after: Option<ExpiresAfter>,
}

#[derive(Serialize)]
struct ExpiresAfter {
    anchor: &'static str,
    seconds: u64,
}

/// A part that the server has.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    pub(crate) id: String,
    /// The SHA-256 of its bytes in hex, of servers that state it.
    #[serde(default)]
    pub(crate) sha256: Option<String>,
}

#[derive(Serialize)]
struct Completion<'a> {
    part_ids: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<&'a str>,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

#[derive(Deserialize)]
struct Completed {
    file: Option<FileObject>,
}

impl Client {
    /// Creates an Upload and returns its id; none if the server has no Uploads.
    pub(crate) async fn create_upload(&self, new: &NewUpload<'_>, key: &str) -> Result<Option<String>, ClientError> {
        let body = Creation {
            bytes: new.size_bytes,
            filename: new.filename,
            mime_type: MIME_TYPE,
            purpose: new.purpose,
            expires_after: new.expires_after_seconds.map(|seconds| ExpiresAfter { anchor: "created_at", seconds }),
        };
        let made = async || Ok(self.request(Method::POST, "/uploads").header("idempotency-key", key).json(&body));
        match self.receive(&Tally::unwatched(), made).await {
            Ok(answer) => Ok(Some(answer.read::<Identified>()?.id)),
            Err(ClientError::Refused { status, .. }) if NO_UPLOADS.contains(&status) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a part. `form` makes the body anew for each repetition.
    pub(crate) async fn add_part(
        &self,
        upload: &str,
        key: &str,
        tally: &Tally,
        form: impl Fn() -> Result<Form, ClientError>,
    ) -> Result<Part, ClientError> {
        let path = format!("{}/parts", path_of(upload)?);
        let made = async || {
            tally.restart();
            Ok(self.request(Method::POST, &path).header("idempotency-key", key).multipart(form()?))
        };
        self.receive(tally, made).await?.read()
    }

    /// Completes an Upload and returns its File; none if the File was deleted since.
    pub(crate) async fn complete_upload(
        &self,
        upload: &str,
        parts: &[&str],
        md5: Option<&str>,
        key: &str,
    ) -> Result<Option<FileObject>, ClientError> {
        let path = format!("{}/complete", path_of(upload)?);
        let body = Completion { part_ids: parts, md5 };
        let made = async || Ok(self.request(Method::POST, &path).header("idempotency-key", key).json(&body));
        Ok(self.receive(&Tally::unwatched(), made).await?.read::<Completed>()?.file)
    }

    /// Cancels an Upload.
    pub(crate) async fn cancel_upload(&self, upload: &str) -> Result<(), ClientError> {
        let path = format!("{}/cancel", path_of(upload)?);
        self.send(&Tally::unwatched(), async || Ok(self.request(Method::POST, &path))).await.map(drop)
    }
}

fn path_of(upload: &str) -> Result<String, ClientError> {
    Ok(format!("/uploads/{}", segment(upload)?))
}
