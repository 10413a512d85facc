//! Paced request bodies: a body has a minimum rate and no maximum duration.

use crate::metrics::METRICS;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// The minimum rate of a request body.
#[derive(Clone, Copy, Debug)]
pub struct BodyPace {
    /// The minimum mean rate over the window, in bytes per second.
    pub min_bytes_per_second: u64,
    /// The window of the mean. Time in which the server does not read does not count.
    pub window: Duration,
}

/// An error while a request body is read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is slower than the pace.
    #[error("the body brings less than {min_bytes_per_second} bytes a second over {window_seconds} s")]
    TooSlow {
        /// The pace.
        min_bytes_per_second: u64,
        /// The window of the mean.
        window_seconds: u64,
    },
    /// The connection broke, or its framing is wrong.
    #[error("the body cannot be read")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

impl BodyError {
    /// Unwraps the error of the body from that of the router.
    pub fn of(error: axum::Error) -> Self {
        match error.into_inner().downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => Self::Broken(error),
        }
    }
}

/// Records how much of a body was read.
#[derive(Clone, Debug, Default)]
pub struct Consumed(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    is_whole: AtomicBool,
    bytes: AtomicU64,
}

impl Consumed {
    pub fn is_whole(&self) -> bool {
        self.0.is_whole.load(Ordering::Acquire)
    }

    /// Returns the number of bytes that were read.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.0.is_whole.store(true, Ordering::Release);
    }
}

/// A body that fails when it is slower than its pace. Only the time of waiting for the client counts.
pub struct PacedBody<B> {
    body: B,
    pace: BodyPace,
    consumed: Consumed,
    window_bytes: u64,
    window_waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> PacedBody<B> {
    pub fn new(body: B, pace: BodyPace, consumed: Consumed) -> Self {
        Self { body, pace, consumed, window_bytes: 0, window_waited: Duration::ZERO, waiting: None }
    }

    /// Polls the rest of the window, which passes while the server waits for the client. Ready if the body was too slow
    /// in it; otherwise the next window begins.
    fn poll_window(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        let rest = self.pace.window.saturating_sub(self.window_waited);
        let (_, timer) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(rest))));
        std::task::ready!(timer.as_mut().poll(context));
        self.waited();
        if self.is_too_slow() {
            return Poll::Ready(BodyError::TooSlow {
                min_bytes_per_second: self.pace.min_bytes_per_second,
                window_seconds: self.pace.window.as_secs(),
            });
        }
        self.next_window();
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn waited(&mut self) {
        if let Some((since, _)) = self.waiting.take() {
            self.window_waited += since.elapsed();
        }
    }

    fn is_too_slow(&self) -> bool {
        self.window_bytes < self.pace.min_bytes_per_second.saturating_mul(self.pace.window.as_secs())
    }

    fn next_window(&mut self) {
        self.window_bytes = 0;
        self.window_waited = std::time::Duration::ZERO;
    }
}

impl<B> Body for PacedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(None) => {
                this.consumed.end();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(frame))) => {
                this.waited();
                let received_bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                this.window_bytes += received_bytes;
                this.consumed.0.bytes.fetch_add(received_bytes, Ordering::Relaxed);
                METRICS.http_request_body_bytes.inc_by(received_bytes);
                if this.body.is_end_stream() {
                    this.consumed.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(BodyError::Broken(error.into())))),
            Poll::Pending => this.poll_window(context).map(|error| Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};
    use std::time::Duration;

    const PACE: BodyPace = BodyPace { min_bytes_per_second: 10, window: Duration::from_secs(5) };

    fn drip(
        bytes: usize,
        every: Duration,
        times: usize,
    ) -> PacedBody<impl Body<Data = Bytes, Error = std::io::Error> + Unpin> {
        let frames = stream::unfold(times, move |left| async move {
            tokio::time::sleep(every).await;
            (left > 0).then(|| (Ok(Frame::data(Bytes::from(vec![0; bytes]))), left - 1))
        });
        PacedBody::new(StreamBody::new(Box::pin(frames)), PACE, Consumed::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_body_may_take_hours() {
        let body = drip(10, Duration::from_secs(1), 7200);
        let consumed = body.consumed.clone();
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 72_000);
        assert!(consumed.is_whole());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up_after_a_window() {
        let begun = Instant::now();
        let body = drip(9, Duration::from_secs(1), 7200);
        let consumed = body.consumed.clone();
        assert!(matches!(body.collect().await, Err(BodyError::TooSlow { .. })));
        assert!(begun.elapsed() < Duration::from_secs(7) && !consumed.is_whole());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_body_is_given_up_after_a_window() {
        let begun = Instant::now();
        assert!(matches!(drip(1000, Duration::from_mins(1), 1).collect().await, Err(BodyError::TooSlow { .. })));
        assert_eq!(begun.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn time_without_reads_does_not_count() {
        let mut body = drip(60, Duration::from_millis(1), 20);
        while let Some(frame) = body.frame().await {
            frame.unwrap();
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    }
}
