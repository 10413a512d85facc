//! The objects of requests and answers. Tests compare the answers of the server with them.

mod accounts;
mod admin;
mod expiry;
mod fields;
mod files;
mod links;
mod server;
mod uploads;
mod usage;
mod users;

use venna_reference::{Definition, Schema, must, or_null};

/// Every definition, in the order of the documentation.
pub fn definitions() -> Vec<Definition> {
    let groups = [
        files::definitions(),
        uploads::definitions(),
        links::definitions(),
        admin::definitions(),
        accounts::definitions(),
        users::definitions(),
        expiry::definitions(),
        server::definitions(),
        usage::definitions(),
    ];
    groups.into_iter().flatten().chain([error()]).collect()
}

/// Describes OpenAI's error envelope.
fn error() -> Definition {
    let error = Schema::Object(vec![
        must("message", Schema::Text, "The cause, and where possible the remedy, in words."),
        must("type", Schema::Text, "The family of the error, for example `invalid_request_error`."),
        must("param", or_null(Schema::Text), "The parameter or field that is wrong."),
        must("code", or_null(Schema::Text), "The code. The page *Errors* lists all of them."),
    ]);
    Definition {
        name: "ErrorResponse",
        about: "The body of every error.",
        schema: Schema::Object(vec![must("error", error, "The error.")]),
    }
}
