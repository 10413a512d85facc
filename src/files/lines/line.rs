//! Checks one line in pieces: first as UTF-8, then as a JSON object.

use super::fault::Fault;
use super::json::Validator;
use super::members::Members;

/// The longest UTF-8 sequence, in bytes.
const MAX_SEQUENCE_BYTES: usize = 4;

/// A checker of one line. Pieces may end anywhere, also inside a character: the validator gets whole characters, so the
/// first fault does not depend on how the line is cut.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The first bytes of an incomplete character.
    split: [u8; MAX_SEQUENCE_BYTES],
    split_bytes: usize,
    object: Validator,
}

impl Line {
    /// Prepares for the next line; allocated memory is kept.
    pub(super) fn reset(&mut self) {
        self.split_bytes = 0;
        self.object.reset();
    }

    /// Takes the next bytes of the line.
    ///
    /// # Errors
    /// The first fault of the line.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let bytes = self.complete_split(bytes)?;
        match std::str::from_utf8(bytes) {
            Ok(_) => self.object.push(bytes),
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                self.object.push(valid)?;
                if error.error_len().is_some() {
                    return Err(self.not_utf8());
                }
                for byte in rest {
                    self.keep(*byte);
                }
                Ok(())
            }
        }
    }

    /// Returns the members of the line's object; none for a blank line.
    ///
    /// # Errors
    /// When the line ends too early.
    pub(super) fn end(&mut self) -> Result<Option<&Members>, Fault> {
        if self.split_bytes > 0 {
            return Err(self.not_utf8());
        }
        self.object.end()
    }

    /// Completes the character that the last piece ended in. Returns the bytes after it.
    fn complete_split<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Fault> {
        let mut rest = bytes;
        while self.split_bytes > 0
            && let Some((byte, behind)) = rest.split_first()
        {
            self.keep(*byte);
            rest = behind;
            let sequence = self.split.get(..self.split_bytes).unwrap_or_default();
            match std::str::from_utf8(sequence) {
                Ok(_) => {
                    self.object.push(sequence)?;
                    self.split_bytes = 0;
                }
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(self.not_utf8()),
            }
        }
        Ok(rest)
    }

    fn keep(&mut self, byte: u8) {
        if let Some(place) = self.split.get_mut(self.split_bytes) {
            *place = byte;
            self.split_bytes += 1;
        }
    }

    /// Returns the heap memory of the check, in bytes.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.object.held_bytes()
    }

    fn not_utf8(&self) -> Fault {
        Fault::NotUtf8(self.object.taken_bytes() + 1)
    }
}
