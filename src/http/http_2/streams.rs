//! The requests of an HTTP/2 connection, which run in the task of the connection.
//!
//! A task of its own for each request would wake another thread for nearly every frame: a body of 64 MiB took half as
//! long again. What takes long, such as hashing, runs on other threads anyway.
//!
//! Flow control can stop one answer while the connection goes on. An answer whose client takes nothing for too long is
//! reset, and the others are not.

use super::request_body::{Discards, RequestBody};
use crate::http::flood::{Exchange, Tally};
use crate::http::requests::{AnswerBody, Requests};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::{Service, service_fn};
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The maximum size of a piece of an answer. The client makes progress when it takes one.
const PIECE_BYTES: usize = 64 * 1024;

tokio::task_local! {
    /// The answer of the request whose task runs.
    static SENDING: Arc<Sending>;
}

/// The progress of an answer.
#[derive(Debug, Default)]
struct Sending {
    /// The time since which the client has a piece; none while the server makes the next one.
    since: Mutex<Option<Instant>>,
}

impl Sending {
    fn since(&self) -> Option<Instant> {
        *lock(&self.since)
    }

    fn note(&self, since: Option<Instant>) {
        *lock(&self.since) = since;
    }
}

/// The requests that hyper has begun and that do not run yet.
type Begun = Arc<Mutex<Vec<BoxFuture<'static, ()>>>>;

/// Takes each request from hyper, and ends those whose client takes nothing for too long.
#[derive(Clone)]
pub struct StreamExecutor {
    begun: Begun,
    stall_timeout: Duration,
}

/// The requests of one connection that run.
pub struct Streams {
    begun: Begun,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Streams {
    /// Creates the requests of a connection, and the executor that hyper hands them to.
    pub fn new(stall_timeout: Duration) -> (Self, StreamExecutor) {
        let begun = Begun::default();
        let executor = StreamExecutor { begun: Arc::clone(&begun), stall_timeout };
        (Self { begun, running: FuturesUnordered::new() }, executor)
    }

    /// Runs the requests that can go on. Call it after hyper has read the connection.
    pub fn run(&mut self, context: &mut Context<'_>) {
        self.running.extend(lock(&self.begun).drain(..));
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(context) {}
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        let sending = Arc::<Sending>::default();
        let stream = SENDING.scope(Arc::clone(&sending), stream);
        let stream = AssertUnwindSafe(end_when_stalled(stream, sending, self.stall_timeout));
        // A panic resets its stream, and not the connection.
        lock(&self.begun).push(stream.catch_unwind().map(drop).boxed());
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a request; its drop resets the stream.
async fn end_when_stalled(stream: impl Future<Output = ()>, sending: Arc<Sending>, stall_timeout: Duration) {
    let mut stream = pin!(stream);
    loop {
        let waited = sending.since().map_or(Duration::ZERO, |since| since.elapsed());
        let Some(rest) = stall_timeout.checked_sub(waited).filter(|rest| !rest.is_zero()) else {
            tracing::debug!("HTTP/2 response stalled");
            return;
        };
        if timeout(rest, stream.as_mut()).await.is_ok() {
            return;
        }
    }
}

/// Answers the requests of a connection.
pub fn service(
    requests: Requests,
    tally: Arc<Tally>,
    discards: Discards,
) -> impl Service<Request<Incoming>, Response = Response<Answer>, Error = Infallible, Future: Send + 'static> {
    service_fn(move |request: Request<Incoming>| {
        let (exchange, tally, discards) = (tally.begin(), Arc::clone(&tally), discards.clone());
        let answered = requests.answer(request.map(|body| RequestBody::new(body, tally, discards)));
        async move { Ok(answered.await?.map(|body| Answer::new(body, exchange))) }
    })
}

/// The body of an answer, in pieces.
pub struct Answer {
    body: AnswerBody,
    /// The rest of the last frame.
    rest: Bytes,
    exchange: Exchange,
}

impl Answer {
    fn new(body: AnswerBody, mut exchange: Exchange) -> Self {
        if body.is_end_stream() {
            exchange.end();
        }
        Self { body, rest: Bytes::new(), exchange }
    }

    /// Polls for the next frame of the body, and records who waits for whom.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            note(None);
        }
        polled
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            match ready!(this.poll_rest(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                None => {
                    this.exchange.end();
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        this.exchange.answered(piece.len());
        note(Some(Instant::now()));
        if this.is_end_stream() {
            this.exchange.end();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut size, rest_bytes) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = size.upper() {
            size.set_upper(upper + rest_bytes);
        }
        size.set_lower(size.lower() + rest_bytes);
        size
    }
}

/// Records since when the client of the running request has a piece.
fn note(since: Option<Instant>) {
    // A body that is polled outside the task of a request has no client.
    let _outside = SENDING.try_with(|sending| sending.note(since));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_panic_ends_its_request_alone() {
        let (mut streams, executor) = Streams::new(Duration::from_mins(1));
        let (sender, answered) = oneshot::channel();
        executor.execute(async { panic!("a fault of a test") });
        executor.execute(async { sender.send(()).unwrap() });
        poll_fn(|context| {
            streams.run(context);
            Poll::Ready(())
        })
        .await;
        answered.await.unwrap();
    }
}
