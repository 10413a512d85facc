//! Reads of sockets with a time limit, which a signal interrupts whatever its handler says (`signal(7)`).

use std::io::{ErrorKind, Read, Result};
use std::net::TcpStream;

/// Reads one byte; `None` if the other side has closed the connection.
///
/// # Errors
///
/// Every failure of `read` but `Interrupted`.
pub fn next_byte(mut socket: &TcpStream) -> Result<Option<u8>> {
    let mut byte = [0];
    match socket.read_exact(&mut byte) {
        Ok(()) => Ok(Some(byte[0])),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether the other side closes the connection, in order or by a reset.
pub fn is_closed(socket: &TcpStream) -> bool {
    matches!(next_byte(socket).map_err(|error| error.kind()), Ok(None) | Err(ErrorKind::ConnectionReset))
}
