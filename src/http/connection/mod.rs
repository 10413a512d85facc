//! The socket of a client: time limits for a client that sends or reads nothing, and a close that does not lose or
//! falsify an answer. A client that is still sending gets its answer. A truncated answer ends with a reset.

mod client_connection;
mod linger;
mod preface;
mod socket;

pub use client_connection::ClientConnection;
pub use linger::{LINGER_IDLE_TIMEOUT, LINGER_TIMEOUT};

use super::connections::ConnectionSlot;
use super::flood::Tally;
use super::patience::{HeadWait, Patience, SendWait};
use super::send_queue::unacknowledged_bytes;
use linger::Lingering;
use preface::FirstBytes;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

/// The end of a connection, as its stream, its answers and its task see it.
#[derive(Debug, Default)]
pub struct Ending {
    /// The stream was shut down.
    is_shut_down: AtomicBool,
    /// The connection speaks HTTP/2.
    is_http_2: AtomicBool,
    /// An answer was begun that the end of the connection delimits (RFC 9112, section 6.3).
    has_open_answer: AtomicBool,
}

impl Ending {
    /// Records the begin of an answer that the end of the connection delimits.
    pub fn open_answer(&self) {
        self.has_open_answer.store(true, Ordering::Relaxed);
    }

    /// Closes a connection after its last answer with a lingering close, unless its stream was shut down or must be
    /// reset.
    pub async fn close(&self, tcp: Arc<TcpStream>, patience: Patience) {
        if !self.is_shut_down.load(Ordering::Relaxed) && !self.has_open_answer.load(Ordering::Relaxed) {
            // The shutdown of a socket fails when the client has closed it already.
            let is_http_2 = AtomicBool::new(self.is_http_2.load(Ordering::Relaxed));
            let ending = Arc::new(Self { is_http_2, ..Self::default() });
            drop(ClientStream::new(tcp, None, patience, ending).shutdown().await);
        }
    }
}

/// The socket of a client, with time limits for the client.
pub struct ClientStream {
    tcp: Arc<TcpStream>,
    /// The slot that records requests and writes.
    slot: Option<Arc<ConnectionSlot>>,
    ending: Arc<Ending>,
    /// The bytes that showed the version of HTTP.
    first: FirstBytes,
    /// The count of a connection that speaks HTTP/2.
    tally: Option<Arc<Tally>>,
    /// The number of begun requests at the last wait for a head.
    requests: u64,
    head: HeadWait,
    send: SendWait,
    lingering: Option<Lingering>,
}

impl ClientStream {
    /// Wraps the socket of a connection, which may have a slot.
    pub fn new(
        tcp: Arc<TcpStream>,
        slot: Option<Arc<ConnectionSlot>>,
        patience: Patience,
        ending: Arc<Ending>,
    ) -> Self {
        let (head, send) = (HeadWait::new(patience), SendWait::new(patience));
        let first = FirstBytes::default();
        Self { tcp, slot, ending, first, tally: None, requests: 0, head, send, lingering: None }
    }

    /// Receives the first bytes of the connection, which it reads again later; returns whether they begin HTTP/2.
    pub async fn begins_http_2(&mut self) -> bool {
        self.first = FirstBytes::receive(&mut *self).await;
        self.first.is_http_2()
    }

    /// Counts what is received from now on. Where a frame is a head and where an acknowledgement is unknown here, so
    /// the time limit of heads no longer applies.
    pub fn speak_http_2(&mut self, tally: Arc<Tally>) {
        self.ending.is_http_2.store(true, Ordering::Relaxed);
        self.tally = Some(tally);
    }

