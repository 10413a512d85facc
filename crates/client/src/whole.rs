//! Sends a file in one request.

use crate::connection::Client;
use crate::error::ClientError;
use crate::files::FileObject;
use crate::local_file::{LocalFile, SharedDigest};
use crate::new_file::NewFile;
use crate::progress::{Progress, Tally};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};
use std::sync::Arc;

/// The header of an answer that was recorded for an earlier request.
const REPLAYED: &str = "idempotent-replayed";

/// The File that the server made, and the facts to compare it with.
pub(crate) struct Sent {
    pub(crate) file: FileObject,
    /// The SHA-256 in hex of all bytes; none if the server answered before it had them.
    pub(crate) sha256: Option<String>,
    /// The answer is that of an earlier request.
    pub(crate) is_replay: bool,
}

impl Client {
    /// Sends a file in one request. All repetitions have the same `Idempotency-Key`.
    pub(crate) async fn send_whole(
        &self,
        local: &LocalFile,
        new: &NewFile,
        key: &str,
        progress: &Arc<dyn Progress>,
    ) -> Result<Sent, ClientError> {
        let (tally, digest) = (Tally::new(progress), SharedDigest::default());
        let made = async || {
            local.check_unchanged()?;
            tally.restart();
            digest.restart();
            let form = form(local, new, &tally, &digest);
            Ok(self.request(Method::POST, "/files").header("idempotency-key", key).multipart(form))
        };
        let answer = self.receive(&tally, made).await?;
        let is_replay = answer.headers.contains_key(REPLAYED);
        let is_whole = tally.bytes() == local.version.size_bytes;
        Ok(Sent { file: answer.read()?, sha256: is_whole.then(|| digest.hex()), is_replay })
    }
}

fn form(local: &LocalFile, new: &NewFile, tally: &Tally, digest: &SharedDigest) -> Form {
    let size_bytes = local.version.size_bytes;
    let mut form = Form::new().text("purpose", new.purpose.clone());
    if let Some(seconds) = new.expires_after_seconds {
        form = form.text("expires_after[anchor]", "created_at").text("expires_after[seconds]", seconds.to_string());
    }
    let pieces = local.pieces(0..size_bytes, digest.clone(), tally.clone());
    let part = Part::stream_with_length(Body::wrap_stream(pieces), size_bytes).file_name(new.filename.clone());
    form.part("file", part)
}
