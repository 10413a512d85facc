//! The faults of a file's lines, by the rules of each possible purpose.

use super::fault::Fault;
use crate::model::purpose::Purpose;
use std::fmt::Write;

/// The maximum of reported lines; the check ends with the next.
const MAX_FAULTS: usize = 20;

/// The first bad lines.
#[derive(Debug, Default)]
struct Faults {
    /// The number of each line from 1, its offset in bytes, and its fault.
    list: Vec<(u64, u64, Fault)>,
    are_more: bool,
    is_closed: bool,
}

impl Faults {
    fn add(&mut self, number: u64, offset_bytes: u64, fault: Fault) {
        if self.is_closed {
            return;
        }
        self.is_closed = fault == Fault::TooMany;
        if self.list.len() < MAX_FAULTS {
            self.list.push((number, offset_bytes, fault));
        } else {
            (self.are_more, self.is_closed) = (true, true);
        }
    }

    fn details(&self, purpose: Purpose) -> Option<String> {
        if self.list.is_empty() {
            return None;
        }
        let mut text = format!("Lines that are not valid for purpose '{purpose}': ");
        for (place, (number, offset_bytes, fault)) in self.list.iter().enumerate() {
            let before = if place == 0 { "" } else { "; " };
            write!(text, "{before}line {number} (byte {offset_bytes}): {fault}").ok()?;
        }
        text.push_str(if self.are_more { "; and more." } else { "." });
        Some(text)
    }
}

/// The faults, by the rules of the possible purposes.
#[derive(Debug)]
pub struct Report {
    objects: Option<Faults>,
    requests: Option<Faults>,
    /// An encoding that cannot be checked. No line was read.
    encoding: Option<&'static str>,
    /// A line that is not blank was found.
    has_lines: bool,
}

impl Report {
    /// Returns a report without faults, or none when no purpose in question has rules.
    pub(super) fn begin(purpose: Option<Purpose>) -> Option<Self> {
        let of = |rules| purpose.is_none_or(|purpose| purpose == rules).then(Faults::default);
        let (objects, requests) = (of(Purpose::FineTune), of(Purpose::Batch));
        let has_rules = objects.is_some() || requests.is_some();
        has_rules.then_some(Self { objects, requests, encoding: None, has_lines: false })
    }

    /// Returns whether further lines would change nothing.
    pub(super) fn is_full(&self) -> bool {
        let mut rules = [&self.objects, &self.requests].into_iter().flatten();
        self.encoding.is_some() || rules.all(|faults| faults.is_closed)
    }

    /// Returns whether the rules for requests still apply.
    pub(super) fn wants_requests(&self) -> bool {
        self.requests.as_ref().is_some_and(|faults| !faults.is_closed)
    }

    /// Records a line that is not blank.
    pub(super) fn note_line(&mut self) {
        self.has_lines = true;
    }

    /// Records an encoding that cannot be checked.
    pub(super) fn note_encoding(&mut self, encoding: &'static str) {
        self.encoding = Some(encoding);
    }

    /// Adds a line that is invalid for every purpose.
    pub(super) fn add(&mut self, number: u64, offset_bytes: u64, fault: &Fault) {
        for faults in [&mut self.objects, &mut self.requests].into_iter().flatten() {
            faults.add(number, offset_bytes, fault.clone());
        }
    }

    /// Adds a line that is invalid by the rules for requests.
    pub(super) fn add_to_requests(&mut self, number: u64, offset_bytes: u64, fault: Fault) {
        if let Some(faults) = &mut self.requests {
            faults.add(number, offset_bytes, fault);
        }
    }

    /// Describes the faults of a file of this purpose; none when it is valid.
    #[must_use]
    pub fn details(&self, purpose: Purpose) -> Option<String> {
        let (faults, unit) = match purpose {
            Purpose::Batch => (self.requests.as_ref()?, "request"),
            Purpose::FineTune => (self.objects.as_ref()?, "example"),
            _ => return None,
        };
        if let Some(encoding) = self.encoding {
            return Some(format!("The file is {encoding}; files of purpose '{purpose}' are JSON Lines in UTF-8."));
        }
        if !self.has_lines {
            return Some(format!("The file is empty; purpose '{purpose}' needs at least one line with one {unit}."));
        }
        faults.details(purpose)
    }
}
