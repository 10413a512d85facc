//! Work on bytes that goes on behind the one who receives them: a batch is worked on by the blocking pool while the next
//! one is being collected. At most one is being worked on, so that whoever is too fast waits.

use bytes::Bytes;
use std::io;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are collected before they are handed to the blocking pool.
const BATCH_BYTES: usize = 256 * 1024;
/// Chunks that are collected before they are handed on, however small: each may keep its whole receive buffer alive.
const BATCH_CHUNKS: usize = 64;

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
        Self { batch: Vec::new(), batch_bytes: 0, state: Some(State::Idle(Box::new(worker))) }
    }

    /// Takes the next bytes. It may return before they are worked on.
    ///
    /// # Errors
    /// When the worker failed at these or earlier ones; it is gone then.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), W::Error> {
        self.batch_bytes += chunk.len();
        self.batch.push(chunk);
        if self.batch_bytes < BATCH_BYTES && self.batch.len() < BATCH_CHUNKS {
            return Ok(());
        }
        let mut worker = self.idle().await?;
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
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
        let batch = std::mem::take(&mut self.batch);
        let work = move || {
            worker.take(&batch)?;
            last(*worker)
        };
        joined(spawn_blocking(work)).await
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

    #[tokio::test]
    async fn small_chunks_are_handed_on_by_their_number() {
        let mut behind = Behind::new(Collector::default());
        for _ in 0..3 * BATCH_CHUNKS {
            behind.write(Bytes::from_static(b"x")).await.unwrap();
        }
        assert_eq!(behind.finish(|worker| Ok(worker.batches)).await.unwrap(), 4);
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
