//! Base62 in ASCII order (`0-9A-Za-z`), most significant digit first: text that sorts like the numbers it writes.
//!
//! Written by hand: ids need a fixed number of digits, padded with `0`; the crates write numbers without padding.

/// The number of digits.
pub const BASE: u8 = 62;
/// The digits, in ASCII order.
pub const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The value of each byte.
static VALUES: [u8; 256] = values();
/// The value of a byte that is no digit: a bit that no digit has.
const NO_DIGIT: u8 = 0x80;

/// The number of digits that fit into 64 bits.
const WORD_DIGITS: usize = 10;
const WORD: u128 = 62_u128.pow(10);

/// Encodes `value` in exactly `N` digits, padded with `0`. Digits above the `N`th are lost.
#[must_use]
pub fn encode<const N: usize>(mut value: u128) -> [u8; N] {
    let mut text = [b'0'; N];
    // Arithmetic of 64 bits is much faster than that of 128.
    for places in text.rchunks_mut(WORD_DIGITS) {
        let mut word = u64::try_from(value % WORD).unwrap_or_default();
        value /= WORD;
        for place in places.iter_mut().rev() {
            *place = digit(u8::try_from(word % 62).unwrap_or_default());
            word /= 62;
        }
    }
    text
}

/// Decodes `text`; none when a byte is not a digit or the number exceeds 128 bits.
#[must_use]
pub fn decode(text: &[u8]) -> Option<u128> {
    let (first, words) = text.split_at(text.len() % WORD_DIGITS);
    words.chunks(WORD_DIGITS).try_fold(u128::from(decode_word(first)?), |value, word| {
        value.checked_mul(WORD)?.checked_add(u128::from(decode_word(word)?))
    })
}

/// Decodes at most [`WORD_DIGITS`] digits.
fn decode_word(text: &[u8]) -> Option<u64> {
    // The values of all bytes are looked at together at the end: a branch for each would cost more than the rest.
    let (word, values) = text.iter().fold((0_u64, 0_u8), |(word, values), byte| {
        let value = VALUES.get(usize::from(*byte)).copied().unwrap_or(NO_DIGIT);
        (word.wrapping_mul(62).wrapping_add(u64::from(value)), values | value)
    });
    (values & NO_DIGIT == 0).then_some(word)
}

/// Returns the value of each byte.
#[expect(
    clippy::indexing_slicing,
    reason = "a byte is an index of 256 values, and the program would not compile otherwise"
)]
const fn values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < BASE {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
}

/// Returns the digit of a number below 62; `0` for others.
#[must_use]
pub fn digit(value: u8) -> u8 {
    DIGITS.get(usize::from(value)).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for value in [0, 1, 61, 62, 3843, WORD - 1, WORD, WORD + 1, u128::from(u64::MAX), 62_u128.pow(15) - 1] {
            assert_eq!(decode(&encode::<15>(value)), Some(value));
            assert_eq!(decode(&encode::<22>(value)), Some(value));
        }
        assert_eq!(decode(b"0!"), None);
        assert_eq!(decode(b"0!00000000"), None);
        assert_eq!(decode(&[b'z'; 22]), None, "over 128 bits");
    }

    #[test]
    fn text_sorts_like_numbers() {
        let mut last = encode::<4>(0);
        for value in (1..62_u128.pow(4)).step_by(997) {
            let next = encode::<4>(value);
            assert!(last < next);
            last = next;
        }
    }
}
