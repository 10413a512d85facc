//! The accept loop: HTTP/1.1 and HTTP/2, with or without TLS, and a time limit on every wait for a client.
//!
//! A whole request has no timeout: a transfer may take hours while it makes progress.

use super::address::Peer;
use super::connection::{ClientConnection, ClientStream, Ending};
use super::connection_limits::ConnectionLimits;
use super::connections::{ConnectionSlot, Connections, SlotError};
use super::cors::Cors;
use super::error::ApiError;
use super::flood::Tally;
use super::http_2::Http2;
use super::limited::Limited;
use super::patience::Patience;
use super::requests::{AnswerBody, Requests};
use super::tls::{Certificate, HTTP_2};
use crate::error_chain::ErrorChain;
use crate::metrics::METRICS;
use axum::Router;
use bytes::Bytes;
use futures_util::TryFutureExt;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH};
use http::{Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The size of the read buffer of a connection, and so the maximum length of a request head, in bytes.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// The time limit of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause of the loop when the process has no free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The maximum number of connections that are refused with an answer at the same time; further ones are closed.
const MAX_REFUSALS: usize = 64;
/// The number of bytes that are read of a connection that is refused.
const MAX_REFUSED_BYTES: u64 = 64 << 10;
/// The time limit of such an answer.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves until `stop`. Then accepts no connection, waits for requests in flight, and aborts them at the time limit.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Certificate>>,
    router: Router,
    limits: watch::Receiver<ConnectionLimits>,
    stop: CancellationToken,
) {
    let protocols = Protocols::new(tls, limits.borrow().patience, &stop);
    let refusals = Refusals::new(&limits.borrow().cors, protocols.tls.is_some());
    let slots = Connections::new(limits.clone());
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut waiting = None;
    loop {
        let (tcp, peer, slot) = tokio::select! {
            () = stop.cancelled() => break,
            next = next(&listener, &slots, &mut waiting) => next,
            Some(_) = connections.join_next() => continue,
        };
        let Some(slot) = slot else {
            refusals.refuse(tcp, &mut connections);
            continue;
        };
        let (patience, keep_alive_seconds) = of_new_connection(&limits);
        let (tcp, ending) = (Arc::new(tcp), Arc::<Ending>::default());
        let stream = ClientStream::new(Arc::clone(&tcp), Some(Arc::clone(&slot)), patience, Arc::clone(&ending));
        let requests = Requests::new(
            router.clone(),
            peer,
            ClientConnection::new(&tcp, Arc::downgrade(&slot), keep_alive_seconds),
            Arc::clone(&slot),
        );
        let connection = protocols.with(patience).serve(stream, requests, Arc::clone(&ending), graceful.watcher());
        connections.spawn(async move {
            let served = async {
                connection.await;
                ending.close(tcp, patience).await;
            };
            tokio::select! {
                () = served => {}
                () = slot.revoked() => tracing::debug!("idle connection evicted"),
            }
        });
    }
    drop(listener);
    let drain_timeout = limits.borrow().drain_timeout;
    if timeout(drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections aborted at drain timeout");
    }
    connections.shutdown().await;
    protocols.http_2.discards.close();
    protocols.http_2.discards.wait().await;
}

/// Returns the timeouts of a connection that begins now, and the seconds that `Keep-Alive` announces on it.
fn of_new_connection(limits: &watch::Receiver<ConnectionLimits>) -> (Patience, u64) {
    let limits = limits.borrow();
    (limits.patience, limits.keep_alive_seconds)
}

/// The versions of HTTP and the encryption of all connections.
#[derive(Clone)]
struct Protocols {
    http_1: http1::Builder,
    http_2: Http2,
    tls: Option<Arc<Certificate>>,
}

impl Protocols {
    fn new(tls: Option<Arc<Certificate>>, patience: Patience, stop: &CancellationToken) -> Self {
        let mut http_1 = http1::Builder::new();
        // The stream enforces the time limit of heads, since it can distinguish an idle connection from a slow one.
        http_1.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(READ_BUFFER_BYTES);
        let (idle_timeout, stall_timeout) = (patience.idle, patience.stall);
        let http_2 = Http2 { idle_timeout, stall_timeout, stop: stop.clone(), discards: TaskTracker::new() };
        Self { http_1, http_2, tls }
    }

    /// Returns the same with the timeouts of a connection.
    fn with(&self, patience: Patience) -> Self {
        let mut protocols = self.clone();
        (protocols.http_2.idle_timeout, protocols.http_2.stall_timeout) = (patience.idle, patience.stall);
        protocols
    }

    /// Serves one connection, after a TLS handshake where there is TLS.
    async fn serve(self, stream: ClientStream, requests: Requests, ending: Arc<Ending>, watcher: Watcher) {
        let ended = match self.tls.as_ref().map(|certificate| certificate.acceptor()) {
            None => self.serve_clear(stream, requests, ending, watcher).await,
            // Boxed, so that a connection without TLS has no room for it.
            Some(tls) => Box::pin(self.serve_encrypted(tls, stream, requests, ending, watcher)).await,
        };
        if let Err(error) = ended {
            tracing::debug!(error = %ErrorChain(&error), "connection ended early");
        }
    }

