//! Checks that no header value and no header block panics, and that parsed headers survive being sent again.
//!
//! Input: the bytes of a header block, or of a Content-Type value.
//! Run: `cargo +nightly fuzz run disposition -- -max_len=9000`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use venna_form::{Scanner, boundary, parse_part_headers};

fuzz_target!(|input: &[u8]| {
    if let Ok(boundary) = str::from_utf8(input).map_err(drop).and_then(|text| boundary(text).map_err(drop)) {
        assert!(Scanner::new(&boundary).is_ok());
    }
    let Ok(read) = parse_part_headers(input) else { return };
    let name = read.name.replace('\\', "\\\\").replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let filename = read.filename.as_ref().map(|filename| {
        let encoded: String = filename.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("; filename*=UTF-8''{encoded}")
    });
    let content_type = read.content_type.as_ref().map(|value| format!("\r\nContent-Type: {value}"));
    let again = format!(
        "Content-Disposition: form-data; name=\"{name}\"{}{}",
        filename.unwrap_or_default(),
        content_type.unwrap_or_default()
    );
    assert_eq!(parse_part_headers(again.as_bytes()), Ok(read));
});
