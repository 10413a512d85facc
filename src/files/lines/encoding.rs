//! Detects the encoding of a file by its first bytes.

/// The number of bytes that decide.
const DECIDING_BYTES: usize = 4;
/// The byte order mark of UTF-8, which is skipped.
const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// The first bytes of a file, until the encoding is known.
#[derive(Debug, Default)]
pub(super) struct FirstBytes {
    bytes: [u8; DECIDING_BYTES],
    len: usize,
}

/// The encoding of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, with the length of its byte order mark in bytes.
    Utf8(usize),
    /// Another encoding or a compressed file, as an error message names it.
    Other(&'static str),
}

impl FirstBytes {
    /// Takes the missing first bytes. Returns the bytes after them.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while let (Some(place), Some((byte, behind))) = (self.bytes.get_mut(self.len), rest.split_first()) {
            *place = *byte;
            self.len += 1;
            rest = behind;
        }
        rest
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == DECIDING_BYTES
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Returns the encoding. JSON begins with two ASCII characters, so UTF-16 and UTF-32 show by their zero bytes where
    /// they have no byte order mark (RFC 4627, section 3).
    pub(super) fn encoding(&self) -> Encoding {
        match self.bytes() {
            [0xFF, 0xFE, 0, 0] | [1..=255, 0, 0, 0] => Encoding::Other("in UTF-32 (little endian)"),
            [0, 0, 0xFE, 0xFF] | [0, 0, 0, 1..=255] => Encoding::Other("in UTF-32 (big endian)"),
            [0xFF, 0xFE, ..] | [1..=255, 0, 1..=255, 0] | [1..=255, 0] => Encoding::Other("in UTF-16 (little endian)"),
            [0xFE, 0xFF, ..] | [0, 1..=255, 0, 1..=255] | [0, 1..=255] => Encoding::Other("in UTF-16 (big endian)"),
            [0x1F, 0x8B, ..] => Encoding::Other("compressed with gzip"),
            [0x28, 0xB5, 0x2F, 0xFD] => Encoding::Other("compressed with zstd"),
            b"PK\x03\x04" => Encoding::Other("a ZIP archive"),
            first if first.starts_with(UTF8_MARK) => Encoding::Utf8(UTF8_MARK.len()),
            _ => Encoding::Utf8(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(bytes: &[u8]) -> Encoding {
        let mut first = FirstBytes::default();
        first.take(bytes);
        first.encoding()
    }

    #[test]
    fn encodings_are_told_with_and_without_a_mark() {
        let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        for text in ["{\"a\": 1}", "\u{feff}{}", "{}\n{}", "{"] {
            assert_eq!(
                encoding(&wide(text, u16::to_le_bytes)),
                Encoding::Other("in UTF-16 (little endian)"),
                "{text:?}"
            );
            assert_eq!(encoding(&wide(text, u16::to_be_bytes)), Encoding::Other("in UTF-16 (big endian)"), "{text:?}");
        }
        for char in ['{', '\u{feff}'] {
            assert_eq!(encoding(&u32::from(char).to_le_bytes()), Encoding::Other("in UTF-32 (little endian)"));
            assert_eq!(encoding(&u32::from(char).to_be_bytes()), Encoding::Other("in UTF-32 (big endian)"));
        }
        assert_eq!(encoding(b"\x1f\x8b\x08\x00"), Encoding::Other("compressed with gzip"));
        for (text, mark) in [("", 0), ("{}", 0), ("\u{feff}", 3), ("\u{feff}{}", 3), ("\u{6587}", 0)] {
            assert_eq!(encoding(text.as_bytes()), Encoding::Utf8(mark), "{text:?}");
        }
    }
}
