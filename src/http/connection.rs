//! One client's socket: bounded patience for readers that stand still, and a close that lets the answer arrive.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a client may leave us unable to send a single byte.
const WRITE_STALL_TIMEOUT: Duration = Duration::from_mins(1);
/// How long we go on reading, after our last byte, from a client that is still sending; closing at once would make its
/// kernel throw our answer away (RFC 9112, section 9.6).
const LINGER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long such a client may be silent.
const LINGER_IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes that are read at once to be thrown away.
const LINGER_BUFFER_BYTES: usize = 16 * 1024;

/// A client's socket.
pub struct ClientStream {
    tcp: TcpStream,
    stalled: Option<Pin<Box<Sleep>>>,
    lingering: Option<Lingering>,
}

struct Lingering {
    total: Pin<Box<Sleep>>,
    idle: Pin<Box<Sleep>>,
}

impl ClientStream {
    pub const fn new(tcp: TcpStream) -> Self {
        Self { tcp, stalled: None, lingering: None }
    }

    /// Passes a write on, and gives up on a client that takes nothing for too long.
    fn watch(&mut self, context: &mut Context<'_>, write: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if write.is_ready() {
            self.stalled = None;
            return write;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_STALL_TIMEOUT)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads and forgets until the client closes, falls silent, or has had its time.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let lingering = self.lingering.get_or_insert_with(|| Lingering {
            total: Box::pin(sleep(LINGER_TIMEOUT)),
            idle: Box::pin(sleep(LINGER_IDLE_TIMEOUT)),
        });
        let mut buffer = [0; LINGER_BUFFER_BYTES];
        loop {
            if lingering.total.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let mut rest = ReadBuf::new(&mut buffer);
            match Pin::new(&mut self.tcp).poll_read(context, &mut rest) {
                Poll::Ready(Ok(())) if !rest.filled().is_empty() => {
                    lingering.idle = Box::pin(sleep(LINGER_IDLE_TIMEOUT));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return lingering.idle.as_mut().poll(context),
            }
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.tcp).poll_write(context, bytes);
        self.watch(context, write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.tcp).poll_write_vectored(context, slices);
        self.watch(context, write)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.tcp).poll_shutdown(context))?;
        }
        self.poll_linger(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    async fn pair() -> (ClientStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (ClientStream::new(server.unwrap().0), client.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stands_still_is_given_up() {
        let (mut server, _client) = pair().await;
        let begun = Instant::now();
        let error = loop {
            if let Err(error) = server.write_all(&[0; 8192]).await {
                break error;
            }
        };
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, WRITE_STALL_TIMEOUT));
    }

    #[tokio::test]
    async fn a_client_that_is_still_sending_gets_the_answer() {
        let (mut server, mut client) = pair().await;
        let server = tokio::spawn(async move {
            server.write_all(b"the answer").await.unwrap();
            server.shutdown().await.unwrap();
        });
        for _ in 0..2000 {
            client.write_all(&[0; 8192]).await.expect("the server goes on reading");
        }
        let mut answer = Vec::new();
        client.shutdown().await.unwrap();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"the answer");
        server.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_not_waited_for_long() {
        let (mut server, _client) = pair().await;
        let begun = Instant::now();
        server.shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), LINGER_IDLE_TIMEOUT);
    }
}
