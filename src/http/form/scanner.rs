//! Finds the parts in the bytes of a multipart/form-data body, however the network cut them.
//!
//! A state machine without I/O: the form layer of http feeds it chunks as they arrive and takes events out. It must
//! never copy the content of a part (its events are slices of the fed chunks), never look at a byte twice without
//! bound, and never hold more than one chunk and one header block. It knows nothing of what the fields mean.
//!
//! The delimiter is CRLF, two hyphens and the boundary (RFC 2046 section 5.1.1). Its CR occurs only at its start, so no
//! part of it can begin another: across the edge of two chunks the count of bytes matched so far is all there is to
//! remember, and the bytes themselves, should they turn out to be content, are those of the delimiter. What stands before
//! the first one is collected instead, as headers are: it is short, and may end its last line in more ways.

use bytes::{Buf as _, Bytes};
use memchr::memmem::{self, Finder};

use super::disposition::{self, PartHeaders};
use super::error::MAX_PADDING_BYTES;
pub use super::error::{
    FormError, MAX_BOUNDARY_BYTES, MAX_EPILOGUE_BYTES, MAX_HEADER_BLOCK_BYTES, MAX_PART_HEADERS, MAX_PARTS,
    MAX_PREAMBLE_BYTES,
};

/// The line break in front of a delimiter.
const CRLF: &[u8] = b"\r\n";
/// What ends a header block: the end of its last line, then an empty line.
const BLANK_LINE: &[u8] = b"\r\n\r\n";
/// How much of a chunk is copied at a time while a header block or a preamble is collected. Most end within it, and what
/// follows is content.
const STEP_BYTES: usize = 256;

/// What the scanner found. For each part one `Part`, any number of `Data`, one `PartEnd`; after the last part `End`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Part(PartHeaders),
    /// The next bytes of the part's content, never empty: a slice of the chunk that was fed, or a few bytes that looked
    /// like a delimiter at the end of the chunk before.
    Data(Bytes),
    /// The part's content is complete. Only `End` says that the form is: a client may still vanish in between.
    PartEnd,
    /// The closing boundary was read. What follows must still be fed, for the limit on it to hold.
    End,
}

/// The scan of one body.
pub struct Scanner {
    delimiter: Bytes,
    finder: Finder<'static>,
    /// What was fed and not yet taken.
    chunk: Bytes,
    state: State,
    /// How many bytes of the delimiter stood at the end of the last chunk. Always fewer than all.
    matched: usize,
    /// How many of them are not content even if no delimiter follows: the line break that ends the headers of a part begins
    /// the delimiter of an empty one (RFC 2046 section 5.1.1).
    borrowed: usize,
    /// The preamble being collected with the beginning of the first boundary, or a header block with a CRLF in front of it.
    block: Vec<u8>,
    parts: usize,
}

enum State {
    /// Before the first delimiter.
    Preamble,
    /// In the rest of a delimiter's line.
    Line(Line),
    Headers,
    Content,
    /// After the closing delimiter: how many bytes were skipped.
    Epilogue(usize),
    Failed(FormError),
}

/// What was read since the delimiter.
#[derive(Clone, Copy)]
enum Line {
    /// This many spaces and tabs.
    Padding(usize),
    Hyphen,
    CarriageReturn,
}

/// What one move of the machine came to.
enum Step {
    Emit(Event),
    Again,
    Starved,
}

/// What a search for the delimiter came to.
enum Found {
    /// Bytes in front of it, never empty.
    Text(Bytes),
    Delimiter,
    Nothing,
}

impl Scanner {
    /// A scanner for a body whose Content-Type names this boundary (without the leading hyphens).
    ///
    /// # Errors
    /// The boundary is empty, longer than [`MAX_BOUNDARY_BYTES`], or or not printable ASCII.
    pub fn new(boundary: &str) -> Result<Self, FormError> {
        disposition::check_boundary(boundary)?;
        let delimiter = Bytes::from(format!("\r\n--{boundary}"));
        Ok(Self {
            finder: Finder::new(&delimiter).into_owned(),
            delimiter,
            chunk: Bytes::new(),
            state: State::Preamble,
            matched: 0,
            borrowed: 0,
            block: Vec::new(),
            parts: 0,
        })
    }

