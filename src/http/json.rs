//! JSON bodies of limited size, read field by field, so that an error names its field.

use super::body::BodyError;
use super::error::ApiError;
use axum::body::Body;
use axum::extract::Request;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use std::ops::RangeInclusive;

/// The longest body of `POST /v1/uploads`, in bytes.
pub const MAX_CREATION_BYTES: usize = 64 * 1024;
/// The longest body of a request to the administration, in bytes.
pub const MAX_ADMIN_BYTES: usize = 64 * 1024;
/// The longest body of `POST /v1/uploads/{id}/complete`, in bytes: 10,000 part ids fit twice.
pub const MAX_COMPLETION_BYTES: usize = 1024 * 1024;

/// The smallest positive float above every `i64`: 2^63.
const FIRST_BEYOND_I64: f64 = 9_223_372_036_854_775_808.0;
/// The smallest positive float that represents more than one integer: 2^53.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// The fields of a JSON object that have not been taken yet.
#[derive(Debug, Default)]
pub struct JsonObject(Map<String, Value>);

impl JsonObject {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// When the body is too long, truncated, or not a JSON object.
    pub async fn read(request: Request, max_bytes: usize) -> Result<Self, ApiError> {
        Self::parse(&whole(request, max_bytes).await?)
    }

    /// Reads the body of a request whose body is optional.
    ///
    /// # Errors
    /// When the body is too long, truncated, or neither empty nor a JSON object.
    pub async fn read_or_empty(request: Request, max_bytes: usize) -> Result<Self, ApiError> {
        let bytes = whole(request, max_bytes).await?;
        if bytes.is_empty() { Ok(Self(Map::new())) } else { Self::parse(&bytes) }
    }

