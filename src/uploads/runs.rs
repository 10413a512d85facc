//! Long computations for Uploads, which outlive their requests: at most one run per Upload.
//!
//! A proxy gives up a request long before 8 GiB are read, and its client retries: the retry joins the run, or finds its
//! result. A run is cancelled when its Upload ends, when another subject is requested and no request waits for this
//! one, and when the server stops and no request waits. The caller bounds the number of runs.

use crate::error_chain::ErrorChain;
use crate::files::StoreError;
use crate::model::ids::UploadId;
use crate::traces;
use futures_util::FutureExt;
use quick_cache::sync::Cache;
use std::collections::HashMap;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The maximum of cached results, some 150 bytes each.
const MAX_REMEMBERED: usize = 4096;

/// The name of a computation. Equal names have equal results.
pub type Subject = [u8; 32];

/// The runs of a server, and their results.
#[derive(Debug)]
pub struct Runs<T> {
    results: Cache<Subject, T>,
    state: Mutex<State<T>>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct State<T> {
    next: u64,
    of_upload: HashMap<UploadId, Run<T>>,
}

#[derive(Debug)]
struct Run<T> {
    number: u64,
    subject: Subject,
    outcome: watch::Sender<Outcome<T>>,
    end: CancellationToken,
}

/// The outcome of a run; none while it is running or after it was cancelled.
type Outcome<T> = Option<Result<T, Arc<StoreError>>>;

/// The result of joining a run.
#[derive(Debug)]
pub enum Joined<T> {
    /// The result is cached.
    Cached(T),
    /// A run of the subject.
    Run(Waiting<T>),
    /// A run of another subject of the same Upload, for which a request waits.
    Other(Waiting<T>),
}

/// A request that waits for a run; dropped when its client leaves.
#[derive(Debug)]
pub struct Waiting<T>(watch::Receiver<Outcome<T>>);

impl<T: Clone> Waiting<T> {
    /// Waits for the end of the run; returns none for a cancelled one.
    pub async fn outcome(mut self) -> Outcome<T> {
        let Self(outcome) = &mut self;
        outcome.wait_for(Option::is_some).await.map_or(None, |outcome| outcome.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> Runs<T> {
    /// Returns a set without runs. After `stop`, a run goes on only while a request waits for it.
    pub fn new(stop: CancellationToken) -> Self {
        let state = Mutex::new(State { next: 0, of_upload: HashMap::new() });
        Self { results: Cache::new(MAX_REMEMBERED), state, stop }
    }

    /// Joins the run of the subject, or starts it with `work`, which is dropped otherwise.
    pub fn join(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        upload: UploadId,
        subject: Subject,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Joined<T> {
        let mut state = self.lock();
        if let Some(known) = self.results.get(&subject) {
            return Joined::Cached(known);
        }
        match state.of_upload.get(&upload) {
            Some(run) if run.subject == subject => return Joined::Run(Waiting(run.outcome.subscribe())),
            Some(other) if other.outcome.receiver_count() > 0 => {
                return Joined::Other(Waiting(other.outcome.subscribe()));
            }
            Some(unwanted) => unwanted.end.cancel(),
            None => {}
        }
        let number = state.next;
        state.next += 1;
        let (outcome, waiting) = watch::channel(None);
        let end = CancellationToken::new();
        let run = Run { number, subject, outcome: outcome.clone(), end: end.clone() };
        state.of_upload.insert(upload, run);
        // A runtime that shuts down drops a spawned future at once, and with it the entry, which locks the state.
        drop(state);
        let entry = Entry { runs: Arc::clone(self), upload, number };
        tasks.spawn(traces::carry(Box::pin(drive(entry, subject, outcome, end, work))));
        Joined::Run(Waiting(waiting))
    }

    /// Ends the run of an Upload that has ended.
    pub fn end(&self, upload: UploadId) {
        if let Some(run) = self.lock().of_upload.remove(&upload) {
            run.end.cancel();
        }
    }
}

impl<T> Runs<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of a run, removed on drop.
struct Entry<T> {
    runs: Arc<Runs<T>>,
    upload: UploadId,
    number: u64,
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        let mut state = self.runs.lock();
        if state.of_upload.get(&self.upload).is_some_and(|run| run.number == self.number) {
            state.of_upload.remove(&self.upload);
        }
    }
}

async fn drive<T: Clone>(
    entry: Entry<T>,
    subject: Subject,
    outcome: watch::Sender<Outcome<T>>,
    end: CancellationToken,
    work: impl Future<Output = Result<T, StoreError>>,
) {
    let unwanted = async {
        entry.runs.stop.cancelled().await;
        outcome.closed().await;
    };
    let panicked = |_| Err(StoreError::Internal(Box::new(io::Error::other("the run panicked"))));
    let work = AssertUnwindSafe(work).catch_unwind().map(|result| result.unwrap_or_else(panicked));
    let result = tokio::select! {
        biased;
        () = end.cancelled() => return,
        result = work => result,
        () = unwanted => return,
    };
    match &result {
        // The result is cached before the entry is removed, so that every request finds one of them.
        Ok(known) => entry.runs.results.insert(subject, known.clone()),
        Err(error) if outcome.is_closed() => {
            tracing::info!(error = %ErrorChain(error), "digest failed after client disconnect");
        }
        Err(_) => {}
    }
    outcome.send_replace(Some(result.map_err(Arc::new)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::sync::Semaphore;

    fn upload() -> UploadId {
        UploadId::new(7, [7; 12])
    }

    /// Runs whose work waits until it is let go, and is counted when it begins and when it is dropped.
    struct Fixture {
        runs: Arc<Runs<u32>>,
        tasks: TaskTracker,
        stop: CancellationToken,
        go: Arc<Semaphore>,
        begun: Arc<AtomicUsize>,
        dropped: Arc<AtomicUsize>,
    }

    struct Counted(Arc<AtomicUsize>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Fixture {
        fn new() -> Self {
            let stop = CancellationToken::new();
            Self {
                runs: Arc::new(Runs::new(stop.clone())),
                tasks: TaskTracker::new(),
                stop,
                go: Arc::new(Semaphore::new(0)),
                begun: Arc::default(),
                dropped: Arc::default(),
            }
        }

        fn join(&self, subject: u8, result: impl FnOnce() -> Result<u32, StoreError> + Send + 'static) -> Joined<u32> {
            let (go, begun, dropped) = (Arc::clone(&self.go), Arc::clone(&self.begun), Arc::clone(&self.dropped));
            self.runs.join(&self.tasks, upload(), [subject; 32], async move {
                let _counted = Counted(dropped);
                begun.fetch_add(1, Ordering::Relaxed);
                go.acquire().await.unwrap().forget();
                result()
            })
        }

        /// Waits for the run that `join` begins or joins.
        fn run(&self, subject: u8) -> Waiting<u32> {
            match self.join(subject, || Ok(5)) {
                Joined::Run(waiting) => waiting,
                other => panic!("{other:?}"),
            }
        }

        /// Lets what runs come as far as it can; how often work has begun, and how often it has ended.
        async fn counts(&self) -> (usize, usize) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            (self.begun.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed))
        }

        fn is_empty(&self) -> bool {
            self.runs.lock().of_upload.is_empty()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_goes_on_when_its_client_leaves_and_the_next_joins_it_or_finds_its_result() {
        let fixture = Fixture::new();
        for _ in 0..3 {
            drop(fixture.run(1));
            assert_eq!(fixture.counts().await, (1, 0));
        }
        let waiting = fixture.run(1);
        fixture.go.add_permits(1);
        assert!(matches!(waiting.outcome().await, Some(Ok(5))));
        assert_eq!(fixture.counts().await, (1, 1));
        assert!(matches!(fixture.join(1, || Ok(6)), Joined::Cached(5)) && fixture.is_empty());
        drop(fixture.run(2));
        fixture.go.add_permits(1);
        assert_eq!(fixture.counts().await, (2, 2));
        assert!(matches!(fixture.join(2, || Ok(6)), Joined::Cached(5)), "nobody waited for it");
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_come_at_once_share_a_run_and_its_failure() {
        let fixture = Fixture::new();
        let first = fixture.join(1, || Err(StoreError::unavailable(io::Error::other("gone"))));
        let Joined::Run(first) = first else { panic!("{first:?}") };
        let (second, third) = (fixture.run(1), fixture.run(1));
        fixture.go.add_permits(1);
        for waiting in [first, second, third] {
            assert!(
                matches!(waiting.outcome().await, Some(Err(error)) if matches!(*error, StoreError::Unavailable(_)))
            );
        }
        assert_eq!(fixture.counts().await, (1, 1));
        fixture.go.add_permits(1);
        assert!(matches!(fixture.run(1).outcome().await, Some(Ok(5))), "a failure is not remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn the_run_of_an_upload_that_ends_ends_with_it() {
        let fixture = Fixture::new();
        let waiting = fixture.run(1);
        assert_eq!(fixture.counts().await, (1, 0));
        fixture.runs.end(upload());
        assert!(waiting.outcome().await.is_none());
        assert_eq!(fixture.counts().await, (1, 1));
        assert!(fixture.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_has_one_run_at_a_time_and_one_that_nobody_waits_for_makes_room() {
        let fixture = Fixture::new();
        let waiting = fixture.run(1);
        let other = fixture.join(2, || Ok(6));
        assert!(matches!(other, Joined::Other(_)), "{other:?}");
        drop((waiting, other));
        assert_eq!(fixture.counts().await, (1, 0));
        let waiting = fixture.run(2);
        assert_eq!(fixture.counts().await, (2, 1), "the first has ended");
        fixture.go.add_permits(1);
        assert!(matches!(waiting.outcome().await, Some(Ok(5))));
        assert!(fixture.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stops_finishes_what_is_waited_for_alone() {
        let fixture = Fixture::new();
        let waiting = fixture.run(1);
        fixture.stop.cancel();
        assert_eq!(fixture.counts().await, (1, 0));
        drop(waiting);
        fixture.tasks.close();
        tokio::time::timeout(Duration::from_secs(9), fixture.tasks.wait()).await.unwrap();
        assert_eq!(fixture.counts().await, (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_failure_and_leaves_nothing() {
        let fixture = Fixture::new();
        fixture.go.add_permits(1);
        let Joined::Run(waiting) = fixture.join(1, || panic!("a mistake")) else { panic!("it begins") };
        assert!(matches!(waiting.outcome().await, Some(Err(error)) if matches!(*error, StoreError::Internal(_))));
        assert_eq!(fixture.counts().await, (1, 1));
        assert!(fixture.is_empty());
    }
}
