//! The members and lists that several objects share.

use venna_reference::{Field, Schema, list, must, or_null};

/// Describes OpenAI's list of the objects with this name.
pub fn page_of(name: &'static str) -> Schema {
    Schema::Object(vec![
        object("list"),
        must("data", list(Schema::Named(name)), "The objects of the page."),
        must("first_id", or_null(Schema::Text), "The id of the first object; `null` on an empty page."),
        must("last_id", or_null(Schema::Text), "The id of the last object: pass it as `after` to get the next page."),
        must("has_more", Schema::Flag, "True if there is another page."),
    ])
}

/// Describes the member `object`.
pub fn object(name: &'static str) -> Field {
    must("object", Schema::Word(name), "The type of the object.")
}

/// Describes the member `id`.
pub fn id(about: &str) -> Field {
    must("id", Schema::Text, about)
}
