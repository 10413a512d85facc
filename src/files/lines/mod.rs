//! Checks JSON Lines during an upload: one pass, in bounded memory, whatever the length of a line.
//!
//! A file for `fine-tune` holds one JSON object per line. A file for `batch` holds requests, each with a `custom_id` of
//! its own, or the lines of a batch's output. Blank lines and a UTF-8 byte order mark are skipped. Until the purpose is
//! known, both rules are applied. An upload holds at most 16 KiB for the nesting, 4 KiB for a `custom_id`, and 13 bytes
//! for each request of a batch.

mod encoding;
mod fault;
mod ids;
mod json;
mod line;
mod members;
mod report;
#[cfg(test)]
mod tests;
mod text;

pub use report::Report;

use crate::blobs::blocking_pipeline::Worker;
use crate::model::purpose::Purpose;
use bytes::Bytes;
use encoding::{Encoding, FirstBytes};
use fault::Fault;
use ids::Ids;
use line::Line;
use members::Entry;
use std::io;

/// A checker of a file's lines. Its report does not depend on how the bytes are cut.
pub struct LineCheck {
    /// The first bytes, until the encoding is known.
    first: Option<FirstBytes>,
    line: Line,
    line_bytes: u64,
    /// The line is known to be invalid; the check continues after its end.
    is_passed_over: bool,
    /// The number of the line from 1, and its offset in bytes.
    number: u64,
    offset_bytes: u64,
    report: Report,
    ids: Ids,
}

impl LineCheck {
    /// Returns the check of a file of this purpose, or of an unknown one; none when no rule applies.
    pub fn of(purpose: Option<Purpose>) -> Option<Self> {
        let report = Report::begin(purpose)?;
        Some(Self {
            first: Some(FirstBytes::default()),
            line: Line::default(),
            line_bytes: 0,
            is_passed_over: false,
            number: 1,
            offset_bytes: 0,
            report,
            ids: Ids::default(),
        })
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if let Some(first) = &mut self.first {
            rest = first.take(bytes);
            if !first.is_full() {
                return;
            }
            self.begin();
        }
        self.take_lines(rest);
    }

    /// Ends the file.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.begin();
        if self.line_bytes > 0 && !self.report.is_full() {
            self.end_line();
        }
        self.report
    }

    /// Determines the encoding, if it is not known yet.
    fn begin(&mut self) {
        let Some(first) = self.first.take() else { return };
        match first.encoding() {
            Encoding::Other(name) => self.report.note_encoding(name),
            Encoding::Utf8(mark_bytes) => {
                self.offset_bytes = mark_bytes as u64;
                self.take_lines(first.bytes().get(mark_bytes..).unwrap_or_default());
            }
        }
    }

    fn take_lines(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.report.is_full() {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.take_piece(rest);
                return;
            };
            let (piece, behind) = rest.split_at(end);
            self.take_piece(piece);
            self.end_line();
            rest = behind.get(1..).unwrap_or_default();
        }
        (self.line, self.ids) = (Line::default(), Ids::default());
    }

    /// Takes bytes of a line, without its line break.
    fn take_piece(&mut self, bytes: &[u8]) {
        self.line_bytes += bytes.len() as u64;
        if self.is_passed_over {
            return;
        }
        if let Err(fault) = self.line.push(bytes) {
            self.is_passed_over = true;
            self.add(&fault);
        }
    }

    fn end_line(&mut self) {
        if !self.is_passed_over {
            match self.line.end() {
                Err(fault) => self.add(&fault),
                Ok(None) => {}
                Ok(Some(members)) => {
                    self.report.note_line();
                    if self.report.wants_requests()
                        && let Err(fault) = members.entry().and_then(|entry| match entry {
                            Entry::Request(id) => self.ids.add(id, self.number),
                            Entry::Outcome => Ok(()),
                        })
                    {
                        self.report.add_to_requests(self.number, self.offset_bytes, fault);
                        if !self.report.wants_requests() {
                            self.ids = Ids::default();
                        }
                    }
                }
            }
        }
        self.offset_bytes += self.line_bytes + 1;
        self.number += 1;
        self.line_bytes = 0;
        self.is_passed_over = false;
        self.line.reset();
    }

    fn add(&mut self, fault: &Fault) {
        self.report.note_line();
        self.report.add(self.number, self.offset_bytes, fault);
    }
}

impl Worker for LineCheck {
    type Error = io::Error;

    fn take(&mut self, batch: &[Bytes]) -> io::Result<()> {
        for chunk in batch {
            self.update(chunk);
        }
        Ok(())
    }
}
