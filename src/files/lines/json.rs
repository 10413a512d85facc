//! A push validator for one JSON object: takes its bytes in pieces of any size and holds no more than a stack of
//! nesting and the captured members.
//!
//! It accepts exactly the grammar of RFC 8259. A lone surrogate escape is within that grammar (section 8.2) and is
//! accepted in keys and values alike.

use super::fault::{Fault, MAX_DEPTH_LEVELS};
use super::members::{Kind, Members};

/// The position of the validator in the grammar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    FirstKey,
    Key,
    Colon,
    FirstElement,
    Value,
    AfterValue,
    Complete,
    /// The object is complete, and a carriage return follows.
    CompleteByCr,
    KeyText(StringPart),
    ValueText(StringPart),
    Number(NumberPart),
    /// The rest of `true`, `false` or `null`.
    Literal(&'static [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StringPart {
    Plain,
    Escape,
    /// The number of missing digits, and the value of the previous ones.
    Hex(u8, u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberPart {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

/// A validator of one JSON object, which keeps its [`Members`].
#[derive(Debug, Default)]
pub(super) struct Validator {
    state: State,
    /// One bit for each open container; set for an object.
    stack: Vec<u64>,
    depth_levels: usize,
    taken_bytes: u64,
    members: Members,
}

/// The reason why a byte is refused.
enum Refusal {
    NotAnObject,
    TooDeep,
    Expected(&'static str),
}

impl Validator {
    /// Prepares for the next object; allocated memory is kept.
    pub(super) fn reset(&mut self) {
        self.state = State::Start;
        self.depth_levels = 0;
        self.taken_bytes = 0;
        self.members.clear();
    }

    /// Returns the number of bytes taken since the last reset.
    pub(super) fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    /// Takes the next bytes, which are valid UTF-8.
    ///
    /// # Errors
    /// The first fault. The bytes after it are ignored.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut rest = bytes;
        while let Some((&byte, behind)) = rest.split_first() {
            if matches!(self.state, State::KeyText(StringPart::Plain) | State::ValueText(StringPart::Plain)) {
                let (text, from_stop) = rest.split_at(plain_bytes(rest));
                if !text.is_empty() {
                    self.members.text(text);
                    rest = from_stop;
                    continue;
                }
            }
            if let Err(refusal) = self.step(byte) {
                let column = self.taken_bytes + (bytes.len() - behind.len()) as u64;
                return Err(match refusal {
                    Refusal::NotAnObject => Fault::NoObject,
                    Refusal::TooDeep => Fault::TooDeep(column),
                    Refusal::Expected(wanted) => Fault::BadJson(wanted, column),
                });
            }
            rest = behind;
        }
        self.taken_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Returns the members of the object; none for white space alone.
    ///
    /// # Errors
    /// When the object is not complete.
    pub(super) fn end(&mut self) -> Result<Option<&Members>, Fault> {
        let unfinished = match self.state {
            State::Start => return Ok(None),
            State::Complete | State::CompleteByCr => return Ok(Some(&self.members)),
            State::KeyText(_) | State::ValueText(_) => "the line ends inside a string",
            _ => "the line ends before its object does",
        };
        Err(Fault::BadJson(unfinished, self.taken_bytes))
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.stack.capacity() * size_of::<u64>() + self.members.held_bytes()
    }

    fn step(&mut self, byte: u8) -> Result<(), Refusal> {
        match self.state {
            State::KeyText(part) => self.string_step(part, byte, State::KeyText),
            State::ValueText(part) => self.string_step(part, byte, State::ValueText),
            State::Number(part) => self.number_step(part, byte),
            State::Literal(rest) => self.literal_step(rest, byte),
            State::Complete if byte == b'\r' => {
                self.state = State::CompleteByCr;
                Ok(())
            }
            _ if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') => Ok(()),
            _ => self.structure_step(byte),
        }
    }

    fn structure_step(&mut self, byte: u8) -> Result<(), Refusal> {
        match (self.state, byte) {
            (State::Start, b'{') => self.open(true),
            (State::Start, _) => Err(Refusal::NotAnObject),
            (State::FirstKey | State::Key, b'"') => {
                if self.depth_levels == 1 {
                    self.members.begin_key();
                }
                self.state = State::KeyText(StringPart::Plain);
                Ok(())
            }
            (State::FirstKey, b'}') | (State::FirstElement, b']') => {
                self.close();
                Ok(())
            }
            (State::Colon, b':') => {
                self.state = State::Value;
                Ok(())
            }
            (State::FirstElement | State::Value, _) => self.begin_value(byte),
            (State::AfterValue, b',') => {
                self.state = if self.is_in_object() { State::Key } else { State::Value };
                Ok(())
            }
            (State::AfterValue, b'}' | b']') if self.is_in_object() == (byte == b'}') => {
                self.close();
                Ok(())
            }
            (State::FirstKey | State::Key, _) => Err(Refusal::Expected("a key must be a string")),
            (State::Colon, _) => Err(Refusal::Expected("expected ':' after a key")),
            (State::AfterValue, _) if self.is_in_object() => Err(Refusal::Expected("expected ',' or '}'")),
            (State::AfterValue, _) => Err(Refusal::Expected("expected ',' or ']'")),
            (State::CompleteByCr, _) => {
                Err(Refusal::Expected("a carriage return (CR) does not end a line; LF and CRLF do"))
            }
            _ => Err(Refusal::Expected("expected the end of the line after the object")),
        }
    }

    fn begin_value(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.depth_levels == 1 {
            self.members.begin_value(match byte {
                b'"' => Kind::Text,
                b'{' => Kind::Object,
                b'n' => Kind::Null,
                _ => Kind::Other,
            });
        }
        self.state = match byte {
            b'{' => return self.open(true),
            b'[' => return self.open(false),
            b'"' => State::ValueText(StringPart::Plain),
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            b'-' => State::Number(NumberPart::Minus),
            b'0' => State::Number(NumberPart::Zero),
            b'1'..=b'9' => State::Number(NumberPart::Integer),
            _ => return Err(Refusal::Expected("expected a value")),
        };
        Ok(())
    }

    fn string_step(&mut self, part: StringPart, byte: u8, state: fn(StringPart) -> State) -> Result<(), Refusal> {
        let next = match (part, byte) {
            (StringPart::Plain, b'"') => {
                self.members.end_text();
                self.state = if state(part) == State::KeyText(part) { State::Colon } else { State::AfterValue };
                return Ok(());
            }
            (StringPart::Plain, b'\\') => StringPart::Escape,
            (StringPart::Plain, _) => {
                return Err(Refusal::Expected("control characters in strings must be escaped"));
            }
            (StringPart::Escape, b'u') => StringPart::Hex(4, 0),
            (StringPart::Escape, _) => {
                self.members.code_unit(escaped(byte).ok_or(Refusal::Expected("no such escape"))?);
                StringPart::Plain
            }
            (StringPart::Hex(missing, value), _) => {
                let digit = hex_digit(byte).ok_or(Refusal::Expected("expected four hexadecimal digits after '\\u'"))?;
                let value = value << 4 | digit;
                if missing == 1 {
                    self.members.code_unit(value);
                    StringPart::Plain
                } else {
                    StringPart::Hex(missing - 1, value)
                }
            }
        };
        self.state = state(next);
        Ok(())
    }

    fn number_step(&mut self, part: NumberPart, byte: u8) -> Result<(), Refusal> {
        use NumberPart as Part;
        let next = match (part, byte) {
            (Part::Minus, b'0') => Part::Zero,
            (Part::Minus, b'1'..=b'9') | (Part::Integer, b'0'..=b'9') => Part::Integer,
            (Part::Zero | Part::Integer, b'.') => Part::Point,
            (Part::Point | Part::Fraction, b'0'..=b'9') => Part::Fraction,
            (Part::Zero | Part::Integer | Part::Fraction, b'e' | b'E') => Part::Exponent,
            (Part::Exponent, b'+' | b'-') => Part::ExponentSign,
            (Part::Exponent | Part::ExponentSign | Part::ExponentDigits, b'0'..=b'9') => Part::ExponentDigits,
            (Part::Zero, b'0'..=b'9') => return Err(Refusal::Expected("a number must not begin with 0")),
            (Part::Minus | Part::Point | Part::Exponent | Part::ExponentSign, _) => {
                return Err(Refusal::Expected("expected a digit"));
            }
            (Part::Zero | Part::Integer | Part::Fraction | Part::ExponentDigits, _) => {
                self.state = State::AfterValue;
                return self.step(byte);
            }
        };
        self.state = State::Number(next);
        Ok(())
    }

    fn literal_step(&mut self, rest: &'static [u8], byte: u8) -> Result<(), Refusal> {
        match rest.split_first() {
            Some((&wanted, behind)) if wanted == byte => {
                self.state = if behind.is_empty() { State::AfterValue } else { State::Literal(behind) };
                Ok(())
            }
            _ => Err(Refusal::Expected("expected a value")),
        }
    }

    fn open(&mut self, is_object: bool) -> Result<(), Refusal> {
        if self.depth_levels == MAX_DEPTH_LEVELS {
            return Err(Refusal::TooDeep);
        }
        let bit = 1 << (self.depth_levels % 64);
        match self.stack.get_mut(self.depth_levels / 64) {
            Some(word) if is_object => *word |= bit,
            Some(word) => *word &= !bit,
            None => self.stack.push(if is_object { bit } else { 0 }),
        }
        self.depth_levels += 1;
        self.state = if is_object { State::FirstKey } else { State::FirstElement };
        Ok(())
    }

    fn close(&mut self) {
        self.depth_levels = self.depth_levels.saturating_sub(1);
        self.state = if self.depth_levels == 0 { State::Complete } else { State::AfterValue };
    }

    fn is_in_object(&self) -> bool {
        let top = self.depth_levels.saturating_sub(1);
        self.stack.get(top / 64).is_some_and(|word| word >> (top % 64) & 1 == 1)
    }
}

/// Returns the number of bytes before the first quote, backslash or control character, eight bytes at a time.
fn plain_bytes(text: &[u8]) -> usize {
    let (words, tail) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            return index * 8 + stops.trailing_zeros() as usize / 8;
        }
    }
    let is_stop = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    words.len() * 8 + tail.iter().position(is_stop).unwrap_or(tail.len())
}

/// Marks the stop bytes of a word by their highest bit. The lowest mark is exact; a borrow may set wrong marks above
/// it.
const fn stops(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    let (quotes, backslashes) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = quotes.wrapping_sub(ONES) & !quotes;
    let backslash = backslashes.wrapping_sub(ONES) & !backslashes;
    (control | quote | backslash) & (ONES * 0x80)
}

fn escaped(byte: u8) -> Option<u16> {
    Some(u16::from(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    }))
}

fn hex_digit(byte: u8) -> Option<u16> {
    char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok())
}
