//! The open connections and their caps.
//!
//! Each client network has a cap, against which penalties for floods count, too. When all slots are taken, the
//! connection that has been idle longest is closed, so that idle clients do not block active ones. A connection is idle
//! while it has no active request and no write in progress. A connection before its first complete request head is
//! idle, too. A connection of HTTP/2 has one slot, too, however many requests are active on it.

use super::address::Network;
use super::connection_limits::ConnectionLimits;
use super::penalties::Penalties;
use crate::metrics::{Counted, METRICS};
use crate::model::ids::WorkspaceId;
use crate::shares::FairPermit;
use futures_util::task::AtomicWaker;
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The number of idle connections that one search keeps. A search visits all connections, so its result serves many
/// closes.
const CANDIDATES: usize = 64;
/// The least value of [`Connection::activity`] of a busy connection: with no active request, which none has.
const BUSY: u64 = 1 << 63;

/// The open connections of a listener.
#[derive(Debug)]
pub struct Connections {
    limits: watch::Receiver<ConnectionLimits>,
    begun: Instant,
    state: Mutex<State>,
    /// Notified when a slot becomes free or a connection idle.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    open: HashMap<u64, Arc<Connection>>,
    /// The number of connections of each network; no entry for none.
    of_network: HashMap<Network, usize>,
    penalties: Penalties,
    /// The longest idle connections of the last search, the longest last, each with the start of its idle time.
    candidates: Vec<(u64, Arc<Connection>)>,
}

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    number: u64,
    /// The network whose cap includes the connection; none for a trusted proxy.
    network: Option<Network>,
    begun: Instant,
    /// The start of the idle time, in milliseconds since `begun`, or [`BUSY`] plus the number of active requests.
    activity: AtomicU64,
    closed: CancellationToken,
    _counted: Counted,
}

/// The slot of an open connection. The drop frees the slot.
#[derive(Debug)]
pub struct ConnectionSlot {
    connections: Arc<Connections>,
    connection: Arc<Connection>,
    /// The shares of their workspaces that active requests hold, with the number of the request.
    held: Mutex<Vec<(u64, FairPermit<WorkspaceId>)>>,
    /// The number of begun requests.
    requests: AtomicU64,
    /// The reader of the connection, which starts its timeout once the connection is idle.
    reader: AtomicWaker,
}

/// An active request. The drop ends it.
#[derive(Debug)]
pub struct ActiveRequest {
    slot: Arc<ConnectionSlot>,
    number: u64,
}

/// The reason why a connection gets no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotError {
    /// The network has reached its cap.
    Network,
    /// The network has reached its cap with its penalties.
    Penalized,
    /// All slots are taken, and no connection is idle.
    Full,
}

impl Connections {
    /// Creates the table, without connections.
    pub fn new(limits: watch::Receiver<ConnectionLimits>) -> Arc<Self> {
        Arc::new(Self { limits, begun: Instant::now(), state: Mutex::default(), changed: Notify::new() })
    }

