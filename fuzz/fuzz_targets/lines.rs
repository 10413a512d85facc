//! Any bytes, cut in any way, get one report for each purpose, and the grammar of a line is that of `serde_json`.
//!
//! Input: two bytes that say how long the chunks are by turns, then the file.
//! Run: `cargo +nightly fuzz run lines -- -max_len=4096`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use venna::files::lines::LineCheck;
use venna::model::purpose::Purpose;

fuzz_target!(|input: &[u8]| {
    let [first, second, content @ ..] = input else { return };
    let whole = details(content, &[usize::MAX]);
    assert_eq!(details(content, &[1]), whole);
    assert_eq!(details(content, &[usize::from(*first) + 1, usize::from(*second) + 1]), whole);
    // A line that opens an object is in UTF-8 or has a fault, so no encoding is told by its first bytes.
    if content.starts_with(b"{") && !content.contains(&b'\n') && !content.contains(&0) {
        let is_json = std::str::from_utf8(content).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
        assert_eq!(whole[1].is_none(), is_json);
    }
});

fn details(content: &[u8], sizes: &[usize]) -> [Option<String>; 2] {
    let mut check = LineCheck::of(None).expect("both purposes have rules");
    let (mut rest, mut sizes) = (content, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().expect("sizes repeat");
        let (now, later) = rest.split_at(rest.len().min(*size));
        check.update(now);
        rest = later;
    }
    let report = check.finish();
    [Purpose::Batch, Purpose::FineTune].map(|purpose| report.details(purpose))
}
