//! Compares the line check with `serde_json`, on odd inputs and cut in any way.

use super::fault::{MAX_BATCH_REQUESTS, MAX_CUSTOM_ID_BYTES, MAX_DEPTH_LEVELS};
use super::*;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

const BOTH: [Purpose; 2] = [Purpose::Batch, Purpose::FineTune];

fn checked(purpose: Option<Purpose>, content: &[u8], sizes: &[usize]) -> Report {
    let mut check = LineCheck::of(purpose).unwrap();
    let (mut rest, mut sizes) = (content, sizes.iter().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        check.update(now);
        rest = later;
    }
    check.finish()
}

/// Returns the report, which is the same for every cut and whether the purpose is known or not.
fn details(purpose: Purpose, content: &[u8]) -> Option<String> {
    let whole = checked(Some(purpose), content, &[usize::MAX]).details(purpose);
    for sizes in [&[1][..], &[2, 3], &[7, 1, 64]] {
        assert_eq!(checked(None, content, sizes).details(purpose), whole, "cut by {sizes:?}: {content:?}");
    }
    whole
}

/// Returns the text after the position of the only invalid line.
fn fault(purpose: Purpose, line: &str) -> String {
    let text = details(purpose, line.as_bytes()).unwrap_or_else(|| panic!("a bad line: {line}"));
    text.split_once("line 1 (byte 0): ").unwrap().1.to_owned()
}

