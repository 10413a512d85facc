//! The display of transfers on standard error: bars on a terminal, a line for each step elsewhere, nothing if quiet.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;
use venna_client::{Progress, Step};

/// The size from which a file has a bar of its own, in bytes.
const MIN_BAR_BYTES: u64 = 4 << 20;
/// The interval of drawing.
const TICK: Duration = Duration::from_millis(200);
/// The columns of a bar. A name is cut to its column.
const BAR: &str = "{prefix:20!} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";

/// The display of one command.
#[derive(Clone, Debug)]
pub enum Display {
    /// Bars on a terminal.
    Bars(MultiProgress),
    /// Lines.
    Lines,
    /// Errors only.
    Quiet,
}

impl Display {
    /// Chooses the display.
    pub fn new(is_quiet: bool) -> Self {
        if is_quiet {
            Self::Quiet
        } else if io::stderr().is_terminal() {
            Self::Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
        } else {
            Self::Lines
        }
    }

    /// Writes a line to standard output, above the bars.
    pub fn result(&self, line: &str) -> io::Result<()> {
        self.without_bars(|| writeln!(io::stdout(), "{line}"))
    }

    /// Writes a line about a step to standard error.
    pub fn step(&self, line: &str) {
        if !matches!(self, Self::Quiet) {
            self.without_bars(|| eprintln!("{line}"));
        }
    }

    /// Writes an error to standard error, also if quiet.
    pub fn error(&self, line: &str) {
        self.without_bars(|| eprintln!("venna: {line}"));
    }

    /// Removes the bars.
    pub fn clear(&self) {
        if let Self::Bars(bars) = self {
            // A terminal that is gone shows no bars.
            drop(bars.clear());
        }
    }

    /// Shows the sum of several transfers.
    pub fn total(&self, name: &str, size_bytes: u64) -> Total {
        Total(self.bar(name, size_bytes))
    }

    /// Shows a transfer, as a part of a sum if there is one. The name loses control characters.
    pub fn transfer(&self, name: &str, size_bytes: u64, total: Option<&Total>) -> Arc<Transfer> {
        let name = name.escape_debug().to_string();
        let is_small = size_bytes < MIN_BAR_BYTES && total.is_some();
        let bar = if is_small { None } else { self.bar(&name, size_bytes) };
        let total = total.and_then(|total| total.0.clone());
        Arc::new(Transfer { display: self.clone(), name, bar, total })
    }

    /// Shows a transfer that no sum counts, such as the download before an upload.
    pub fn preparation(&self, name: &str, size_bytes: u64) -> Arc<Transfer> {
        self.transfer(name, size_bytes, Some(&Total(None)))
    }

    fn bar(&self, name: &str, size_bytes: u64) -> Option<ProgressBar> {
        let Self::Bars(bars) = self else { return None };
        let bar = bars.add(ProgressBar::new(size_bytes).with_prefix(name.to_owned()));
        let style = ProgressStyle::with_template(BAR);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(TICK);
        Some(bar)
    }

    fn without_bars<T>(&self, write: impl FnOnce() -> T) -> T {
        match self {
            Self::Bars(bars) => bars.suspend(write),
            Self::Lines | Self::Quiet => write(),
        }
    }
}

/// The sum of several transfers.
#[derive(Debug)]
pub struct Total(Option<ProgressBar>);

/// One transfer. Its bar goes when it is dropped.
#[derive(Debug)]
pub struct Transfer {
    display: Display,
    name: String,
    bar: Option<ProgressBar>,
    total: Option<ProgressBar>,
}

impl Transfer {
    /// Sets the bytes that are there, and the size if it is known.
    pub fn begin(&self, received_bytes: u64, size_bytes: Option<u64>) {
        if let Some(bar) = &self.bar {
            size_bytes.inspect(|size_bytes| bar.set_length(*size_bytes));
            bar.set_position(received_bytes);
            bar.reset_eta();
        }
    }

    fn bars(&self) -> impl Iterator<Item = &ProgressBar> {
        self.bar.iter().chain(&self.total)
    }

    fn show(&self, step: &str) {
        self.display.step(&format!("{}: {step}", self.name));
    }
}

impl Progress for Transfer {
    fn add(&self, bytes: u64) {
        self.bars().for_each(|bar| bar.inc(bytes));
    }

    fn take_back(&self, bytes: u64) {
        self.bars().for_each(|bar| bar.dec(bytes));
    }

    fn note(&self, step: Step) {
        match step {
            Step::Resumed { finished_parts, parts } => {
                self.bars().for_each(ProgressBar::reset_eta);
                self.show(&format!("goes on, {finished_parts} of {parts} parts are there"));
            }
            Step::PartFinished { finished_parts, parts } if self.bar.is_none() => {
                self.show(&format!("{finished_parts} of {parts} parts are there"));
            }
            Step::PartFinished { .. } => {}
            Step::Restarted => self.show("begins anew"),
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Total {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
