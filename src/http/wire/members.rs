//! Objects whose members are written one by one, by serde or straight into a buffer of JSON.
//!
//! `serde_json` looks for escapes in each byte of each key, id and digest, which is more than half of the work of a
//! File. [`Json`] looks for them only where a client decides about a text.

use super::append;
use serde::Serializer;
use serde::ser::SerializeMap;

/// Takes the members of an object, in their order.
pub trait Members {
    /// Takes a text that needs no escape: a word of the server, an id or a digest.
    fn plain(&mut self, key: &'static str, text: &str);
    /// Takes a text of a client; null if there is none.
    fn text(&mut self, key: &'static str, text: Option<&str>);
    /// Takes a number; null if there is none.
    fn number(&mut self, key: &'static str, number: Option<u64>);
}

/// Writes an object at the end of a buffer.
pub fn write_object(json: &mut Vec<u8>, give: impl FnOnce(&mut Json<'_>)) {
    json.push(b'{');
    give(&mut Json { json, is_first: true });
    json.push(b'}');
}

/// Serializes an object.
///
/// # Errors
/// The error of the serializer.
pub fn serialize_object<S: Serializer>(
    serializer: S,
    give: impl FnOnce(&mut Map<S::SerializeMap>),
) -> Result<S::Ok, S::Error> {
    let mut map = Map { map: serializer.serialize_map(None)?, failure: None };
    give(&mut map);
    map.failure.map_or(Ok(()), Err)?;
    map.map.end()
}

/// Members as JSON.
pub struct Json<'a> {
    json: &'a mut Vec<u8>,
    is_first: bool,
}

impl Json<'_> {
    fn key(&mut self, key: &'static str) {
        self.json.extend_from_slice(if self.is_first { b"\"" } else { b",\"" });
        self.is_first = false;
        self.json.extend_from_slice(key.as_bytes());
        self.json.extend_from_slice(b"\":");
    }
}

impl Members for Json<'_> {
    fn plain(&mut self, key: &'static str, text: &str) {
        self.key(key);
        self.json.push(b'"');
        self.json.extend_from_slice(text.as_bytes());
        self.json.push(b'"');
    }

    fn text(&mut self, key: &'static str, text: Option<&str>) {
        self.key(key);
        append(self.json, &text);
    }

    fn number(&mut self, key: &'static str, number: Option<u64>) {
        self.key(key);
        append(self.json, &number);
    }
}

/// Members of a serializer. A failure is kept until the end.
pub struct Map<M: SerializeMap> {
    map: M,
    failure: Option<M::Error>,
}

impl<M: SerializeMap> Map<M> {
    fn entry(&mut self, key: &'static str, value: &impl serde::Serialize) {
        if self.failure.is_none() {
            self.failure = self.map.serialize_entry(key, value).err();
        }
    }
}

impl<M: SerializeMap> Members for Map<M> {
    fn plain(&mut self, key: &'static str, text: &str) {
        self.entry(key, &text);
    }

    fn text(&mut self, key: &'static str, text: Option<&str>) {
        self.entry(key, &text);
    }

    fn number(&mut self, key: &'static str, number: Option<u64>) {
        self.entry(key, &number);
    }
}
