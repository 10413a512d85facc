//! The description of an API.

use crate::operation::Operation;
use crate::schema::Definition;
use serde_json::Value;
use std::collections::BTreeMap;

/// The description of an API.
#[derive(Clone, Debug)]
pub struct Api {
    /// The name of the API.
    pub title: &'static str,
    /// The version of the server.
    pub version: &'static str,
    /// One sentence for the OpenAPI document.
    pub summary: &'static str,
    /// A paragraph for the OpenAPI document.
    pub description: &'static str,
    /// The licence, as SPDX names it.
    pub license: &'static str,
    /// One sentence for language models, in inline Markdown.
    pub abstract_for_models: String,
    /// The address of the server, without a slash at the end.
    pub origin: String,
    /// The links of the header of every page: a text, and the path without a slash before it.
    pub header_links: &'static [(&'static str, &'static str)],
    /// The sections, in order.
    pub groups: Vec<Group>,
    /// The kinds of keys.
    pub keys: Vec<KeyScheme>,
    /// The header that every answer has: its name and what it says.
    pub answer_header: (&'static str, &'static str),
    /// The operations, in order.
    pub operations: Vec<Operation>,
    /// The named objects, in order.
    pub definitions: Vec<Definition>,
    /// The name of the object that is the body of every error.
    pub error_object: &'static str,
    /// Every error, in order, each with a sample of no operation in particular.
    pub failures: Vec<Failure>,
}

/// A section of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its title.
    pub title: &'static str,
    /// One sentence on what it is for.
    pub about: &'static str,
}

/// A kind of key, which is sent as `Authorization: Bearer`.
#[derive(Clone, Copy, Debug)]
pub struct KeyScheme {
    /// Its name in the OpenAPI document.
    pub name: &'static str,
    /// Its name in a sentence.
    pub noun: &'static str,
    /// The form of its keys, for example `sk_...`.
    pub format: &'static str,
    /// Its description in the OpenAPI document.
    pub description: &'static str,
    /// Its description on the pages.
    pub label: &'static str,
    /// The environment variable of the samples that holds the key.
    pub variable: &'static str,
}

/// An error that the server can answer.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// The code in the body, if it has one.
    pub code: Option<&'static str>,
    /// The anchor on the page of errors.
    pub anchor: String,
    /// One sentence on what brings it about.
    pub cause: &'static str,
    /// Set if every operation can answer it.
    pub everywhere: bool,
    /// A sample body.
    pub sample: Value,
}

impl Failure {
    /// Returns the code as inline Markdown; in words where the body has none.
    pub fn label(&self) -> String {
        self.code.map_or_else(|| format!("{} (no code)", self.anchor.replace('_', " ")), crate::page::code)
    }
}

impl Api {
    /// Finds the object of a name.
    pub fn definition(&self, name: &str) -> Option<&Definition> {
        self.definitions.iter().find(|definition| definition.name == name)
    }

    /// Finds the kind of key that the samples of an operation use.
    pub fn sample_key(&self, operation: &Operation) -> Option<&KeyScheme> {
        let name = operation.keys.first()?;
        self.keys.iter().find(|key| key.name == *name)
    }
}

/// Sorts failures by their status.
pub fn by_status<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> BTreeMap<u16, Vec<&'a Failure>> {
    let mut found: BTreeMap<u16, Vec<&Failure>> = BTreeMap::new();
    for failure in failures {
        found.entry(failure.status).or_default().push(failure);
    }
    found
}
