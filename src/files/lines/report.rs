//! What is wrong with the lines of a file, by the rules of each purpose that it may have.

use super::{MAX_BATCH_LINES, MAX_LINE_BYTES};
use crate::model::purpose::Purpose;
use std::fmt::{self, Write};

/// Bad lines that are named; the check ends with the next.
const MAX_FAULTS: usize = 20;

/// Why a line is bad. It never repeats what the line holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Blank,
    TooLong,
    NotUtf8,
    NoObject,
    /// What JSON wants, and in which column of the line, from 1.
    BadJson(String, usize),
    Missing(&'static str),
    NotAString(&'static str),
    NotAnObject(&'static str),
    /// The first line with this `custom_id`.
    RepeatedId(u64),
    TooMany,
}

impl Fault {
    /// The same in a line of which so many bytes in front were left out.
    pub(super) fn moved_by(self, bytes: usize) -> Self {
        match self {
            Self::BadJson(wanted, column) => Self::BadJson(wanted, column + bytes),
            other => other,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => out.write_str("blank"),
            Self::TooLong => write!(out, "longer than {MAX_LINE_BYTES} bytes"),
            Self::NotUtf8 => out.write_str("not UTF-8"),
            Self::NoObject => out.write_str("not a JSON object"),
            Self::BadJson(wanted, column) => write!(out, "not valid JSON ({wanted}, column {column})"),
            Self::Missing(member) => write!(out, "no '{member}'"),
            Self::NotAString(member) => write!(out, "'{member}' is not a string"),
            Self::NotAnObject(member) => write!(out, "'{member}' is not an object"),
            Self::RepeatedId(first) => write!(out, "'custom_id' is that of line {first}"),
            Self::TooMany => write!(out, "more than {MAX_BATCH_LINES} requests"),
        }
    }
}

/// The first bad lines.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The number of the line from 1, where it begins in bytes, and why it is bad.
    list: Vec<(u64, u64, Fault)>,
    are_more: bool,
    is_closed: bool,
}

impl Faults {
    pub(super) fn add(&mut self, number: u64, offset_bytes: u64, fault: Fault) {
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

/// What was found, by the rules of the purposes that were in question.
#[derive(Debug)]
pub struct Report {
    objects: Option<Faults>,
    requests: Option<Faults>,
}

impl Report {
    /// Nothing was found yet; none when no purpose in question has rules.
    pub(super) fn begin(purpose: Option<Purpose>) -> Option<Self> {
        let of = |rules| purpose.is_none_or(|purpose| purpose == rules).then(Faults::default);
        let report = Self { objects: of(Purpose::FineTune), requests: of(Purpose::Batch) };
        (report.objects.is_some() || report.requests.is_some()).then_some(report)
    }

    /// Whether no further line would change anything.
    pub(super) fn is_full(&self) -> bool {
        [&self.objects, &self.requests].into_iter().flatten().all(|faults| faults.is_closed)
    }

    /// Whether it is still asked if a line is a request.
    pub(super) fn wants_requests(&self) -> bool {
        self.requests.as_ref().is_some_and(|faults| !faults.is_closed)
    }

    /// A line that is bad whatever the file is for.
    pub(super) fn add(&mut self, number: u64, offset_bytes: u64, fault: &Fault) {
        for faults in [&mut self.objects, &mut self.requests].into_iter().flatten() {
            faults.add(number, offset_bytes, fault.clone());
        }
    }

    pub(super) fn add_to_requests(&mut self, number: u64, offset_bytes: u64, fault: Fault) {
        if let Some(faults) = &mut self.requests {
            faults.add(number, offset_bytes, fault);
        }
    }

    pub(super) fn add_all(&mut self, blank: Faults) {
        for (number, offset_bytes, fault) in blank.list {
            self.add(number, offset_bytes, &fault);
        }
    }

    /// What is wrong with a file of this purpose; nothing when it is as it should be.
    #[must_use]
    pub fn details(&self, purpose: Purpose) -> Option<String> {
        match purpose {
            Purpose::Batch => self.requests.as_ref()?.details(purpose),
            Purpose::FineTune => self.objects.as_ref()?.details(purpose),
            _ => None,
        }
    }
}
