//! The two headers that describe a form: the boundary in the request's Content-Type, and the name and filename in a
//! part's Content-Disposition.
//!
//! A filename is decoded and not cleaned: removing paths and control characters is up to the application.

use std::borrow::Cow;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::FormError;
use crate::limits::{MAX_BOUNDARY_BYTES, MAX_PART_HEADERS};

/// The headers of one part (RFC 7578 section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHeaders {
    /// The field's name, such as `purpose` or `expires_after[anchor]`.
    pub name: String,
    /// The decoded filename, neither shortened nor cleaned. `Some("")` if it is present and empty.
    pub filename: Option<String>,
    /// The first Content-Type that is not empty, as sent. Some clients send an empty one.
    pub content_type: Option<String>,
}

/// Returns the boundary in the value of a request's Content-Type header, without quotes and leading hyphens.
///
/// # Errors
/// The value is not `multipart/form-data` (in any case), cannot be read, or its boundary is missing, empty, given
/// twice, too long, or not printable ASCII.
pub fn boundary(content_type: &str) -> Result<String, FormError> {
    boundary_of("multipart/form-data", content_type)
}

/// Returns the boundary in the value of a request's Content-Type header, which is `multipart/related` (RFC 2387).
///
/// # Errors
/// As [`boundary`].
pub fn boundary_of_related(content_type: &str) -> Result<String, FormError> {
    boundary_of("multipart/related", content_type)
}

fn boundary_of(expected: &str, content_type: &str) -> Result<String, FormError> {
    let (kind, tail) = split_kind(content_type);
    if !kind.eq_ignore_ascii_case(expected) {
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

/// Checks a boundary: 1 to [`MAX_BOUNDARY_BYTES`] bytes of printable ASCII, the last one not a space. RFC 2046 section
/// 5.1.1 allows fewer characters. Clients use others (`*****`), and none of them looks like a line break.
///
/// # Errors
/// One variant each for empty, too long, and not printable.
pub(crate) fn check_boundary(boundary: &str) -> Result<(), FormError> {
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

/// Parses the header lines of one part, without the empty line that ends them (RFC 7578 section 4).
///
/// Names are matched in any case and order, unknown headers are ignored, folded lines are joined.
///
/// # Errors
/// More than 16 headers; a line that is not UTF-8, or is not `Name: value`; a Content-Disposition that is
/// missing, repeated, not `form-data`, or without a name; a Content-Transfer-Encoding that would need decoding.
pub fn parse_part_headers(block: &[u8]) -> Result<PartHeaders, FormError> {
    let (disposition, content_type) = read_headers(block, form_data)?;
    let (name, filename) = disposition.ok_or(FormError::NameMissing)?;
    Ok(PartHeaders { name, filename, content_type })
}

/// Parses the header lines of one part of `multipart/related`: it has no name, and its Content-Disposition is ignored.
pub(crate) fn parse_related_headers(block: &[u8]) -> Result<PartHeaders, FormError> {
    let (_, content_type) = read_headers(block, |_| Ok((String::new(), None)))?;
    Ok(PartHeaders { name: String::new(), filename: None, content_type })
}

/// The name and the filename of a part.
type Disposition = (String, Option<String>);

/// Returns the Content-Disposition as `read` understands it, and the Content-Type.
fn read_headers(
    block: &[u8],
    read: impl Fn(&str) -> Result<Disposition, FormError>,
) -> Result<(Option<Disposition>, Option<String>), FormError> {
    let block = unfolded(str::from_utf8(block).map_err(|_| FormError::HeadersNotUtf8)?);
    let mut disposition = None;
    let mut content_type = None;
    for (count, line) in block.split_terminator("\r\n").enumerate() {
        if count == MAX_PART_HEADERS {
            return Err(FormError::TooManyHeaders);
        }
        let (name, value) = header(line)?;
        if name.eq_ignore_ascii_case("content-disposition") {
            if disposition.replace(read(value)?).is_some() {
                return Err(FormError::DispositionRepeated);
            }
        } else if name.eq_ignore_ascii_case("content-type") && !value.is_empty() {
            content_type.get_or_insert_with(|| value.to_owned());
        } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
            check_transfer_encoding(value)?;
        }
    }
    Ok((disposition, content_type))
}

/// Joins the lines of folded headers (RFC 5322 section 2.2.3): a line break and the white space character behind it
/// become one space.
fn unfolded(block: &str) -> Cow<'_, str> {
    if !block.contains("\r\n ") && !block.contains("\r\n\t") {
        return Cow::Borrowed(block);
    }
    Cow::Owned(block.replace("\r\n ", " ").replace("\r\n\t", " "))
}

/// Splits a header line into its name and its trimmed value. White space behind the name is allowed (RFC 5322 section
/// 4.5).
fn header(line: &str) -> Result<(&str, &str), FormError> {
    let (name, value) = line.split_once(':').ok_or(FormError::HeaderMalformed)?;
    let name = name.trim_end_matches([' ', '\t']);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name || value.contains(['\0', '\r', '\n']) {
        return Err(FormError::HeaderMalformed);
    }
    Ok((name, value.trim_matches([' ', '\t'])))
}

/// Checks a Content-Transfer-Encoding. RFC 7578 section 4.7 deprecates the header; clients still send encodings that
/// change nothing.
fn check_transfer_encoding(value: &str) -> Result<(), FormError> {
    let unchanged = ["", "7bit", "8bit", "binary"];
    if unchanged.iter().any(|name| value.eq_ignore_ascii_case(name)) {
        Ok(())
    } else {
        Err(FormError::TransferEncodingUnsupported)
    }
}

/// Parses the name and the filename of a Content-Disposition value (RFC 7578 section 4.2).
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

/// Splits a header value at its first `;`.
fn split_kind(value: &str) -> (&str, &str) {
    let (kind, tail) = value.split_once(';').unwrap_or((value, ""));
    (kind.trim_matches([' ', '\t']), tail)
}

/// Parses the `name=value` parameters between semicolons (RFC 2045 section 5.1); `None` if they are malformed.
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

/// Splits off one quoted or bare value. A bare value may contain more than an RFC 2045 token, such as the `=` and `?`
/// of a boundary or the brackets of a name: nothing about them is ambiguous.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_string(quoted);
    }
    let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
    let (value, rest) = text.split_at_checked(end)?;
    let readable = !value.is_empty() && !value.contains('"');
    readable.then(|| (value.to_owned(), rest))
}

