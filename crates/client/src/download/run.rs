//! Receives content, goes on after a lost connection, and compares its checksum.

use super::content::Content;
use super::receiver::{Receiver, Sink, local, receive};
use super::state::Download;
use crate::checksum::{Checksum, Hasher};
use crate::connection::Client;
use crate::error::ClientError;
use crate::retry;
use reqwest::StatusCode;
use reqwest::header::CONTENT_LENGTH;
use std::io;
use tokio::task::spawn_blocking;

impl Download {
    /// Receives the content of a File from the state on. Returns the sink, and whether a checksum was compared.
    pub async fn run<S: Sink>(self, client: &Client, id: &str, sink: S) -> Result<(S, bool), ClientError> {
        let mut receiver = self.begin(client, id, sink).await?;
        let mut failures = 0;
        loop {
            let before = receiver.state.received_bytes;
            let mut content = client.open_content(id, &receiver.state).await?;
            accept(&mut receiver, &content, id)?;
            let end = length(&content).map(|length| length.saturating_add(receiver.state.received_bytes));
            receiver.sink.begin(receiver.state.received_bytes, end);
            let ended;
            (receiver, ended) = receive(&mut content.answer, receiver).await?;
            match ended {
                Ok(()) if end.is_none_or(|end| end == receiver.state.received_bytes) => {
                    let compared = compare(receiver.hasher, content.checksum.as_ref(), id)?;
                    return Ok((receiver.sink, compared));
                }
                Ok(()) => return Err(ClientError::Damaged(id.to_owned())),
                Err(ClientError::Connection(_) | ClientError::Silent) if failures < retry::MAX_REPETITIONS => {}
                Err(error) => return Err(error),
            }
            failures = if receiver.state.received_bytes > before { 1 } else { failures + 1 };
            tokio::time::sleep(retry::pause(failures)).await;
        }
    }

    /// Hashes what the sink has, in the layout of the checksum to come.
    async fn begin<S: Sink>(self, client: &Client, id: &str, mut sink: S) -> Result<Receiver<S>, ClientError> {
        if self.received_bytes == 0 {
            return Ok(Receiver { sink, hasher: Hasher::default(), state: self });
        }
        let layout = client.checksum(id).await?.map(|checksum| checksum.layout).unwrap_or_default();
        let hashing = spawn_blocking(move || {
            let mut hasher = Hasher::new(layout);
            sink.hash_received(&mut hasher)?;
            Ok(Receiver { sink, hasher, state: self })
        });
        hashing.await.map_err(io::Error::other).flatten().map_err(local)
    }
}

/// Goes on where the content begins: after the received bytes, or at the first byte.
fn accept<S: Sink>(receiver: &mut Receiver<S>, content: &Content, id: &str) -> Result<(), ClientError> {
    if content.answer.status() == StatusCode::PARTIAL_CONTENT {
        let begins = content.answer.headers().get("content-range").and_then(|range| range.to_str().ok());
        let expected = format!("bytes {}-", receiver.state.received_bytes);
        let fits = begins.is_some_and(|range| range.starts_with(&expected));
        return if fits { Ok(()) } else { Err(ClientError::Damaged(id.to_owned())) };
    }
    if receiver.state.received_bytes > 0 && !receiver.sink.restart().map_err(local)? {
        return Err(ClientError::Replaced(id.to_owned()));
    }
    receiver.sink.keep_etag(content.etag.as_deref().unwrap_or_default()).map_err(local)?;
    receiver.state = Download { received_bytes: 0, etag: content.etag.clone() };
    receiver.hasher = Hasher::new(content.checksum.as_ref().map(|checksum| checksum.layout).unwrap_or_default());
    Ok(())
}

/// Compares checksums of the same layout, and returns whether there were two.
fn compare(hasher: Hasher, stated: Option<&Checksum>, id: &str) -> Result<bool, ClientError> {
    let received = hasher.finish();
    let Some(stated) = stated.filter(|stated| stated.layout == received.layout) else { return Ok(false) };
    if *stated == received { Ok(true) } else { Err(ClientError::Damaged(id.to_owned())) }
}

fn length(content: &Content) -> Option<u64> {
    content.answer.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
