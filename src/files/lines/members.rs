//! The members of a line's object that the rules for batches name.

use super::fault::{Fault, MAX_CUSTOM_ID_BYTES};
use super::text::Text;

/// The bound of captured names; the longest known one is `custom_id`.
const MAX_NAME_BYTES: usize = 16;

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Object,
    Null,
    /// An array, a number, `true` or `false`.
    Other,
}

#[derive(Clone, Copy, Debug)]
enum Name {
    CustomId,
    Method,
    Url,
    Body,
    Response,
    Error,
}

/// The text that is being captured.
#[derive(Clone, Copy, Debug)]
enum Captured {
    Name,
    CustomId,
}

/// The kinds of the known members of one object, and its `custom_id`. Of a repeated member the last counts.
#[derive(Debug)]
pub(super) struct Members {
    captured: Option<Captured>,
    name_text: Text,
    name: Option<Name>,
    id_text: Text,
    custom_id: Option<Kind>,
    method: Option<Kind>,
    url: Option<Kind>,
    body: Option<Kind>,
    response: Option<Kind>,
    error: Option<Kind>,
}

/// A valid line of a batch file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// A request, with its `custom_id`.
    Request(&'a [u8]),
    /// A line of a batch's output or error file.
    Outcome,
}

impl Default for Members {
    fn default() -> Self {
        Self {
            captured: None,
            name_text: Text::new(MAX_NAME_BYTES),
            name: None,
            id_text: Text::new(MAX_CUSTOM_ID_BYTES),
            custom_id: None,
            method: None,
            url: None,
            body: None,
            response: None,
            error: None,
        }
    }
}

impl Members {
    /// Forgets the members; allocated memory is kept.
    pub(super) fn clear(&mut self) {
        (self.captured, self.name) = (None, None);
        (self.custom_id, self.method, self.url, self.body) = (None, None, None, None);
        (self.response, self.error) = (None, None);
    }

    /// Begins the key of a member of the object itself.
    pub(super) fn begin_key(&mut self) {
        self.name_text.clear();
        self.captured = Some(Captured::Name);
    }

    /// Begins the value of the last key.
    pub(super) fn begin_value(&mut self, kind: Kind) {
        let member = match self.name {
            None => return,
            Some(Name::CustomId) => {
                if kind == Kind::Text {
                    self.id_text.clear();
                    self.captured = Some(Captured::CustomId);
                }
                &mut self.custom_id
            }
            Some(Name::Method) => &mut self.method,
            Some(Name::Url) => &mut self.url,
            Some(Name::Body) => &mut self.body,
            Some(Name::Response) => &mut self.response,
            Some(Name::Error) => &mut self.error,
        };
        *member = Some(kind);
    }

    /// Takes text of a string that was not escaped.
    pub(super) fn text(&mut self, bytes: &[u8]) {
        if let Some(text) = self.captured_text() {
            text.push(bytes);
        }
    }

    /// Takes an escaped UTF-16 code unit of a string.
    pub(super) fn code_unit(&mut self, unit: u16) {
        if let Some(text) = self.captured_text() {
            text.push_unit(unit);
        }
    }

    /// Ends a string.
    pub(super) fn end_text(&mut self) {
        if let Some(text) = self.captured_text() {
            text.end();
        }
        if let Some(Captured::Name) = self.captured.take() {
            self.name = self.name_text.get().and_then(|name| match name {
                b"custom_id" => Some(Name::CustomId),
                b"method" => Some(Name::Method),
                b"url" => Some(Name::Url),
                b"body" => Some(Name::Body),
                b"response" => Some(Name::Response),
                b"error" => Some(Name::Error),
                _ => None,
            });
        }
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.name_text.held_bytes() + self.id_text.held_bytes()
    }

    fn captured_text(&mut self) -> Option<&mut Text> {
        Some(match self.captured? {
            Captured::Name => &mut self.name_text,
            Captured::CustomId => &mut self.id_text,
        })
    }

    /// Returns the request or outcome that the object is.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(super) fn entry(&self) -> Result<Entry<'_>, Fault> {
        string("custom_id", self.custom_id)?;
        let id = self.id_text.get().ok_or(Fault::LongId)?;
        let is_request = self.method.or(self.url).or(self.body).is_some();
        if !is_request && self.response.or(self.error).is_some() {
            return self.outcome();
        }
        string("method", self.method)?;
        string("url", self.url)?;
        match self.body {
            None => Err(Fault::Missing("body")),
            Some(Kind::Object) => Ok(Entry::Request(id)),
            Some(_) => Err(Fault::NotAnObject("body")),
        }
    }

    /// Checks a line of an output file, which has a response, or of an error file, which has an error. The other is
    /// null or missing.
    fn outcome(&self) -> Result<Entry<'_>, Fault> {
        for (name, member) in [("response", self.response), ("error", self.error)] {
            if !matches!(member, None | Some(Kind::Object | Kind::Null)) {
                return Err(Fault::NotAnObject(name));
            }
        }
        if [self.response, self.error].contains(&Some(Kind::Object)) {
            Ok(Entry::Outcome)
        } else {
            Err(Fault::NoOutcome)
        }
    }
}

fn string(name: &'static str, member: Option<Kind>) -> Result<(), Fault> {
    match member {
        None => Err(Fault::Missing(name)),
        Some(Kind::Text) => Ok(()),
        Some(_) => Err(Fault::NotAString(name)),
    }
}
