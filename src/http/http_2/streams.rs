//! The requests of an HTTP/2 connection, each in a task of its own.
//!
//! Flow control can stop one answer while the connection goes on. An answer whose client takes nothing for too long is
//! reset, and the others are not.

use super::request_body::{Discards, RequestBody};
use crate::http::flood::{Exchange, Tally};
use crate::http::requests::{AnswerBody, Requests};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::{Service, service_fn};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

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
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, since: Option<Instant>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// Runs each request in a task, and ends those whose client takes nothing for too long.
#[derive(Clone, Debug)]
pub struct StreamExecutor {
    tasks: TaskTracker,
    stall_timeout: Duration,
}

impl StreamExecutor {
    /// Creates the executor, whose tasks the tracker counts.
    pub const fn new(tasks: TaskTracker, stall_timeout: Duration) -> Self {
        Self { tasks, stall_timeout }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        let sending = Arc::<Sending>::default();
        let stream = SENDING.scope(Arc::clone(&sending), stream);
        self.tasks.spawn(end_when_stalled(stream, sending, self.stall_timeout));
    }
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
