//! Headers as clients send them, and headers that are refused.

use proptest::prelude::*;

use super::*;

fn part(block: &str) -> Result<PartHeaders, FormError> {
    parse_part_headers(block.as_bytes())
}

fn disposition(parameters: &str) -> Result<(String, Option<String>), FormError> {
    part(&format!("Content-Disposition: form-data; {parameters}")).map(|headers| (headers.name, headers.filename))
}

fn filename(parameters: &str) -> Result<String, FormError> {
    disposition(&format!("name=file; {parameters}")).map(|(_, filename)| filename.unwrap())
}

#[test]
fn a_boundary_is_read_in_every_spelling_of_the_clients() {
    let curl = "------------------------d74496d66958873e";
    assert_eq!(boundary(&format!("multipart/form-data; boundary={curl}")).unwrap(), curl);
    let dotnet = "multipart/form-data; boundary=\"a_b=c-3f\"";
    assert_eq!(boundary(dotnet).unwrap(), "a_b=c-3f");
    assert_eq!(boundary("Multipart/FORM-Data;charset=utf-8 ; BOUNDARY=openai-1 ;").unwrap(), "openai-1");
    assert_eq!(boundary("multipart/form-data; boundary=a=b").unwrap(), "a=b");
    assert_eq!(boundary("multipart/form-data; boundary=\"a b\"").unwrap(), "a b");
    assert_eq!(boundary("multipart/form-data; boundary=*****").unwrap(), "*****");
    assert_eq!(boundary("multipart/form-data; boundary=\"{a}\\\"#\"").unwrap(), "{a}\"#");
}

#[test]
fn a_request_without_a_usable_boundary_is_told_why() {
    let told = |content_type: &str| boundary(content_type).unwrap_err();
    assert_eq!(told("application/json"), FormError::NotFormData);
    assert_eq!(told(""), FormError::NotFormData);
    assert_eq!(told("multipart/form-data-x; boundary=a"), FormError::NotFormData);
    assert_eq!(told("multipart/form-data"), FormError::BoundaryMissing);
    assert_eq!(told("multipart/form-data; charset=utf-8"), FormError::BoundaryMissing);
    assert_eq!(told("multipart/form-data; boundary=\"\""), FormError::BoundaryMissing);
    assert_eq!(told("multipart/form-data; boundary="), FormError::ContentTypeMalformed);
    assert_eq!(told("multipart/form-data; boundary=\"a"), FormError::ContentTypeMalformed);
    assert_eq!(told("multipart/form-data; boundary=a b"), FormError::ContentTypeMalformed);
    assert_eq!(told("multipart/form-data; boundary"), FormError::ContentTypeMalformed);
    assert_eq!(told("multipart/form-data; boundary=a; Boundary=a"), FormError::BoundaryRepeated);
    assert_eq!(told("multipart/form-data; boundary=\"a \""), FormError::BoundaryIllegal);
    assert_eq!(told("multipart/form-data; boundary=a;b=\"\"c"), FormError::ContentTypeMalformed);
    assert_eq!(told("multipart/form-data; boundary=\"a\r\n\""), FormError::BoundaryIllegal);
    assert_eq!(told("multipart/form-data; boundary=\u{e9}"), FormError::BoundaryIllegal);
}

#[test]
fn a_boundary_may_have_256_bytes_and_not_257() {
    let of = |bytes: usize| boundary(&format!("multipart/form-data; boundary={}", "b".repeat(bytes)));
    assert_eq!(of(MAX_BOUNDARY_BYTES).unwrap().len(), 256);
    assert_eq!(of(MAX_BOUNDARY_BYTES + 1).unwrap_err(), FormError::BoundaryTooLong);
}

#[test]
fn names_and_filenames_are_quoted_or_bare_and_in_any_order() {
    let read = |parameters| disposition(parameters).unwrap();
    let file = |name: &str| ("file".to_owned(), Some(name.to_owned()));
    assert_eq!(read("name=\"purpose\""), ("purpose".to_owned(), None));
    assert_eq!(read("name=file; filename=x.txt"), file("x.txt"));
    assert_eq!(read("FileName = \"a; b.txt\" ;NAME=\"file\";"), file("a; b.txt"));
    assert_eq!(read("name=\"file\"; filename=\"\""), file(""));
    assert_eq!(read("size=3; size=4; name=file; filename=\"x\""), file("x"));
    assert_eq!(read("name=expires_after[anchor]").0, "expires_after[anchor]");
    assert_eq!(read("name=\"a%22b%0d%0A\"").0, "a\"b\r\n");
}

