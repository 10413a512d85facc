//! Checking JSON Lines while they come in: a line at a time, in bounded memory, never a second read (product.md,
//! section 4).
//!
//! A file for `fine-tune` is one JSON object a line; one for `batch` is requests, each with a `custom_id` of its own.
//! Where the purpose is not known yet, both are looked for.

mod line;
mod report;

pub use report::Report;

use crate::blobs::behind::Worker;
use crate::model::purpose::Purpose;
use bytes::Bytes;
use line::Members;
use report::{Fault, Faults};
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::io;

/// The longest line that is checked, in bytes; a longer one is bad.
pub const MAX_LINE_BYTES: usize = 4 << 20;
/// The most requests of a batch (openai-contract.md, section 3).
pub const MAX_BATCH_LINES: u64 = 50_000;
/// What a line may leave allocated for the next, in bytes.
const KEPT_BYTES: usize = 64 << 10;

/// Takes the bytes of a file, however they are cut, and amounts to what is wrong with its lines.
pub struct LineCheck {
    /// What came of the line, behind white space, unless it is passed over.
    line: Vec<u8>,
    line_bytes: usize,
    /// The line is known to be bad, and its end is all that is looked for.
    is_passed_over: bool,
    /// Which line it is, from 1, and where it begins.
    number: u64,
    offset_bytes: u64,
    /// Blank lines that are bad if another line follows.
    blank: Faults,
    faults: Report,
    requests: Requests,
}

/// Which ids the requests before had, as two hashes each, and in which line.
#[derive(Default)]
struct Requests {
    seen: HashMap<(u64, u64), u64>,
    hashers: (RandomState, RandomState),
}

