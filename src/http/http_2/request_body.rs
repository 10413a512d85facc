//! The body of a request of HTTP/2, and what is left of it after an early answer.
//!
//! A client that is still sending may lose its answer when the stream is reset (curl 7.88 reports an error of the
//! protocol instead). As at the end of an HTTP/1 connection (`http/connection/linger.rs`), the server therefore
//! receives and discards the rest at a limited pace and for a limited time, and resets the stream only then.

use crate::http::connection::{LINGER_IDLE_TIMEOUT, LINGER_TIMEOUT};
use crate::http::discard_pace::DISCARD_PACE;
use crate::http::flood::Tally;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::runtime::Handle;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The bodies that are received and discarded.
#[derive(Clone, Debug)]
pub struct Discards {
    /// Counts them.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

impl Discards {
    fn begin(&self, body: Incoming, tally: Arc<Tally>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let stop = self.stop.clone();
        let discarded = async move { stop.run_until_cancelled(timeout(LINGER_TIMEOUT, discard(body, tally))).await };
        self.tasks.spawn_on(discarded, &runtime);
    }
}

/// Receives until the body ends, or its client is silent for too long.
async fn discard(mut body: Incoming, tally: Arc<Tally>) {
    while let Ok(Some(Ok(frame))) = timeout(LINGER_IDLE_TIMEOUT, body.frame()).await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        tally.payload(bytes);
        // Frames that are not taken hold back the client by the window of the stream.
        if let Some(next) = DISCARD_PACE.record(bytes) {
            drop(frame);
            sleep_until(next).await;
        }
    }
}

/// The body of a request. It counts as payload; its rest is discarded.
pub struct RequestBody {
    /// The body, until it is dropped.
    body: Option<Incoming>,
    tally: Arc<Tally>,
    discards: Discards,
}

impl RequestBody {
    /// Wraps the body of a request.
    pub const fn new(body: Incoming, tally: Arc<Tally>, discards: Discards) -> Self {
        Self { body: Some(body), tally, discards }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            self.discards.begin(body, Arc::clone(&self.tally));
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = ready!(Pin::new(body).poll_frame(context));
        if let Some(Ok(frame)) = &polled {
            self.tally.payload(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}
