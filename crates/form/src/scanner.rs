//! The state machine that finds the parts of a body, however the network cut it into chunks.
//!
//! The caller feeds chunks and takes events. The scanner never copies the content of a part (its events are slices of
//! the chunks), never looks at a byte more than a bounded number of times, and never holds more than one chunk and one
//! header block.
//!
//! The delimiter is CRLF, two hyphens and the boundary (RFC 2046 section 5.1.1). Its CR occurs only at its start, so no
//! part of it can begin another. Between two chunks the scanner therefore remembers only the number of matched bytes.
//! If these bytes are content after all, they equal the first bytes of the delimiter, and a slice of it is returned.
//! The preamble is collected in a buffer instead, as headers are: it is short, and its last line may end in more ways.
//!
//! `docs/decisions/0001-multipart-scanner.md` says why it is not a library's.

use bytes::{Buf as _, Bytes};
use memchr::memmem::{self, Finder};

use crate::FormError;
use crate::disposition::{self, PartHeaders};
use crate::limits::{MAX_EPILOGUE_BYTES, MAX_HEADER_BLOCK_BYTES, MAX_PADDING_BYTES, MAX_PARTS, MAX_PREAMBLE_BYTES};

/// The line break in front of a delimiter.
const CRLF: &[u8] = b"\r\n";
/// The end of a header block: the end of its last line, then an empty line.
const BLANK_LINE: &[u8] = b"\r\n\r\n";
/// The bytes of a chunk that are copied at a time while a header block or a preamble is collected. Most header blocks
/// are shorter, and the bytes behind them are content.
const STEP_BYTES: usize = 256;

/// One finding of the scanner: for each part one `Part`, any number of `Data` and one `PartEnd`; after the last part
/// `End`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Part(PartHeaders),
    /// The next bytes of the part's content, never empty: a slice of the last chunk, or a few bytes that looked like a
    /// delimiter at the end of the chunk before.
    Data(Bytes),
    /// The part's content is complete. The form is complete only after `End`: the client may still disconnect.
    PartEnd,
    /// The closing boundary was read. Feed the bytes behind it too, so that their limit is enforced.
    End,
}

/// The scan of one body.
pub struct Scanner {
    delimiter: Bytes,
    finder: Finder<'static>,
    /// The bytes that were fed and not yet taken.
    chunk: Bytes,
    state: State,
    /// The number of bytes of the delimiter at the end of the last chunk, less than its length.
    matched: usize,
    /// The number of these bytes that are not content even if no delimiter follows: the line break that ends the
    /// headers of an empty part also begins the next delimiter (RFC 2046 section 5.1.1).
    borrowed: usize,
    /// The collected preamble with the beginning of the first boundary, or the collected header block behind a CRLF.
    block: Vec<u8>,
    parts: usize,
    /// Reads the headers of a part.
    read_headers: fn(&[u8]) -> Result<PartHeaders, FormError>,
}

enum State {
    /// Before the first delimiter.
    Preamble,
    /// Behind a delimiter, on its line.
    Line(Line),
    Headers,
    Content,
    /// After the closing delimiter, with the number of skipped bytes.
    Epilogue(usize),
    Failed(FormError),
}

/// The bytes read since the delimiter.
#[derive(Clone, Copy)]
enum Line {
    /// A number of spaces and tabs.
    Padding(usize),
    Hyphen,
    CarriageReturn,
}

/// The outcome of one step of the state machine.
enum Step {
    Emit(Event),
    Again,
    NeedsInput,
}

/// The outcome of a search for the delimiter.
enum Found {
    /// Bytes in front of it, never empty.
    Content(Bytes),
    Delimiter,
    Nothing,
}

impl Scanner {
    /// Creates the scanner of a body whose Content-Type names this boundary, without the leading hyphens.
    ///
    /// # Errors
    /// The boundary is empty, longer than [`MAX_BOUNDARY_BYTES`](crate::limits::MAX_BOUNDARY_BYTES), or not printable
    /// ASCII.
    pub fn new(boundary: &str) -> Result<Self, FormError> {
        Self::with(boundary, disposition::parse_part_headers)
    }

