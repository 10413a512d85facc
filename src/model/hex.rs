//! Lower-case hexadecimal digits, as ids and digests are written.

use std::fmt;

/// The longest that is written: a SHA-256.
const MAX_BYTES: usize = 32;

/// Writes two digits for each byte, of at most 32 bytes.
pub(super) fn write(bytes: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    const fn digit(value: u8) -> u8 {
        if value < 10 { b'0' + value } else { b'a' + (value - 10) }
    }
    let mut text = [0; 2 * MAX_BYTES];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0xf)];
    }
    let written = text.get(..2 * bytes.len()).and_then(|written| str::from_utf8(written).ok());
    out.write_str(written.ok_or(fmt::Error)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Hex(Vec<u8>);

    impl fmt::Display for Hex {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(&self.0, out)
        }
    }

    #[test]
    fn every_byte_has_two_digits() {
        for byte in 0..=u8::MAX {
            assert_eq!(Hex(vec![byte]).to_string(), format!("{byte:02x}"));
        }
        assert_eq!(Hex(vec![0x0a; MAX_BYTES]).to_string(), "0a".repeat(MAX_BYTES));
    }
}