    /// Hands over the next bytes of the body: any number, also none.
    ///
    /// Call it only after [`next_event`](Self::next_event) returned `Ok(None)`: it takes the place of the last chunk.
    pub fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "fed before the last chunk was taken");
        self.chunk = chunk;
    }

    /// The next event, or `None` when more input is needed.
    ///
    /// # Errors
    /// The body is not a form of RFC 7578 within the limits of this module. The scan is then over, and every further
    /// call returns the same error.
    pub fn next_event(&mut self) -> Result<Option<Event>, FormError> {
        loop {
            match self.step() {
                Ok(Step::Emit(event)) => return Ok(Some(event)),
                Ok(Step::Again) => {}
                Ok(Step::Starved) => {
                    // Even empty, the rest of a chunk would keep the network's buffer from being used again.
                    self.chunk = Bytes::new();
                    return Ok(None);
                }
                Err(error) => {
                    self.chunk = Bytes::new();
                    self.state = State::Failed(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// Asks whether the body may end here.
    ///
    /// # Errors
    /// [`FormError::Truncated`] unless [`Event::End`] was returned, [`FormError::BoundaryAbsent`] when what came does not begin
    /// with the boundary either; after an error of [`next_event`](Self::next_event), that error.
    pub fn finish(&self) -> Result<(), FormError> {
        match &self.state {
            State::Epilogue(_) => Ok(()),
            State::Failed(error) => Err(error.clone()),
            State::Preamble if !self.delimiter.starts_with(&self.block) && !self.dashed().starts_with(&self.block) => {
                Err(FormError::BoundaryAbsent)
            }
            State::Preamble | State::Line(_) | State::Headers | State::Content => Err(FormError::Truncated),
        }
    }

    fn step(&mut self) -> Result<Step, FormError> {
        match &self.state {
            State::Preamble => self.preamble(),
            State::Line(line) => self.line(*line),
            State::Headers => self.headers(),
            State::Content => Ok(self.content()),
            State::Epilogue(skipped) => self.epilogue(*skipped),
            State::Failed(error) => Err(error.clone()),
        }
    }

    /// The delimiter without its line break.
    fn dashed(&self) -> Bytes {
        self.delimiter.slice(CRLF.len()..)
    }

    /// Looks for the first boundary, also without its line break: passed over within a line, it would make the first part a
    /// part of the preamble.
    fn preamble(&mut self) -> Result<Step, FormError> {
        if self.chunk.is_empty() {
            return Ok(Step::Starved);
        }
        let dashed = self.dashed();
        let room_bytes = MAX_PREAMBLE_BYTES + CRLF.len() + dashed.len() - self.block.len();
        let step_bytes = self.chunk.len().min(STEP_BYTES).min(room_bytes);
        // The boundary may have begun in what was collected before.
        let unsearched = self.block.len().saturating_sub(dashed.len() - 1);
        self.block.extend(self.chunk.iter().take(step_bytes));

        let boundary = memmem::find(self.block.get(unsearched..).unwrap_or_default(), &dashed);
        let Some(start) = boundary.map(|at| unsearched + at) else {
            self.chunk.advance(step_bytes);
            return if step_bytes == room_bytes { Err(FormError::PreambleTooLong) } else { Ok(Step::Again) };
        };
        self.chunk.advance(step_bytes - (self.block.len() - start - dashed.len()));
        check_preamble(self.block.get(..start).unwrap_or_default())?;
        self.state = State::Line(Line::Padding(0));
        Ok(Step::Again)
    }

    fn line(&mut self, line: Line) -> Result<Step, FormError> {
        let Ok(byte) = self.chunk.try_get_u8() else {
            return Ok(Step::Starved);
        };
        let line = match (line, byte) {
            (Line::Padding(0), b'-') => Line::Hyphen,
            (Line::Padding(MAX_PADDING_BYTES), b' ' | b'\t') => return Err(FormError::PaddingTooLong),
            (Line::Padding(bytes), b' ' | b'\t') => Line::Padding(bytes + 1),
            (Line::Padding(_), b'\r') => Line::CarriageReturn,
            (Line::Padding(_), b'\n') => return Err(FormError::BareLineFeed),
            (Line::CarriageReturn, b'\n') => return self.begin_part(),
            (Line::Hyphen, b'-') => {
                self.state = State::Epilogue(0);
                return Ok(Step::Emit(Event::End));
            }
            _ => return Err(FormError::DelimiterMalformed),
        };
        self.state = State::Line(line);
        Ok(Step::Again)
    }

    fn begin_part(&mut self) -> Result<Step, FormError> {
        if self.parts == MAX_PARTS {
            return Err(FormError::TooManyParts);
        }
        self.parts += 1;
        self.block.clear();
        // With this in front, a block without any header ends like every other.
        self.block.extend_from_slice(CRLF);
        self.state = State::Headers;
        Ok(Step::Again)
    }

    fn headers(&mut self) -> Result<Step, FormError> {
        if self.chunk.is_empty() {
            return Ok(Step::Starved);
        }
        let room_bytes = CRLF.len() + MAX_HEADER_BLOCK_BYTES - self.block.len();
        let step_bytes = self.chunk.len().min(STEP_BYTES).min(room_bytes);
        // The blank line may have begun in what was collected before.
        let (new, unsearched) = (self.block.len(), self.block.len().saturating_sub(BLANK_LINE.len() - 1));
        self.block.extend(self.chunk.iter().take(step_bytes));

        let blank_line = memmem::find(self.block.get(unsearched..).unwrap_or_default(), BLANK_LINE);
        let blank_line = blank_line.map(|at| unsearched + at);
        // Without this, headers that end so would be read on to the end of the body.
        if has_bare_line_feed(self.block.get(new - 1..blank_line.unwrap_or(self.block.len())).unwrap_or_default()) {
            return Err(FormError::BareLineFeed);
        }
        let Some(end) = blank_line else {
            self.chunk.advance(step_bytes);
            return if step_bytes == room_bytes { Err(FormError::HeaderBlockTooLong) } else { Ok(Step::Again) };
        };
        let content_bytes = self.block.len() - end - BLANK_LINE.len();
        self.chunk.advance(step_bytes - content_bytes);
        (self.state, self.matched, self.borrowed) = (State::Content, CRLF.len(), CRLF.len());
        let lines = self.block.get(CRLF.len()..end).unwrap_or_default();
        Ok(Step::Emit(Event::Part(disposition::parse_part_headers(lines)?)))
    }

    fn content(&mut self) -> Step {
        match self.search() {
            Found::Text(text) => Step::Emit(Event::Data(text)),
            Found::Delimiter => {
                self.state = State::Line(Line::Padding(0));
                Step::Emit(Event::PartEnd)
            }
            Found::Nothing => Step::Starved,
        }
    }

    fn epilogue(&mut self, skipped: usize) -> Result<Step, FormError> {
        let skipped = skipped + self.chunk.len();
        if skipped > MAX_EPILOGUE_BYTES {
            return Err(FormError::EpilogueTooLong);
        }
        self.state = State::Epilogue(skipped);
        Ok(Step::Starved)
    }

    /// Takes the delimiter if it is next, else the bytes in front of it, as many as are surely not its beginning.
    fn search(&mut self) -> Found {
        let wanted = self.delimiter.get(self.matched..).unwrap_or_default();
        let same = wanted.iter().zip(&self.chunk).take_while(|(wanted, byte)| wanted == byte).count();
        if same == wanted.len() {
            self.chunk.advance(same);
            (self.matched, self.borrowed) = (0, 0);
            return Found::Delimiter;
        }
        if same == self.chunk.len() {
            self.chunk.advance(same);
            self.matched += same;
            return Found::Nothing;
        }
        if self.matched > 0 {
            // Not a delimiter after all. Its own first bytes stand in for those of the chunks that are gone.
            let withheld = self.delimiter.slice(self.borrowed..self.matched + same);
            self.chunk.advance(same);
            (self.matched, self.borrowed) = (0, 0);
            // Without content before it, the next byte may begin a delimiter of its own.
            return if withheld.is_empty() { self.search() } else { Found::Text(withheld) };
        }
        let end = self.finder.find(&self.chunk).unwrap_or_else(|| self.chunk.len() - self.beginning_bytes());
        Found::Text(self.chunk.split_to(end))
    }

    /// How many bytes at the end of the chunk may be the beginning of a delimiter.
    fn beginning_bytes(&self) -> usize {
        let start = self.chunk.len().saturating_sub(self.delimiter.len() - 1);
        let tail = self.chunk.get(start..).unwrap_or_default();
        let last = memchr::memrchr(b'\r', tail).and_then(|at| tail.get(at..)).unwrap_or_default();
        if self.delimiter.starts_with(last) { last.len() } else { 0 }
    }
}

/// Checks what stands before the first boundary: nothing, or lines. The last one may end with LF alone, as some clients end it,
/// since nothing is cut there from anything.
fn check_preamble(preamble: &[u8]) -> Result<(), FormError> {
    let lines = match preamble {
        [] => preamble,
        [lines @ .., b'\r', b'\n'] | [lines @ .., b'\n'] => lines,
        _ => return Err(FormError::BoundaryWithinLine),
    };
    if lines.len() > MAX_PREAMBLE_BYTES { Err(FormError::PreambleTooLong) } else { Ok(()) }
}

/// Whether there is a LF that is not behind a CR; the first byte is not looked at.
fn has_bare_line_feed(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes).any(|at| at > 0 && bytes.get(at - 1) != Some(&b'\r'))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    const BOUNDARY: &str = "bound-1";

    /// What the scan of a body came to: its events, the content of each part in one piece, and how it ended.
    #[derive(Debug, Clone, PartialEq)]
    struct Scan {
        events: Vec<Event>,
        ended: Result<(), FormError>,
    }

    impl Scan {
        fn parts(self) -> Vec<(String, Option<String>, Vec<u8>)> {
            assert_eq!(self.ended, Ok(()));
            assert_eq!(self.events.last(), Some(&Event::End));
            let mut parts = Vec::new();
            for event in self.events {
                match event {
                    Event::Part(headers) => parts.push((headers.name, headers.filename, Vec::new())),
                    Event::Data(data) => parts.last_mut().unwrap().2.extend_from_slice(&data),
                    Event::PartEnd | Event::End => {}
                }
            }
            parts
        }
    }

    /// Scans a body in chunks of these sizes, used in turn.
    fn scan_cut(boundary: &str, body: &[u8], sizes: &[usize]) -> Scan {
        let mut scanner = Scanner::new(boundary).unwrap();
        let mut events = Vec::new();
        let mut rest = Bytes::copy_from_slice(body);
        for size in sizes.iter().cycle() {
            loop {
                match scanner.next_event() {
                    Ok(Some(event)) => record(&mut events, event),
                    Ok(None) => break,
                    Err(error) => {
                        assert_eq!(scanner.next_event(), Err(error.clone()));
                        assert_eq!(scanner.finish(), Err(error.clone()));
                        return Scan { events, ended: Err(error) };
                    }
                }
            }
            if rest.is_empty() {
                break;
            }
            scanner.feed(rest.split_to(rest.len().min(*size)));
        }
        Scan { events, ended: scanner.finish() }
    }

    fn record(events: &mut Vec<Event>, event: Event) {
        match (events.last_mut(), event) {
            (_, Event::Data(data)) if data.is_empty() => panic!("an empty Data"),
            (Some(Event::Data(before)), Event::Data(data)) => *before = [&before[..], &data].concat().into(),
            (_, event) => events.push(event),
        }
    }

    fn scan(body: &[u8]) -> Scan {
        scan_cut(BOUNDARY, body, &[usize::MAX])
    }

    fn ended(body: &str) -> Result<(), FormError> {
        let whole = scan(body.as_bytes());
        assert_eq!(scan_cut(BOUNDARY, body.as_bytes(), &[1]), whole);
        whole.ended
    }

    fn refused(body: &str) -> FormError {
        ended(body).unwrap_err()
    }

    fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, content) in parts {
            let headers = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(headers.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    fn field(name: &str, value: &str) -> (String, Option<String>, Vec<u8>) {
        (name.to_owned(), None, value.as_bytes().to_vec())
    }

    fn file(filename: &str, content: &str) -> (String, Option<String>, Vec<u8>) {
        ("file".to_owned(), Some(filename.to_owned()), content.as_bytes().to_vec())
    }

    /// Contract 8.1: the bodies as the clients send them, whole and byte by byte.
    #[test]
    fn the_forms_of_the_clients_are_read() {
        let python = "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
            --B\r\nContent-Disposition: form-data; name=\"expires_after[anchor]\"\r\n\r\ncreated_at\r\n\
            --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22\u{e9}.jsonl\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n{}\n\r\n--B--\r\n";
        let node = "--openai-7f\r\nContent-Disposition: form-data; name=\"file\"; filename=\"unknown_file\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n{}\r\n\
            --openai-7f\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--openai-7f--\r\n\r\n";
        let go = "--0af1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\\\"\\\\%0D.txt\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n{}\r\n\
            --0af1\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--0af1--\r\n";
        let dotnet = "--a_b=c\r\nContent-Disposition: form-data; name=file; filename=\"=?utf-8?B?5L2gLnR4dA==?=\"; \
            filename*=utf-8''%E4%BD%A0.txt\r\n\r\n{}\r\n\
            --a_b=c\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=purpose\r\n\r\n\
            batch\r\n--a_b=c--\r\n";
        let ruby = "-----------RubyMultipartPost-9\r\nContent-Disposition: form-data; name=\"file\"; filename=\"s.jsonl\"\r\n\
            Content-Length: 2\r\nContent-Type: \r\nContent-Transfer-Encoding: binary\r\n\r\n{}\r\n\
            -----------RubyMultipartPost-9\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
            -----------RubyMultipartPost-9--\r\n";
        let curl = "--------------------------d74496d66958873e\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\
            batch\r\n--------------------------d74496d66958873e\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n{}\r\n--------------------------d74496d66958873e--\r\n";
        let anchor = field("expires_after[anchor]", "created_at");
        let batch = field("purpose", "batch");
        for (content_type, body, parts) in [
            ("boundary=B", python, vec![batch.clone(), anchor, file("a\"\u{e9}.jsonl", "{}\n")]),
            ("boundary=openai-7f", node, vec![file("unknown_file", "{}"), field("purpose", "user_data")]),
            ("boundary=0af1", go, vec![file("a\"\\\r.txt", "{}"), batch.clone()]),
            ("boundary=\"a_b=c\"", dotnet, vec![file("\u{4f60}.txt", "{}"), batch.clone()]),
            ("boundary=---------RubyMultipartPost-9", ruby, vec![file("s.jsonl", "{}"), batch.clone()]),
            ("boundary=------------------------d74496d66958873e", curl, vec![batch, file("a.jsonl", "{}")]),
        ] {
            let boundary = disposition::boundary(&format!("multipart/form-data; {content_type}")).unwrap();
            for sizes in [usize::MAX, 1] {
                assert_eq!(scan_cut(&boundary, body.as_bytes(), &[sizes]).parts(), parts, "{content_type}");
            }
        }
    }

    #[test]
    fn parts_may_be_none_or_empty_and_a_preamble_and_padding_are_skipped() {
        assert_eq!(scan(b"--bound-1--").parts(), vec![]);
        assert_eq!(scan(&form(&[("a", b""), ("b", b"")])).parts(), vec![field("a", ""), field("b", "")]);
        let dressed = "hello\r\n--bound-1 \t\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--bound-1-- \r\nbye";
        assert_eq!(scan(dressed.as_bytes()).parts(), vec![field("a", "x")]);
        assert_eq!(scan(b"\r\n\r\n--bound-1--\r\n").parts(), vec![]);
    }

    #[test]
    fn a_body_with_another_boundary_is_told_so() {
        for other in
            ["--bound-2\r\n", "--'bound-1'\r\nContent-Disposition: form-data; name=a\r\n\r\n", "junk\r\n", "{}"]
        {
            assert_eq!(refused(other), FormError::BoundaryAbsent, "{other:?}");
        }
        for begun in ["", "\r", "\r\n--", "--bound", "-"] {
            assert_eq!(refused(begun), FormError::Truncated, "{begun:?}");
        }
    }

    /// Whatever stands before the first boundary, the first part is never taken for a piece of it.
    #[test]
    fn the_first_boundary_begins_a_line_however_that_begins() {
        let form = form(&[("a", b"1"), ("b", b"2")]);
        for (before, expected) in [
            ("", Ok(())),
            ("\n", Ok(())),
            ("junk\n", Ok(())),
            ("junk\nmore\r\n", Ok(())),
            ("--bound-2\r\n", Ok(())),
            ("junk", Err(FormError::BoundaryWithinLine)),
            ("junk\r", Err(FormError::BoundaryWithinLine)),
            ("-", Err(FormError::BoundaryWithinLine)),
            ("\r\n ", Err(FormError::BoundaryWithinLine)),
            ("--bound-1 \r\n", Err(FormError::HeaderMalformed)),
        ] {
            let body = [before.as_bytes(), &form].concat();
            for sizes in [usize::MAX, 1, 3] {
                let scan = scan_cut(BOUNDARY, &body, &[sizes]);
                assert_eq!(scan.ended, expected, "{before:?} {sizes}");
                if expected.is_ok() {
                    assert_eq!(scan.parts(), vec![field("a", "1"), field("b", "2")], "{before:?} {sizes}");
                }
            }
        }
    }

    #[test]
    fn any_printable_boundary_is_found_however_it_is_cut() {
        let long = "*-".repeat(MAX_BOUNDARY_BYTES / 2);
        for boundary in ["*****", "--", "-", " a", "a\"b\\;=%", &long] {
            let body = format!(
                "--{boundary} \r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--{}\r\n--{boundary}--",
                boundary.get(1..).unwrap_or_default(),
            );
            let content = format!("\r\n--{}", boundary.get(1..).unwrap_or_default());
            for sizes in [usize::MAX, 1, 5] {
                let parts = scan_cut(boundary, body.as_bytes(), &[sizes]).parts();
                assert_eq!(parts, vec![field("a", &content)], "{boundary} {sizes}");
            }
        }
    }

    #[test]
    fn folded_headers_are_read_however_they_are_cut() {
        let body = "--bound-1\r\nContent-Disposition: form-data;\r\n name=\"file\";\r\n\tfilename=\"a\r\n b.txt\"\r\n\r\nx\r\n--bound-1--";
        for sizes in [usize::MAX, 1, 2, 7] {
            assert_eq!(scan_cut(BOUNDARY, body.as_bytes(), &[sizes]).parts(), vec![file("a b.txt", "x")], "{sizes}");
        }
    }

    /// RFC 2046 section 5.1.1: the line break before a delimiter belongs to it, also the one that ends the headers.
    #[test]
    fn a_part_without_content_may_end_with_its_headers() {
        let empty = "Content-Disposition: form-data; name=a\r\n\r\n--bound-1";
        let last = format!("--bound-1\r\n{empty}\r\n{empty}--\r\n");
        for size in [usize::MAX, 1, 2, 7] {
            let scan = scan_cut(BOUNDARY, last.as_bytes(), &[size]);
            assert_eq!(scan.parts(), vec![field("a", ""), field("a", "")], "{size}");
        }
        for content in ["--bound-", "--", "-", "\r\n--bound-", "--bound\r\n"] {
            let body = form(&[("a", content.as_bytes())]);
            for size in [usize::MAX, 1, 3] {
                assert_eq!(scan_cut(BOUNDARY, &body, &[size]).parts(), vec![field("a", content)], "{content:?} {size}");
            }
        }
    }

    #[test]
    fn what_is_not_a_form_is_refused() {
        let a = "--bound-1\r\nContent-Disposition: form-data; name=a\r\n\r\n";
        assert_eq!(refused("--bound-1x"), FormError::DelimiterMalformed);
        assert_eq!(refused("--bound-1\n"), FormError::BareLineFeed);
        assert_eq!(refused(&format!("{a}x\r\n--bound-1 \n")), FormError::BareLineFeed);
        for headers in ["a: b\nContent-Disposition: form-data; name=a\r\n\r\n", "a: b\n\nx\r\n--bound-1--", "\n"] {
            assert_eq!(refused(&format!("--bound-1\r\n{headers}")), FormError::BareLineFeed, "{headers:?}");
        }
        assert_eq!(refused("--bound-1\rx"), FormError::DelimiterMalformed);
        assert_eq!(refused("--bound-1 --"), FormError::DelimiterMalformed);
        assert_eq!(refused("--bound-1-\r\n"), FormError::DelimiterMalformed);
        assert_eq!(refused(&format!("{a}x\r\n--bound-12\r\n")), FormError::DelimiterMalformed);
        assert_eq!(refused("--bound-1\r\n\r\n"), FormError::NameMissing);
        assert_eq!(refused("--bound-1\r\nContent-Type: a/b\r\n\r\n"), FormError::NameMissing);
        assert_eq!(refused("--bound-1\r\na: b\r\r\n\r\n"), FormError::HeaderMalformed);
        assert_eq!(refused(&format!("{a}x--bound-1--")), FormError::Truncated);
        assert_eq!(refused(&format!("{a}x\n--bound-1--\n")), FormError::Truncated);
        assert_eq!(Scanner::new("").err(), Some(FormError::BoundaryMissing));
        assert_eq!(Scanner::new("a\r").err(), Some(FormError::BoundaryIllegal));
        assert_eq!(Scanner::new(&"b".repeat(MAX_BOUNDARY_BYTES + 1)).err(), Some(FormError::BoundaryTooLong));
    }

    #[test]
    fn a_body_that_ends_early_is_truncated_wherever_it_ends() {
        let body = form(&[("a", b"1\r\n--boun"), ("b", b"\r\n")]);
        let closed = body.len() - "\r\n".len();
        for end in 0..body.len() {
            let expected = if end < closed { Err(FormError::Truncated) } else { Ok(()) };
            assert_eq!(scan(&body[..end]).ended, expected, "{end}");
            assert_eq!(scan_cut(BOUNDARY, &body[..end], &[1]).ended, expected, "{end}");
        }
    }

    #[test]
    fn every_cut_of_a_small_body_gives_the_same_form() {
        let tricky: &[u8] = b"\r\n--bound-\r\r\n--bound-2\r\n--boun\r\n\r\n--\r";
        let body = [b"pre\r\n".as_slice(), &form(&[("a", tricky), ("b", b""), ("c", b"\r\n--bound-")])].concat();
        let whole = scan(&body);
        assert_eq!(whole.clone().parts()[0].2, tricky);
        for first in 0..=body.len() {
            for second in 0..=body.len() - first {
                assert_eq!(scan_cut(BOUNDARY, &body, &[first, second, usize::MAX]), whole, "{first} {second}");
            }
        }
    }

    /// Contract 8.2: a boundary on the edge of a large chunk.
    #[test]
    fn a_boundary_may_stand_anywhere_around_the_edge_of_a_chunk() {
        const CHUNK_BYTES: usize = 16 * 1024;
        for content_bytes in CHUNK_BYTES - 100..CHUNK_BYTES + 4 {
            let content = vec![b'\n'; content_bytes];
            let parts = scan_cut(BOUNDARY, &form(&[("file", &content), ("purpose", b"batch")]), &[CHUNK_BYTES]).parts();
            assert!(parts[0].2 == content);
            assert_eq!(parts[1], field("purpose", "batch"));
        }
    }

    #[test]
    fn each_limit_holds_at_the_limit_and_not_beyond() {
        let closing = "--bound-1--";
        let preamble = |bytes: usize| ended(&format!("{}\r\n{closing}", "p".repeat(bytes)));
        assert_eq!(preamble(MAX_PREAMBLE_BYTES), Ok(()));
        assert_eq!(preamble(MAX_PREAMBLE_BYTES + 1), Err(FormError::PreambleTooLong));
        let line_feed = |bytes: usize| ended(&format!("{}\n{closing}", "p".repeat(bytes)));
        assert_eq!(line_feed(MAX_PREAMBLE_BYTES), Ok(()));
        assert_eq!(line_feed(MAX_PREAMBLE_BYTES + 1), Err(FormError::PreambleTooLong));
        let epilogue = |bytes: usize| ended(&format!("{closing}{}", "e".repeat(bytes)));
        assert_eq!(epilogue(MAX_EPILOGUE_BYTES), Ok(()));
        assert_eq!(epilogue(MAX_EPILOGUE_BYTES + 1), Err(FormError::EpilogueTooLong));
        let parts = |count: usize| scan(&form(&vec![("a", b"".as_slice()); count])).ended;
        assert_eq!(parts(MAX_PARTS), Ok(()));
        assert_eq!(parts(MAX_PARTS + 1), Err(FormError::TooManyParts));
        let disposition = "Content-Disposition: form-data; name=a\r\n";
        let padding =
            |bytes: usize| ended(&format!("--bound-1{}\r\n{disposition}\r\n\r\n{closing}", " ".repeat(bytes)));
        assert_eq!(padding(MAX_PADDING_BYTES), Ok(()));
        assert_eq!(padding(MAX_PADDING_BYTES + 1), Err(FormError::PaddingTooLong));
        let headers = |others: usize| {
            let others = "x: y\r\n".repeat(others);
            ended(&format!("--bound-1\r\n{disposition}{others}\r\n\r\n{closing}"))
        };
        assert_eq!(headers(MAX_PART_HEADERS - 1), Ok(()));
        assert_eq!(headers(MAX_PART_HEADERS), Err(FormError::TooManyHeaders));
        let block = |bytes: usize| {
            let filler = "x".repeat(bytes - disposition.len() - "x:\r\n\r\n".len());
            ended(&format!("--bound-1\r\n{disposition}x:{filler}\r\n\r\n\r\n{closing}"))
        };
        assert_eq!(block(MAX_HEADER_BLOCK_BYTES), Ok(()));
        assert_eq!(block(MAX_HEADER_BLOCK_BYTES + 1), Err(FormError::HeaderBlockTooLong));
        let boundary = "b".repeat(MAX_BOUNDARY_BYTES);
        assert_eq!(scan_cut(&boundary, format!("--{boundary}--").as_bytes(), &[1]).ended, Ok(()));
    }

    #[test]
    fn an_endless_preamble_is_refused_at_the_limit_and_held_in_little_memory() {
        for chunk_bytes in [1, 1000, 64 << 20] {
            let mut scanner = Scanner::new(BOUNDARY).unwrap();
            let chunk = Bytes::from(vec![b'-'; chunk_bytes]);
            let mut fed = 0;
            while scanner.next_event() == Ok(None) {
                scanner.feed(chunk.clone());
                fed += chunk_bytes;
            }
            assert_eq!(scanner.finish(), Err(FormError::PreambleTooLong));
            assert!(fed < MAX_PREAMBLE_BYTES + 64 + chunk_bytes, "{fed}");
            assert!(scanner.block.capacity() <= 2 * (MAX_PREAMBLE_BYTES + 64));
            assert!(chunk.is_unique());
        }
    }

    #[test]
    fn an_endless_header_is_refused_at_the_limit_and_held_in_little_memory() {
        for chunk_bytes in [1, 1000, 64 << 20] {
            let mut scanner = Scanner::new(BOUNDARY).unwrap();
            let chunk = Bytes::from(vec![b'x'; chunk_bytes]);
            scanner.feed(Bytes::from_static(b"--bound-1\r\n"));
            let mut fed = 0;
            while scanner.next_event() == Ok(None) {
                scanner.feed(chunk.clone());
                fed += chunk_bytes;
            }
            assert_eq!(scanner.finish(), Err(FormError::HeaderBlockTooLong));
            assert!(fed < MAX_HEADER_BLOCK_BYTES + chunk_bytes, "{fed}");
            assert!(scanner.block.capacity() <= 2 * MAX_HEADER_BLOCK_BYTES);
            assert!(chunk.is_unique());
        }
    }

    #[test]
    fn content_is_not_copied_and_a_taken_chunk_is_not_held() {
        let mut scanner = Scanner::new(BOUNDARY).unwrap();
        let chunk = Bytes::from(form(&[("a", &[b'x'; 5000])]));
        scanner.feed(chunk.clone());
        let mut data_bytes = 0;
        while let Some(event) = scanner.next_event().unwrap() {
            if let Event::Data(data) = event {
                assert!(chunk.as_ptr_range().contains(&data.as_ptr()));
                data_bytes += data.len();
            }
        }
        assert_eq!(data_bytes, 5000);
        assert!(chunk.is_unique());
        for taken in ["--bound-1\r\nContent-Disp", "osition: form-data; name=a\r\n\r\nx\r\n--bou", "nd-1-", "-", "\r\n"]
        {
            let mut scanner = Scanner::new(BOUNDARY).unwrap();
            let chunk = Bytes::copy_from_slice(taken.as_bytes());
            scanner.feed(chunk.clone());
            assert_eq!(scanner.next_event(), Ok(None));
            assert!(chunk.is_unique(), "{taken:?}");
        }
    }

    /// With quadratic work none of these would end: the content is 1 MiB, and some chunks are one byte.
    #[test]
    fn hostile_content_costs_no_more_than_its_length() {
        for pattern in ["\r\n--bound-", "\r", "\r\n", "\r\n-", "-", "\r\n--bound-\r"] {
            let content = pattern.repeat((1 << 20) / pattern.len());
            let body = form(&[("file", content.as_bytes())]);
            for chunk_bytes in [1, 7, 64 << 10] {
                let mut scanner = Scanner::new(BOUNDARY).unwrap();
                let mut content_bytes = 0;
                for chunk in body.chunks(chunk_bytes) {
                    scanner.feed(Bytes::copy_from_slice(chunk));
                    while let Some(event) = scanner.next_event().unwrap() {
                        content_bytes += if let Event::Data(data) = event { data.len() } else { 0 };
                    }
                }
                assert_eq!((scanner.finish(), content_bytes), (Ok(()), content.len()));
            }
        }
    }

    /// What multra makes of a form: name, filename and content of each part.
    fn multra_parts(body: &[u8], chunk_bytes: usize) -> Vec<(String, Option<String>, Vec<u8>)> {
        let chunks: Vec<Result<Bytes, Infallible>> =
            body.chunks(chunk_bytes).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let mut read = pin!(async {
            let mut multipart = multra::Multipart::new(stream::iter(chunks), BOUNDARY);
            let mut parts = Vec::new();
            while let Some(field) = multipart.next_field().await.unwrap() {
                let (name, filename) = (field.name().unwrap().to_owned(), field.file_name().map(str::to_owned));
                parts.push((name, filename, field.bytes().await.unwrap().to_vec()));
            }
            parts
        });
        loop {
            if let Poll::Ready(parts) = read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return parts;
            }
        }
    }

    /// Content made of what a scanner may take for a delimiter, and never of a whole one.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        let fragments =
            ["\r", "\n", "\r\n", "\r\n-", "\r\n--", "\r\n--bound", "\r\n--bound-", "bound-1", "--", "x", "\r\n\r\n"];
        prop::collection::vec(prop::sample::select(fragments.to_vec()), 0..40).prop_map(|fragments| {
            // The line break that ends the headers counts as one before the content.
            let lines = format!("\r\n{}", fragments.concat()).replace("\r\n--bound-1", "\r\n--bound-2");
            lines.into_bytes().split_off(CRLF.len())
        })
    }

    fn chunk_sizes() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(prop_oneof![Just(1), 1_usize..12, 1_usize..200], 1..20)
    }

    proptest! {
        #[test]
        fn any_form_comes_back_however_it_is_cut(
            parts in prop::collection::vec(("[a-z\\[\\]_]{1,9}", content()), 0..=MAX_PARTS),
            sizes in chunk_sizes(),
        ) {
            let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
            let expected: Vec<_> = parts.iter().map(|(name, content)| ((*name).to_owned(), None, content.to_vec())).collect();
            let body = form(&parts);
            let whole = scan(&body);
            prop_assert_eq!(&scan_cut(BOUNDARY, &body, &sizes), &whole);
            prop_assert_eq!(whole.parts(), expected);
        }

        #[test]
        fn any_bytes_come_to_the_same_however_they_are_cut(
            fragments in prop::collection::vec(prop::sample::select(vec![
                "--bound-1", "\r\n--bound-1", "\r\n--bound-1\r\n", "--", "\r\n", "\r", "\r\n\r\n", " ", "-", "x", "\r\n--bound-",
                "Content-Disposition: form-data; name=a", "Content-Disposition: form-data; name=a\r\n\r\n", "a: b", "\r\n--bound-1--",
            ]), 0..40),
            begun in any::<bool>(),
            sizes in chunk_sizes(),
        ) {
            let begin = if begun { "--bound-1\r\nContent-Disposition: form-data; name=a\r\n\r\n" } else { "" };
            let body = [begin, &fragments.concat()].concat();
            prop_assert_eq!(scan_cut(BOUNDARY, body.as_bytes(), &sizes), scan(body.as_bytes()));
        }

        #[test]
        fn a_valid_form_reads_as_multra_reads_it(
            parts in prop::collection::vec(("[a-z]{1,9}", prop::option::of("[^\\x00-\\x1f\"\\\\%=\\x7f]{0,9}"), content()), 1..6),
            chunk_bytes in 1_usize..200,
        ) {
            let mut body = Vec::new();
            for (name, filename, content) in &parts {
                let filename = filename.as_ref().map(|filename| format!("; filename=\"{filename}\"")).unwrap_or_default();
                let headers = format!("--bound-1\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n");
                body.extend([headers.as_bytes(), content, b"\r\n"].concat());
            }
            body.extend(b"--bound-1--\r\n");
            let ours = scan_cut(BOUNDARY, &body, &[chunk_bytes]).parts();
            prop_assert_eq!(&ours, &multra_parts(&body, chunk_bytes));
            prop_assert_eq!(ours, parts);
        }
    }
}
