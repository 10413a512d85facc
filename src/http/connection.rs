//! One client's socket: bounded patience for readers that stand still, and a close that lets the answer arrive.

use super::connections::Place;
use crate::model::ids::WorkspaceId;
use crate::shares::Share;
use futures_util::FutureExt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
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

/// How often a client is looked for that is waited with.
const PRESENCE_INTERVAL: Duration = Duration::from_millis(500);

/// The connection of a request; among the extensions of each.
#[derive(Clone, Debug)]
pub struct ClientConnection {
    tcp: Weak<TcpStream>,
    place: Weak<Place>,
}

impl ClientConnection {
    /// The connection that has this place.
    pub fn new(tcp: &Arc<TcpStream>, place: Weak<Place>) -> Self {
        Self { tcp: Arc::downgrade(tcp), place }
    }

    /// Keeps the share until the request of the connection ends.
    pub fn hold(&self, share: Share<WorkspaceId>) {
        if let Some(place) = self.place.upgrade() {
            place.hold(share);
        }
    }

    /// Waits until the client has closed the connection, or its half of it. It is noticed although nothing is being read.
    pub async fn closed(&self) {
        while self.is_open() {
            sleep(PRESENCE_INTERVAL).await;
        }
    }

    fn is_open(&self) -> bool {
        let Some(tcp) = self.tcp.upgrade() else { return false };
        match tcp.ready(Interest::READABLE).now_or_never() {
            Some(Ok(ready)) => !ready.is_read_closed(),
            Some(Err(_)) => false,
            None => true,
        }
    }
}

/// A client's socket.
pub struct ClientStream {
    tcp: Arc<TcpStream>,
    /// Is told what is written.
    place: Option<Arc<Place>>,
    stalled: Option<Pin<Box<Sleep>>>,
    lingering: Option<Lingering>,
}

struct Lingering {
    total: Pin<Box<Sleep>>,
    idle: Pin<Box<Sleep>>,
}

impl ClientStream {
    /// The socket of a connection that may have a place.
    pub const fn new(tcp: Arc<TcpStream>, place: Option<Arc<Place>>) -> Self {
        Self { tcp, place, stalled: None, lingering: None }
    }

    fn poll_tcp_read(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.tcp.poll_read_ready(context))?;
            let (room_bytes, mut read) = (buffer.remaining(), false);
            let outcome = self.tcp.try_io(Interest::READABLE, || {
                let bytes = self.tcp.try_read_buf(buffer)?;
                read = true;
                // Less than there is room for is all there is: said so, the next read waits without asking the system.
                if (1..room_bytes).contains(&bytes) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match outcome {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                Err(_) if !read => {}
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_tcp_write(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.tcp.poll_write_ready(context))?;
            match write(&self.tcp) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Passes a write on, and gives up on a client that takes nothing for too long.
    fn watch(&mut self, context: &mut Context<'_>, write: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if write.is_ready() {
            self.stalled = None;
            if let Some(place) = &self.place {
                place.wrote();
            }
            return write;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_STALL_TIMEOUT)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads and forgets until the client closes, falls silent, or has had its time.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut lingering = self.lingering.take().unwrap_or_else(|| Lingering {
            total: Box::pin(sleep(LINGER_TIMEOUT)),
            idle: Box::pin(sleep(LINGER_IDLE_TIMEOUT)),
        });
        let mut buffer = [0; LINGER_BUFFER_BYTES];
        let ended = loop {
            if lingering.total.as_mut().poll(context).is_ready() {
                break Poll::Ready(());
            }
            let mut rest = ReadBuf::new(&mut buffer);
            match self.poll_tcp_read(context, &mut rest) {
                Poll::Ready(Ok(())) if !rest.filled().is_empty() => {
                    lingering.idle = Box::pin(sleep(LINGER_IDLE_TIMEOUT));
                }
                Poll::Ready(_) => break Poll::Ready(()),
                Poll::Pending => break lingering.idle.as_mut().poll(context),
            }
        };
        self.lingering = Some(lingering);
        ended
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_tcp_read(context, buffer)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = self.poll_tcp_write(context, |tcp| tcp.try_write(bytes));
        self.watch(context, write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = self.poll_tcp_write(context, |tcp| tcp.try_write_vectored(slices));
        self.watch(context, write)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            rustix::net::shutdown(&*self.tcp, rustix::net::Shutdown::Write)?;
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
        (ClientStream::new(Arc::new(server.unwrap().0), None), client.unwrap())
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

    #[tokio::test]
    async fn a_client_that_has_gone_is_noticed_though_it_left_bytes_unread() {
        let (server, mut client) = pair().await;
        let presence = ClientConnection::new(&server.tcp, Weak::new());
        client.write_all(b"unread").await.unwrap();
        tokio::time::timeout(PRESENCE_INTERVAL, presence.closed()).await.unwrap_err();
        drop(client);
        tokio::time::timeout(Duration::from_secs(9), presence.closed()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_not_waited_for_long() {
        let (mut server, _client) = pair().await;
        let begun = Instant::now();
        server.shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), LINGER_IDLE_TIMEOUT);
    }
}
