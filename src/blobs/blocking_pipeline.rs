//! A pipeline of one stage on the blocking pool: while a [`Worker`] takes one batch, the next is collected. At most one
//! batch is with the worker, so a fast producer waits. Used by writes of blobs and by the line check of batch files.

use super::WriteLimiter;
use crate::model::ids::WorkspaceId;
use crate::shares::contention::ContentionPermit;
use bytes::{Bytes, BytesMut};
use std::io;
use tokio::task::{JoinHandle, spawn_blocking};

/// The size of a batch, in bytes.
const BATCH_BYTES: usize = 256 * 1024;
/// The chunk length below which chunks are copied, in bytes. A slice keeps the whole receive buffer alive that it was
/// cut from, up to 64 KiB.
const COPIED_BELOW_BYTES: usize = 32 * 1024;

/// A consumer of bytes in order, which may block on the disk or compute.
pub trait Worker: Send + 'static {
    /// The reason why the worker stopped.
    type Error: From<io::Error> + Send + 'static;

    /// Adds the next bytes.
    fn take(&mut self, batch: &[Bytes]) -> Result<(), Self::Error>;

    /// Completes deferred work before the permit is returned.
    ///
    /// # Errors
    /// When that work fails.
    fn flush_queued(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A [`Worker`] and the bytes that are on their way to it.
pub struct BlockingPipeline<W: Worker> {
    batch: Vec<Bytes>,
    /// Copies of the short chunks that follow `batch`.
    copied: BytesMut,
    batch_bytes: usize,
    state: Option<State<W>>,
    limiter: Option<WriteLimiter>,
}

enum State<W: Worker> {
    Idle(Box<W>),
    Working(JoinHandle<Result<Box<W>, W::Error>>),
}

impl<W: Worker> BlockingPipeline<W> {
    /// Returns an idle pipeline.
    pub fn new(worker: W) -> Self {
        let state = Some(State::Idle(Box::new(worker)));
        Self { batch: Vec::new(), copied: BytesMut::new(), batch_bytes: 0, state, limiter: None }
    }

    /// Runs each batch and the last step under a permit of `limiter`.
    pub fn limit_writes(&mut self, limiter: WriteLimiter) {
        self.limiter = Some(limiter);
    }

    /// Queues the next bytes. It may return before the worker takes them.
    ///
    /// # Errors
    /// When the worker failed at these or earlier bytes. The worker is gone then.
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
        let permit = self.acquire().await;
        self.state = Some(State::Working(spawn_blocking(move || {
            worker.take(&batch)?;
            if permit.is_some() {
                worker.flush_queued()?;
            }
            Ok(worker)
        })));
        Ok(())
    }

    /// Passes the remaining bytes to the worker and runs `last` on the blocking pool.
    ///
    /// # Errors
    /// When the worker or `last` failed.
    pub async fn finish<T: Send + 'static>(
        mut self,
        last: impl FnOnce(W) -> Result<T, W::Error> + Send + 'static,
    ) -> Result<T, W::Error> {
        let mut worker = self.idle().await?;
        let batch = self.take_batch();
        let permit = self.acquire().await;
        let work = move || {
            let _permit = permit;
            worker.take(&batch)?;
            last(*worker)
        };
        joined(spawn_blocking(work)).await
    }

    async fn acquire(&self) -> Option<ContentionPermit<WorkspaceId>> {
        self.limiter.as_ref()?.acquire().await
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

    /// Drops the worker on the blocking pool, with the bytes that it has not taken.
    pub async fn abort(mut self) {
        if let Ok(worker) = self.idle().await {
            drop(spawn_blocking(move || drop(worker)).await);
        }
    }

    /// Returns the worker once it has finished its batch. A cancelled call leaves the batch to the next call.
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
    use crate::shares::contention::ContentionLimiter;
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
        let mut pipeline = BlockingPipeline::new(Collector::default());
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|number| number.to_le_bytes()[0]).collect();
        for chunk in bytes.chunks(9_973) {
            pipeline.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        let worker = pipeline.finish(Ok).await.unwrap();
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
        let (mut pipeline, alive) = (BlockingPipeline::new(Collector::default()), Arc::new(AtomicUsize::new(0)));
        for _ in 0..1000 {
            alive.fetch_add(1, Ordering::Relaxed);
            pipeline.write(Bytes::from_owner(Receive(Arc::clone(&alive)))).await.unwrap();
            assert_eq!(alive.load(Ordering::Relaxed), 0);
        }
        let worker = pipeline.finish(Ok).await.unwrap();
        assert_eq!((worker.taken.len(), worker.batches), (1000, 1));
    }

    #[tokio::test]
    async fn short_and_long_chunks_stay_in_order() {
        let (mut pipeline, mut all) = (BlockingPipeline::new(Collector::default()), Vec::new());
        for number in 0..40_u8 {
            let length = if number % 3 == 0 { COPIED_BELOW_BYTES } else { usize::from(number) };
            let chunk = vec![number; length];
            all.extend_from_slice(&chunk);
            pipeline.write(Bytes::from(chunk)).await.unwrap();
        }
        assert!(pipeline.finish(Ok).await.unwrap().taken == all);
    }

    #[tokio::test]
    async fn a_failure_ends_it() {
        let mut pipeline = BlockingPipeline::new(Collector { fails_at: Some(0), ..Collector::default() });
        let chunk = Bytes::from(vec![0; BATCH_BYTES]);
        pipeline.write(chunk.clone()).await.unwrap();
        assert!(pipeline.write(chunk.clone()).await.is_err());
        assert!(pipeline.write(chunk).await.is_err());
        assert!(pipeline.finish(Ok).await.is_err());
    }

    /// Notes how many of its kind work at once, and whether anything was put off.
    struct Slow {
        working: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        left: Arc<AtomicUsize>,
    }

    impl Worker for Slow {
        type Error = io::Error;

        #[expect(clippy::disallowed_methods, reason = "it works on the blocking pool")]
        fn take(&mut self, _: &[Bytes]) -> io::Result<()> {
            self.most.fetch_max(self.working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(2));
            self.working.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }

        fn flush_queued(&mut self) -> io::Result<()> {
            self.left.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    /// Four blobs of one workspace at once; how many worked at the same time, and how many batches left nothing queued.
    async fn four_at_once(limiter: &ContentionLimiter<WorkspaceId>, owner: WorkspaceId) -> (usize, usize) {
        let (working, most, left) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let blobs = (0..4).map(|_| {
            let slow = Slow { working: Arc::clone(&working), most: Arc::clone(&most), left: Arc::clone(&left) };
            let mut pipeline = BlockingPipeline::new(slow);
            pipeline.limit_writes(limiter.for_owner(owner));
            async move {
                for _ in 0..8 {
                    pipeline.write(Bytes::from(vec![0; BATCH_BYTES])).await.unwrap();
                }
                pipeline.finish(|_| Ok(())).await.unwrap();
            }
        });
        futures_util::future::join_all(blobs).await;
        (most.load(Ordering::SeqCst), left.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn blobs_of_one_workspace_take_turns_while_another_is_there() {
        let limiter = ContentionLimiter::new(1);
        let [ada, bob] = [1, 2].map(|number| WorkspaceId::next(None, number, [0; 11]));
        limiter.note(ada);
        let (alone, left) = four_at_once(&limiter, ada).await;
        assert!(alone > 1 && left == 0, "{alone} at once, {left} left nothing queued");
        limiter.note(bob);
        assert_eq!(four_at_once(&limiter, ada).await, (1, 4 * 8));
    }
}