impl LineCheck {
    /// A check of a file of this purpose, or of one whose purpose is not known yet; none when there is nothing to check.
    pub fn of(purpose: Option<Purpose>) -> Option<Self> {
        let faults = Report::begin(purpose)?;
        Some(Self {
            line: Vec::new(),
            line_bytes: 0,
            is_passed_over: false,
            number: 1,
            offset_bytes: 0,
            blank: Faults::default(),
            faults,
            requests: Requests::default(),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.faults.is_full() {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.go_on(rest);
                return;
            };
            let (line, behind) = rest.split_at(end);
            self.end_line(line);
            self.offset_bytes += 1;
            rest = behind.get(1..).unwrap_or_default();
        }
        self.line = Vec::new();
    }

    /// What is wrong with the lines.
    #[must_use]
    pub fn finish(mut self) -> Report {
        if self.line_bytes > 0 && !self.faults.is_full() {
            self.end_line(&[]);
        }
        self.faults
    }

    /// Bytes of a line that does not end with them.
    fn go_on(&mut self, bytes: &[u8]) {
        self.line_bytes += bytes.len();
        if self.is_passed_over {
            return;
        }
        let bytes = if self.line.is_empty() { bytes.trim_ascii_start() } else { bytes };
        match self.fault_so_far(bytes) {
            None => self.line.extend_from_slice(bytes),
            Some(fault) => {
                self.is_passed_over = true;
                self.line = Vec::new();
                self.is_bad(&fault);
            }
        }
    }

    /// The last bytes of a line, without its line break.
    fn end_line(&mut self, last: &[u8]) {
        self.line_bytes += last.len();
        if !self.is_passed_over {
            let last = if self.line.is_empty() { last.trim_ascii_start() } else { last };
            match self.fault_so_far(last) {
                Some(fault) => self.is_bad(&fault),
                None if self.line.is_empty() => self.check(last),
                None => {
                    let mut line = std::mem::take(&mut self.line);
                    line.extend_from_slice(last);
                    self.check(&line);
                    line.clear();
                    line.shrink_to(KEPT_BYTES);
                    self.line = line;
                }
            }
        }
        self.offset_bytes += self.line_bytes as u64;
        self.number += 1;
        self.line_bytes = 0;
        self.is_passed_over = false;
    }

    /// Why the line is bad whatever comes of it behind these bytes.
    fn fault_so_far(&self, bytes: &[u8]) -> Option<Fault> {
        let first = self.line.first().or(bytes.first())?;
        match () {
            () if *first != b'{' => Some(Fault::NoObject),
            () if self.line_bytes > MAX_LINE_BYTES => Some(Fault::TooLong),
            () => None,
        }
    }

    /// A whole line, without the white space that it begins with.
    fn check(&mut self, line: &[u8]) {
        if line.is_empty() {
            self.blank.add(self.number, self.offset_bytes, Fault::Blank);
            return;
        }
        match std::str::from_utf8(line).map_err(|_| Fault::NotUtf8).and_then(Members::of) {
            Err(fault) => self.is_bad(&fault.moved_by(self.line_bytes - line.len())),
            Ok(members) => {
                self.flush_blank();
                if self.faults.wants_requests()
                    && let Some(fault) = self.requests.fault_of(&members, self.number)
                {
                    self.faults.add_to_requests(self.number, self.offset_bytes, fault);
                }
            }
        }
    }

    fn is_bad(&mut self, fault: &Fault) {
        self.flush_blank();
        self.faults.add(self.number, self.offset_bytes, fault);
    }

    /// Blank lines at the end of a file are nobody's concern; these are followed by another line.
    fn flush_blank(&mut self) {
        self.faults.add_all(std::mem::take(&mut self.blank));
    }
}

impl Requests {
    /// Why this line is no request; nothing if it is one.
    fn fault_of(&mut self, members: &Members<'_>, number: u64) -> Option<Fault> {
        if number > MAX_BATCH_LINES {
            return Some(Fault::TooMany);
        }
        match members.request_id() {
            Err(fault) => Some(fault),
            Ok(id) => match self.seen.entry((self.hashers.0.hash_one(id), self.hashers.1.hash_one(id))) {
                Entry::Occupied(first) => Some(Fault::RepeatedId(*first.get())),
                Entry::Vacant(empty) => {
                    empty.insert(number);
                    None
                }
            },
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOTH: [Purpose; 2] = [Purpose::Batch, Purpose::FineTune];

    fn checked(purpose: Option<Purpose>, content: &[u8], sizes: &[usize]) -> Report {
        let mut check = LineCheck::of(purpose).unwrap();
        let (mut rest, mut sizes) = (content, sizes.iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            check.update(now);
            rest = later;
        }
        check.finish()
    }

    fn details(purpose: Purpose, content: &[u8]) -> Option<String> {
        let whole = checked(Some(purpose), content, &[usize::MAX]).details(purpose);
        assert_eq!(checked(None, content, &[1]).details(purpose), whole, "however it is cut, whatever is known");
        whole
    }

    fn request(id: u64) -> String {
        format!(r#"{{"custom_id": "r{id}", "method": "POST", "url": "/v1/chat/completions", "body": {{"n": [{id}]}}}}"#)
    }

    #[test]
    fn good_lines_are_good_however_they_end() {
        for content in ["", "{}", "{}\n", "{}\r\n{\"a\": 1}\r\n", " {} \n\n \n"] {
            assert_eq!(details(Purpose::FineTune, content.as_bytes()), None, "{content:?}");
        }
        let requests: String = (0..100).map(|id| request(id) + "\n").collect();
        assert_eq!(details(Purpose::Batch, requests.as_bytes()), None);
        assert!(LineCheck::of(Some(Purpose::UserData)).is_none());
        assert_eq!(checked(None, b"\x00", &[1]).details(Purpose::UserData), None);
    }

    #[test]
    fn bad_lines_are_named_with_their_place_and_reason() {
        let content = b"{}\n\n[]\n{\"a\"}\n{}\n{\"\xff\"}\n\"a\"";
        let expected = "Lines that are not valid for purpose 'fine-tune': line 2 (byte 3): blank; line 3 (byte 4): not a \
                        JSON object; line 4 (byte 7): not valid JSON (expected `:`, column 5); line 6 (byte 16): not UTF-8; \
                        line 7 (byte 22): not a JSON object.";
        assert_eq!(details(Purpose::FineTune, content).unwrap(), expected);
        let batch = [request(1), request(2), request(1), "{}".into(), request(1)].join("\n");
        let expected = format!(
            "Lines that are not valid for purpose 'batch': line 3 (byte {}): 'custom_id' is that of line 1; line 4 (byte {}): \
             no 'custom_id'; line 5 (byte {}): 'custom_id' is that of line 1.",
            2 * (request(1).len() + 1),
            3 * (request(1).len() + 1),
            3 * (request(1).len() + 1) + 3
        );
        assert_eq!(details(Purpose::Batch, batch.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn twenty_bad_lines_are_named_and_then_it_ends() {
        let twenty = details(Purpose::FineTune, &b"1\n".repeat(20)).unwrap();
        assert!(twenty.ends_with("line 20 (byte 38): not a JSON object."), "{twenty}");
        let more = details(Purpose::FineTune, &b"1\n".repeat(21)).unwrap();
        assert_eq!(more, twenty.trim_end_matches('.').to_owned() + "; and more.");
    }

    #[test]
    fn a_batch_has_at_most_fifty_thousand_requests() {
        let mut content: String = (0..MAX_BATCH_LINES).map(|id| request(id) + "\n").collect();
        assert!(checked(None, content.as_bytes(), &[65_536]).details(Purpose::Batch).is_none());
        content += &format!("{}\n1\n", request(MAX_BATCH_LINES));
        let report = checked(None, content.as_bytes(), &[65_536]);
        let batch = report.details(Purpose::Batch).unwrap();
        assert!(batch.ends_with("more than 50000 requests."), "{batch}");
        assert!(report.details(Purpose::FineTune).unwrap().contains("line 50002"));
    }

    #[test]
    fn a_line_that_never_ends_takes_no_more_memory_than_a_line_may() {
        let mut check = LineCheck::of(None).unwrap();
        check.update(b"{\"a\": \"");
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..200 {
            check.update(&chunk);
            assert!(check.line.capacity() <= 2 * MAX_LINE_BYTES);
        }
        check.update(b"\"}\n{}\n[]\n");
        let expected = "line 1 (byte 0): longer than 4194304 bytes; line 3 (byte 209715213): not a JSON object.";
        assert!(check.finish().details(Purpose::FineTune).unwrap().ends_with(expected));
        let mut check = LineCheck::of(None).unwrap();
        (0..200).for_each(|_| check.update(&chunk));
        assert_eq!(check.line.capacity(), 0, "what begins otherwise than an object is not kept");
    }

    proptest! {
        #[test]
        fn any_cut_finds_the_same(
            lines in prop::collection::vec(prop_oneof!["[{}\\[\\]\":,a0-9 \u{e9}]{0,12}", Just("{}".to_owned()), (0..3_u64).prop_map(request)], 0..30),
            sizes in prop::collection::vec(1..40_usize, 1..8),
        ) {
            let content = lines.join("\n");
            let (whole, cut) = (checked(None, content.as_bytes(), &[usize::MAX]), checked(None, content.as_bytes(), &sizes));
            for purpose in BOTH {
                prop_assert_eq!(whole.details(purpose), cut.details(purpose));
                let known = checked(Some(purpose), content.as_bytes(), &sizes);
                prop_assert_eq!(known.details(purpose), whole.details(purpose));
            }
            let objects = lines.iter().all(|line| line.trim().is_empty() || serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(line).is_ok());
            let blank_inside = lines.iter().rev().skip_while(|line| line.trim().is_empty()).any(|line| line.trim().is_empty());
            prop_assert_eq!(whole.details(Purpose::FineTune).is_none(), objects && !blank_inside);
        }
    }
}
