//! The expiry of Files in requests, and the default expiries of projects.

use super::fields::object;
use crate::model::expiry::DEFAULT_EXPIRY_SECONDS;
use std::ops::RangeInclusive;
use venna_reference::{Definition, Field, Schema, list, must, or_null};

pub fn definitions() -> Vec<Definition> {
    let of = |name, about, fields| Definition { name, about, schema: Schema::Object(fields) };
    let list_fields =
        vec![object("list"), must("data", list(Schema::Named("ProjectDefaultExpiry")), "One for each purpose.")];
    vec![
        of("ProjectDefaultExpiryListResponse", "The default expiries of a project.", list_fields),
        of("ProjectDefaultExpiry", "The expiry of files of a purpose whose clients ask for none.", default_expiry()),
        of(
            "ProjectDefaultExpiryRequest",
            "The new default expiry of a purpose.",
            vec![must(
                "expires_after",
                or_null(expires_after(&DEFAULT_EXPIRY_SECONDS)),
                "The lifetime; `null`: the files do not expire.",
            )],
        ),
    ]
}

/// Describes `expires_after` in JSON, with these bounds in seconds.
pub fn expires_after(bounds: &RangeInclusive<u64>) -> Schema {
    let seconds = Schema::Whole(*bounds.start(), *bounds.end());
    Schema::Object(vec![
        must("anchor", Schema::Word("created_at"), "The start of the lifetime: the creation of the File."),
        must("seconds", seconds, "The lifetime, in seconds."),
    ])
}

fn default_expiry() -> Vec<Field> {
    vec![
        object("organization.project.default_expiry"),
        must("purpose", Schema::Named("StoredPurpose"), "The purpose of the files."),
        must(
            "expires_after",
            or_null(expires_after(&DEFAULT_EXPIRY_SECONDS)),
            "The lifetime; `null` if the files do not expire.",
        ),
        must("set_by_project", Schema::Flag, "False if the built-in default of the purpose holds."),
    ]
}