    /// Reads a JSON object in UTF-8; a byte order mark before it is skipped, as RFC 8259, section 8.1 allows.
    ///
    /// # Errors
    /// When the bytes are no JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(ApiError::invalid("The request body is in UTF-16; JSON is sent in UTF-8."));
        }
        match serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(ApiError::invalid("The request body must be a JSON object.")),
            Err(error) => Err(ApiError::invalid(format!("The request body is not valid JSON: {error}."))),
        }
    }

    /// Reads all fields as a type.
    ///
    /// # Errors
    /// When the type does not fit.
    pub fn read_as<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let wrong = |error| ApiError::invalid(format!("The request body is not valid: {error}."));
        serde_json::from_value(Value::Object(self.0)).map_err(wrong)
    }

    /// Returns the fields as canonical JSON: equal values give equal texts.
    pub fn canonical(&self) -> String {
        let mut fields = Value::Object(self.0.clone());
        fields.sort_all_objects();
        fields.to_string()
    }

    /// Takes a required text.
    pub fn text(&mut self, name: &str) -> Result<String, ApiError> {
        self.optional_text(name)?.ok_or_else(|| ApiError::missing(name))
    }

    /// Takes a text that may be absent or null.
    pub fn optional_text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, "a string", &other)),
        }
    }

    /// Takes a required integer within bounds.
    pub fn integer(&mut self, name: &str, bounds: RangeInclusive<u64>) -> Result<u64, ApiError> {
        self.optional_integer(name, bounds)?.ok_or_else(|| ApiError::missing(name))
    }

    /// Takes an integer within bounds that may be absent or null.
    pub fn optional_integer(&mut self, name: &str, bounds: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        self.take(name).map(|value| integer(name, &value, &bounds)).transpose()
    }

    /// Takes a required integer that may be negative. A string of its digits is accepted too, since many JSON libraries
    /// lose digits of large numbers.
    pub fn signed_integer(&mut self, name: &str) -> Result<i64, ApiError> {
        let value = self.take(name).ok_or_else(|| ApiError::missing(name))?;
        let number = match &value {
            Value::Number(number) => size(number).map(|size| i64::try_from(size).ok()),
            Value::String(digits) => Some(digits.parse().ok()),
            _ => None,
        };
        let number = number.ok_or_else(|| wrong_type(name, "an integer or a string of its digits", &value))?;
        number.ok_or_else(|| {
            let message = format!("Invalid '{name}': expected an integer from {} to {}.", i64::MIN, i64::MAX);
            ApiError::invalid(message).param(name)
        })
    }

    /// Passes an integer within bounds, or null, to `take`; an absent field is skipped.
    pub fn integer_or_null(
        &mut self,
        name: &str,
        bounds: &RangeInclusive<u64>,
        take: impl FnOnce(Option<u64>),
    ) -> Result<(), ApiError> {
        match self.0.remove(name) {
            None => {}
            Some(Value::Null) => take(None),
            Some(value) => take(Some(integer(name, &value, bounds)?)),
        }
        Ok(())
    }

    /// Takes a boolean that may be absent or null.
    pub fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(name, "a boolean", &other)),
        }
    }

    /// Takes a required text with only one valid value.
    pub fn word(&mut self, name: &str, only: &str) -> Result<(), ApiError> {
        let text = self.text(name)?;
        if text == only { Ok(()) } else { Err(ApiError::unsupported(name, &text, &[only])) }
    }

    /// Takes a required list of texts with at most `max` elements.
    pub fn texts(&mut self, name: &str, max: usize) -> Result<Vec<String>, ApiError> {
        self.optional_texts(name, max)?.ok_or_else(|| ApiError::missing(name))
    }

    /// Takes a list of at most `max` texts that may be absent or null.
    pub fn optional_texts(&mut self, name: &str, max: usize) -> Result<Option<Vec<String>>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(values) = value else { return Err(wrong_type(name, "an array of strings", &value)) };
        if values.len() > max {
            let message = format!(
                "Invalid '{name}': array too long. Expected at most {max} elements, but got {} instead.",
                values.len()
            );
            return Err(ApiError::invalid(message).param(name));
        }
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            other => Err(wrong_type(name, "an array of strings", &other)),
        };
        values.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// Takes an object that may be absent or null.
    pub fn object(&mut self, name: &str) -> Result<Option<Self>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self(fields))),
            Some(other) => Err(wrong_type(name, "an object", &other)),
        }
    }

    /// Takes a field that is present and either an object or null.
    pub fn required_object_or_null(&mut self, name: &str) -> Result<Option<Self>, ApiError> {
        if self.0.contains_key(name) { self.object(name) } else { Err(ApiError::missing(name)) }
    }

    /// Refuses the request if fields remain, and names them.
    pub fn refuse_rest(&self) -> Result<(), ApiError> {
        ApiError::refuse_unexpected(self.0.keys().map(String::as_str))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }
}

