//! A proxy between a store and its database that counts round trips and lets connections break where a test says.

#![allow(clippy::disallowed_methods, reason = "its threads are its own")]

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long the first answer of a round trip takes, so that whatever is sent without waiting for it is sent before it is there.
const ANSWER_DELAY: Duration = Duration::from_millis(10);

/// Where a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next COMMIT does not reach the database.
    BeforeCommit,
    /// The next COMMIT reaches the database, and its answer nobody.
    AfterCommit,
}

/// What the proxy is told, and tells.
#[derive(Default)]
struct State {
    /// Where new connections lead.
    server: Mutex<Option<SocketAddr>>,
    faults: Mutex<VecDeque<Fault>>,
    silent: AtomicBool,
    refusing: AtomicBool,
    /// How often all connections of the time were lost without a word.
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
    /// A proxy in front of the server of this URL, and the URL by which it is reached.
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

    /// Lets this happen once.
    pub fn inject(&self, fault: Fault) {
        self.state.faults.lock().unwrap().push_back(fault);
    }

    /// Whether everything that was told has happened.
    pub fn is_done(&self) -> bool {
        self.state.faults.lock().unwrap().is_empty()
    }

    /// From now on nothing is handed on in either direction, and connections stay open; or everything again.
    pub fn be_silent(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }

    /// Nothing more is handed on by the connections that are there, which stay open; new ones work.
    pub fn lose_all(&self) {
        self.state.losses.fetch_add(1, Ordering::SeqCst);
    }

    /// From now on connections are refused, and those that are there end; or accepted again.
    pub fn refuse(&self, refuse: bool) {
        self.state.refusing.store(refuse, Ordering::SeqCst);
    }

    /// New connections lead to the server of this URL from now on; those that are there stay where they are.
    pub fn lead_to(&self, url: &str) {
        *self.state.server.lock().unwrap() = Some(server_of(url));
    }

    /// How often the client waited for the database since it was asked last.
    pub fn round_trips(&self) -> u64 {
        self.state.round_trips.swap(0, Ordering::SeqCst)
    }

    /// How many transactions were sent to be committed.
    pub fn commits(&self) -> u64 {
        self.state.commits.load(Ordering::SeqCst)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn server_of(url: &str) -> SocketAddr {
    let (_, place) = url.split_once('@').unwrap();
    place.split('/').next().unwrap().parse().unwrap()
}

/// One connection.
#[derive(Default)]
struct Wire {
    /// Messages that ask for an answer, less the answers that came.
    open: AtomicI64,
    /// A round trip has begun, and its first answer is still to come.
    fresh: AtomicBool,
    /// Nothing is handed back any more.
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

/// Message by message: the first has no kind, every other has one byte of it, then its length.
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
            // The database has it, and may take its time: what it says is not handed back.
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
            // The answer to the very first message comes unasked.
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
