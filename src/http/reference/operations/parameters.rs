//! The parameters that several operations share.

use crate::model::idempotency::MAX_KEY_CHARS;
use venna_reference::{ParamIn, Parameter, Schema, Shape};

fn parameter(place: ParamIn, name: &'static str, schema: Schema, about: impl Into<String>) -> Parameter {
    Parameter { place, name, schema, required: place == ParamIn::Path, about: about.into(), example: None }
}

/// Describes a parameter of the path.
pub fn in_path(name: &'static str, about: &str, example: &'static str) -> Parameter {
    Parameter { example: Some(example), ..parameter(ParamIn::Path, name, Schema::Text, about) }
}

/// Describes a parameter of the query.
pub fn in_query(name: &'static str, schema: Schema, about: impl Into<String>) -> Parameter {
    parameter(ParamIn::Query, name, schema, about)
}

/// Sets the value in the samples.
pub fn sent(example: &'static str, parameter: Parameter) -> Parameter {
    Parameter { example: Some(example), ..parameter }
}

/// Describes a header.
pub fn in_header(name: &'static str, about: impl Into<String>) -> Parameter {
    parameter(ParamIn::Header, name, Schema::Text, about)
}

/// Describes the header `Idempotency-Key`.
pub fn idempotency_key() -> Parameter {
    let about = format!(
        "1 to {MAX_KEY_CHARS} visible characters of ASCII: repeated under it within 24 hours, the request has one \
         effect and one answer."
    );
    // The value of a header excludes surrounding white space.
    let shape = Shape { pattern: Some("^[!-~]([ -~]*[!-~])?$"), min: 1, max: MAX_KEY_CHARS };
    parameter(ParamIn::Header, "Idempotency-Key", Schema::Shaped(shape), about)
}
