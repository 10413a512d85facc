//! Logging to standard error. A full or closed standard error does not harm the server.

use super::log_format::{WithRequest, add_to_json, add_to_text};
use super::log_level::LiveLevel;
use crate::config::{Config, LogFormat};
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging by the configuration. Returns the level, which may be changed.
pub fn start(config: &Config) -> LiveLevel {
    let terminal = io::stderr().is_terminal();
    let format = config.log_format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json });
    let level = LiveLevel::new(config.log_level);
    let lines = tracing_subscriber::fmt::layer().with_writer(|| InfallibleWriter(io::stderr()));
    let registry = tracing_subscriber::registry().with(level);
    match format {
        LogFormat::Text => {
            // The format itself is told of colours: a line of a request goes to a buffer, which does not know of them.
            let lines =
                lines.map_event_format(|format| WithRequest { format: format.with_ansi(terminal), add: add_to_text });
            registry.with(lines.with_ansi(terminal).log_internal_errors(false)).init();
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(false);
            let lines = lines.map_event_format(|format| WithRequest { format, add: add_to_json });
            registry.with(lines.log_internal_errors(false)).init();
        }
    }
    level
}

/// Writes one line to standard error, in any log format.
pub fn line(text: &str) {
    write_line(&mut InfallibleWriter(io::stderr()), text);
}

/// Writes a line in one piece, so that no line of another thread begins in it.
fn write_line(out: &mut impl Write, text: &str) {
    // The only writer always reports success.
    drop(out.write_all(format!("{text}\n").as_bytes()));
}

/// A writer that never fails: a full disk under the log must not become a panic in the server.
struct InfallibleWriter<W>(W);

impl<W: Write> Write for InfallibleWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(self.0.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        drop(self.0.flush());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_line_is_written_in_one_piece() {
        struct Pieces(Vec<Vec<u8>>);

        impl Write for Pieces {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.push(bytes.to_vec());
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let mut pieces = Pieces(Vec::new());
        write_line(&mut pieces, "listening");
        assert_eq!(pieces.0, [b"listening\n"]);
    }

    #[test]
    fn a_full_log_is_no_failure() {
        assert!(writeln!(InfallibleWriter(Full), "a line").is_ok() && InfallibleWriter(Full).flush().is_ok());
    }
}