    /// Waits until a slot is free or a connection is idle.
    pub async fn room(&self) {
        let mut limits = self.limits.clone();
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            limits.mark_unchanged();
            if self.has_room() {
                return;
            }
            tokio::select! {
                () = changed => {}
                Ok(()) = limits.changed() => {}
            }
        }
    }

    /// Gives a connection of this peer a slot, and closes an idle connection for it if all are taken.
    ///
    /// # Errors
    /// When the network of the peer has reached its cap, or no connection is idle.
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Arc<ConnectionSlot>, SlotError> {
        let peer = peer.to_canonical();
        let limits = self.limits.borrow();
        let is_trusted = limits.caps.trusted_proxies.iter().any(|proxies| proxies.contains(&peer));
        let network = (!is_trusted).then(|| Network::of(peer));
        let mut state = self.lock();
        if let Some(network) = network {
            state.check_cap(network, limits.caps.max_per_address)?;
        }
        while state.open.len() >= limits.caps.max_connections {
            let idle = state.longest_idle().ok_or(SlotError::Full)?;
            idle.closed.cancel();
            state.leave(&idle);
        }
        let connection = state.open(network, self.begun);
        drop(state);
        Ok(Arc::new(ConnectionSlot {
            connections: Arc::clone(self),
            connection,
            held: Mutex::default(),
            requests: AtomicU64::new(0),
            reader: AtomicWaker::new(),
        }))
    }

    fn has_room(&self) -> bool {
        let max_connections = self.limits.borrow().caps.max_connections;
        let mut state = self.lock();
        if state.open.len() < max_connections {
            return true;
        }
        let idle = state.longest_idle();
        let has_idle = idle.is_some();
        state.candidates.extend(idle.and_then(|idle| Some((idle.idle_since_ms()?, idle))));
        has_idle
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check_cap(&mut self, network: Network, max_connections: usize) -> Result<(), SlotError> {
        let open = self.of_network.get(&network).copied().unwrap_or_default();
        if open >= max_connections {
            Err(SlotError::Network)
        } else if open + self.penalties.connections(network, Instant::now()) >= max_connections {
            Err(SlotError::Penalized)
        } else {
            Ok(())
        }
    }

    fn open(&mut self, network: Option<Network>, begun: Instant) -> Arc<Connection> {
        let number = self.next;
        self.next += 1;
        if let Some(network) = network {
            *self.of_network.entry(network).or_default() += 1;
        }
        let (activity, closed) = (AtomicU64::new(elapsed_ms(begun)), CancellationToken::new());
        let connection = Arc::new(Connection {
            number,
            network,
            begun,
            activity,
            closed,
            _counted: Counted::on(&METRICS.http_connections),
        });
        self.open.insert(number, Arc::clone(&connection));
        connection
    }

    /// Frees the slot of a connection, if it has one.
    fn leave(&mut self, connection: &Connection) {
        if self.open.remove(&connection.number).is_none() {
            return;
        }
        let Some(network) = connection.network else { return };
        let left = self.of_network.get(&network).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            self.of_network.remove(&network);
        } else {
            self.of_network.insert(network, left);
        }
    }

    /// Returns the connection that has been idle longest. Connections that became idle after a search are considered
    /// once its candidates are used up.
    fn longest_idle(&mut self) -> Option<Arc<Connection>> {
        loop {
            while let Some((since_ms, connection)) = self.candidates.pop() {
                if connection.idle_since_ms() == Some(since_ms) && self.open.contains_key(&connection.number) {
                    return Some(connection);
                }
            }
            let idle = |connection: &Arc<Connection>| Some((connection.idle_since_ms()?, Arc::clone(connection)));
            self.candidates = self.open.values().filter_map(idle).collect();
            if self.candidates.is_empty() {
                return None;
            }
            self.candidates.sort_unstable_by_key(|(since_ms, connection)| (*since_ms, connection.number));
            self.candidates.truncate(CANDIDATES);
            self.candidates.reverse();
        }
    }
}

impl Connection {
    fn idle_since_ms(&self) -> Option<u64> {
        Some(self.activity.load(Ordering::Relaxed)).filter(|since_ms| *since_ms < BUSY)
    }

    /// Replaces the activity; `next` gets the present one.
    fn update(&self, next: impl Fn(u64) -> u64) {
        let mut before = self.activity.load(Ordering::Relaxed);
        while let Err(changed) =
            self.activity.compare_exchange_weak(before, next(before), Ordering::Relaxed, Ordering::Relaxed)
        {
            before = changed;
        }
    }
}

impl ConnectionSlot {
    /// Waits until the slot is given to another connection.
    pub async fn revoked(&self) {
        self.connection.closed.cancelled().await;
    }

