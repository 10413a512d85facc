//! Takes content from a connection to a sink: one thread writes, one hashes.

use super::state::Download;
use crate::checksum::Hasher;
use crate::connection::in_time;
use crate::error::ClientError;
use bytes::Bytes;
use reqwest::Response;
use std::io;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::spawn_blocking;

/// The most pieces on their way from the connection to the sink.
const MAX_QUEUED_PIECES: usize = 16;

/// The receiver of content.
pub trait Sink: Send + 'static {
    /// Notes where the content goes on, and its size in bytes if the server says it.
    fn begin(&mut self, received_bytes: u64, size_bytes: Option<u64>);
    /// Writes the next bytes.
    fn write(&mut self, piece: &[u8]) -> io::Result<()>;
    /// Hashes the bytes that an earlier run received. The next bytes are written after them.
    fn hash_received(&mut self, hasher: &mut Hasher) -> io::Result<()>;
    /// Discards all bytes before the content begins again, and returns whether the sink can do so.
    fn restart(&mut self) -> io::Result<bool>;
    /// Keeps the `ETag` of the content, with which a later run goes on.
    fn keep_etag(&mut self, etag: &str) -> io::Result<()>;
}

/// A sink with the state of its download.
pub(crate) struct Receiver<S> {
    pub(crate) sink: S,
    pub(crate) hasher: Hasher,
    pub(crate) state: Download,
}

/// Receives a body while the pieces before are written and hashed. Returns how the body ended.
pub(crate) async fn receive<S: Sink>(
    answer: &mut Response,
    receiver: Receiver<S>,
) -> Result<(Receiver<S>, Result<(), ClientError>), ClientError> {
    let Receiver { mut sink, mut hasher, mut state } = receiver;
    let (to_sink, mut written) = channel::<Bytes>(MAX_QUEUED_PIECES);
    let (to_hasher, mut hashed) = channel::<Bytes>(MAX_QUEUED_PIECES);
    let writing = spawn_blocking(move || {
        while let Some(piece) = written.blocking_recv() {
            sink.write(&piece)?;
            state.received_bytes = state.received_bytes.saturating_add(piece.len() as u64);
        }
        Ok((sink, state))
    });
    let hashing = spawn_blocking(move || {
        while let Some(piece) = hashed.blocking_recv() {
            hasher.update(&piece);
        }
        hasher
    });
    let ended = forward(answer, to_sink, to_hasher).await;
    let (sink, state) = writing.await.map_err(io::Error::other).flatten().map_err(local)?;
    let hasher = hashing.await.map_err(|error| local(io::Error::other(error)))?;
    Ok((Receiver { sink, hasher, state }, ended))
}

async fn forward(answer: &mut Response, to_sink: Sender<Bytes>, to_hasher: Sender<Bytes>) -> Result<(), ClientError> {
    let lost = |error: reqwest::Error| ClientError::Connection(error.without_url());
    while let Some(piece) = in_time(answer.chunk()).await?.map_err(lost)? {
        let is_taken = to_sink.send(piece.clone()).await.is_ok() && to_hasher.send(piece).await.is_ok();
        if !is_taken {
            // The sink has failed, and its error is the one that counts.
            break;
        }
    }
    Ok(())
}

/// Returns the error of a sink.
pub(crate) fn local(source: io::Error) -> ClientError {
    ClientError::Local { path: "the target of the download".into(), source }
}
