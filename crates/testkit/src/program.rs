//! The server as a process, and an HTTP client without buffers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Prints a measurement or a skipped test past the capture of the test runner.
pub fn report(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// The time limit of a start, a stop or an answer: long, since a test that meets it fails, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// The number of lines of a server's log that a failed test prints.
const LOG_LINES: usize = 40;

/// The time without work after which a server is idle.
const IDLE_TIME: Duration = Duration::from_millis(500);

/// The time limit of prompt answers.
pub const PROMPTLY: Duration = Duration::from_secs(1);

/// Waits until a condition holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The boundary of the forms.
pub const BOUNDARY: &str = "venna-process-boundary";

/// Returns the command `venna` with these arguments, without the environment's settings.
pub fn venna(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var("CARGO_BIN_EXE_venna").expect("cargo test names the program"));
    command.args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VENNA_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command of the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    venna(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Returns the trimmed standard output of a successful command.
pub fn output(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A running server; dropping kills it.
pub struct Program {
    child: Child,
    /// The address of its API.
    pub address: SocketAddr,
    /// The lines on standard error until it was ready.
    pub log: Vec<String>,
    /// All of standard error until now.
    pub whole_log: Arc<Mutex<String>>,
}

impl Program {
    /// Starts a server.
    pub fn start(data_dir: &Path) -> Self {
        Self::spawn(venna(&["serve"]), data_dir)
    }

    /// Starts a server in which every file has a blob, however small.
    pub fn start_on_blobs(data_dir: &Path) -> Self {
        Self::spawn(venna(&["serve", "--inline-max-bytes", "0"]), data_dir)
    }

    /// Starts a server by another program, such as a tracer.
    pub fn spawn(command: Command, data_dir: &Path) -> Self {
        Self::try_spawn(command, data_dir).unwrap_or_else(|log| panic!("it is ready: {log:?}"))
    }

    /// Starts a server that may fail; returns its lines on standard error then.
    pub fn try_spawn(mut command: Command, data_dir: &Path) -> Result<Self, Vec<String>> {
        if !command.get_args().any(|argument| argument == "--admin-listen") {
            command.args(["--admin-listen", "off"]);
        }
        command.args(["--data-dir", data_dir.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (address, whole_log) = (SocketAddr::from(([127, 0, 0, 1], 0)), Arc::new(Mutex::new(String::new())));
        let mut program = Self { child, address, log: Vec::new(), whole_log: Arc::clone(&whole_log) };
        let (sender, lines) = mpsc::channel();
        let stderr = BufReader::new(program.child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                whole_log.lock().unwrap().push_str(&format!("{line}\n"));
                drop(sender.send(line));
            }
        });
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            if let Some((_, url)) = line.split_once("listening on ") {
                let (_, address) = url.split_once("://").unwrap();
                program.address = address.trim().parse().unwrap();
                return Ok(program);
            }
            program.log.push(line);
        }
        Err(std::mem::take(&mut program.log))
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the peak resident memory since the start, or since [`Self::reset_peak`].
    pub fn peak_bytes(&self) -> usize {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// Resets the peak of resident memory.
    pub fn reset_peak(&self) {
        std::fs::write(self.proc("clear_refs"), "5").unwrap();
    }

    /// Waits until the server works no more: until it takes next to no processor time for a while.
    pub fn wait_until_idle(&self) {
        wait_until("the server is idle", || {
            let before = self.processor_ticks();
            std::thread::sleep(IDLE_TIME);
            self.processor_ticks() - before <= 1
        });
    }

    /// Returns the processor time since the start, in ticks of the kernel.
    fn processor_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(self.proc("stat")).unwrap();
        // The name before may have spaces; user time and system time are the members 14 and 15 (proc(5)).
        let (_, members) = stat.rsplit_once(") ").unwrap();
        members.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.id()))
    }

    /// Returns the bytes read from files since the start, also from the page cache.
    pub fn read_bytes(&self) -> u64 {
        let counters = std::fs::read_to_string(self.proc("io")).unwrap();
        counters.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end and returns the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        wait_until("it ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code()
    }

    /// Returns a client with a key.
    pub fn client(&self, key: &str) -> Client {
        Client { address: self.address, key: key.to_owned(), headers: String::new(), timeout: PATIENCE }
    }
}

impl Drop for Program {
    /// Kills the server. Of a test that fails, prints the end of its log, which tells why.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = self.whole_log.lock().unwrap_or_else(PoisonError::into_inner);
            let lines: Vec<&str> = log.lines().rev().take(LOG_LINES).collect();
            report(&format!(
                "the log of {}:\n{}",
                self.address,
                lines.into_iter().rev().collect::<Vec<_>>().join("\n")
            ));
        }
    }
}

