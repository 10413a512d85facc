//! Reads the two headers that describe a form: the boundary in the request's Content-Type, and the name and filename
//! in a part's Content-Disposition.
//!
//! It is pure text in, plain data out. It must never do I/O, keep state, or tidy a filename beyond decoding what the
//! client encoded: the model strips paths and refuses control characters. The form layer of http calls [`boundary`];
//! the scanner beside it calls [`parse_part_headers`].

use std::borrow::Cow;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub use super::error::FormError;
use super::error::{MAX_BOUNDARY_BYTES, MAX_PART_HEADERS};

/// What the headers of one part say (RFC 7578 section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHeaders {
    /// The field's name, such as `purpose` or `expires_after[anchor]`.
    pub name: String,
    /// The filename as the client meant it: decoded, but neither shortened nor cleaned. `Some("")` when it is there
    /// and empty; `None` when there is none.
    pub filename: Option<String>,
    /// The first Content-Type that is not empty (ruby-openai sends empty ones), as written.
    pub content_type: Option<String>,
}

/// The boundary in the value of a request's Content-Type header, without quotes and without the leading hyphens.
///
/// # Errors
/// The value is not `multipart/form-data` (in any case), cannot be read, or its boundary is missing, empty, given
/// twice, too long, or not printable ASCII.
pub fn boundary(content_type: &str) -> Result<String, FormError> {
    let (kind, tail) = split_kind(content_type);
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return Err(FormError::NotFormData);
    }
    let mut boundary = None;
    for (name, value) in parameters(tail).ok_or(FormError::ContentTypeMalformed)? {
        if name.eq_ignore_ascii_case("boundary") && boundary.replace(value).is_some() {
            return Err(FormError::BoundaryRepeated);
        }
    }
    let boundary = boundary.ok_or(FormError::BoundaryMissing)?;
    check_boundary(&boundary)?;
    Ok(boundary)
}

/// Checks a boundary: 1 to [`MAX_BOUNDARY_BYTES`] bytes of printable ASCII, the last one not a space. RFC 2046 section 5.1.1
/// allows fewer characters; clients use others (`*****`), and none of these can be taken for a line break.
///
/// # Errors
/// One variant each for empty, too long, and not printable.
pub(super) fn check_boundary(boundary: &str) -> Result<(), FormError> {
    let is_printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if boundary.is_empty() {
        Err(FormError::BoundaryMissing)
    } else if boundary.len() > MAX_BOUNDARY_BYTES {
        Err(FormError::BoundaryTooLong)
    } else if boundary.ends_with(' ') || !boundary.bytes().all(is_printable) {
        Err(FormError::BoundaryIllegal)
    } else {
        Ok(())
    }
}

/// Reads the header lines of one part, given without the empty line that ends them (RFC 7578 section 4, contract 8.1).
///
/// Names are matched in any case and order, unknown headers are ignored, folded lines are joined.
///
/// # Errors
/// More than 16 headers; a line that is not UTF-8, or is not `Name: value`; a Content-Disposition that is
/// missing, repeated, not `form-data`, or without a name; a Content-Transfer-Encoding that would need decoding.
pub fn parse_part_headers(block: &[u8]) -> Result<PartHeaders, FormError> {
    let block = unfolded(str::from_utf8(block).map_err(|_| FormError::HeadersNotUtf8)?);
    let mut disposition = None;
    let mut content_type = None;
    for (count, line) in block.split_terminator("\r\n").enumerate() {
        if count == MAX_PART_HEADERS {
            return Err(FormError::TooManyHeaders);
        }
        let (name, value) = header(line)?;
        if name.eq_ignore_ascii_case("content-disposition") {
            if disposition.replace(form_data(value)?).is_some() {
                return Err(FormError::DispositionRepeated);
            }
        } else if name.eq_ignore_ascii_case("content-type") && !value.is_empty() {
            content_type.get_or_insert_with(|| value.to_owned());
        } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
            check_transfer_encoding(value)?;
        }
    }
    let (name, filename) = disposition.ok_or(FormError::NameMissing)?;
    Ok(PartHeaders { name, filename, content_type })
}

/// Joins the lines of folded headers (RFC 5322 section 2.2.3): a line break and the white space character behind it are a space.
fn unfolded(block: &str) -> Cow<'_, str> {
    if !block.contains("\r\n ") && !block.contains("\r\n\t") {
        return Cow::Borrowed(block);
    }
    Cow::Owned(block.replace("\r\n ", " ").replace("\r\n\t", " "))
}

/// One header line as its name and its value without the white space around it, which also the name may have behind it
/// (RFC 5322 section 4.5).
fn header(line: &str) -> Result<(&str, &str), FormError> {
    let (name, value) = line.split_once(':').ok_or(FormError::HeaderMalformed)?;
    let name = name.trim_end_matches([' ', '\t']);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name || value.contains(['\0', '\r', '\n']) {
        return Err(FormError::HeaderMalformed);
    }
    Ok((name, value.trim_matches([' ', '\t'])))
}

/// RFC 7578 section 4.7 deprecates the header; the encodings that change nothing are still sent (contract 8.1).
fn check_transfer_encoding(value: &str) -> Result<(), FormError> {
    let unchanged = ["", "7bit", "8bit", "binary"];
    if unchanged.iter().any(|name| value.eq_ignore_ascii_case(name)) {
        Ok(())
    } else {
        Err(FormError::TransferEncodingUnsupported)
    }
}

