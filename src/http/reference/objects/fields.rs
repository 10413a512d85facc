//! The members and lists that several objects share.

use venna_reference::{Field, Schema, list, must, or_null};

/// Describes OpenAI's list of the objects with this name.
pub fn page_of(name: &'static str) -> Schema {
    Schema::Object(vec![
        object("list"),
        must("data", list(Schema::Named(name)), "The objects of this page."),
        must("first_id", or_null(Schema::Text), "The id of the first of them; null of an empty page."),
        must("last_id", or_null(Schema::Text), "The id of the last of them: the `after` of the next page."),
        must("has_more", Schema::Flag, "Whether there is another page."),
    ])
}

/// Describes the member `object`.
pub fn object(name: &'static str) -> Field {
    must("object", Schema::Word(name), "What this is.")
}

/// Describes the member `id`.
pub fn id(about: &str) -> Field {
    must("id", Schema::Text, about)
}