    /// Creates the scanner of a body of `multipart/related` (RFC 2387), whose parts have no names.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_related(boundary: &str) -> Result<Self, FormError> {
        Self::with(boundary, disposition::parse_related_headers)
    }

    fn with(boundary: &str, read_headers: fn(&[u8]) -> Result<PartHeaders, FormError>) -> Result<Self, FormError> {
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
            read_headers,
        })
    }

    /// Takes the next chunk of the body, of any length.
    ///
    /// Call it only after [`next_event`](Self::next_event) returned `Ok(None)`: it replaces the last chunk.
    pub fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "fed before the last chunk was taken");
        self.chunk = chunk;
    }

    /// Returns the next event, or `None` if it needs the next chunk.
    ///
    /// # Errors
    /// The body is not a form of RFC 7578 within the [limits](crate::limits). The scan is over, and every further call
    /// returns the same error.
    pub fn next_event(&mut self) -> Result<Option<Event>, FormError> {
        loop {
            match self.step() {
                Ok(Step::Emit(event)) => return Ok(Some(event)),
                Ok(Step::Again) => {}
                Ok(Step::NeedsInput) => {
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

    /// Checks that the body may end here.
    ///
    /// # Errors
    /// [`FormError::Truncated`] unless [`Event::End`] was returned; [`FormError::BoundaryAbsent`] if the body does not
    /// even begin with the boundary; after an error of [`next_event`](Self::next_event), that error.
    pub fn finish(&self) -> Result<(), FormError> {
        match &self.state {
            State::Epilogue(_) => Ok(()),
            State::Failed(error) => Err(error.clone()),
            State::Preamble
                if !self.delimiter.starts_with(&self.block) && !self.dash_boundary().starts_with(&self.block) =>
            {
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

    /// Returns the delimiter without its line break (RFC 2046 calls it `dash-boundary`).
    fn dash_boundary(&self) -> Bytes {
        self.delimiter.slice(CRLF.len()..)
    }

    /// Looks for the first boundary, with or without a line break before it. A boundary within a line must be found
    /// too: skipped, it would turn the first part into preamble.
    fn preamble(&mut self) -> Result<Step, FormError> {
        if self.chunk.is_empty() {
            return Ok(Step::NeedsInput);
        }
        let dash_boundary = self.dash_boundary();
        let free_bytes = MAX_PREAMBLE_BYTES + CRLF.len() + dash_boundary.len() - self.block.len();
        let step_bytes = self.chunk.len().min(STEP_BYTES).min(free_bytes);
        // The boundary may have begun in what was collected before.
        let unsearched = self.block.len().saturating_sub(dash_boundary.len() - 1);
        self.block.extend(self.chunk.iter().take(step_bytes));

        let boundary = memmem::find(self.block.get(unsearched..).unwrap_or_default(), &dash_boundary);
        let Some(start) = boundary.map(|at| unsearched + at) else {
            self.chunk.advance(step_bytes);
            return if step_bytes == free_bytes { Err(FormError::PreambleTooLong) } else { Ok(Step::Again) };
        };
        self.chunk.advance(step_bytes - (self.block.len() - start - dash_boundary.len()));
        check_preamble(self.block.get(..start).unwrap_or_default())?;
        self.state = State::Line(Line::Padding(0));
        Ok(Step::Again)
    }

    fn line(&mut self, line: Line) -> Result<Step, FormError> {
        let Ok(byte) = self.chunk.try_get_u8() else {
            return Ok(Step::NeedsInput);
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
            return Ok(Step::NeedsInput);
        }
        let free_bytes = CRLF.len() + MAX_HEADER_BLOCK_BYTES - self.block.len();
        let step_bytes = self.chunk.len().min(STEP_BYTES).min(free_bytes);
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
            return if step_bytes == free_bytes { Err(FormError::HeaderBlockTooLong) } else { Ok(Step::Again) };
        };
        let content_bytes = self.block.len() - end - BLANK_LINE.len();
        self.chunk.advance(step_bytes - content_bytes);
        (self.state, self.matched, self.borrowed) = (State::Content, CRLF.len(), CRLF.len());
        let lines = self.block.get(CRLF.len()..end).unwrap_or_default();
        Ok(Step::Emit(Event::Part((self.read_headers)(lines)?)))
    }

    fn content(&mut self) -> Step {
        match self.search() {
            Found::Content(text) => Step::Emit(Event::Data(text)),
            Found::Delimiter => {
                self.state = State::Line(Line::Padding(0));
                Step::Emit(Event::PartEnd)
            }
            Found::Nothing => Step::NeedsInput,
        }
    }

    fn epilogue(&mut self, skipped: usize) -> Result<Step, FormError> {
        let skipped = skipped + self.chunk.len();
        if skipped > MAX_EPILOGUE_BYTES {
            return Err(FormError::EpilogueTooLong);
        }
        self.state = State::Epilogue(skipped);
        Ok(Step::NeedsInput)
    }

    /// Takes the delimiter if it is next, else the bytes in front of it that cannot be its beginning.
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
            return if withheld.is_empty() { self.search() } else { Found::Content(withheld) };
        }
        let end = self.finder.find(&self.chunk).unwrap_or_else(|| self.chunk.len() - self.beginning_bytes());
        Found::Content(self.chunk.split_to(end))
    }

    /// Returns the number of bytes at the end of the chunk that may be the beginning of a delimiter.
    fn beginning_bytes(&self) -> usize {
        let start = self.chunk.len().saturating_sub(self.delimiter.len() - 1);
        let tail = self.chunk.get(start..).unwrap_or_default();
        let last = memchr::memrchr(b'\r', tail).and_then(|at| tail.get(at..)).unwrap_or_default();
        if self.delimiter.starts_with(last) { last.len() } else { 0 }
    }
}

/// Checks the bytes before the first boundary: none, or whole lines. The last line may end with a bare LF, which some
/// clients send: there is no content before it that a parser could cut differently.
fn check_preamble(preamble: &[u8]) -> Result<(), FormError> {
    let lines = match preamble {
        [] => preamble,
        [lines @ .., b'\r', b'\n'] | [lines @ .., b'\n'] => lines,
        _ => return Err(FormError::BoundaryWithinLine),
    };
    if lines.len() > MAX_PREAMBLE_BYTES { Err(FormError::PreambleTooLong) } else { Ok(()) }
}

/// Returns whether a LF follows another byte than CR. The first byte is not checked.
fn has_bare_line_feed(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes).any(|at| at > 0 && bytes.get(at - 1) != Some(&b'\r'))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