/// The name and the filename in the value of a Content-Disposition header (RFC 7578 section 4.2).
fn form_data(value: &str) -> Result<(String, Option<String>), FormError> {
    let (kind, tail) = split_kind(value);
    if !kind.eq_ignore_ascii_case("form-data") {
        return Err(FormError::DispositionNotFormData);
    }
    let (mut name, mut plain, mut extended) = (None, None, None);
    for (parameter, value) in parameters(tail).ok_or(FormError::DispositionMalformed)? {
        let slot = match parameter.to_ascii_lowercase().as_str() {
            "name" => &mut name,
            "filename" => &mut plain,
            "filename*" => &mut extended,
            other if other.starts_with("filename*") => return Err(FormError::FilenameContinued),
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(FormError::ParameterRepeated);
        }
    }
    let name = name.ok_or(FormError::NameMissing)?;
    let plain = plain.map(|value| encoded_words(&value).unwrap_or_else(|| browser_unescaped(&value)));
    let filename = match extended.map(|value| extended_value(&value)) {
        None => plain,
        Some(Some(decoded)) => Some(decoded),
        // RFC 6266 section 4.3: what cannot be decoded is ignored.
        Some(None) => Some(plain.filter(|name| !name.is_empty()).ok_or(FormError::FilenameMalformed)?),
    };
    Ok((browser_unescaped(&name), filename))
}

/// A header value as its first word and everything from the first `;` on.
fn split_kind(value: &str) -> (&str, &str) {
    let (kind, tail) = value.split_once(';').unwrap_or((value, ""));
    (kind.trim_matches([' ', '\t']), tail)
}

/// The `name=value` parameters between semicolons (RFC 2045 section 5.1); `None` if they cannot be read.
fn parameters(mut rest: &str) -> Option<Vec<(&str, String)>> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return Some(found);
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_end_matches([' ', '\t']);
        let (value, after) = parameter_value(after.trim_start_matches([' ', '\t']))?;
        rest = after.trim_start_matches([' ', '\t']);
        if !is_token(name) || !(rest.is_empty() || rest.starts_with(';')) {
            return None;
        }
        found.push((name, value));
    }
}

/// One quoted or bare value and what follows it. A bare one may hold more than RFC 2045 allows in a token, such as
/// the `=` and `?` of a boundary or the brackets of a name, since nothing is ambiguous about them.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_string(quoted);
    }
    let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
    let (value, rest) = text.split_at_checked(end)?;
    let readable = !value.is_empty() && !value.contains('"');
    readable.then(|| (value.to_owned(), rest))
}

/// The text up to the closing quote and what follows it.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            // Browsers do not escape the backslashes of a Windows path: only an escape that is needed is one.
            '\\' if chars.as_str().starts_with(['"', '\\']) => value.extend(chars.next()),
            other => value.push(other),
        }
    }
}

/// Undoes what browsers and the official clients escape in a name, and nothing else (WHATWG HTML, "multipart/form-data
/// encoding algorithm"; contract 8.3): `100%25.txt` is a name a file may have.
fn browser_unescaped(text: &str) -> String {
    let mut unescaped = text.to_owned();
    // One after the other is safe: no replacement leaves a `%` or a hexadecimal digit that could begin another.
    for (escape, character) in [("%22", "\""), ("%0D", "\r"), ("%0d", "\r"), ("%0A", "\n"), ("%0a", "\n")] {
        if unescaped.contains(escape) {
            unescaped = unescaped.replace(escape, character);
        }
    }
    unescaped
}

/// The value of `filename*`: `charset'language'percent-encoded` (RFC 8187 section 3.2).
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    decoded(charset, unescaped_bytes(encoded, b'%')?)
}

/// A value that consists of encoded words and the white space between them, which is dropped (RFC 2047 sections 2 and
/// 6.2); `None` for any other, so that it stays as it was written. .NET sends non-ASCII filenames so (contract 8.1).
fn encoded_words(value: &str) -> Option<String> {
    if !value.starts_with("=?") {
        return None;
    }
    value.split_ascii_whitespace().map(encoded_word).collect()
}

fn encoded_word(word: &str) -> Option<String> {
    let mut fields = word.strip_prefix("=?")?.strip_suffix("?=")?.split('?');
    let (charset, encoding, text) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => BASE64.decode(text).ok()?,
        "Q" | "q" => unescaped_bytes(&text.replace('_', " "), b'=')?,
        _ => return None,
    };
    decoded(charset, bytes)
}

/// The bytes of an ASCII text in which `mark` and two hexadecimal digits stand for any byte.
fn unescaped_bytes(text: &str, mark: u8) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            _ if byte == mark => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            _ if byte.is_ascii() => byte,
            _ => return None,
        });
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// Bytes as text, in one of the three charsets that clients use here.
fn decoded(charset: &str, bytes: Vec<u8>) -> Option<String> {
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "us-ascii" if bytes.is_ascii() => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

/// Whether a text is an RFC 9110 section 5.6.2 token.
fn is_token(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(legal)
}

#[cfg(test)]
mod tests {
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
        for value in [
            "x.txt",
            "utf-8'x",
            "utf-16''x",
            "''x",
            "utf-8''%",
            "utf-8''%4",
            "utf-8''%+1",
            "utf-8''%FF",
            "utf-8''\u{e9}",
        ] {
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
}