/// A running command; dropping kills it.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A data directory and the key of its first run.
pub struct Data {
    /// The folder around the data directory.
    pub folder: TempDir,
}

impl Default for Data {
    fn default() -> Self {
        Self::new()
    }
}

impl Data {
    /// Creates an empty folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Returns the path of the data directory.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns the path as text.
    pub fn text(&self) -> String {
        self.path().display().to_string()
    }

    /// Returns the key of the first run.
    pub fn first_key(&self) -> String {
        std::fs::read_to_string(self.path().join("first-key")).unwrap().trim().to_owned()
    }
}

/// Returns every file in the folder of blobs of a data directory.
pub fn blobs(data_dir: &Path) -> Vec<PathBuf> {
    let shards = std::fs::read_dir(data_dir.join("blobs")).unwrap();
    let folders = shards.map(|shard| shard.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    /// The address of the server.
    pub address: SocketAddr,
    key: String,
    /// Further headers of its posts, each with its line break.
    headers: String,
    /// The time limit of an answer.
    timeout: Duration,
}

/// The answer to a request.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The answer is a replay of an earlier one.
    pub is_replay: bool,
}

impl Answer {
    /// Returns the body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// Returns the id of a created object.
    pub fn id(&self) -> String {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

impl Client {
    /// Returns the same client with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// Returns the same client, posting with an `Idempotency-Key`.
    #[must_use]
    pub fn once(&self, key: &str) -> Self {
        Self { headers: format!("Idempotency-Key: {key}\r\n"), ..self.clone() }
    }

    /// Returns the same client with another time limit.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// Sends a request without a body.
    pub fn send(&self, method: &str, path: &str) -> std::io::Result<Answer> {
        let mut socket = self.connect()?;
        write!(
            socket,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            self.key
        )?;
        answer(socket)
    }

    /// Uploads `size` bytes of a repeated `pattern`, so that the test holds no more of them than the server.
    pub fn upload(&self, pattern: &[u8], size: usize) -> std::io::Result<Answer> {
        let purpose = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n");
        self.send_form("/v1/files", &purpose, "file", pattern, size)
    }

    /// Sends a form of raw `fields` and a file of `size` bytes of `pattern` in the field `name`.
    pub fn send_form(
        &self,
        path: &str,
        fields: &str,
        name: &str,
        pattern: &[u8],
        size: usize,
    ) -> std::io::Result<Answer> {
        let head = format!(
            "{fields}--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.bin\"\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.post(path, &kind, head.len() + size + tail.len(), |socket| {
            socket.write_all(head.as_bytes())?;
            let mut left = size;
            while left > 0 {
                let piece = &pattern[..pattern.len().min(left)];
                socket.write_all(piece)?;
                left -= piece.len();
            }
            socket.write_all(tail.as_bytes())
        })
    }

    /// Sends a request whose body of `length` bytes is written by `body`.
    pub fn post(
        &self,
        path: &str,
        kind: &str,
        length: usize,
        body: impl FnOnce(&mut TcpStream) -> std::io::Result<()>,
    ) -> std::io::Result<Answer> {
        let mut socket = self.connect()?;
        write!(
            socket,
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n{}\r\n",
            self.key, self.headers
        )?;
        body(&mut socket)?;
        answer(socket)
    }

    /// Downloads a file and returns the number of bytes.
    pub fn drain(&self, id: &str) -> std::io::Result<u64> {
        let mut socket = self.connect()?;
        write!(
            socket,
            "GET /v1/files/{id}/content HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            self.key
        )?;
        let mut reader = BufReader::with_capacity(1 << 20, socket);
        let (status, ..) = head(&mut reader)?;
        assert_eq!(status, 200);
        std::io::copy(&mut reader, &mut std::io::sink())
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(self.timeout))?;
        socket.set_write_timeout(Some(self.timeout))?;
        Ok(socket)
    }
}

fn answer(socket: TcpStream) -> std::io::Result<Answer> {
    let mut reader = BufReader::new(socket);
    let (status, length, is_replay) = head(&mut reader)?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Answer { status, body, is_replay })
}

fn head(reader: &mut impl BufRead) -> std::io::Result<(u16, usize, bool)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
    let (mut length, mut is_replay) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let field = line.trim_end().to_ascii_lowercase();
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        } else if field == "idempotent-replayed: true" {
            is_replay = true;
        } else if field.is_empty() {
            return Ok((status, length, is_replay));
        }
    }
}