/// Splits off the text up to the closing quote.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            // Browsers do not escape the backslashes of a Windows path, so only a necessary escape is one.
            '\\' if chars.as_str().starts_with(['"', '\\']) => value.extend(chars.next()),
            other => value.push(other),
        }
    }
}

/// Decodes the three characters that browsers escape in a name, and no others (WHATWG HTML, "multipart/form-data
/// encoding algorithm"): `100%25.txt` is a valid filename.
fn browser_unescaped(text: &str) -> String {
    let mut unescaped = text.to_owned();
    // The order does not matter: no replacement leaves a `%` or a hexadecimal digit that could begin another escape.
    for (escape, character) in [("%22", "\""), ("%0D", "\r"), ("%0d", "\r"), ("%0A", "\n"), ("%0a", "\n")] {
        if unescaped.contains(escape) {
            unescaped = unescaped.replace(escape, character);
        }
    }
    unescaped
}

/// Decodes the value of `filename*`: `charset'language'percent-encoded` (RFC 8187 section 3.2).
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    decoded(charset, unescaped_bytes(encoded, b'%')?)
}

/// Decodes a value that consists of encoded words and white space between them (RFC 2047 sections 2 and 6.2); `None`
/// for any other value, which then stays as sent. .NET sends non-ASCII filenames as encoded words.
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

/// Decodes an ASCII text in which `mark` and two hexadecimal digits encode a byte.
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

/// Decodes bytes in one of the three charsets that clients use here.
fn decoded(charset: &str, bytes: Vec<u8>) -> Option<String> {
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "us-ascii" if bytes.is_ascii() => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

/// Returns whether a text is an RFC 9110 section 5.6.2 token.
fn is_token(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(legal)
}

#[cfg(test)]
mod tests;
