//! Reads and writes of a shared socket, as polls.

use std::io;
use std::task::{Context, Poll, ready};
use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

/// Reads available bytes into the buffer; none at the end of the stream.
pub fn poll_read(tcp: &TcpStream, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    loop {
        ready!(tcp.poll_read_ready(context))?;
        let (room_bytes, mut read) = (buffer.remaining(), false);
        let outcome = tcp.try_io(Interest::READABLE, || {
            let bytes = tcp.try_read_buf(buffer)?;
            read = true;
            // A short read has emptied the socket. Reported as such, the next read waits without a system call.
            if (1..room_bytes).contains(&bytes) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match outcome {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
            Err(_) if !read => {}
            Ok(()) | Err(_) => return Poll::Ready(Ok(())),
        }
    }
}

/// Calls `write` when the socket is writable, and returns its outcome.
pub fn poll_write(
    tcp: &TcpStream,
    context: &mut Context<'_>,
    write: impl Fn(&TcpStream) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(tcp.poll_write_ready(context))?;
        match write(tcp) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            outcome => return Poll::Ready(outcome),
        }
    }
}