    /// Serves a connection by the version that its first bytes show.
    async fn serve_clear(
        self,
        mut stream: ClientStream,
        requests: Requests,
        ending: Arc<Ending>,
        watcher: Watcher,
    ) -> hyper::Result<()> {
        let begins_http_2 = self.http_2.stop.run_until_cancelled(stream.begins_http_2()).await;
        if begins_http_2 == Some(true) {
            let tally = Arc::<Tally>::default();
            stream.speak_http_2(Arc::clone(&tally));
            let served = Box::pin(self.http_2.serve(stream, requests, tally)).await;
            drop(watcher);
            return served;
        }
        watcher.watch(self.http_1.serve_connection(TokioIo::new(stream), http_1_service(requests, ending))).await
    }

    /// Serves a connection by the version that its TLS handshake negotiates (ALPN).
    async fn serve_encrypted(
        self,
        tls: TlsAcceptor,
        stream: ClientStream,
        requests: Requests,
        ending: Arc<Ending>,
        watcher: Watcher,
    ) -> hyper::Result<()> {
        let stream = self.http_2.stop.run_until_cancelled(handshake(tls, stream)).await.flatten();
        let Some(mut stream) = stream else { return Ok(()) };
        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
            let tally = Arc::<Tally>::default();
            stream.get_mut().0.speak_http_2(Arc::clone(&tally));
            let served = self.http_2.serve(stream, requests, tally).await;
            drop(watcher);
            return served;
        }
        watcher.watch(self.http_1.serve_connection(TokioIo::new(stream), http_1_service(requests, ending))).await
    }
}

/// Returns the stream after its TLS handshake; none when the handshake fails.
async fn handshake(tls: TlsAcceptor, stream: ClientStream) -> Option<TlsStream<ClientStream>> {
    let failed = match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => error,
        Err(elapsed) => elapsed.into(),
    };
    METRICS.tls_failed_handshakes.inc();
    tracing::debug!(error = %ErrorChain(&failed), "TLS handshake failed");
    None
}

/// Answers the requests of a connection of HTTP/1.0 or HTTP/1.1.
fn http_1_service(
    requests: Requests,
    ending: Arc<Ending>,
) -> impl Service<Request<Incoming>, Response = Response<AnswerBody>, Error = Infallible, Future: Send> {
    service_fn(move |request: Request<Incoming>| {
        let (ending, is_http_1_0) = (Arc::clone(&ending), request.version() < Version::HTTP_11);
        requests.answer(request).inspect_ok(move |answer| {
            if is_http_1_0 && !has_length(answer) {
                ending.open_answer();
            }
        })
    })
}

/// Returns whether an answer that is not chunked has another delimiter than the end of the connection.
fn has_length(answer: &Response<AnswerBody>) -> bool {
    answer.body().size_hint().exact().is_some() || answer.headers().contains_key(CONTENT_LENGTH)
}

/// Accepts the next connection, with its slot, or without one if its network has reached its cap. Connections that
/// penalties exclude are closed. A connection that waits for a slot stays in `waiting`, so a drop of this future loses
/// no connection.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Connections>,
    waiting: &mut Option<(TcpStream, Peer)>,
) -> (TcpStream, Peer, Option<Arc<ConnectionSlot>>) {
    loop {
        slots.room().await;
        let (tcp, peer) = match waiting.take() {
            Some(waiting) => waiting,
            None => accept(listener).await,
        };
        match slots.enter(peer.0) {
            Ok(slot) => return (tcp, peer, Some(slot)),
            Err(SlotError::Network) => return (tcp, peer, None),
            // A client that floods gets no answer: it would cost more than the connection.
            Err(SlotError::Penalized) => Limited::Connections.count(),
            Err(SlotError::Full) => *waiting = Some((tcp, peer)),
        }
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, Peer) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                if let Err(error) = tcp.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY failed");
                }
                return (tcp, Peer(peer.ip()));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers connections over the cap of their network, before a request is read. With TLS it closes them: an answer
/// would take a handshake.
struct Refusals {
    answer: Option<Bytes>,
    slots: Arc<Semaphore>,
}

impl Refusals {
    /// Writes the answer. The request is not read and its origin unknown, so pages can read the answer only if all may.
    fn new(cors: &Cors, is_encrypted: bool) -> Self {
        let message = "Too many connections are open from your address. Close some, or try again in a moment.";
        let error = ApiError::too_many(Limited::Connections, message);
        let error = if *cors == Cors::Any { error.header(ACCESS_CONTROL_ALLOW_ORIGIN, "*") } else { error };
        let answer = (!is_encrypted).then(|| error.into_bytes().into());
        Self { answer, slots: Arc::new(Semaphore::new(MAX_REFUSALS)) }
    }

    fn refuse(&self, mut tcp: TcpStream, tasks: &mut JoinSet<()>) {
        Limited::Connections.count();
        let Some(answer) = self.answer.clone() else { return };
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { return };
        let tell = async move {
            tcp.write_all(&answer).await?;
            tcp.shutdown().await?;
            // A close with unread bytes would make the client's kernel discard the answer (RFC 9112, section 9.6).
            copy(&mut tcp.take(MAX_REFUSED_BYTES), &mut sink()).await
        };
        tasks.spawn(async move {
            if let Err(error) = timeout(REFUSAL_TIMEOUT, tell).await.unwrap_or(Ok(0)) {
                tracing::debug!(%error, "connection limit response failed");
            }
            drop(slot);
        });
    }
}
