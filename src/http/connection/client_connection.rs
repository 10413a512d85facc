//! The handle of a connection that a request carries among its extensions.

use crate::http::connections::{ActiveRequest, ConnectionSlot};
use crate::model::ids::WorkspaceId;
use crate::shares::FairPermit;
use bytes::Bytes;
use futures_util::FutureExt;
use http::HeaderValue;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The time between two checks of whether the client has closed the connection.
pub(super) const PRESENCE_INTERVAL: Duration = Duration::from_millis(500);

/// The connection of a request. It does not keep the socket open.
#[derive(Clone, Debug)]
pub struct ClientConnection {
    tcp: Weak<TcpStream>,
    slot: Weak<ConnectionSlot>,
    /// The number of the request on its connection.
    request: u64,
    /// The value of `Keep-Alive`.
    keep_alive: HeaderValue,
}

impl ClientConnection {
    /// Refers to the connection of a slot, which is kept `keep_alive_seconds` while it is idle.
    pub fn new(tcp: &Arc<TcpStream>, slot: Weak<ConnectionSlot>, keep_alive_seconds: u64) -> Self {
        let keep_alive = HeaderValue::from_maybe_shared(Bytes::from(format!("timeout={keep_alive_seconds}")));
        let keep_alive = keep_alive.unwrap_or(HeaderValue::from_static(""));
        Self { tcp: Arc::downgrade(tcp), slot, request: 0, keep_alive }
    }

    /// Returns the value of `Keep-Alive`: the time that the connection is kept while it is idle.
    pub fn keep_alive(&self) -> HeaderValue {
        self.keep_alive.clone()
    }

    /// Returns the handle of an active request of the connection.
    #[must_use]
    pub fn of(&self, request: &ActiveRequest) -> Self {
        Self { request: request.number(), ..self.clone() }
    }

    /// Keeps a share of the workspace until the active request ends.
    pub fn hold(&self, share: FairPermit<WorkspaceId>) {
        if let Some(slot) = self.slot.upgrade() {
            slot.hold(self.request, share);
        }
    }

    /// Waits until the client has closed the connection or its sending half, even if received bytes are still unread.
    pub async fn closed(&self) {
        while self.is_open() {
            sleep(PRESENCE_INTERVAL).await;
        }
    }

    fn is_open(&self) -> bool {
        let Some(tcp) = self.tcp.upgrade() else { return false };
        match tcp.ready(Interest::READABLE).now_or_never() {
            Some(Ok(ready)) => !ready.is_read_closed(),
            Some(Err(_)) => false,
            None => true,
        }
    }
}