fn request(id: u64) -> String {
    format!(r#"{{"custom_id": "r{id}", "method": "POST", "url": "/v1/chat/completions", "body": {{"n": [{id}]}}}}"#)
}

/// Returns the verdict of `serde_json` on the grammar alone, without its limits on values.
fn is_object(line: &[u8]) -> bool {
    let first = line.iter().find(|byte| !b" \t\r".contains(byte));
    first == Some(&b'{') && std::str::from_utf8(line).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Returns the verdict on a batch line from its whole `Value`.
fn is_entry(line: &Value) -> bool {
    let kind = |name| line.get(name);
    let is_text = |name| kind(name).is_some_and(Value::is_string);
    let object_or_null = |name| kind(name).is_none_or(|value: &Value| value.is_object() || value.is_null());
    let request = is_text("method") && is_text("url") && kind("body").is_some_and(Value::is_object);
    let outcome = ["method", "url", "body"].iter().all(|name| kind(name).is_none())
        && ["response", "error"].iter().any(|name| kind(name).is_some_and(Value::is_object))
        && object_or_null("response")
        && object_or_null("error");
    is_text("custom_id") && (request || outcome)
}

#[test]
fn good_lines_are_good_however_they_end_and_blank_ones_are_skipped() {
    for content in ["{}", "{}\n", "{}\r\n{\"a\": 1}\r\n", " {} \n\n \n", "\n\n{}\n\r\n \t\n{}", "\u{feff}{}\n"] {
        assert_eq!(details(Purpose::FineTune, content.as_bytes()), None, "{content:?}");
    }
    let requests: String = (0..100).map(|id| request(id) + "\n\n").collect();
    assert_eq!(details(Purpose::Batch, requests.as_bytes()), None);
    assert_eq!(details(Purpose::Batch, format!("\u{feff}{}", request(1)).as_bytes()), None);
    assert!(LineCheck::of(Some(Purpose::UserData)).is_none());
    assert_eq!(checked(None, b"\x00", &[1]).details(Purpose::UserData), None);
}

#[test]
fn files_without_lines_and_other_encodings_are_named() {
    for content in ["", "\n", " \r\n\t\n", "\u{feff}", "\u{feff}\n"] {
        let text = details(Purpose::Batch, content.as_bytes()).unwrap();
        assert_eq!(text, "The file is empty; purpose 'batch' needs at least one line with one request.", "{content:?}");
        assert!(details(Purpose::FineTune, content.as_bytes()).unwrap().contains("one example"));
    }
    let utf16: Vec<u8> = request(1).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in [utf16.clone(), [&[0xFF, 0xFE][..], &utf16].concat()] {
        let text = details(Purpose::Batch, &content).unwrap();
        assert_eq!(text, "The file is in UTF-16 (little endian); files of purpose 'batch' are JSON Lines in UTF-8.");
    }
    assert!(
        details(Purpose::FineTune, b"\x1f\x8b\x08\x00{}\n").unwrap().starts_with("The file is compressed with gzip;")
    );
    let latin1 = details(Purpose::FineTune, b"{\"a\": \"caf\xe9\"}\n").unwrap();
    assert!(latin1.contains("line 1 (byte 0): not UTF-8 (column 11), perhaps Windows-1252"), "{latin1}");
    let old_mac = details(Purpose::FineTune, b"{}\r{}\r").unwrap();
    assert!(old_mac.contains("(a carriage return (CR) does not end a line; LF and CRLF do, column 4)"), "{old_mac}");
}

#[test]
fn bad_lines_are_named_with_their_place_and_reason() {
    let content = b"{}\n\n[]\n{\"a\"}\n{}\n{\"\xff\"}\n\"a\"\n{\n";
    let expected = "Lines that are not valid for purpose 'fine-tune': line 3 (byte 4): not a JSON object; line 4 (byte 7): \
                    not valid JSON (expected ':' after a key, column 5); line 6 (byte 16): not UTF-8 (column 3), perhaps \
                    Windows-1252 or another legacy encoding; line 7 (byte 22): not a JSON object; line 8 (byte 26): not \
                    valid JSON (the line ends before its object does, column 1).";
    assert_eq!(details(Purpose::FineTune, content).unwrap(), expected);
    let batch = [request(1), request(2), request(1), "{}".into(), request(1)].join("\n");
    let expected = format!(
        "Lines that are not valid for purpose 'batch': line 3 (byte {}): 'custom_id' is that of line 1; line 4 (byte {}): \
         no 'custom_id'; line 5 (byte {}): 'custom_id' is that of line 1.",
        2 * (request(1).len() + 1),
        3 * (request(1).len() + 1),
        3 * (request(1).len() + 1) + 3
    );
    assert_eq!(details(Purpose::Batch, batch.as_bytes()).unwrap(), expected);
}

#[test]
fn a_request_has_its_four_members_of_the_right_kind() {
    let whole = r#" {"custom_id": "a\u0041", "body": {"x": [1, {}]}, "extra": null, "url": "/v1", "method": "POST"} "#;
    assert_eq!(details(Purpose::Batch, whole.as_bytes()), None);
    let batch = |line: &str| fault(Purpose::Batch, line);
    assert_eq!(batch("{}"), "no 'custom_id'.");
    assert_eq!(batch(r#"{"custom_id": 7}"#), "'custom_id' is not a string.");
    assert_eq!(batch(r#"{"custom_id": "a", "method": {}}"#), "'method' is not a string.");
    assert_eq!(batch(r#"{"custom_id": "a", "method": "POST"}"#), "no 'url'.");
    assert_eq!(batch(r#"{"custom_id": "a", "method": "POST", "url": "/v1"}"#), "no 'body'.");
    for body in ["[]", "\"x\"", "1", "-1.5", "null", "true"] {
        let line = format!(r#"{{"custom_id": "a", "method": "POST", "url": "/v1", "body": {body}}}"#);
        assert_eq!(batch(&line), "'body' is not an object.");
    }
    let repeated = r#"{"custom_id": 1, "custom_id": "a", "method": "POST", "url": "/v1", "body": 1, "b\u006fdy": {}}"#;
    assert_eq!(details(Purpose::Batch, repeated.as_bytes()), None, "of a repeated member the last counts");
    let long = |bytes: usize| request(1).replace("r1", &"x".repeat(bytes));
    assert_eq!(details(Purpose::Batch, long(MAX_CUSTOM_ID_BYTES).as_bytes()), None);
    assert_eq!(batch(&long(MAX_CUSTOM_ID_BYTES + 1)), "'custom_id' is longer than 4096 bytes.");
}

#[test]
fn lines_of_a_batch_output_are_good() {
    let output = r#"{"id":"batch_req_1","custom_id":"a","response":{"status_code":200,"body":{}},"error":null}
        {"id":"batch_req_2","custom_id":"b","response":null,"error":{"code":"x","message":"y"}}
        {"custom_id":"c","response":{}}
        {"custom_id":"c","error":{}}"#;
    assert_eq!(details(Purpose::Batch, output.as_bytes()), None);
    let batch = |line: &str| fault(Purpose::Batch, line);
    assert_eq!(batch(r#"{"response":{}}"#), "no 'custom_id'.");
    assert_eq!(batch(r#"{"custom_id":"a","response":"x"}"#), "'response' is not an object.");
    assert_eq!(batch(r#"{"custom_id":"a","response":{},"error":7}"#), "'error' is not an object.");
    let nothing = "neither 'response' nor 'error' is an object.";
    assert_eq!(batch(r#"{"custom_id":"a","response":null,"error":null}"#), nothing);
    assert_eq!(batch(r#"{"custom_id":"a","response":{},"method":"POST"}"#), "no 'url'.");
}

#[test]
fn ids_are_compared_as_text_and_surrogates_are_judged_one_way() {
    let with_id = |id: &str| request(1).replace("r1", id);
    let same = ["\u{1f600}x", "\\ud83d\\ude00x", "\\uD83D\\uDE00\\u0078"].map(with_id).join("\n");
    assert!(details(Purpose::Batch, same.as_bytes()).unwrap().contains("line 3"));
    let lone = ["\\ud83d", "\\ude00", "\\ud83dx", "\\ud83d\\ud83d", "\\ude00\\ud83d", "\\ud83d \\ude00"].map(with_id);
    assert_eq!(details(Purpose::Batch, lone.join("\n").as_bytes()), None);
    for line in [r#"{"\ud800": 1}"#, r#"{"a": "\udfff"}"#, r#"{"custom_id": ["\ud800\n"], "\udc00\u0000": {}}"#] {
        assert_eq!(details(Purpose::FineTune, line.as_bytes()), None, "{line}");
    }
    assert!(fault(Purpose::FineTune, r#"{"a": "\ud8g0"}"#).contains("hexadecimal digits after '\\u', column 12"));
}

#[test]
fn twenty_bad_lines_are_named_and_then_it_ends() {
    let twenty = details(Purpose::FineTune, &b"1\n".repeat(20)).unwrap();
    assert!(twenty.ends_with("line 20 (byte 38): not a JSON object."), "{twenty}");
    let more = details(Purpose::FineTune, &b"1\n".repeat(21)).unwrap();
    assert_eq!(more, twenty.trim_end_matches('.').to_owned() + "; and more.");
}

#[test]
fn a_batch_has_at_most_fifty_thousand_requests_and_blank_lines_are_none() {
    let mut content: String = (0..MAX_BATCH_REQUESTS).map(|id| request(id) + "\n\n").collect();
    assert!(checked(None, content.as_bytes(), &[65_536]).details(Purpose::Batch).is_none());
    content += &format!("{}\n1\n", request(MAX_BATCH_REQUESTS));
    let report = checked(None, content.as_bytes(), &[65_536]);
    let batch = report.details(Purpose::Batch).unwrap();
    assert!(batch.ends_with("more than 50000 requests."), "{batch}");
    assert!(report.details(Purpose::FineTune).unwrap().contains("line 100002"));
}

#[test]
fn a_line_takes_the_same_memory_however_long_it_is() {
    let chunk = vec![b'x'; 1 << 20];
    for begin in ["{\"a\": \"", "{\"", "{\"custom_id\": \"", "\""] {
        let mut check = LineCheck::of(None).unwrap();
        check.update(begin.as_bytes());
        for _ in 0..200 {
            check.update(&chunk);
            assert!(check.line.held_bytes() <= 32 << 10, "{begin}");
        }
    }
    let mut check = LineCheck::of(None).unwrap();
    check.update(b"{\"a\": ");
    for _ in 0..MAX_DEPTH_LEVELS {
        check.update(b"[");
        assert!(check.line.held_bytes() <= 32 << 10);
    }
    let text = check.finish().details(Purpose::FineTune).unwrap();
    assert!(text.contains("nested deeper than 131072 levels (column 131078)"), "{text}");
}

#[test]
fn a_line_may_be_as_long_as_its_file() {
    let mut line = request(1).into_bytes();
    line.truncate(line.len() - 2);
    line.extend_from_slice(b", \"image\": \"");
    line.resize(line.len() + (8 << 20), b'A');
    line.extend_from_slice(b"\"}}\n");
    assert_eq!(checked(None, &line, &[65_536]).details(Purpose::Batch), None);
}

#[test]
fn depth_up_to_the_bound_does_not_matter() {
    for depth in [1, 63, 64, 65, 128, 100_000, MAX_DEPTH_LEVELS - 1] {
        let deep = format!("{{\"body\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(checked(None, deep.as_bytes(), &[4096]).details(Purpose::FineTune), None);
        let mixed = format!("{{\"a\": {}1{}}}", "[{\"b\":".repeat(depth / 2), "}]".repeat(depth / 2));
        assert_eq!(checked(None, mixed.as_bytes(), &[4096]).details(Purpose::FineTune), None);
        let crossed = format!("{{\"a\": {}{}}}", "[".repeat(depth), "}".repeat(depth));
        assert!(checked(None, crossed.as_bytes(), &[4096]).details(Purpose::FineTune).is_some());
    }
}

#[test]
fn odd_lines_are_judged_as_serde_json_does() {
    let values = [
        "1e999",
        "-1E+999",
        "1e-999999",
        "123456789012345678901234567890",
        "-0",
        "-0.0",
        "0e0",
        "0.1e1",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e+",
        "0x10",
        "1_0",
        "NaN",
        "Infinity",
        "-Infinity",
        "true",
        "tru",
        "truee",
        "TRUE",
        "null",
        "nul",
        "nulll",
        "false",
        "f",
        "\"\"",
        "\"\\u\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"\\x\"",
        "\"\\'\"",
        "\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"",
        "\"\t\"",
        "\"\u{0}\"",
        "\"\u{1f}\"",
        "\"\u{7f}\u{80}\"",
        "\"\\",
        "\"\\\"",
        "'a'",
        "[",
        "]",
        "[]",
        "[,]",
        "[1,]",
        "[1 2]",
        "[1,2]",
        "{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1}}",
        "[}",
        "{]",
        "1 2",
        "//",
        "/* */ 1",
        "1//",
        "\u{b}1",
        "\u{a0}1",
        "\u{c}",
        "\u{feff}1",
        "\u{2028}",
        "\"\u{2028}\u{feff}\u{10ffff}\"",
        "\"\\ud800\"",
        "\"\\ude00\\ud83d\"",
        "\"\\ud83d\\u0041\"",
        "\"\\uD83D\\uDE00\"",
        "undefined",
        "",
    ];
    for value in values {
        for line in [
            format!("{{\"a\":{value}}}"),
            format!(" {{\"custom_id\": [{value}]}} "),
            value.to_owned(),
            format!("{{}}{value}"),
        ] {
            let blank = line.trim_matches([' ', '\t', '\r']).is_empty();
            let bad = details(Purpose::FineTune, line.as_bytes());
            assert_eq!(bad.is_none(), is_object(line.as_bytes()) && !blank, "{line:?}: {bad:?}");
        }
    }
    let sequences: [&[u8]; 14] = [
        b"\xff",
        b"\x80",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x80\x80",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xe2\x82",
        b"\xf0\x9f\x98",
        b"\xf0\x9f\x98\x80",
    ];
    for sequence in sequences {
        for (before, behind) in
            [("{\"a\": \"", "\"}"), ("{\"a", "\": 1}"), ("{\"a\": ", "}"), ("", "{}"), ("{}", ""), ("{\"a\": \"", "")]
        {
            let line = [before.as_bytes(), sequence, behind.as_bytes()].concat();
            assert_eq!(details(Purpose::FineTune, &line).is_none(), is_object(&line), "{line:?}");
        }
    }
}

/// Generates lines that are nearly JSON: a value, with some of its bytes changed.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof!["[ -~\u{e9}\u{6587}\u{1f600}]{0,20}", Just("custom_id".to_owned()), Just("body".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        let members = prop::collection::vec((text.clone(), inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    let written = value.prop_map(|value| serde_json::json!({"a": value}).to_string().into_bytes());
    let changes = prop::collection::vec(
        (any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(b'}')]),
        0..3,
    );
    (written, changes).prop_map(|(mut line, changes)| {
        for (at, byte) in changes {
            let at = at.index(line.len());
            line[at] = if byte == b'\n' { b' ' } else { byte };
        }
        line
    })
}

fn batch_like() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        Just(Value::Null),
        Just(serde_json::json!({})),
        Just(serde_json::json!("x\u{1f600}")),
        Just(serde_json::json!([1, {"custom_id": 1}])),
        Just(serde_json::json!({"body": null, "error": "x"})),
    ];
    let name = prop::sample::select(vec![
        "custom_id",
        "method",
        "url",
        "body",
        "response",
        "error",
        "id",
        "custom_id_and_more",
    ]);
    prop::collection::vec((name, value), 0..9)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_grammar_is_that_of_serde_json_for_any_cut(line in nearly_json(), sizes in prop::collection::vec(1..9_usize, 1..5)) {
        let whole = checked(None, &line, &[usize::MAX]);
        prop_assert_eq!(whole.details(Purpose::FineTune).is_none(), is_object(&line), "{:?}", String::from_utf8_lossy(&line));
        for purpose in BOTH {
            prop_assert_eq!(checked(None, &line, &sizes).details(purpose), whole.details(purpose));
        }
    }

    #[test]
    fn members_are_judged_as_in_a_whole_value(line in batch_like()) {
        let text = line.to_string();
        prop_assert_eq!(details(Purpose::Batch, text.as_bytes()).is_none(), is_entry(&line), "{}", text);
    }

    #[test]
    fn any_cut_finds_the_same(
        lines in prop::collection::vec(prop_oneof!["[{}\\[\\]\":,a0-9 \u{e9}]{0,12}", Just("{}".to_owned()), (0..3_u64).prop_map(request)], 0..30),
        sizes in prop::collection::vec(1..40_usize, 1..8),
    ) {
        let content = lines.join("\n");
        let (whole, cut) = (checked(None, content.as_bytes(), &[usize::MAX]), checked(None, content.as_bytes(), &sizes));
        for purpose in BOTH {
            prop_assert_eq!(whole.details(purpose), cut.details(purpose));
            let known = checked(Some(purpose), content.as_bytes(), &sizes);
            prop_assert_eq!(known.details(purpose), whole.details(purpose));
        }
        let is_blank = |line: &&String| line.trim().is_empty();
        let good = lines.iter().filter(|line| !is_blank(line)).all(|line| is_object(line.as_bytes()));
        prop_assert_eq!(whole.details(Purpose::FineTune).is_none(), good && !lines.iter().all(|line| is_blank(&line)));
    }
}