/// Copies a body into one buffer. No frame is kept, since even a short frame keeps a whole receive buffer alive. Memory
/// grows with the received bytes, not with the number of segments.
async fn whole(request: Request, max_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let mut body: Body = request.into_body();
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::of)?.into_data() else { continue };
        if data.len() > max_bytes - whole.len() {
            return Err(ApiError::invalid(format!("The request body is longer than {max_bytes} bytes.")));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

fn integer(name: &str, value: &Value, bounds: &RangeInclusive<u64>) -> Result<u64, ApiError> {
    let size = match value {
        Value::Number(number) => size(number),
        _ => None,
    };
    let size = size.ok_or_else(|| wrong_type(name, "an integer", value))?;
    let is_huge = size == i128::MAX || size == i128::MIN;
    let got = if is_huge { "one of more than 64 bits".to_owned() } else { size.to_string() };
    if size < i128::from(*bounds.start()) {
        return Err(ApiError::below_minimum(name, *bounds.start(), &got));
    }
    let within = u64::try_from(size).ok().filter(|size| size <= bounds.end());
    within.ok_or_else(|| ApiError::above_maximum(name, *bounds.end(), &got))
}

/// Returns the value of an integer; none for a decimal. As in JSON Schema, `5.0` is an integer, up to the largest exact
/// float. An integer of more than 64 bits arrives as a float and becomes `i128::MIN` or `i128::MAX`.
#[expect(clippy::cast_possible_truncation, reason = "the float is whole, and small enough")]
fn size(number: &Number) -> Option<i128> {
    match number.as_f64().filter(|_| number.is_f64()) {
        None => number.as_i128(),
        Some(float) if float >= FIRST_BEYOND_I64 => Some(i128::MAX),
        Some(float) if float <= -FIRST_BEYOND_I64 => Some(i128::MIN),
        Some(float) => (float.fract() == 0.0 && float.abs() < FIRST_INEXACT).then_some(float as i128),
    }
}

fn wrong_type(name: &str, expected: &str, value: &Value) -> ApiError {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if size(number).is_none() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    ApiError::invalid(format!("Invalid type for '{name}': expected {expected}, but got {got} instead.")).param(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::catalogue::ErrorKind;
    use bytes::Bytes;
    use futures_util::stream;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A receive buffer that counts the live buffers.
    struct Receive(Arc<AtomicUsize>, [u8; 1]);

    impl AsRef<[u8]> for Receive {
        fn as_ref(&self) -> &[u8] {
            &self.1
        }
    }

    impl Drop for Receive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn byte_by_byte(text: &'static [u8], alive: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>) -> Request {
        let (alive, most) = (Arc::clone(alive), Arc::clone(most));
        let frames = text.iter().map(move |byte| {
            most.fetch_max(alive.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from_owner(Receive(Arc::clone(&alive), [*byte])))
        });
        Request::new(Body::from_stream(stream::iter(frames)))
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_another_encoding_is_named() {
        assert!(JsonObject::parse(b"\xef\xbb\xbf{\"a\": 1}").is_ok());
        let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let refused = JsonObject::parse(&utf16).unwrap_err();
        assert!(format!("{refused:?}").contains("UTF-16"), "{refused:?}");
    }

    #[test]
    fn an_integer_of_more_than_64_bits_is_out_of_bounds_and_no_decimal() {
        let of = |number: &str| JsonObject::parse(format!("{{\"a\": {number}}}").as_bytes()).unwrap();
        let refused = |number: &str| of(number).integer("a", 1..=9).unwrap_err().kind();
        for number in ["10", "18446744073709551615", "18446744073709551616", "99999999999999999999999", "1e300"] {
            assert_eq!(refused(number), ErrorKind::AboveMaximum, "{number}");
        }
        for number in ["0", "-1", "-9223372036854775809", "-99999999999999999999999"] {
            assert_eq!(refused(number), ErrorKind::BelowMinimum, "{number}");
        }
        for number in ["1.5", "0.1", "1e-2", "9007199254740993.5"] {
            assert_eq!(refused(number), ErrorKind::InvalidRequest, "{number}");
        }
        assert_eq!(of("5.0").integer("a", 1..=9).unwrap(), 5);
        assert_eq!(of("9e0").signed_integer("a").unwrap(), 9);
        assert_eq!(of("-4.0").signed_integer("a").unwrap(), -4);
        // Needs the nearest float to the digits, which a faster parser may miss.
        assert_eq!(of("2251799813685247.0").signed_integer("a").unwrap(), 2_251_799_813_685_247);
        let error = format!("{:?}", of("99999999999999999999999").integer("a", 1..=9).unwrap_err());
        assert!(error.contains("Expected a value <= 9, but got one of more than 64 bits instead."), "{error}");
        let error = format!("{:?}", of("-99999999999999999999999").signed_integer("a").unwrap_err());
        assert!(error.contains("expected an integer from -9223372036854775808 to"), "{error}");
    }

    #[tokio::test]
    async fn a_body_of_many_segments_keeps_no_receive_buffer() {
        let (alive, most) = (Arc::default(), Arc::default());
        let mut object = JsonObject::read(byte_by_byte(b"{\"a\": \"b\"}", &alive, &most), 10).await.unwrap();
        assert_eq!(object.text("a").unwrap(), "b");
        assert!(most.load(Ordering::Relaxed) <= 2, "{most:?}");
        JsonObject::read(byte_by_byte(b"{\"a\": \"b\"}", &alive, &most), 9).await.unwrap_err();
    }
}