    /// Returns the outcome of a write, or a timeout when the client has acknowledged nothing for too long.
    fn watch(&mut self, context: &mut Context<'_>, write: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if write.is_ready() {
            let was_waiting = self.send.moved();
            if let Some(slot) = &self.slot {
                slot.wrote();
                if was_waiting && !slot.is_busy() {
                    // The time limit of the next head begins now. The next read checks it.
                    context.waker().wake_by_ref();
                }
            }
            return write;
        }
        let tcp = &*self.tcp;
        ready!(self.send.poll(context, || unacknowledged_bytes(tcp)));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Enforces the time limit of a request's head, unless a request is active or an answer is not yet written.
    fn watch_head(
        &mut self,
        context: &mut Context<'_>,
        read: Poll<io::Result<()>>,
        received_bytes: usize,
    ) -> Poll<io::Result<()>> {
        let Some(slot) = &self.slot else { return read };
        if slot.is_busy() || self.send.is_waiting() {
            self.head.answering();
            slot.wake_when_idle(context.waker());
            return read;
        }
        if self.requests != slot.requests() {
            // A pipelined request was answered without a read in between.
            self.requests = slot.requests();
            self.head.answering();
        }
        if received_bytes > 0 {
            self.head.received();
        }
        if read.is_pending() {
            ready!(self.head.poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let first = self.first.take(buffer.remaining());
        if !first.is_empty() {
            buffer.put_slice(first);
            return Poll::Ready(Ok(()));
        }
        if self.tally.as_ref().is_some_and(|tally| tally.is_flood()) {
            // The task of the connection closes it.
            return Poll::Pending;
        }
        let filled_bytes = buffer.filled().len();
        let read = socket::poll_read(&self.tcp, context, buffer);
        let received_bytes = buffer.filled().len() - filled_bytes;
        match &self.tally {
            None => self.watch_head(context, read, received_bytes),
            Some(tally) => {
                tally.received(received_bytes);
                read
            }
        }
    }
}

impl Drop for ClientStream {
    /// Resets a connection whose answer was cut short and is delimited by the end of the connection. The client cannot
    /// take a reset for the end of the answer.
    fn drop(&mut self) {
        if self.ending.has_open_answer.load(Ordering::Relaxed) && !self.ending.is_shut_down.load(Ordering::Relaxed) {
            tracing::info!("HTTP/1.0 response truncated");
            if let Err(error) = rustix::net::sockopt::set_socket_linger(&*self.tcp, Some(Duration::ZERO)) {
                tracing::warn!(%error, "connection reset failed");
            }
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = socket::poll_write(&self.tcp, context, |tcp| tcp.try_write(bytes));
        self.watch(context, write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = socket::poll_write(&self.tcp, context, |tcp| tcp.try_write_vectored(slices));
        self.watch(context, write)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Hyper shuts down only after it has sent every byte.
        self.ending.is_shut_down.store(true, Ordering::Relaxed);
        let this = &mut *self;
        if this.lingering.is_none() {
            rustix::net::shutdown(&*this.tcp, rustix::net::Shutdown::Write)?;
        }
        let is_http_2 = this.ending.is_http_2.load(Ordering::Relaxed);
        this.lingering.get_or_insert_with(|| Lingering::begin(is_http_2)).poll(&this.tcp, context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::client_connection::PRESENCE_INTERVAL;
    use super::preface::HTTP_2_PREFACE;
    use super::*;
    use crate::http::connection_limits::{Caps, ConnectionLimits};
    use crate::http::connections::Connections;
    use std::sync::Weak;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use tokio::sync::watch;
    use tokio::time::{Instant, sleep};

    const PATIENCE: Patience =
        Patience { head: Duration::from_secs(30), idle: Duration::from_mins(10), stall: Duration::from_mins(1) };

    async fn pair_with(patience: Patience) -> (ClientStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (ClientStream::new(Arc::new(server.unwrap().0), None, patience, Arc::default()), client.unwrap())
    }

    async fn pair() -> (ClientStream, TcpStream) {
        pair_with(PATIENCE).await
    }

    /// A reader of 64 KiB per 100 ms frees a third of a large send buffer only after many times the limit.
    #[tokio::test]
    async fn a_slow_reader_with_progress_is_not_disconnected() {
        let (mut server, mut client) = pair_with(Patience { stall: Duration::from_millis(500), ..PATIENCE }).await;
        rustix::net::sockopt::set_socket_send_buffer_size(&*server.tcp, 4 << 20).unwrap();
        rustix::net::sockopt::set_socket_recv_buffer_size(&client, 64 << 10).unwrap();
        let sending = tokio::spawn(async move { server.write_all(&vec![0; 32 << 20]).await });
        let mut taken = vec![0; 64 << 10];
        for _ in 0..40 {
            client.read_exact(&mut taken).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
        assert!(!sending.is_finished(), "the answer is still being sent");
        let error = tokio::time::timeout(Duration::from_secs(9), sending).await.unwrap().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "a stalled reader is disconnected");
    }

    /// Creates a connection with a slot.
    async fn pair_with_slot(patience: Patience) -> (ClientStream, TcpStream, Arc<ConnectionSlot>) {
        let (mut server, client) = pair_with(patience).await;
        let caps = Caps { max_connections: 1, max_per_address: 1, trusted_proxies: Vec::new() };
        let (_limits, current) = watch::channel(ConnectionLimits::with_caps(caps));
        let slot = Connections::new(current).enter("198.51.100.1".parse().unwrap()).unwrap();
        server.slot = Some(Arc::clone(&slot));
        (server, client, slot)
    }

    async fn read_ends_after(server: &mut ClientStream) -> u64 {
        let begun = Instant::now();
        let error = server.read(&mut [0; 16]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_answer_without_reads_does_not_shorten_the_limit_of_the_next_head() {
        let (mut server, mut client, slot) = pair_with_slot(PATIENCE).await;
        client.write_all(b"GET / ... \r\n\r\nGE").await.unwrap();
        assert_eq!(server.read(&mut [0; 64]).await.unwrap(), 16);
        let busy = slot.begin();
        sleep(PATIENCE.head * 2).await;
        drop(busy);
        assert_eq!(read_ends_after(&mut server).await, PATIENCE.idle.as_secs());
    }

    /// Reads for the next head, then writes, in one poll.
    async fn write_as_hyper(server: &mut ClientStream) -> io::Result<usize> {
        let bytes = vec![0; 64 << 10];
        std::future::poll_fn(|context| {
            let mut head = [0; 16];
            if let Poll::Ready(Err(error)) = Pin::new(&mut *server).poll_read(context, &mut ReadBuf::new(&mut head)) {
                return Poll::Ready(Err(error));
            }
            Pin::new(&mut *server).poll_write(context, &bytes)
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_an_unwritten_answer_is_not_idle() {
        let patience = Patience { idle: Duration::from_secs(10), stall: Duration::from_secs(100), ..PATIENCE };
        let (mut server, mut client, slot) = pair_with_slot(patience).await;
        drop(slot.begin());
        while tokio::time::timeout(Duration::from_secs(50), write_as_hyper(&mut server))
            .await
            .is_ok_and(|sent| sent.is_ok())
        {}
        let taking = async {
            let mut taken = vec![0; 64 << 10];
            while client.read(&mut taken).await.unwrap() > 0 {}
        };
        tokio::select! {
            written = write_as_hyper(&mut server) => drop(written.expect("the rest is written once there is room")),
            () = taking => unreachable!("the server does not close"),
        }
        assert_eq!(read_ends_after(&mut server).await, 10, "the connection is idle from then on");
    }

    #[tokio::test]
    async fn the_preface_of_http_2_is_found_however_it_is_split_and_read_again() {
        for (pieces, is_http_2) in [
            (vec![HTTP_2_PREFACE.as_slice()], true),
            (vec![b"P", b"RI * HTTP/2.0\r", b"\n\r\nSM\r\n\r\n"], true),
            (vec![b"PRI * HTTP/2.0\r", b"x\n"], false),
            (vec![b"PRI * HT"], false),
            (vec![b"GET / HTTP/1.1\r\n", HTTP_2_PREFACE], false),
        ] {
            let (mut server, mut client) = pair().await;
            client.set_nodelay(true).unwrap();
            let received = tokio::spawn(async move {
                let begins = server.begins_http_2().await;
                let mut received = Vec::new();
                server.read_to_end(&mut received).await.unwrap();
                (begins, received)
            });
            for piece in &pieces {
                client.write_all(piece).await.unwrap();
                sleep(Duration::from_millis(20)).await;
            }
            drop(client);
            assert_eq!(received.await.unwrap(), (is_http_2, pieces.concat()), "{pieces:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_begins_with_nothing_ends_at_the_limit_of_the_head() {
        let (mut server, _client, _slot) = pair_with_slot(PATIENCE).await;
        let begun = Instant::now();
        assert!(!server.begins_http_2().await);
        assert_eq!(begun.elapsed(), PATIENCE.head);
        assert_eq!(read_ends_after(&mut server).await, 0, "the error is met again");
    }

    #[tokio::test]
    async fn a_truncated_answer_that_the_connection_delimits_is_reset() {
        for is_whole in [true, false] {
            let (mut server, mut client) = pair().await;
            server.ending.open_answer();
            server.write_all(b"the beginning").await.unwrap();
            let mut answer = [0; 13];
            client.read_exact(&mut answer).await.unwrap();
            let ended = tokio::spawn(async move {
                if is_whole {
                    server.shutdown().await.unwrap();
                }
                drop(server);
            });
            let end = client.read(&mut answer).await.map_err(|error| error.kind());
            assert_eq!(end, if is_whole { Ok(0) } else { Err(io::ErrorKind::ConnectionReset) });
            drop(client);
            ended.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_reader_is_disconnected() {
        let (mut server, _client) = pair().await;
        let begun = Instant::now();
        let error = loop {
            if let Err(error) = server.write_all(&[0; 8192]).await {
                break error;
            }
        };
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, PATIENCE.stall));
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
    async fn what_a_client_sends_after_its_answer_is_discarded_at_a_pace() {
        const SENT_BYTES: usize = 64 << 20;
        // Kernel buffers take some of the bytes at once.
        const LEAST_TIME: Duration = Duration::from_millis(150);
        let (mut server, mut client) = pair().await;
        let lingering = tokio::spawn(async move { server.shutdown().await });
        let begun = Instant::now();
        client.write_all(&vec![0; SENT_BYTES]).await.unwrap();
        assert!(begun.elapsed() >= LEAST_TIME, "64 MiB took {:?}", begun.elapsed());
        drop(client);
        lingering.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_closed_connection_is_noticed_despite_unread_bytes() {
        let (server, mut client) = pair().await;
        let presence = ClientConnection::new(&server.tcp, Weak::new(), 60);
        client.write_all(b"unread").await.unwrap();
        tokio::time::timeout(PRESENCE_INTERVAL, presence.closed()).await.unwrap_err();
        drop(client);
        tokio::time::timeout(Duration::from_secs(9), presence.closed()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_lingering_close_ends_with_a_silent_client() {
        let (mut server, _client) = pair().await;
        let begun = Instant::now();
        server.shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), LINGER_IDLE_TIMEOUT);
    }
}
