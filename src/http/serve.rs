//! The accept loop: HTTP/1.1, with or without TLS, and a time limit on every wait for a client.
//!
//! A whole request has no timeout: a transfer may take hours while it makes progress.

use super::address::Peer;
use super::connection::{ClientConnection, ClientStream, Ending};
use super::connections::{ActiveRequest, Caps, ConnectionSlot, Connections, SlotError};
use super::cors::Cors;
use super::error::ApiError;
use super::limited::Limited;
use super::patience::Patience;
use crate::error_chain::ErrorChain;
use crate::metrics::METRICS;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::TryFutureExt;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH};
use http::{Request, Response, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// The size of the read buffer of a connection, and so the maximum length of a request head, in bytes.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// The time limit of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause of the loop when the process has no free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The maximum number of connections that are refused with an answer at the same time; further ones are closed.
const MAX_REFUSALS: usize = 64;
/// The time limit of such an answer.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// The limits of connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// The caps of open connections.
    pub caps: Caps,
    /// The origins whose pages may read the refusal of a connection.
    pub cors: Cors,
    /// The timeouts of a connection.
    pub patience: Patience,
    /// The time limit of requests in flight at shutdown.
    pub drain_timeout: Duration,
}

/// Serves until `stop`. Then accepts no connection, waits for requests in flight, and aborts them at the time limit.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: ConnectionLimits,
    stop: CancellationToken,
) {
    let mut http = http1::Builder::new();
    // The stream enforces the time limit of heads, since it can distinguish an idle connection from a slow one.
    http.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(READ_BUFFER_BYTES);
    let patience = limits.patience;
    let (slots, refusals) = (Connections::new(limits.caps), Refusals::new(&limits.cors, tls.is_some()));
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
        let (tcp, ending) = (Arc::new(tcp), Arc::<Ending>::default());
        let stream = ClientStream::new(Arc::clone(&tcp), Some(Arc::clone(&slot)), patience, Arc::clone(&ending));
        let service = on_connection(router.clone(), peer, &tcp, Arc::clone(&slot), Arc::clone(&ending));
        let connection = serve_connection(http.clone(), tls.clone(), stream, service, graceful.watcher(), stop.clone());
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
    if timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections aborted at drain timeout");
    }
    connections.shutdown().await;
}

/// Serves one connection, after a TLS handshake where there is TLS.
async fn serve_connection<S>(
    http: http1::Builder,
    tls: Option<TlsAcceptor>,
    stream: ClientStream,
    service: S,
    watcher: Watcher,
    stop: CancellationToken,
) where
    S: Service<Request<Incoming>, Response = Response<AnswerBody>, Error = Infallible, Future: Send>,
{
    let ended = match tls {
        None => watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await,
        // Boxed, so that a connection without TLS has no room for it.
        Some(tls) => {
            let encrypted = async move {
                let stream = stop.run_until_cancelled(handshake(tls, stream)).await.flatten();
                let Some(stream) = stream else { return Ok(()) };
                watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await
            };
            Box::pin(encrypted).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %ErrorChain(&error), "connection ended early");
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

/// Answers the requests of one connection, which is busy from the head of a request to the end of its answer.
fn on_connection(
    router: Router,
    peer: Peer,
    tcp: &Arc<TcpStream>,
    slot: Arc<ConnectionSlot>,
    ending: Arc<Ending>,
) -> impl Service<Request<Incoming>, Response = Response<AnswerBody>, Error = Infallible, Future: Send> + use<> {
    let (router, client) = (TowerToHyperService::new(router), ClientConnection::new(tcp, Arc::downgrade(&slot)));
    service_fn(move |mut request: Request<Incoming>| {
        let busy = slot.begin();
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(client.clone());
        let (ending, is_http_1_0) = (Arc::clone(&ending), request.version() < Version::HTTP_11);
        router.call(request).map_ok(move |answer| {
            if is_http_1_0 && !has_length(&answer) {
                ending.open_answer();
            }
            answer.map(|body| AnswerBody { body, _busy: busy })
        })
    })
}

/// Returns whether an answer that is not chunked has another delimiter than the end of the connection.
fn has_length(answer: &Response<Body>) -> bool {
    answer.body().size_hint().exact().is_some() || answer.headers().contains_key(CONTENT_LENGTH)
}

/// Accepts the next connection, with its slot, or without one if its network has reached its cap. A connection that
/// waits for a slot stays in `waiting`, so a drop of this future loses no connection.
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

/// The body of an answer. The connection is busy until its drop.
struct AnswerBody {
    body: Body,
    _busy: ActiveRequest,
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            METRICS.http_response_body_bytes.inc_by(frame.data_ref().map_or(0, |data| data.len() as u64));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
            let mut rest = [0; 1024];
            while tcp.read(&mut rest).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        tasks.spawn(async move {
            if let Err(error) = timeout(REFUSAL_TIMEOUT, tell).await.unwrap_or(Ok(())) {
                tracing::debug!(%error, "connection limit response failed");
            }
            drop(slot);
        });
    }
}
