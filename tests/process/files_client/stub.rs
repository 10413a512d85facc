//! A server of Files and Uploads in a few lines, with the faults that a test wants.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub idempotency_key: String,
    /// The key, as in the header of OpenAI, Anthropic or Gemini.
    pub api_key: String,
    pub body_bytes: usize,
    /// The body, if it is short.
    pub body: String,
}

/// The longest body that is kept, in bytes.
const MAX_KEPT_BYTES: usize = 10_000;

/// The next step of the stub.
pub enum Reply {
    /// Answers with a status, headers and a body.
    Answer(u16, &'static str, String),
    /// Closes the connection in the middle of the request's body.
    Cut,
    /// Closes the connection before the end of the answer's body.
    CutAnswer(String),
    /// Reads the request and is silent.
    Silence,
}

/// A running stub, whose threads end with the test's process.
pub struct Stub {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

impl Stub {
    /// Starts a stub. `script` gets a request without its body, and the number of earlier requests with this line.
    pub fn start(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, script): (Arc<Mutex<Vec<Request>>>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let counts: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
            for socket in listener.incoming().map_while(Result::ok) {
                let (script, counts, seen) = (Arc::clone(&script), Arc::clone(&counts), Arc::clone(&seen));
                std::thread::spawn(move || while serve(&socket, &*script, &counts, &seen).is_some() {});
            }
        });
        Self { address, requests }
    }

    /// Returns the requests whose line begins so, in the order of their arrival.
    pub fn requests(&self, line: &str) -> Vec<Request> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|request| request.line.starts_with(line)).cloned().collect()
    }
}

/// Serves one request; none if the connection ends.
fn serve(
    mut socket: &TcpStream,
    script: &Script,
    counts: &Mutex<BTreeMap<String, usize>>,
    seen: &Mutex<Vec<Request>>,
) -> Option<()> {
    let mut reader = BufReader::new(socket);
    let head: Vec<String> = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        let fields = head.iter().filter_map(|line| line.split_once(':'));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
    };
    let line = head.first()?.trim_end_matches(" HTTP/1.1").to_owned();
    let body_bytes = header("content-length").map_or(0, |length| length.parse().unwrap());
    let idempotency_key = header("idempotency-key").unwrap_or_default();
    let api_key = ["authorization", "x-api-key", "x-goog-api-key"].into_iter().find_map(header).unwrap_or_default();
    let mut request = Request { line, idempotency_key, api_key, body_bytes, body: String::new() };
    let is_kept = body_bytes <= MAX_KEPT_BYTES;
    if is_kept {
        let short = reader.by_ref().take(body_bytes as u64);
        std::io::read_to_string(short).map(|body| request.body = body).unwrap_or_default();
    }
    let earlier = {
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(request.line.clone()).or_default();
        *count += 1;
        *count - 1
    };
    seen.lock().unwrap().push(request.clone());
    let left_bytes = if is_kept { 0 } else { body_bytes };
    let mut body = |bytes: usize| std::io::copy(&mut reader.by_ref().take(bytes as u64), &mut std::io::sink()).ok();
    match script(&request, earlier) {
        Reply::Cut => {
            body(left_bytes / 2)?;
            None
        }
        Reply::Silence => {
            body(left_bytes)?;
            std::thread::park();
            None
        }
        Reply::CutAnswer(text) => {
            body(left_bytes)?;
            write!(socket, "HTTP/1.1 200 x\r\nContent-Length: {}\r\n\r\n{text}", text.len() + 1).ok()?;
            None
        }
        Reply::Answer(status, headers, text) => {
            body(left_bytes)?;
            let length = text.len();
            write!(socket, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n{headers}\r\n{text}").ok()
        }
    }
}

/// Returns a File as JSON.
pub fn file(id: &str, name: &str, size_bytes: u64) -> String {
    let file = serde_json::json!({"id": id, "object": "file", "filename": name, "purpose": "user_data",
        "bytes": size_bytes, "created_at": 1_700_000_000});
    file.to_string()
}
