//! A proxy before a PostgreSQL server that counts round trips and breaks connections where a test asks for it.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The delay of the first answer of a round trip, so that pipelined messages are sent before it arrives.
const ANSWER_DELAY: Duration = Duration::from_millis(10);

/// The point at which a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next COMMIT does not reach the database.
    BeforeCommit,
    /// The next COMMIT reaches the database, but its answer is lost.
    AfterCommit,
}

/// The orders of the test, and the counters.
#[derive(Default)]
struct State {
    /// The server of new connections.
    server: Mutex<Option<SocketAddr>>,
    faults: Mutex<VecDeque<Fault>>,
    silent: AtomicBool,
    refusing: AtomicBool,
    /// The number of times that all connections were lost silently.
    losses: AtomicU64,
    round_trips: AtomicU64,
    commits: AtomicU64,
}

/// A running proxy; it ends with the process.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

impl Proxy {
    /// Starts a proxy before the server of a URL; returns also the URL of the proxy.
    pub fn before(url: &str) -> (Self, String) {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (place, path) = rest.split_once('/').unwrap();
        let (user, _) = place.split_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::<State>::default());
        *state.server.lock().unwrap() = Some(server_of(url));
        let known = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let state = Arc::clone(&known);
                let server = state.server.lock().unwrap().unwrap();
                thread::spawn(move || drop(serve(&client.unwrap(), server, &state)));
            }
        });
        (Self { address, state }, format!("{scheme}://{user}@{address}/{path}?sslmode=disable"))
    }

    /// Injects a fault once.
    pub fn inject(&self, fault: Fault) {
        self.state.faults.lock().unwrap().push_back(fault);
    }

    /// Returns whether all injected faults have happened.
    pub fn is_done(&self) -> bool {
        self.state.faults.lock().unwrap().is_empty()
    }

    /// Stops or resumes forwarding in both directions; connections stay open.
    pub fn be_silent(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }

    /// Stops forwarding on the open connections, which stay open; new ones work.
    pub fn lose_all(&self) {
        self.state.losses.fetch_add(1, Ordering::SeqCst);
    }

    /// Refuses connections and ends the open ones, or accepts connections again.
    pub fn refuse(&self, refuse: bool) {
        self.state.refusing.store(refuse, Ordering::SeqCst);
    }

    /// Leads new connections to the server of a URL; open ones stay.
    pub fn lead_to(&self, url: &str) {
        *self.state.server.lock().unwrap() = Some(server_of(url));
    }

    /// Returns the number of round trips since the last call.
    pub fn round_trips(&self) -> u64 {
        self.state.round_trips.swap(0, Ordering::SeqCst)
    }

    /// Returns the number of sent COMMITs.
    pub fn commits(&self) -> u64 {
        self.state.commits.load(Ordering::SeqCst)
    }

    /// Returns the address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn server_of(url: &str) -> SocketAddr {
    let (_, place) = url.split_once('@').unwrap();
    place.split('/').next().unwrap().parse().unwrap()
}

/// The state of one connection.
#[derive(Default)]
struct Wire {
    /// The number of messages whose answers are missing.
    open: AtomicI64,
    /// A round trip has begun and has no answer yet.
    fresh: AtomicBool,
    /// No answer is forwarded any more.
    mute: AtomicBool,
}

fn serve(client: &TcpStream, server: SocketAddr, state: &Arc<State>) -> std::io::Result<()> {
    if state.refusing.load(Ordering::SeqCst) {
        return client.shutdown(Shutdown::Both);
    }
    let (server, losses) = (TcpStream::connect(server)?, state.losses.load(Ordering::SeqCst));
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let wire = Arc::<Wire>::default();
    let (back, answers, known, told) = (client.try_clone()?, server.try_clone()?, Arc::clone(&wire), Arc::clone(state));
    thread::spawn(move || {
        drop(hand_back(&answers, &back, &told, losses, &known));
        drop(back.shutdown(Shutdown::Both));
    });
    let outcome = hand_on(client, &server, state, losses, &wire);
    drop(server.shutdown(Shutdown::Both));
    drop(client.shutdown(Shutdown::Both));
    outcome
}

fn wait_while_silent(state: &State, losses: u64) -> bool {
    while state.silent.load(Ordering::SeqCst) || state.losses.load(Ordering::SeqCst) > losses {
        thread::sleep(Duration::from_millis(5));
    }
    state.refusing.load(Ordering::SeqCst)
}

/// Forwards messages of the client. The first has no type byte; all begin with their length.
fn hand_on(
    mut client: &TcpStream,
    mut server: &TcpStream,
    state: &State,
    losses: u64,
    wire: &Wire,
) -> std::io::Result<()> {
    let mut first = true;
    loop {
        let mut head = vec![0; if first { 4 } else { 5 }];
        client.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head[head.len() - 4..].try_into().unwrap()) as usize;
        let mut body = vec![0; length - 4];
        client.read_exact(&mut body)?;
        if wait_while_silent(state, losses) {
            return Ok(());
        }
        let kind = if first { b'*' } else { head[0] };
        first = false;
        let commit = kind == b'Q' && body.starts_with(b"COMMIT");
        let fault = if commit { state.faults.lock().unwrap().pop_front() } else { None };
        if commit {
            state.commits.fetch_add(1, Ordering::SeqCst);
        }
        if fault == Some(Fault::BeforeCommit) {
            return Ok(());
        }
        if (kind == b'Q' || kind == b'S') && wire.open.fetch_add(1, Ordering::SeqCst) == 0 {
            wire.fresh.store(true, Ordering::SeqCst);
            state.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        if fault == Some(Fault::AfterCommit) {
            wire.mute.store(true, Ordering::SeqCst);
        }
        head.extend_from_slice(&body);
        server.write_all(&head)?;
        if fault == Some(Fault::AfterCommit) {
            // The database has time to commit, but its answer is not forwarded.
            client.shutdown(Shutdown::Both)?;
            thread::sleep(Duration::from_millis(50));
            return Ok(());
        }
    }
}

fn hand_back(
    mut server: &TcpStream,
    mut client: &TcpStream,
    state: &State,
    losses: u64,
    wire: &Wire,
) -> std::io::Result<()> {
    loop {
        let mut head = [0; 5];
        server.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let mut message = vec![0; length - 4];
        server.read_exact(&mut message)?;
        if head[0] == b'Z' {
            if wire.fresh.swap(false, Ordering::SeqCst) {
                thread::sleep(ANSWER_DELAY);
            }
            // The first answer has no request.
            if wire.open.load(Ordering::SeqCst) > 0 {
                wire.open.fetch_sub(1, Ordering::SeqCst);
            }
        }
        if wait_while_silent(state, losses) {
            return Ok(());
        }
        if wire.mute.load(Ordering::SeqCst) {
            continue;
        }
        client.write_all(&[&head[..], &message].concat())?;
    }
}
