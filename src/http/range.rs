//! The `Range` header (RFC 9110, section 14): one range a request.

use crate::model::byte_range::ByteRange;

/// The maximum length of the header; a longer one is ignored, to bound the cost of parsing.
const MAX_HEADER_BYTES: usize = 100;

/// The selected part of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All content: no range, several ranges, or an invalid one.
    Whole,
    /// One range within the content.
    Part(ByteRange),
    /// One range outside the content.
    Unsatisfiable,
}

/// Reads the header against content of `size_bytes`.
#[must_use]
pub fn select(header: &str, size_bytes: u64) -> Selection {
    let range = (header.len() <= MAX_HEADER_BYTES).then_some(header).and_then(|header| header.split_once('='));
    let Some((first, last)) = range
        .filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"))
        .and_then(|(_, range)| range.trim().split_once('-'))
    else {
        return Selection::Whole;
    };
    match (first.is_empty(), number(first), last.is_empty(), number(last)) {
        (true, _, false, Some(length)) => suffix(length, size_bytes),
        (false, Some(first), true, _) => between(first, u64::MAX, size_bytes),
        (false, Some(first), false, Some(last)) if first <= last => between(first, last, size_bytes),
        _ => Selection::Whole,
    }
}

fn number(digits: &str) -> Option<u64> {
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    decimal.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn suffix(length: u64, size_bytes: u64) -> Selection {
    match (length, size_bytes) {
        (0, _) => Selection::Unsatisfiable,
        (_, 0) => Selection::Whole,
        _ => Selection::Part(ByteRange { start: size_bytes.saturating_sub(length), end: size_bytes }),
    }
}

fn between(first: u64, last: u64, size_bytes: u64) -> Selection {
    if first >= size_bytes {
        return Selection::Unsatisfiable;
    }
    Selection::Part(ByteRange { start: first, end: last.saturating_add(1).min(size_bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_rfc_9110() {
        let part = |start, end| Selection::Part(ByteRange { start, end });
        for (header, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=0-", part(0, 10)),
            ("BYTES = 3-5", part(3, 6)),
            ("bytes=3-99999999999999999999999", part(3, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-99", part(0, 10)),
            ("bytes=9-", part(9, 10)),
            ("bytes=10-", Selection::Unsatisfiable),
            ("bytes=-0", Selection::Unsatisfiable),
            ("bytes=5-3", Selection::Whole),
            ("bytes=0-1,3-4", Selection::Whole),
            ("bytes=a-b", Selection::Whole),
            ("bytes=+1-2", Selection::Whole),
            ("bytes=-", Selection::Whole),
            ("lines=1-2", Selection::Whole),
            ("bytes", Selection::Whole),
        ] {
            assert_eq!(select(header, 10), expected, "{header}");
        }
        assert_eq!(select("bytes=0-", 0), Selection::Unsatisfiable);
        assert_eq!(select("bytes=-1", 0), Selection::Whole);
        assert_eq!(select(&format!("bytes={}1-2", "0".repeat(100)), 10), Selection::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_content(header in "bytes=[0-9]{0,4}-[0-9]{0,4}", size in 0_u64..2000) {
            if let Selection::Part(range) = select(&header, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }

        #[test]
        fn any_header_is_read(header in ".*", size in any::<u64>()) {
            prop_assert!(size > 0 || !matches!(select(&header, size), Selection::Part(_)));
        }
    }
}
