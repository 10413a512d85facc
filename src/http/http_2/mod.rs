//! HTTP/2 (RFC 9113): one connection, its limits and its end.

mod request_body;
mod streams;

use super::connections::ConnectionSlot;
use super::flood::{STREAM_WINDOW_BYTES, Tally};
use super::requests::Requests;
use crate::metrics::METRICS;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use request_body::Discards;
use std::error::Error as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use streams::{StreamExecutor, Streams, service};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The number of requests of a connection at the same time.
const MAX_STREAMS: u32 = 100;
/// The received bytes of all requests that their handlers have not yet read: each has its own, so that a request whose
/// handler waits stops no other one.
const CONNECTION_WINDOW_BYTES: u32 = MAX_STREAMS * STREAM_WINDOW_BYTES;
/// The length of a received frame.
const MAX_FRAME_BYTES: u32 = 64 * 1024;
/// The bytes of a request's head, uncompressed.
const MAX_HEAD_BYTES: u32 = 64 * 1024;
/// The bytes of an answer that wait for the client.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// The number of requests that the client cancelled before they were seen.
const MAX_UNSEEN_CANCELS: usize = 20;
/// The number of requests that broke the protocol.
const MAX_BROKEN_STREAMS: usize = 1024;
/// The time in which a client can answer the announced end of its connection.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// The limits of the server for all connections of HTTP/2.
#[derive(Clone, Debug)]
pub struct Http2 {
    /// The time without a request after which a connection ends.
    pub idle_timeout: Duration,
    /// The time without progress of an answer after which it ends.
    pub stall_timeout: Duration,
    /// Announces the end of all connections.
    pub stop: CancellationToken,
    /// The bodies that are discarded.
    pub discards: TaskTracker,
}

impl Http2 {
    /// Serves a connection to its end. The client learns of the end in advance, and of the requests that are no longer
    /// answered (GOAWAY).
    ///
    /// # Errors
    /// When the client breaks the protocol, or the connection breaks.
    pub async fn serve<IO>(self, io: IO, requests: Requests, tally: Arc<Tally>) -> hyper::Result<()>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let slot = requests.slot();
        let discards = Discards { tasks: self.discards, stop: self.stop.clone() };
        let (mut streams, executor) = Streams::new(self.stall_timeout);
        let service = service(requests, Arc::clone(&tally), discards);
        let mut connection = pin!(builder(executor).serve_connection(TokioIo::new(io), service));
        let reason = tokio::select! {
            ended = drive(connection.as_mut(), &mut streams) => {
                if ended.as_ref().is_err_and(is_refused) {
                    punish(&slot);
                }
                return ended;
            }
            () = self.stop.cancelled() => "stop",
            () = slot.idle_for(self.idle_timeout) => "idle",
            () = tally.flooded() => {
                punish(&slot);
                "flood"
            }
        };
        tracing::debug!(reason, "HTTP/2 connection ending");
        connection.as_mut().graceful_shutdown();
        let farewell = async {
            sleep(FAREWELL_TIMEOUT).await;
            if !tally.is_flood() {
                slot.idle_for(FAREWELL_TIMEOUT).await;
            }
        };
        tokio::select! {
            ended = drive(connection, &mut streams) => ended,
            () = farewell => Ok(()),
        }
    }
}

/// Runs a connection and its requests, in turn, until the connection ends.
async fn drive<C: Future>(mut connection: Pin<&mut C>, streams: &mut Streams) -> C::Output {
    poll_fn(|context| {
        let polled = connection.as_mut().poll(context);
        streams.run(context);
        polled
    })
    .await
}

/// Counts a connection that is ended because of its client.
fn punish(slot: &ConnectionSlot) {
    METRICS.http_2_floods.inc();
    slot.penalize();
}

/// Returns whether the server ended the connection, since the client broke a limit or a rule of the protocol.
fn is_refused(error: &hyper::Error) -> bool {
    let reason = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    reason.is_some_and(|reason| reason.is_go_away() && reason.is_library())
}

fn builder(executor: StreamExecutor) -> http2::Builder<StreamExecutor> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(MAX_UNSEEN_CANCELS)
        .max_local_error_reset_streams(MAX_BROKEN_STREAMS);
    builder
}
