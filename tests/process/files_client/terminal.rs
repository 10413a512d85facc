//! `venna files` on a terminal: bars, another width, Ctrl-C, and going on.

use super::faults::{Case, LARGE_BYTES, uploads};
use super::state;
use super::stub::{Reply, Stub};
use pty_process::Size;
use pty_process::blocking::{Pty, open};
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use venna_testkit::program::wait_until;

/// A width at which every line that is longer is noticed, in columns.
const WIDE: NonZero<u16> = NonZero::new(300).unwrap();
/// The lines of the terminal and of those above it.
const LINES: NonZero<u16> = NonZero::new(200).unwrap();

/// A command on a terminal of its own.
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts a command on a terminal of 24 lines.
    pub fn start(command: Command, columns: u16) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, columns)).unwrap();
        let child = pty_process::blocking::Command::from(command).env("TERM", "xterm").spawn(pts).unwrap();
        let (pty, output): (_, Arc<Mutex<Vec<u8>>>) = (Arc::new(pty), Arc::default());
        let (reader, written) = (Arc::clone(&pty), Arc::clone(&output));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = (&*reader).read(&mut bytes) {
                written.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Self { pty, child, output }
    }

    /// Returns what the terminal shows of the output since the last [`Self::forget`].
    pub fn shown(&self) -> String {
        let mut parser = vt100::Parser::new(LINES, WIDE, 0);
        parser.process(&self.output.lock().unwrap());
        parser.screen().contents()
    }

    pub fn forget(&self) {
        self.output.lock().unwrap().clear();
    }

    /// Waits until the terminal shows a text.
    pub fn wait_for(&self, text: &str) {
        wait_until(&format!("the terminal shows {text}"), || self.shown().contains(text));
    }

    pub fn type_in(&self, text: &str) {
        (&*self.pty).write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end and returns the exit code.
    pub fn code(&mut self) -> Option<i32> {
        wait_until("the command ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_terminal_shows_bars_and_ctrl_c_ends_an_upload_that_goes_on() {
    let case = Case::new(
        LARGE_BYTES,
        Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
            ("POST /v1/uploads/upload_1/parts", 2) => Reply::Silence,
            _ => uploads(request.line.as_str(), earlier),
        }),
    );
    let mut terminal = Terminal::start(case.command(), 120);
    wait_until("a bar shows all bytes", || terminal.shown().contains("128.00 MiB/128.00 MiB"));
    let shown = terminal.shown();
    assert!(shown.contains("a.bin") && shown.contains("MiB/s"), "{shown}");
    assert_eq!(widest(&shown), 120, "the bar takes the whole width: {shown}");
    terminal.pty.resize(Size::new(24, 90)).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    terminal.forget();
    terminal.wait_for("a.bin");
    assert_eq!(widest(&terminal.shown()), 90, "{}", terminal.shown());

    terminal.type_in("\u{3}");
    assert_eq!(terminal.code(), Some(130));
    terminal.wait_for("run the same command again to go on");
    assert!(!terminal.shown().lines().last().unwrap().contains("MiB"), "{}", terminal.shown());
    let extensions: Vec<_> = state(&case.home()).iter().map(|path| path.extension().unwrap().to_owned()).collect();
    assert!(extensions.iter().all(|extension| extension == "json" || extension == "run"), "{extensions:?}");

    let mut again = Terminal::start(case.command(), 80);
    assert_eq!(again.code(), Some(0));
    again.wait_for("file-1");
    again.wait_for("a.bin: goes on, 2 of 3 parts are there");
    assert_eq!(case.count("POST /v1/uploads/upload_1/parts"), 4);
}

#[test]
fn quiet_commands_show_results_only() {
    let case = Case::new(LARGE_BYTES, Stub::start(|request, earlier| uploads(request.line.as_str(), earlier)));
    let done = case.command().arg("--quiet").output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap()), (Some(0), String::new()));
    assert!(!done.stdout.is_empty());
}

/// Returns the length of the longest line, in columns.
fn widest(shown: &str) -> usize {
    shown.lines().map(|line| line.chars().count()).max().unwrap_or_default()
}
