//! Uploads in one request: the bytes alone (`raw`), or behind what describes them (`multipart`, as `multipart/related`
//! or `multipart/form-data`). They go the way of an Upload, which is cancelled when the request fails.

use super::metadata::{Metadata, content_type};
use super::uploading::{Services, explain, made_file};
use crate::error_chain::ErrorChain;
use crate::http::body::BodyError;
use crate::http::error::ApiError;
use crate::http::form::FormReader;
use crate::http::headers::content_length;
use crate::http::json::JsonObject;
use crate::model::file::File;
use crate::model::ids::UploadId;
use crate::traces;
use crate::uploads::PlannedUpload;
use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use std::pin::pin;

/// The part of a form that describes the File.
const METADATA: &str = "metadata";
/// The part of a form with the bytes.
const FILE: &str = "file";

/// How one request brings the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// As its body.
    Raw,
    /// As the second part of its body.
    Multipart,
}

/// Receives the File.
///
/// # Errors
/// When the request is malformed, a limit refuses, or a store failed. Nothing is kept then.
pub async fn upload(services: Services<'_>, protocol: Protocol, request: Request) -> Result<File, ApiError> {
    match protocol {
        Protocol::Raw => raw(services, request).await,
        Protocol::Multipart => multipart(services, request).await,
    }
}

async fn raw(services: Services<'_>, request: Request) -> Result<File, ApiError> {
    let (head, body) = request.into_parts();
    let mut planned = Metadata::default().plan(&head.headers, content_type(&head.headers))?;
    planned.size_bytes = planned.size_bytes.or_else(|| content_length(&head.headers));
    let one = OneShot::begin(services, planned).await?;
    let chunks = Body::into_data_stream(body).map(|chunk| chunk.map_err(|error| BodyError::of(error).into()));
    one.receive(pin!(chunks)).await?;
    one.finish().await
}

async fn multipart(services: Services<'_>, request: Request) -> Result<File, ApiError> {
    let headers = request.headers().clone();
    let mut form = FormReader::of_parts(request)?;
    let wrong = || ApiError::invalid(format!("Expected two parts: '{METADATA}', then '{FILE}'."));
    let first = form.next_part(wrong).await?;
    first.filter(|part| part.name.is_empty() || part.name == METADATA).ok_or_else(wrong)?;
    let metadata = Metadata::of_body(JsonObject::parse(form.text(METADATA).await?.as_bytes())?)?;
    let second = form.next_part(wrong).await?;
    let second = second.filter(|part| part.name.is_empty() || part.name == FILE).ok_or_else(wrong)?;
    let metadata = metadata.or_named(second.filename);
    let one = OneShot::begin(services, metadata.plan(&headers, second.content_type.as_deref())?).await?;
    let chunks = stream::try_unfold(&mut form, async |form| {
        let chunk: Option<Bytes> = form.next_chunk().await?;
        Ok(chunk.map(|chunk| (chunk, form)))
    });
    one.receive(pin!(chunks)).await?;
    form.drain().await?;
    one.finish().await
}

/// An Upload of one request, which is cancelled on drop unless it was finished.
struct OneShot<'a> {
    services: Services<'a>,
    upload: UploadId,
    is_finished: bool,
}

impl<'a> OneShot<'a> {
    async fn begin(services: Services<'a>, planned: PlannedUpload) -> Result<Self, ApiError> {
        Ok(Self { services, upload: services.begin(planned).await?, is_finished: false })
    }

    async fn receive(
        &self,
        chunks: impl Stream<Item = Result<Bytes, ApiError>> + Unpin + Send,
    ) -> Result<(), ApiError> {
        let Services { uploads, caller, policy, .. } = self.services;
        let appended = uploads.append(caller, policy.limits.clone(), self.upload, 0, chunks).await;
        appended.map(drop).map_err(explain)
    }

    async fn finish(mut self) -> Result<File, ApiError> {
        let finished = self.services.uploads.finish(self.services.caller, self.upload).await;
        let file = made_file(finished.map_err(|error| explain(error.into()))?)?;
        self.is_finished = true;
        Ok(file)
    }
}

impl Drop for OneShot<'_> {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let (uploads, caller, upload) = (self.services.uploads.clone(), self.services.caller, self.upload);
        let cancel = async move {
            if let Err(error) = uploads.cancel(caller, upload, None).await {
                tracing::debug!(error = %ErrorChain(&error), "upload of a failed request not cancelled");
            }
        };
        self.services.files.tasks.spawn(traces::carry(cancel));
    }
}
