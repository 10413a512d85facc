//! The forms in which the dialects write the id of a File. All write the same two numbers, so an id is translated
//! without a look-up, and each form sorts by creation time.

use super::{FileId, MalformedId, Sortable};

/// The prefix of Anthropic's form.
const UNDERSCORED: &str = "file_";
/// The prefix of Gemini's form, which paths have in another segment.
const RESOURCE: &str = "files/";
/// The base of Gemini's digits, `0-9a-z`.
const BASE: u32 = 36;
/// The number of Gemini's digits for 48 bits of milliseconds.
const TIME_DIGITS: usize = 10;
/// The number of Gemini's digits for a tail.
const TAIL_DIGITS: usize = 18;

impl FileId {
    /// Parses an id in the form of any dialect: `file-X`, `file_X`, `files/Y` or `Y`.
    ///
    /// # Errors
    /// When the text is no id.
    pub fn of_any_dialect(text: &str) -> Result<Self, MalformedId> {
        if let Some(digits) = text.strip_prefix(UNDERSCORED) {
            return Sortable::of(digits.as_bytes()).map(Self::of_sortable).ok_or(MalformedId);
        }
        text.parse().or_else(|error| of_lower_case(text.strip_prefix(RESOURCE).unwrap_or(text)).ok_or(error))
    }

    /// Returns Anthropic's form: `file_` and 24 digits.
    #[must_use]
    pub fn underscored(self) -> String {
        let digits = self.sortable().into_iter().flat_map(Sortable::digits).map(char::from);
        UNDERSCORED.chars().chain(digits).collect()
    }

    /// Returns the last part of Gemini's form, `files/Y`: 28 digits and small letters.
    #[must_use]
    pub fn in_lower_case(self) -> String {
        let Some(Sortable { time_ms, tail }) = self.sortable() else { return String::new() };
        let (time, tail) = (digits::<TIME_DIGITS>(u128::from(time_ms)), digits::<TAIL_DIGITS>(tail));
        time.into_iter().chain(tail).collect()
    }
}

fn of_lower_case(text: &str) -> Option<FileId> {
    let is_lower_case = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'));
    if text.len() != TIME_DIGITS + TAIL_DIGITS || !is_lower_case {
        return None;
    }
    let (time, tail) = text.split_at_checked(TIME_DIGITS)?;
    let number = |digits| u128::from_str_radix(digits, BASE).ok();
    Sortable::of_numbers(number(time)?, number(tail)?).map(FileId::of_sortable)
}

/// Returns the last `N` digits of a number, padded with `0`.
fn digits<const N: usize>(mut number: u128) -> [char; N] {
    let mut digits = ['0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = u32::try_from(number % u128::from(BASE)).ok().and_then(|d| char::from_digit(d, BASE)).unwrap_or('0');
        number /= u128::from(BASE);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::super::{MAX_TIME_MS, TAIL_BOUND};
    use super::*;
    use proptest::prelude::*;

    fn id(time_ms: u64, tail: u128) -> FileId {
        FileId::of_sortable(Sortable { time_ms, tail })
    }

    proptest! {
        #[test]
        fn every_form_of_an_id_is_read_and_sorts(
            a in (0..=MAX_TIME_MS, 0..TAIL_BOUND), b in (0..=MAX_TIME_MS, 0..TAIL_BOUND),
        ) {
            let (a, b) = (id(a.0, a.1), id(b.0, b.1));
            for form in [a.to_string(), a.underscored(), a.in_lower_case(), format!("files/{}", a.in_lower_case())] {
                prop_assert_eq!(FileId::of_any_dialect(&form), Ok(a), "{}", form);
            }
            prop_assert_eq!(a.cmp(&b), a.in_lower_case().cmp(&b.in_lower_case()));
            prop_assert_eq!(a.cmp(&b), a.underscored().cmp(&b.underscored()));
        }
    }

    #[test]
    fn the_bounds_of_an_id_fit_the_digits() {
        for last in [id(0, 0), id(MAX_TIME_MS, TAIL_BOUND - 1)] {
            assert_eq!(FileId::of_any_dialect(&last.in_lower_case()), Ok(last));
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let (form, beyond) = (id(MAX_TIME_MS, 1).in_lower_case(), "z".repeat(TIME_DIGITS + TAIL_DIGITS));
        assert!(form.contains(|digit: char| digit.is_ascii_lowercase()));
        let (upper, signed) = (form.to_uppercase(), format!("+{}", &form[1..]));
        let (twice, mixed) = (format!("files/files/{form}"), format!("file_{form}"));
        for text in ["", "files/", "file_", "file_abc", &form[1..], &upper, &signed, &twice, &mixed, &beyond] {
            assert_eq!(FileId::of_any_dialect(text), Err(MalformedId), "{text}");
        }
    }
}
