//! One keep-alive HTTP/1.1 connection: a request out, its answer drained.

use crate::options::Options;
use std::fmt::Display;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Both buffers: as much as the socket takes or gives at once, and less than the L2 cache.
const BUFFER_BYTES: usize = 256 * 1024;
/// A body up to this size goes out in one write with its head.
const ONE_WRITE_BYTES: u64 = 64 * 1024;
/// As much of an answer's body is kept as is needed to find an id.
const KEPT_BYTES: usize = 4096;

/// Why there is no answer.
#[derive(Clone, Debug)]
pub struct Failure(pub String);

/// What came back; of the body only the beginning.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body_bytes: u64,
    pub sent_bytes: u64,
    pub beginning: Vec<u8>,
    /// What `Retry-After` says, in seconds.
    pub retry_after_seconds: Option<u64>,
}

pub struct Connection {
    stream: TcpStream,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// The part of `incoming` that is not consumed.
    unread: std::ops::Range<usize>,
    spent: bool,
}

/// How an answer's body ends.
enum Framing {
    Length(u64),
    Chunked,
    Close,
}

impl Connection {
    pub fn open(options: &Options) -> Result<Self, Failure> {
        let stream = TcpStream::connect(&options.address).map_err(failure("connect"))?;
        let timeout = Some(Duration::from_secs(options.timeout_seconds));
        stream.set_nodelay(true).map_err(failure("connect"))?;
        stream.set_read_timeout(timeout).map_err(failure("connect"))?;
        stream.set_write_timeout(timeout).map_err(failure("connect"))?;
        let outgoing = if options.has_body { filler() } else { Vec::new() };
        Ok(Self { stream, outgoing, incoming: vec![0; BUFFER_BYTES], unread: 0..0, spent: false })
    }

    /// Whether another request needs another connection.
    pub fn is_spent(&self) -> bool {
        self.spent
    }

    pub fn exchange(&mut self, options: &Options, number: u64) -> Result<Answer, Failure> {
        let done = self.send(options, number).and_then(|sent_bytes| {
            let mut answer = self.receive(options.method == "HEAD")?;
            answer.sent_bytes = sent_bytes;
            Ok(answer)
        });
        self.spent |= done.is_err();
        done
    }

    fn send(&mut self, options: &Options, number: u64) -> Result<u64, Failure> {
        let mut first = options.head(number).into_bytes();
        let mut left = options.size;
        if options.has_body {
            first.extend_from_slice(&options.before);
            if options.body_bytes() <= ONE_WRITE_BYTES {
                first.extend_from_slice(&self.outgoing[..left as usize]);
                first.extend_from_slice(&options.after);
                left = 0;
            }
        }
        self.stream.write_all(&first).map_err(failure("write"))?;
        let whole = left > 0;
        while left > 0 {
            let piece = self.outgoing.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.stream.write_all(&self.outgoing[..piece]).map_err(failure("write"))?;
            left -= piece as u64;
        }
        if whole {
            self.stream.write_all(&options.after).map_err(failure("write"))?;
        }
        Ok(if options.has_body { options.body_bytes() } else { 0 })
    }

    fn receive(&mut self, without_body: bool) -> Result<Answer, Failure> {
        let head = self.line_block()?;
        let status = head.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(|| named("no status line"))?;
        if (100..200).contains(&status) {
            return self.receive(without_body);
        }
        let mut framing = Framing::Close;
        let mut retry_after_seconds = None;
        for line in head.lines().skip(1) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => framing = Framing::Length(value.parse().map_err(|_| named("no length"))?),
                "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => framing = Framing::Chunked,
                "retry-after" => retry_after_seconds = value.parse().ok(),
                "connection" if value.eq_ignore_ascii_case("close") => self.spent = true,
                _ => {}
            }
        }
        if without_body || status == 204 || status == 304 {
            framing = Framing::Length(0);
        }
        let mut answer = Answer { status, body_bytes: 0, sent_bytes: 0, beginning: Vec::new(), retry_after_seconds };
        match framing {
            Framing::Length(length) => self.drain(length, &mut answer)?,
            Framing::Chunked => loop {
                let line = self.line()?;
                let digits = line.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16).map_err(|_| named("no chunk size"))?;
                self.drain(size, &mut answer)?;
                self.line()?;
                if size == 0 {
                    break;
                }
            },
            Framing::Close => {
                self.spent = true;
                while self.fill()? > 0 {
                    answer.take(&self.incoming[self.unread.clone()]);
                    self.unread = 0..0;
                }
            }
        }
        Ok(answer)
    }

    fn drain(&mut self, mut left: u64, answer: &mut Answer) -> Result<(), Failure> {
        while left > 0 {
            if self.unread.is_empty() {
                self.some()?;
            }
            let piece = self.unread.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let until = self.unread.start + piece;
            answer.take(&self.incoming[self.unread.start..until]);
            self.unread.start = until;
            left -= piece as u64;
        }
        Ok(())
    }

    /// The head of an answer, without the empty line.
    fn line_block(&mut self) -> Result<String, Failure> {
        self.until(b"\r\n\r\n")
    }

    fn line(&mut self) -> Result<String, Failure> {
        self.until(b"\r\n")
    }

    fn until(&mut self, mark: &[u8]) -> Result<String, Failure> {
        loop {
            let unread = &self.incoming[self.unread.clone()];
            if let Some(at) = unread.windows(mark.len()).position(|window| window == mark) {
                let text = String::from_utf8_lossy(&unread[..at]).into_owned();
                self.unread.start += at + mark.len();
                return Ok(text);
            }
            self.incoming.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
            if self.unread.end == self.incoming.len() {
                return Err(named("a head or chunk line does not end"));
            }
            self.some()?;
        }
    }

    fn some(&mut self) -> Result<(), Failure> {
        if self.fill()? == 0 { Err(named("the server closed the connection")) } else { Ok(()) }
    }

    /// Reads once, behind what is unread.
    fn fill(&mut self) -> Result<usize, Failure> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        }
        loop {
            match self.stream.read(&mut self.incoming[self.unread.end..]) {
                Ok(count) => {
                    self.unread.end += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failure("read")(error)),
            }
        }
    }
}

impl Answer {
    fn take(&mut self, piece: &[u8]) {
        self.body_bytes += piece.len() as u64;
        let kept = piece.len().min(KEPT_BYTES.saturating_sub(self.beginning.len()));
        self.beginning.extend_from_slice(&piece[..kept]);
    }

    /// The value of the first `"id"` of a JSON body.
    pub fn id(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.beginning);
        let (_, rest) = text.split_once("\"id\"")?;
        rest.split('"').nth(1).map(str::to_owned)
    }
}

/// Bytes that do not compress and hold no line that could be a multipart boundary.
fn filler() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let letters = (0..BUFFER_BYTES).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b'a' + (state >> 32) as u8 % 26
    });
    letters.collect()
}

fn failure<E: Display>(step: &'static str) -> impl Fn(E) -> Failure {
    move |error| Failure(format!("{step}: {error}"))
}

fn named(what: &str) -> Failure {
    Failure(what.to_owned())
}