#[test]
fn only_a_needed_backslash_escapes() {
    assert_eq!(filename(r#"filename="a \"b\" \\ c.txt""#).unwrap(), r#"a "b" \ c.txt"#);
    assert_eq!(filename(r#"filename="C:\dir\x.txt""#).unwrap(), r"C:\dir\x.txt");
    assert_eq!(filename(r"filename=C:\dir\x.txt").unwrap(), r"C:\dir\x.txt");
}

#[test]
fn only_the_three_escapes_of_browsers_are_undone() {
    assert_eq!(filename("filename=\"%22a%0D%0a%0A%0d%22\"").unwrap(), "\"a\r\n\n\r\"");
    assert_eq!(filename("filename=\"100%25 %41 %2 %\"").unwrap(), "100%25 %41 %2 %");
    assert_eq!(filename("filename=\"%%2222 %250A\"").unwrap(), "%\"22 %250A");
    assert_eq!(filename("filename=\"r\u{e9}sum\u{e9} \u{65e5}.pdf\"").unwrap(), "r\u{e9}sum\u{e9} \u{65e5}.pdf");
}

#[test]
fn an_extended_filename_wins_and_is_decoded() {
    assert_eq!(filename("filename=x; filename*=utf-8''%e4%BD%a0.txt").unwrap(), "\u{4f60}.txt");
    assert_eq!(filename("filename*=UTF-8'en'a%20b; filename=\"x\"").unwrap(), "a b");
    assert_eq!(filename("filename*=ISO-8859-1''%A3%22").unwrap(), "\u{a3}\"");
    assert_eq!(filename("filename*=\"utf-8''a'b.txt\"").unwrap(), "a'b.txt");
    assert_eq!(filename("filename*=utf-8''%250D").unwrap(), "%0D");
}

#[test]
fn a_bad_extended_filename_is_refused_unless_there_is_a_plain_one() {
    for value in
        ["x.txt", "utf-8'x", "utf-16''x", "''x", "utf-8''%", "utf-8''%4", "utf-8''%+1", "utf-8''%FF", "utf-8''\u{e9}"]
    {
        for none in ["", "filename=\"\"; "] {
            let refused = filename(&format!("{none}filename*={value}"));
            assert_eq!(refused, Err(FormError::FilenameMalformed), "{value}");
        }
        assert_eq!(filename(&format!("filename*={value}; filename=x")).unwrap(), "x", "{value}");
    }
    assert_eq!(filename("filename=x; filename*0=a; filename*1=b"), Err(FormError::FilenameContinued));
    assert_eq!(filename("FileName*0*=utf-8''a"), Err(FormError::FilenameContinued));
}

#[test]
fn encoded_words_are_decoded() {
    for (sent, meant) in [
        ("=?utf-8?B?5L2g5aW9LnR4dA==?=", "\u{4f60}\u{597d}.txt"),
        ("=?UTF-8?b?5L2g?= \t =?utf-8?q?_=3D_a.txt?=", "\u{4f60} = a.txt"),
        ("=?iso-8859-1?Q?r=E9sum=e9?=", "r\u{e9}sum\u{e9}"),
        ("=?us-ascii?Q?plain?=", "plain"),
        ("=?utf-8?Q??=", ""),
    ] {
        assert_eq!(filename(&format!("filename=\"{sent}\"")).unwrap(), meant, "{sent}");
    }
    assert_eq!(filename("filename==?utf-8?Q?bare?=").unwrap(), "bare");
}

#[test]
fn what_only_looks_like_encoded_words_stays_as_it_is() {
    for sent in [
        "=?",
        "=??=",
        "=?utf-8?B?5L2g",
        "=?utf-8?B?5L2?=",
        "=?utf-8?B?/w==?=",
        "=?utf-8?X?a?=",
        "=?utf-8?Q?a?b?=",
        "=?utf-8?Q?=4?=",
        "=?utf-8?Q?\u{e9}?=",
        "=?koi8-r?Q?a?=",
        "=?us-ascii?Q?=C3=A9?=",
        "a =?utf-8?Q?b?=",
        "=?utf-8?Q?a?= b",
        "=?utf-8?Q?a?==?utf-8?Q?b?=",
        "  ",
    ] {
        assert_eq!(filename(&format!("filename=\"{sent}\"")).unwrap(), sent);
    }
    assert_eq!(filename("filename=\"=?koi8-r?Q?%22?=\"").unwrap(), "=?koi8-r?Q?\"?=");
}

#[test]
fn a_disposition_that_cannot_be_read_is_refused() {
    for (parameters, error) in [
        ("filename=x", FormError::NameMissing),
        ("", FormError::NameMissing),
        ("name*=utf-8''file", FormError::NameMissing),
        ("name=a; Name=a", FormError::ParameterRepeated),
        ("name=a; filename=a; FILENAME=b", FormError::ParameterRepeated),
        ("name=a; filename*=utf-8''a; filename*=utf-8''b", FormError::ParameterRepeated),
        ("name=\"a", FormError::DispositionMalformed),
        (r#"name="a\""#, FormError::DispositionMalformed),
        ("name=\"a\"b", FormError::DispositionMalformed),
        ("name=a\"b", FormError::DispositionMalformed),
        ("name=a b", FormError::DispositionMalformed),
        ("name=a b=c", FormError::DispositionMalformed),
        ("name=", FormError::DispositionMalformed),
        ("=a", FormError::DispositionMalformed),
        ("name", FormError::DispositionMalformed),
        ("flag; name=a", FormError::DispositionMalformed),
    ] {
        assert_eq!(disposition(parameters), Err(error), "{parameters}");
    }
    assert_eq!(part("Content-Disposition: attachment; name=a"), Err(FormError::DispositionNotFormData));
    assert_eq!(part("Content-Disposition: form-data"), Err(FormError::NameMissing));
    assert_eq!(part("Content-Disposition:"), Err(FormError::DispositionNotFormData));
    let twice = "Content-Disposition: form-data; name=a\r\nCONTENT-DISPOSITION: form-data; name=a";
    assert_eq!(part(twice), Err(FormError::DispositionRepeated));
}

#[test]
fn the_headers_of_the_clients_are_read() {
    let dotnet =
        part("Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=purpose").unwrap();
    assert_eq!(dotnet.content_type.as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!((dotnet.name.as_str(), dotnet.filename), ("purpose", None));
    let ruby = "content-disposition:form-data; name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: \r\n\
                Content-Length: 14\r\nContent-Transfer-Encoding: Binary\r\n";
    let ruby = part(ruby).unwrap();
    assert_eq!((ruby.filename.as_deref(), ruby.content_type), (Some("a.jsonl"), None));
    let two_types =
        part("Content-Type:\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Disposition: form-data; name=a");
    assert_eq!(two_types.unwrap().content_type.as_deref(), Some("a/b"));
}

#[test]
fn header_lines_that_cannot_be_read_are_refused() {
    let with = |line: &str| part(&format!("Content-Disposition: form-data; name=a\r\n{line}"));
    for line in [
        "no colon",
        ": no name",
        "two words: x",
        "a\u{e9}: x",
        "a: \0",
        "a: b\rc",
        "a: b\nc",
        "a\n: b",
        "\r\n",
        "a: b\r",
    ] {
        assert_eq!(with(line), Err(FormError::HeaderMalformed), "{line:?}");
    }
    assert_eq!(parse_part_headers(b"a: \xFF"), Err(FormError::HeadersNotUtf8));
    assert_eq!(part(""), Err(FormError::NameMissing));
    assert_eq!(part("Content-Type: text/plain"), Err(FormError::NameMissing));
    assert_eq!(part(" a: b\r\nContent-Disposition: form-data; name=a"), Err(FormError::HeaderMalformed));
}

#[test]
fn folded_headers_are_joined() {
    let folded = "Content-Disposition \t: form-data;\r\n\tname=\"file\"\r\n ; filename=\"a\r\n  b.txt\"\r\n \r\n\
                  Content-Type:\r\n text/plain\r\n\t; charset=utf-8\r\nX(y): z";
    let read = part(folded).unwrap();
    assert_eq!((read.name.as_str(), read.filename.as_deref()), ("file", Some("a  b.txt")));
    assert_eq!(read.content_type.as_deref(), Some("text/plain ; charset=utf-8"));
    let lines = format!("X: y{}", "\r\n z".repeat(MAX_PART_HEADERS));
    assert!(part(&format!("{lines}\r\nContent-Disposition: form-data; name=a")).is_ok(), "they are one header");
}

#[test]
fn content_must_not_need_decoding() {
    let with = |encoding: &str| {
        part(&format!("content-transfer-encoding:{encoding}\r\nContent-Disposition: form-data; name=a"))
    };
    for encoding in ["", " ", " 7bit", "8BIT", " Binary\t"] {
        assert!(with(encoding).is_ok(), "{encoding:?}");
    }
    for encoding in ["base64", "quoted-printable", "x"] {
        assert_eq!(with(encoding), Err(FormError::TransferEncodingUnsupported));
    }
}

#[test]
fn a_part_may_have_16_headers_and_not_17() {
    let with =
        |others: usize| part(&format!("Content-Disposition: form-data; name=a\r\n{}", "x: y\r\n".repeat(others)));
    assert!(with(MAX_PART_HEADERS - 1).is_ok());
    assert_eq!(with(MAX_PART_HEADERS), Err(FormError::TooManyHeaders));
}

proptest! {
    #[test]
    fn what_a_browser_escapes_comes_back(name in "[^\0\\\\%]*", filename in "[^\0\\\\%=]*") {
        let escaped = |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let sent = format!("name=\"{}\"; filename=\"{}\"", escaped(&name), escaped(&filename));
        prop_assert_eq!(disposition(&sent), Ok((name, Some(filename))));
    }

    #[test]
    fn what_an_extended_filename_encodes_comes_back(meant in "\\PC*") {
        let sent = meant.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        prop_assert_eq!(filename(&format!("filename*=UTF-8''{sent}")), Ok(meant));
    }

    #[test]
    fn what_encoded_words_encode_comes_back(words in prop::collection::vec("\\PC{0,9}", 1..4)) {
        let sent: Vec<String> = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word))).collect();
        prop_assert_eq!(filename(&format!("filename=\"{}\"", sent.join(" "))), Ok(words.concat()));
    }
}