    /// Gives the network of the connection a penalty; a trusted proxy gets none.
    pub fn penalize(&self) {
        if let Some(network) = self.connection.network {
            self.connections.lock().penalties.add(network, Instant::now());
        }
    }

    /// Begins a request of the connection.
    pub fn begin(self: &Arc<Self>) -> ActiveRequest {
        self.connection.update(|activity| activity.max(BUSY) + 1);
        ActiveRequest { slot: Arc::clone(self), number: self.requests.fetch_add(1, Ordering::Relaxed) }
    }

    /// Holds a share of the workspace until the active request of this number ends.
    pub fn hold(&self, number: u64, share: FairPermit<WorkspaceId>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push((number, share));
    }

    /// Takes the share that the active request of this number holds.
    fn release(&self, number: u64) -> Option<FairPermit<WorkspaceId>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let place = held.iter().position(|(request, _)| *request == number)?;
        Some(held.swap_remove(place).1)
    }

    /// Waits until the connection has been idle for `limit`.
    pub async fn idle_for(&self, limit: Duration) {
        loop {
            let now_ms = elapsed_ms(self.connection.begun);
            let idle_ms = self.connection.idle_since_ms().map_or(0, |since_ms| now_ms.saturating_sub(since_ms));
            match limit.checked_sub(Duration::from_millis(idle_ms)) {
                None | Some(Duration::ZERO) => return,
                Some(rest) => sleep(rest).await,
            }
        }
    }

    /// Returns the number of begun requests of the connection.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Wakes the reader of the connection when the active request ends.
    pub fn wake_when_idle(&self, reader: &Waker) {
        self.reader.register(reader);
    }

    /// Returns whether the connection has an active request.
    pub fn is_busy(&self) -> bool {
        self.connection.idle_since_ms().is_none()
    }

    /// Records a write to the connection, which restarts its idle time.
    pub fn wrote(&self) {
        if self.connection.idle_since_ms().is_some() {
            let now_ms = elapsed_ms(self.connection.begun);
            // A connection that has begun a request in the meantime stays busy.
            self.connection.update(|activity| if activity < BUSY { now_ms } else { activity });
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connections.lock().leave(&self.connection);
        self.connections.changed.notify_waiters();
    }
}

impl ActiveRequest {
    /// Returns the number of the request on its connection.
    pub const fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let Self { slot, number } = self;
        drop(slot.release(*number));
        let now_ms = elapsed_ms(slot.connection.begun);
        slot.connection.update(|activity| if activity > BUSY + 1 { activity - 1 } else { now_ms });
        slot.reader.wake();
        slot.connections.changed.notify_waiters();
    }
}

fn elapsed_ms(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(BUSY - 1).min(BUSY - 1)
}

#[cfg(test)]
mod tests {
    use super::super::connection_limits::Caps;
    use super::super::penalties::PENALTY_CONNECTIONS;
    use super::*;

    fn connections(max_connections: usize, max_per_address: usize) -> Arc<Connections> {
        Connections::new(limits(max_connections, max_per_address).subscribe())
    }

