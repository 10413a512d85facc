//! Work on bytes that goes on behind the one who receives them: a batch is worked on by the blocking pool while the next
//! one is being collected. At most one is being worked on, so that whoever is too fast waits.

use bytes::{Bytes, BytesMut};
use std::io;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are collected before they are handed to the blocking pool.
const BATCH_BYTES: usize = 256 * 1024;
/// Shorter chunks are copied, in bytes: a slice keeps the whole receive buffer alive that it was cut from, up to 64 KiB.
const COPIED_BELOW_BYTES: usize = 32 * 1024;

/// Takes bytes in order, and may wait for the disk or compute while it does.
pub trait Worker: Send + 'static {
    /// Why it does not go on.
    type Error: From<io::Error> + Send + 'static;

    /// Takes the next bytes.
    fn take(&mut self, batch: &[Bytes]) -> Result<(), Self::Error>;
}

/// A [`Worker`], and what is on its way to it.
pub struct Behind<W: Worker> {
    batch: Vec<Bytes>,
    /// Copies of the short chunks that follow `batch`.
    copied: BytesMut,
    batch_bytes: usize,
    state: Option<State<W>>,
}

enum State<W: Worker> {
    Idle(Box<W>),
    Working(JoinHandle<Result<Box<W>, W::Error>>),
}

impl<W: Worker> Behind<W> {
    /// Nothing is on its way yet.
    pub fn new(worker: W) -> Self {
        Self { batch: Vec::new(), copied: BytesMut::new(), batch_bytes: 0, state: Some(State::Idle(Box::new(worker))) }
    }

    /// Takes the next bytes. It may return before they are worked on.
    ///
    /// # Errors
    /// When the worker failed at these or earlier ones; it is gone then.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), W::Error> {
        self.batch_bytes += chunk.len();
        if chunk.len() < COPIED_BELOW_BYTES {
            self.copied.extend_from_slice(&chunk);
        } else {
            self.end_copy();
            self.batch.push(chunk);
        }
        if self.batch_bytes < BATCH_BYTES {
            return Ok(());
        }
        let mut worker = self.idle().await?;
        let batch = self.take_batch();
        self.state = Some(State::Working(spawn_blocking(move || worker.take(&batch).map(|()| worker))));
        Ok(())
    }

    /// Lets the worker take the rest and do its last step, on the blocking pool.
    ///
    /// # Errors
    /// When it failed at any of it.
    pub async fn finish<T: Send + 'static>(
        mut self,
        last: impl FnOnce(W) -> Result<T, W::Error> + Send + 'static,
    ) -> Result<T, W::Error> {
        let mut worker = self.idle().await?;
        let batch = self.take_batch();
        let work = move || {
            worker.take(&batch)?;
            last(*worker)
        };
        joined(spawn_blocking(work)).await
    }

    fn take_batch(&mut self) -> Vec<Bytes> {
        self.end_copy();
        self.batch_bytes = 0;
        std::mem::take(&mut self.batch)
    }

    fn end_copy(&mut self) {
        if !self.copied.is_empty() {
            self.batch.push(self.copied.split().freeze());
        }
    }

    /// Drops the worker on the blocking pool; what was collected is not worked on.
    pub async fn give_up(mut self) {
        if let Ok(worker) = self.idle().await {
            drop(spawn_blocking(move || drop(worker)).await);
        }
    }

    /// The worker, once the batch that it works on is done. A caller that goes away while it waits leaves the batch where
    /// it is, to be waited for by the next.
    async fn idle(&mut self) -> Result<Box<W>, W::Error> {
        if let Some(State::Working(working)) = &mut self.state {
            let worker = joined(working).await;
            self.state = None;
            return worker;
        }
        match self.state.take() {
            Some(State::Idle(worker)) => Ok(worker),
            Some(State::Working(_)) | None => Err(io::Error::other("the work failed before").into()),
        }
    }
}

async fn joined<T, E: From<io::Error>>(
    work: impl Future<Output = Result<Result<T, E>, tokio::task::JoinError>>,
) -> Result<T, E> {
    work.await.unwrap_or_else(|unfinished| Err(io::Error::other(unfinished).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Collector {
        taken: Vec<u8>,
        batches: usize,
        fails_at: Option<usize>,
    }

    impl Worker for Collector {
        type Error = io::Error;

        fn take(&mut self, batch: &[Bytes]) -> io::Result<()> {
            if self.fails_at == Some(self.batches) {
                return Err(io::Error::other("enough"));
            }
            self.batches += 1;
            for chunk in batch {
                self.taken.extend_from_slice(chunk);
            }
            Ok(())
        }
    }

    #[tokio::test]
    async fn everything_is_taken_once_and_in_order() {
        let mut behind = Behind::new(Collector::default());
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|number| number.to_le_bytes()[0]).collect();
        for chunk in bytes.chunks(9_973) {
            behind.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        let worker = behind.finish(Ok).await.unwrap();
        assert!(worker.taken == bytes);
        assert_eq!(worker.batches, bytes.len().div_ceil(BATCH_BYTES.div_ceil(9_973) * 9_973));
    }

    /// A receive buffer of which one byte is used, and which counts how many of its kind are alive.
    struct Receive(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Receive {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }

    impl Drop for Receive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn short_chunks_keep_no_receive_buffer() {
        let (mut behind, alive) = (Behind::new(Collector::default()), Arc::new(AtomicUsize::new(0)));
        for _ in 0..1000 {
            alive.fetch_add(1, Ordering::Relaxed);
            behind.write(Bytes::from_owner(Receive(Arc::clone(&alive)))).await.unwrap();
            assert_eq!(alive.load(Ordering::Relaxed), 0);
        }
        let worker = behind.finish(Ok).await.unwrap();
        assert_eq!((worker.taken.len(), worker.batches), (1000, 1));
    }

    #[tokio::test]
    async fn short_and_long_chunks_stay_in_order() {
        let (mut behind, mut all) = (Behind::new(Collector::default()), Vec::new());
        for number in 0..40_u8 {
            let length = if number % 3 == 0 { COPIED_BELOW_BYTES } else { usize::from(number) };
            let chunk = vec![number; length];
            all.extend_from_slice(&chunk);
            behind.write(Bytes::from(chunk)).await.unwrap();
        }
        assert!(behind.finish(Ok).await.unwrap().taken == all);
    }

    #[tokio::test]
    async fn a_failure_ends_it() {
        let mut behind = Behind::new(Collector { fails_at: Some(0), ..Collector::default() });
        let chunk = Bytes::from(vec![0; BATCH_BYTES]);
        behind.write(chunk.clone()).await.unwrap();
        assert!(behind.write(chunk.clone()).await.is_err());
        assert!(behind.write(chunk).await.is_err());
        assert!(behind.finish(Ok).await.is_err());
    }
}
