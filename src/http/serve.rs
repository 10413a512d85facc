//! The accept loop: HTTP/1.1 with a bound on everything a client can make us wait for.
//!
//! There is no timeout on a whole request: a transfer may take hours as long as it moves.

use super::address::Peer;
use super::connection::ClientStream;
use crate::causes::Causes;
use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The most that one connection is read ahead, and so the longest head of a request, in bytes.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// How long the loop rests when the system has no descriptor for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Open at once; further ones wait in the backlog of the socket.
    pub max_connections: usize,
    /// Time for the head of a request, idle time before it included.
    pub header_read_timeout: Duration,
    /// Time that requests in flight get once the server is told to stop.
    pub drain_timeout: Duration,
}

/// Serves until `stop`; then accepts nothing more, lets requests in flight finish, and cuts off those that do not.
pub async fn serve(listener: TcpListener, router: Router, limits: ConnectionLimits, stop: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_read_timeout).max_buf_size(READ_BUFFER_BYTES);
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let (tcp, peer, place) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.call(request)
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(ClientStream::new(tcp)), service));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %Causes(&error), "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests in flight were cut off at the drain timeout");
    }
    connections.shutdown().await;
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, Peer, Option<OwnedSemaphorePermit>) {
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                if let Err(error) = tcp.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                return (tcp, Peer(peer.ip()), place);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
