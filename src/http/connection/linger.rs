//! The lingering close of a connection (RFC 9112, section 9.6).
//!
//! A socket that is closed while the client is still sending is reset, and the client's kernel discards the answer.
//! After its last byte the server therefore reads and discards what the client sends, at a limited pace and for a
//! limited time.

use super::socket;
use crate::http::discard_pace::DISCARD_PACE;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, sleep_until};

/// The time limit of a lingering close.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(30);
/// The time limit in HTTP/2, whose streams linger by themselves.
const HTTP_2_LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// The time that the client may send nothing in it.
pub const LINGER_IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// The number of bytes that one read discards.
const LINGER_BUFFER_BYTES: usize = 16 * 1024;

/// A lingering close.
pub struct Lingering {
    total: Pin<Box<Sleep>>,
    idle: Pin<Box<Sleep>>,
    /// The wait until the pace allows the next read.
    paused: Option<Pin<Box<Sleep>>>,
}

impl Lingering {
    /// Starts the time limits.
    pub fn begin(is_http_2: bool) -> Self {
        let total = if is_http_2 { HTTP_2_LINGER_TIMEOUT } else { LINGER_TIMEOUT };
        Self { total: Box::pin(sleep(total)), idle: Box::pin(sleep(LINGER_IDLE_TIMEOUT)), paused: None }
    }

    /// Reads and discards until the client closes, is silent for too long, or the time is up.
    pub fn poll(&mut self, tcp: &TcpStream, context: &mut Context<'_>) -> Poll<()> {
        let mut buffer = [0; LINGER_BUFFER_BYTES];
        loop {
            if self.total.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            if let Some(paused) = &mut self.paused {
                ready!(paused.as_mut().poll(context));
                self.paused = None;
                self.idle = Box::pin(sleep(LINGER_IDLE_TIMEOUT));
            }
            let mut rest = ReadBuf::new(&mut buffer);
            match socket::poll_read(tcp, context, &mut rest) {
                Poll::Ready(Ok(())) if !rest.filled().is_empty() => {
                    self.idle = Box::pin(sleep(LINGER_IDLE_TIMEOUT));
                    self.paused = DISCARD_PACE.record(rest.filled().len()).map(|next| Box::pin(sleep_until(next)));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.idle.as_mut().poll(context),
            }
        }
    }
}
