//! Local files to send: read in pieces, hashed, and compared with their earlier state.

use crate::checksum::hex;
use crate::error::ClientError;
use crate::progress::{Progress, Tally};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{Stream, try_unfold};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::spawn_blocking;

/// The bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// An open file with the size and the time of change that it had then.
#[derive(Clone, Debug)]
pub(crate) struct LocalFile {
    file: Arc<File>,
    path: PathBuf,
    /// The size and the time of change.
    pub(crate) version: Version,
}

/// The state of a file by which a change is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Version {
    /// The size, in bytes.
    pub(crate) size_bytes: u64,
    /// The time of the last change, in Unix seconds and nanoseconds.
    modified_at: (i64, i64),
}

/// The SHA-256 of the pieces that were read. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedDigest(Arc<Mutex<Sha256>>);

impl SharedDigest {
    pub(crate) fn restart(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Sha256::new();
    }

    fn update(&self, piece: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).update(piece);
    }

    /// Returns the digest in hex.
    pub(crate) fn hex(&self) -> String {
        hex(&self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize())
    }
}

impl LocalFile {
    /// Opens a regular file.
    pub(crate) async fn open(path: &Path) -> Result<Self, ClientError> {
        let path = path.to_owned();
        let opened = path.clone();
        blocking(&path, move || {
            // A pipe would wait for its writer.
            if !std::fs::metadata(&opened)?.is_file() {
                return Err(io::Error::other("it is no regular file"));
            }
            Self::of(Arc::new(File::open(&opened)?), opened)
        })
        .await
    }

    /// Takes an open file. Errors show `path`.
    pub(crate) fn of(file: Arc<File>, path: PathBuf) -> io::Result<Self> {
        let version = Version::of(&file)?;
        Ok(Self { file, path, version })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns an error if the file is another one than when it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), ClientError> {
        let now = Version::of(&self.file).map_err(|source| ClientError::Local { path: self.path.clone(), source })?;
        if now == self.version { Ok(()) } else { Err(ClientError::Changed(self.path.clone())) }
    }

    /// Reads exactly a range in pieces, counts and hashes them. A shorter file is an error.
    pub(crate) fn pieces(
        &self,
        range: Range<u64>,
        digest: SharedDigest,
        tally: Tally,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let file = Arc::clone(&self.file);
        try_unfold(range, move |left| {
            let (file, digest, tally) = (Arc::clone(&file), digest.clone(), tally.clone());
            async move {
                if left.is_empty() {
                    return Ok(None);
                }
                let mut next = left.clone();
                let piece = spawn_blocking(move || {
                    let piece = read_piece(&file, left)?;
                    digest.update(&piece);
                    Ok::<_, io::Error>(piece)
                });
                let piece = piece.await.map_err(io::Error::other)??;
                tally.add(piece.len() as u64);
                next.start = next.start.saturating_add(piece.len() as u64);
                Ok(Some((piece, next)))
            }
        })
    }

    /// Returns the MD5 of the whole file, in hex. The work ends early when the future is dropped.
    pub(crate) async fn md5(&self) -> Result<String, ClientError> {
        let (file, size_bytes) = (Arc::clone(&self.file), self.version.size_bytes);
        let stop = StopOnDrop::default();
        let stopped = Arc::clone(&stop.0);
        let hashed = blocking(&self.path, move || {
            let (mut md5, mut left) = (Md5::new(), 0..size_bytes);
            while !left.is_empty() && !stopped.load(Ordering::Relaxed) {
                let piece = read_piece(&file, left.clone())?;
                md5.update(&piece);
                left.start = left.start.saturating_add(piece.len() as u64);
            }
            Ok(hex(&md5.finalize()))
        });
        hashed.await
    }
}

impl Version {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { size_bytes: metadata.len(), modified_at: (metadata.mtime(), metadata.mtime_nsec()) })
    }
}

/// Stops the hashing of a file whose digest nobody waits for.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn read_piece(file: &File, left: Range<u64>) -> io::Result<Bytes> {
    let most = usize::try_from(left.end.saturating_sub(left.start)).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
    let mut piece = BytesMut::zeroed(most);
    file.read_exact_at(&mut piece, left.start)?;
    Ok(piece.freeze())
}

/// Runs a blocking operation on a file.
pub(crate) async fn blocking<T: Send + 'static>(
    path: &Path,
    operation: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ClientError> {
    let done = spawn_blocking(operation).await.map_err(io::Error::other).flatten();
    done.map_err(|source| ClientError::Local { path: path.to_owned(), source })
}