    fn limits(max_connections: usize, max_per_address: usize) -> watch::Sender<ConnectionLimits> {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let caps = Caps { max_connections, max_per_address, trusted_proxies };
        watch::Sender::new(ConnectionLimits::with_caps(caps))
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_a_cap_and_a_trusted_proxy_none() {
        let connections = connections(99, 2);
        let held: Vec<_> = ["2001:db8::1", "2001:db8::2"].map(|text| connections.enter(peer(text)).unwrap()).into();
        assert_eq!(connections.enter(peer("2001:db8::3")).unwrap_err(), SlotError::Network);
        let other = connections.enter(peer("2001:db8:0:1::1")).unwrap();
        let proxied: Vec<_> = (0..9).map(|_| connections.enter(peer("::ffff:10.0.0.1")).unwrap()).collect();
        drop(held);
        let again = connections.enter(peer("2001:db8::3")).unwrap();
        drop((again, other, proxied));
        assert!(connections.lock().of_network.is_empty() && connections.lock().open.is_empty());
    }

    #[test]
    fn a_flood_counts_against_the_cap_of_its_network() {
        let connections = connections(99, PENALTY_CONNECTIONS + 1);
        let (client, proxied) = (peer("198.51.100.1"), peer("10.0.0.1"));
        connections.enter(client).unwrap().penalize();
        let _other = connections.enter(client).unwrap();
        assert_eq!(connections.enter(client).unwrap_err(), SlotError::Penalized);
        connections.enter(peer("198.51.100.2")).unwrap();
        connections.enter(proxied).unwrap().penalize();
        let _proxied: Vec<_> = (0..9).map(|_| connections.enter(proxied).unwrap()).collect();
    }

    #[tokio::test]
    async fn the_longest_idle_connection_is_closed_and_never_a_busy_one() {
        let connections = connections(3, 99);
        let pause = || tokio::time::sleep(Duration::from_millis(2));
        let enter = || async {
            pause().await;
            connections.enter(peer("198.51.100.1")).unwrap()
        };
        let (first, second, third) = (enter().await, enter().await, enter().await);
        let busy = first.begin();
        pause().await;
        second.wrote();
        let fourth = enter().await;
        assert!(third.connection.closed.is_cancelled(), "it was idle longest");
        let fifth = enter().await;
        assert!(second.connection.closed.is_cancelled());
        let (_fourth, _fifth) = (fourth.begin(), fifth.begin());
        assert_eq!(connections.enter(peer("198.51.100.1")).unwrap_err(), SlotError::Full);
        drop((second, third));
        let waiting = tokio::time::timeout(Duration::from_millis(20), connections.room()).await;
        assert!(waiting.is_err(), "a connection that lost its slot frees none");
        let (room, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(9), connections.room()), async {
            drop(busy);
        });
        room.unwrap();
        enter().await;
        assert!(first.connection.closed.is_cancelled());
    }

    #[tokio::test]
    async fn changed_caps_hold_for_the_next_connection_and_let_in_who_waits() {
        let sent = limits(1, 2);
        let connections = Connections::new(sent.subscribe());
        let enter = |number: u8| connections.enter(peer(&format!("198.51.100.{number}")));
        let first = enter(1).unwrap();
        let busy = first.begin();
        let waiting = tokio::time::timeout(Duration::from_secs(9), connections.room());
        let (room, ()) = tokio::join!(waiting, async { drop(sent.send(limits(3, 1).borrow().clone())) });
        room.unwrap();
        assert_eq!(enter(1).unwrap_err(), SlotError::Network);
        let idle = (enter(2).unwrap(), enter(3).unwrap());
        sent.send(limits(1, 1).borrow().clone()).unwrap();
        assert_eq!(enter(4).unwrap_err(), SlotError::Full, "the only place is busy");
        assert!(idle.0.connection.closed.is_cancelled() && idle.1.connection.closed.is_cancelled());
        drop(busy);
        enter(4).unwrap();
    }

    #[tokio::test]
    async fn a_connection_is_busy_until_the_last_of_its_requests_ends() {
        let connections = connections(1, 1);
        let slot = connections.enter(peer("198.51.100.1")).unwrap();
        let (first, second) = (slot.begin(), slot.begin());
        assert_eq!((first.number(), second.number()), (0, 1));
        drop(second);
        assert!(slot.is_busy());
        slot.wrote();
        assert_eq!(connections.enter(peer("198.51.100.2")).unwrap_err(), SlotError::Full);
        let mut idle = pin!(slot.idle_for(Duration::from_millis(20)));
        tokio::time::timeout(Duration::from_millis(60), idle.as_mut()).await.unwrap_err();
        drop(first);
        assert!(!slot.is_busy());
        tokio::time::timeout(Duration::from_secs(9), idle).await.unwrap();
    }
}
