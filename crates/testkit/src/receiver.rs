//! A receiver of messages, with the faults of receivers.

use crate::rng::Rng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The behavior of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Applies and acknowledges each message.
    Works,
    /// Applies messages and loses this percentage of the acknowledgements; does not apply a tenth of the messages.
    Forgets(u64),
    /// Reads a message and never answers.
    Hangs,
    /// Refuses each message.
    Refuses,
    /// Redirects to another address.
    Redirects(SocketAddr),
}

/// A received message.
#[derive(Clone, Debug)]
pub struct Received {
    /// The headers in lower case, and the request line as `:request`.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// The state of a receiver, which a test may read and change.
#[derive(Debug)]
pub struct State {
    /// The behavior.
    pub manner: Manner,
    rng: Rng,
    /// Every attempt, in order.
    pub attempts: Vec<Received>,
    /// The first body of each message id.
    pub bodies: BTreeMap<String, Vec<u8>>,
    /// The applied events by id.
    pub events: BTreeMap<String, Value>,
    /// The number of lost acknowledgements.
    pub lost: usize,
    /// The number of messages that were not applied.
    pub refused: usize,
    /// Violations of the protocol by the server.
    pub problems: Vec<String>,
    /// A message whose id has this suffix is refused with this status.
    pub poison: Option<(String, u16)>,
    /// The largest accepted body, in bytes.
    pub max_bytes: usize,
    /// The Retry-After of the next answer, in seconds.
    pub busy_seconds: Option<u64>,
}

/// A running receiver. Its threads end with it, except one that hangs.
pub struct Receiver {
    /// Its address.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    closed: Arc<AtomicBool>,
}

impl Receiver {
    /// Starts a receiver.
    pub fn open(manner: Manner, seed: u64) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), manner, seed, |_| ())
    }

    /// Starts a receiver that calls `applied` with the number of the attempt before each answer.
    pub fn at(
        listener: TcpListener,
        manner: Manner,
        seed: u64,
        applied: impl Fn(usize) + Clone + Send + 'static,
    ) -> Self {
        let state = State {
            manner,
            rng: Rng::new(seed),
            attempts: Vec::new(),
            bodies: BTreeMap::new(),
            events: BTreeMap::new(),
            lost: 0,
            refused: 0,
            problems: Vec::new(),
            poison: None,
            max_bytes: usize::MAX,
            busy_seconds: None,
        };
        let (state, closed) = (Arc::new(Mutex::new(state)), Arc::new(AtomicBool::new(false)));
        let receiver = Self { address: listener.local_addr().unwrap(), state, closed };
        let (state, closed) = (Arc::clone(&receiver.state), Arc::clone(&receiver.closed));
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let (state, applied) = (Arc::clone(&state), applied.clone());
                std::thread::spawn(move || drop(serve(socket, &state, &applied)));
            }
        });
        receiver
    }

    /// Returns the URL to post to.
    pub fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    /// Locks the state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Returns the usage of each hour by workspace and line item, from the applied events.
    pub fn by_hour(&self) -> BTreeMap<(String, String, u64), i128> {
        let state = self.state();
        assert_eq!(state.problems, [] as [String; 0]);
        let mut sums = BTreeMap::new();
        for event in state.events.values() {
            let (data, text) = (&event["data"], |value: &Value| value.as_str().unwrap().to_owned());
            let name = (text(&event["subject"]), text(&data["line_item"]), data["start_time"].as_u64().unwrap());
            *sums.entry(name).or_default() += text(&data["quantity"]).parse::<i128>().unwrap();
        }
        sums.retain(|_, quantity| *quantity != 0);
        sums
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn serve(socket: TcpStream, state: &Mutex<State>, applied: &impl Fn(usize)) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut writer = socket;
    while let Some(message) = read(&mut reader)? {
        let (answer, attempt, hangs) = {
            let mut state = state.lock().unwrap();
            state.attempts.push(message.clone());
            (state.take(&message), state.attempts.len(), state.manner == Manner::Hangs)
        };
        applied(attempt);
        if hangs {
            std::thread::sleep(Duration::from_mins(2));
        }
        let Some(answer) = answer else { return Ok(()) };
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// Reads the next message of a connection; none at its end.
pub fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Received>> {
    let (mut line, mut headers) = (String::new(), BTreeMap::new());
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    headers.insert(":request".to_owned(), line.trim_end().to_owned());
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Received { headers, body }))
}

impl State {
    /// Applies a message and returns the answer, if any.
    fn take(&mut self, message: &Received) -> Option<String> {
        let answer = |status: &str| Some(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        match self.manner {
            Manner::Hangs => return None,
            Manner::Refuses => return answer("503 Service Unavailable"),
            Manner::Redirects(to) => return answer(&format!("307 Temporary Redirect\r\nLocation: http://{to}/events")),
            Manner::Works | Manner::Forgets(_) => {}
        }
        let id = message.headers["webhook-id"].clone();
        if let Some(seconds) = self.busy_seconds.take() {
            return Some(format!("HTTP/1.1 429 Busy\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n"));
        }
        if message.body.len() > self.max_bytes {
            return answer("413 Content Too Large");
        }
        if let Some((_, status)) = self.poison.as_ref().filter(|(end, _)| id.ends_with(end.as_str())) {
            return answer(&format!("{status} Refused"));
        }
        let known = self.bodies.entry(id.clone()).or_insert_with(|| message.body.clone()) == &message.body;
        if !known {
            self.problems.push(format!("{id} came with two bodies"));
        }
        let (roll, forgets) = (self.rng.below(100), matches!(self.manner, Manner::Forgets(_)));
        if forgets && roll >= 90 {
            self.refused += 1;
            return answer("503 Service Unavailable");
        }
        let events = match serde_json::from_slice(&message.body).unwrap() {
            Value::Array(events) => events,
            event => vec![event],
        };
        for event in events {
            let id = event["id"].as_str().unwrap().to_owned();
            let known = self.events.entry(id.clone()).or_insert_with(|| event.clone());
            if *known != event {
                self.problems.push(format!("the event {id} came with two contents"));
            }
        }
        if !matches!(self.manner, Manner::Forgets(percent) if roll < percent) {
            return answer("202 Accepted");
        }
        self.lost += 1;
        if self.rng.below(100) < 50 { answer("500 Internal Server Error") } else { None }
    }
}
