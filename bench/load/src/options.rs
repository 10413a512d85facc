//! What is sent, and how often.

use std::fs;
use std::time::Duration;

/// The flags: `--name value` each; `--header` may come again.
#[derive(Debug, Default)]
pub struct Options {
    /// HOST:PORT.
    pub address: String,
    pub connections: usize,
    /// How many requests in all; without it `seconds` ends the run.
    pub requests: Option<u64>,
    pub seconds: Option<f64>,
    pub method: String,
    /// Paths, taken in turn; `{n}` is replaced by the number of the request plus `first`.
    pub paths: Vec<String>,
    pub first: u64,
    /// Header lines but for Host and Content-Length, each with its line end.
    pub headers: String,
    /// The body: what stands before the file, so many bytes of the fixed buffer, and what follows.
    pub before: Vec<u8>,
    pub size: u64,
    pub after: Vec<u8>,
    pub has_body: bool,
    /// The status that counts as success.
    pub expect: u16,
    /// Where the ids in the answers go, one a line.
    pub ids: Option<String>,
    /// The pause of a connection after a 429 without a `Retry-After`; with one, the pause is its value.
    /// Without this it goes on at once.
    pub wait_after_429: Option<Duration>,
    /// How long one read or write may take before the request has failed.
    pub timeout_seconds: u64,
}

impl Options {
    pub fn of_the_command_line() -> Result<Self, String> {
        let mut options =
            Self { connections: 1, method: "GET".into(), expect: 200, timeout_seconds: 120, ..Self::default() };
        let mut words = std::env::args().skip(1);
        while let Some(flag) = words.next() {
            let value = words.next().ok_or_else(|| format!("{flag} has no value"))?;
            options.set(&flag, value)?;
        }
        if options.address.is_empty() || options.paths.is_empty() {
            return Err("--address and --path or --paths are needed".into());
        }
        if options.requests.is_none() && options.seconds.is_none() {
            return Err("--requests or --seconds is needed".into());
        }
        Ok(options)
    }

    fn set(&mut self, flag: &str, value: String) -> Result<(), String> {
        match flag {
            "--address" => self.address = value,
            "--connections" => self.connections = number(flag, &value)?,
            "--requests" => self.requests = Some(number(flag, &value)?),
            "--seconds" => self.seconds = Some(number(flag, &value)?),
            "--method" => self.method = value,
            "--path" => self.paths = vec![value],
            "--paths" => {
                let lines = String::from_utf8(read(&value)?).map_err(|error| format!("{value}: {error}"))?;
                self.paths = lines.lines().map(str::to_owned).collect();
            }
            "--first" => self.first = number(flag, &value)?,
            "--header" => self.headers.push_str(&format!("{value}\r\n")),
            "--before" => self.before = read(&value)?,
            "--after" => self.after = read(&value)?,
            "--size" => (self.size, self.has_body) = (number(flag, &value)?, true),
            "--expect" => self.expect = number(flag, &value)?,
            "--ids" => self.ids = Some(value),
            "--wait-after-429-seconds" => self.wait_after_429 = Some(duration(flag, &value)?),
            "--timeout-seconds" => self.timeout_seconds = number(flag, &value)?,
            _ => return Err(format!("{flag} is no flag")),
        }
        Ok(())
    }

    /// Bytes of one body.
    pub fn body_bytes(&self) -> u64 {
        self.before.len() as u64 + self.size + self.after.len() as u64
    }

    /// The head of request `number`.
    pub fn head(&self, number: u64) -> String {
        let turn = number as usize % self.paths.len();
        let path = self.paths[turn].replace("{n}", &(self.first + number).to_string());
        let mut head = format!("{} {path} HTTP/1.1\r\nHost: {}\r\n{}", self.method, self.address, self.headers);
        if self.has_body {
            head.push_str(&format!("Content-Length: {}\r\n", self.body_bytes()));
        }
        head.push_str("\r\n");
        head
    }
}

fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag} {value} is no number"))
}

fn duration(flag: &str, value: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number(flag, value)?).map_err(|error| format!("{flag} {value}: {error}"))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{path}: {error}"))
}
