//! The sent bytes of a socket that the peer has not acknowledged, as the kernel counts them.

use rustix::ioctl::{Getter, Opcode, ioctl};
use std::os::fd::AsFd;

/// `SIOCOUTQ`, by its number on x86 and ARM: the bytes of the send queue that were not acknowledged (tcp(7)).
const SIOCOUTQ: Opcode = 0x5411;

/// Returns the bytes that the peer of a socket has not acknowledged; none if the kernel does not report them.
#[expect(unsafe_code, reason = "an ioctl that writes one int, for which there is no safe function")]
pub fn unacknowledged_bytes(socket: impl AsFd) -> Option<u64> {
    // SAFETY: for a socket, SIOCOUTQ writes one `int` and does nothing else; of any other descriptor it is an error.
    let bytes = unsafe { ioctl(socket, Getter::<SIOCOUTQ, i32>::new()) };
    bytes.ok().and_then(|bytes| u64::try_from(bytes).ok())
}
