//! Where lines are written: a file, or standard output.

use crate::metrics::METRICS;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The mode of a new file, less the mask of the process: addresses of clients are not for everybody.
const MODE: u32 = 0o640;

/// An open log.
#[derive(Debug)]
pub(super) struct Output<W = File> {
    out: W,
    /// The last line lacks its end, since a write failed in it.
    is_torn: bool,
    is_failing: bool,
}

impl Output {
    /// Opens a file to append to it, or standard output.
    ///
    /// # Errors
    /// When the path is not that of a regular file or of none, or it cannot be opened.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::new(File::from(io::stdout().as_fd().try_clone_to_owned()?)));
        };
        // A pipe without a reader would block the start.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
        let file = OpenOptions::new().append(true).create(true).mode(MODE).custom_flags(flags).open(path)?;
        if file.metadata()?.is_file() { Ok(Self::new(file)) } else { Err(io::Error::other("it is not a regular file")) }
    }
}

impl<W: Write> Output<W> {
    fn new(out: W) -> Self {
        Self { out, is_torn: false, is_failing: false }
    }

    /// Writes whole lines. Lines that cannot be written are counted; the first failure is logged, and the next one only
    /// after a success.
    pub(super) fn write(&mut self, lines: &[u8]) {
        match self.try_write(lines) {
            Ok(()) => self.is_failing = false,
            Err((error, lost_lines)) => {
                METRICS.access_log_lost_lines.inc_by(lost_lines);
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(%error, "access log write failed");
                }
            }
        }
    }

    /// Writes whole lines, or returns the error and the number of lines that are lost.
    fn try_write(&mut self, lines: &[u8]) -> Result<(), (io::Error, u64)> {
        if self.is_torn && !lines.is_empty() {
            self.out.write_all(b"\n").map_err(|error| (error, count(lines)))?;
            self.is_torn = false;
        }
        let mut written_bytes = 0;
        while let Some(rest) = lines.get(written_bytes..).filter(|rest| !rest.is_empty()) {
            let error = match self.out.write(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(bytes) => {
                    written_bytes += bytes;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            self.is_torn =
                lines.get(..written_bytes).is_some_and(|written| !matches!(written.last(), None | Some(b'\n')));
            return Err((error, count(rest)));
        }
        Ok(())
    }
}

/// Returns the number of lines that end in these bytes.
fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes.
    struct Disk {
        held: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            self.room -= taken;
            self.held.extend_from_slice(&bytes[..taken]);
            if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_find_no_room_are_counted_and_the_next_one_begins_a_line() {
        let mut output = Output::new(Disk { held: Vec::new(), room: 7 });
        let lost = output.try_write(b"one\ntwo\nthree\n").map_err(|(_, lost)| lost);
        assert_eq!((lost, output.is_torn), (Err(2), true));
        assert_eq!(output.try_write(b"four\n").map_err(|(_, lost)| lost), Err(1));
        output.out.room = 100;
        output.write(b"five\n");
        assert_eq!(String::from_utf8_lossy(&output.out.held), "one\ntwo\nfive\n");
        assert!(!output.is_torn && !output.is_failing);
    }
}
