//! Work on bytes that goes on behind the one who receives them: a batch is worked on by the blocking pool while the next
//! one is being collected. At most one is being worked on, so that whoever is too fast waits.

use super::WriteTurns;
use crate::model::ids::WorkspaceId;
use crate::shares::turns::Turn;
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

    /// Finishes what it has put off, before others take their turns.
    ///
    /// # Errors
    /// When that failed.
    fn leave_nothing_queued(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A [`Worker`], and what is on its way to it.
pub struct Behind<W: Worker> {
    batch: Vec<Bytes>,
    /// Copies of the short chunks that follow `batch`.
    copied: BytesMut,
    batch_bytes: usize,
    state: Option<State<W>>,
    turns: Option<WriteTurns>,
}

enum State<W: Worker> {
    Idle(Box<W>),
    Working(JoinHandle<Result<Box<W>, W::Error>>),
}

impl<W: Worker> Behind<W> {
    /// Nothing is on its way yet.
    pub fn new(worker: W) -> Self {
        let state = Some(State::Idle(Box::new(worker)));
        Self { batch: Vec::new(), copied: BytesMut::new(), batch_bytes: 0, state, turns: None }
    }

    /// Works on each batch, and does the last step, only when it is the owner's turn.
    pub fn take_turns(&mut self, turns: WriteTurns) {
        self.turns = Some(turns);
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
        let turn = self.turn().await;
        self.state = Some(State::Working(spawn_blocking(move || {
            worker.take(&batch)?;
            if turn.is_some() {
                worker.leave_nothing_queued()?;
            }
            Ok(worker)
        })));
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
        let turn = self.turn().await;
        let work = move || {
            let _turn = turn;
            worker.take(&batch)?;
            last(*worker)
        };
        joined(spawn_blocking(work)).await
    }

    async fn turn(&self) -> Option<Turn<WorkspaceId>> {
        self.turns.as_ref()?.turn().await
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
    use crate::shares::turns::FairTurns;
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

        fn leave_nothing_queued(&mut self) -> io::Result<()> {
            self.left.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    /// Four blobs of one workspace at once; how many worked at the same time, and how many batches left nothing queued.
    async fn four_at_once(turns: &FairTurns<WorkspaceId>, owner: WorkspaceId) -> (usize, usize) {
        let (working, most, left) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let blobs = (0..4).map(|_| {
            let slow = Slow { working: Arc::clone(&working), most: Arc::clone(&most), left: Arc::clone(&left) };
            let mut behind = Behind::new(slow);
            behind.take_turns(turns.of(owner));
            async move {
                for _ in 0..8 {
                    behind.write(Bytes::from(vec![0; BATCH_BYTES])).await.unwrap();
                }
                behind.finish(|_| Ok(())).await.unwrap();
            }
        });
        futures_util::future::join_all(blobs).await;
        (most.load(Ordering::SeqCst), left.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn blobs_of_one_workspace_take_turns_while_another_is_there() {
        let turns = FairTurns::new(1);
        let [ada, bob] = [1, 2].map(|number| WorkspaceId::next(None, number, [0; 11]));
        turns.note(ada);
        let (alone, left) = four_at_once(&turns, ada).await;
        assert!(alone > 1 && left == 0, "{alone} at once, {left} left nothing queued");
        turns.note(bob);
        assert_eq!(four_at_once(&turns, ada).await, (1, 4 * 8));
    }
}
