//! The shapes of all that goes over the wire; tests hold the server's real answers against them.

mod accounts;
mod admin;
mod files;
mod uploads;
mod usage;

use super::schema::{Definition, Field, Schema, list, must, or_null};

/// Every definition, in the order of the documentation.
pub fn definitions() -> Vec<Definition> {
    let groups = [
        files::definitions(),
        uploads::definitions(),
        admin::definitions(),
        accounts::definitions(),
        usage::definitions(),
    ];
    groups.into_iter().flatten().chain([error()]).collect()
}

/// OpenAI's error envelope.
fn error() -> Definition {
    let error = Schema::Object(vec![
        must("message", Schema::Text, "What is wrong, for people."),
        must("type", Schema::Text, "The family of the error, for example `invalid_request_error`."),
        must("param", or_null(Schema::Text), "The parameter or field that is wrong."),
        must("code", or_null(Schema::Text), "The code; `/docs/errors` lists all of them."),
    ]);
    Definition {
        name: "ErrorResponse",
        about: "The body of every answer that is no success.",
        schema: Schema::Object(vec![must("error", error, "What went wrong.")]),
    }
}

/// OpenAI's list of these objects.
fn page_of(name: &'static str) -> Schema {
    Schema::Object(vec![
        object("list"),
        must("data", list(Schema::Named(name)), "The objects of this page."),
        must("first_id", or_null(Schema::Text), "The id of the first of them; null of an empty page."),
        must("last_id", or_null(Schema::Text), "The id of the last of them: the `after` of the next page."),
        must("has_more", Schema::Flag, "Whether there is another page."),
    ])
}

fn object(name: &'static str) -> Field {
    must("object", Schema::Word(name), "What this is.")
}

fn id(about: &str) -> Field {
    must("id", Schema::Text, about)
}
