//! The parameters that several operations share.

use crate::http::list::MAX_FILTER_VALUES;
use crate::model::idempotency::MAX_KEY_CHARS;
use crate::model::page::PAGE_FILES;
use crate::model::person::MAX_EMAIL_CHARS;
use std::ops::RangeInclusive;
use venna_reference::{ParamIn, Parameter, Schema, Shape, number};

/// The description of `limit`.
const MOST: &str = "The maximum number of objects on a page.";

fn parameter(place: ParamIn, name: &'static str, schema: Schema, about: impl Into<String>) -> Parameter {
    Parameter {
        place,
        name,
        schema,
        required: place == ParamIn::Path,
        about: about.into(),
        default: None,
        example: None,
    }
}

/// Describes a filter by e-mail addresses.
pub fn email_filter(name: &'static str, about: &str) -> Parameter {
    let pattern = Some(r"^[^\x00-\x20\x7f@][^\x00-\x20\x7f]*@[^\x00-\x20\x7f]+$");
    let email = Schema::Shaped(Shape { pattern, min: 3, max: MAX_EMAIL_CHARS });
    in_query(name, Schema::List(Box::new(email), Some(MAX_FILTER_VALUES)), about)
}

/// Describes a parameter of the path.
pub fn in_path(name: &'static str, about: &str, example: &'static str) -> Parameter {
    in_path_of(name, Schema::Text, about, example)
}

/// Describes a parameter of the path with its values.
pub fn in_path_of(name: &'static str, schema: Schema, about: &str, example: &'static str) -> Parameter {
    Parameter { example: Some(example), ..parameter(ParamIn::Path, name, schema, about) }
}

/// Describes a parameter of the query.
pub fn in_query(name: &'static str, schema: Schema, about: impl Into<String>) -> Parameter {
    parameter(ParamIn::Query, name, schema, about)
}

/// Sets the value in the samples.
pub fn sent(example: &'static str, parameter: Parameter) -> Parameter {
    Parameter { example: Some(example), ..parameter }
}

/// Says what holds when it is absent.
pub fn or(default: impl Into<String>, parameter: Parameter) -> Parameter {
    Parameter { default: Some(default.into()), ..parameter }
}

/// Describes `limit` of a list of Files or parts.
pub fn limit_of_files() -> Parameter {
    limit_within(&PAGE_FILES, *PAGE_FILES.end())
}

/// Describes `limit` of a list by its bounds, and what holds without it.
pub fn limit_within(bounds: &RangeInclusive<u32>, default: u32) -> Parameter {
    let whole = Schema::Whole((*bounds.start()).into(), (*bounds.end()).into());
    or(number(default.into()), in_query("limit", whole, MOST))
}

/// Describes `limit` of a list, and what holds without it.
pub fn limit_of(most: u64, default: &str) -> Parameter {
    or(default, in_query("limit", Schema::Whole(1, most), MOST))
}

/// Describes a header.
pub fn in_header(name: &'static str, about: impl Into<String>) -> Parameter {
    parameter(ParamIn::Header, name, Schema::Text, about)
}

/// Describes the header `Idempotency-Key`.
pub fn idempotency_key() -> Parameter {
    let about = format!(
        "A key of your choice, 1 to {MAX_KEY_CHARS} visible ASCII characters. A request that is repeated under it within \
         24 hours takes effect once and gets the same answer."
    );
    // The value of a header excludes surrounding white space.
    let shape = Shape { pattern: Some("^[!-~]([ -~]*[!-~])?$"), min: 1, max: MAX_KEY_CHARS };
    parameter(ParamIn::Header, "Idempotency-Key", Schema::Shaped(shape), about)
}
