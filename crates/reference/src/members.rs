//! Parameters and members of objects as readers see them: with allowed values, default and bounds.

use crate::api::Api;
use crate::operation::Parameter;
use crate::page::{Member, Presence, code};
use crate::schema::{Field, Schema, Shape};

/// The depth of objects in objects that a page shows.
const MAX_DEPTH: usize = 4;

/// The parts that a parameter and a field have in common.
struct Described<'a> {
    name: &'a str,
    schema: &'a Schema,
    required: bool,
    about: &'a str,
    default: Option<&'a str>,
}

impl<'a> From<&'a Field> for Described<'a> {
    fn from(Field { name, schema, required, about, default }: &'a Field) -> Self {
        Self { name, schema, required: *required, about, default: default.as_deref() }
    }
}

impl<'a> From<&'a Parameter> for Described<'a> {
    fn from(Parameter { name, schema, required, about, default, .. }: &'a Parameter) -> Self {
        Self { name, schema, required: *required, about, default: default.as_deref() }
    }
}

/// Describes a parameter.
pub fn of_parameter(api: &Api, parameter: &Parameter) -> Member {
    member(api, Side::Request, parameter.place.name(), &parameter.into(), MAX_DEPTH)
}

/// The side of an exchange that has an object.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    /// The request.
    Request,
    /// The answer.
    Answer,
}

impl Side {
    /// Returns the beginning of the anchors of its members.
    const fn anchor(self) -> &'static str {
        match self {
            Self::Request => "body",
            Self::Answer => "response",
        }
    }
}

/// Describes the members of an object.
pub fn members_of(api: &Api, side: Side, name: &str) -> Vec<Member> {
    let fields = api.definition(name).map_or(&[][..], |definition| definition.schema.fields());
    of_fields(api, side, side.anchor(), fields, MAX_DEPTH)
}

/// Describes the fields of the object with the anchor `of`.
fn of_fields(api: &Api, side: Side, of: &str, fields: &[Field], depth: usize) -> Vec<Member> {
    fields.iter().map(|field| member(api, side, of, &field.into(), depth)).collect()
}

fn member(api: &Api, side: Side, of: &str, described: &Described<'_>, depth: usize) -> Member {
    let Described { name, schema, required, about, default } = *described;
    let presence = match (side, required) {
        (Side::Request, true) => Presence::Required,
        (Side::Answer, false) => Presence::Optional,
        (Side::Request, false) | (Side::Answer, true) => Presence::Usual,
    };
    let mut facts = facts(api, schema);
    facts.extend(default.map(|default| ("Default", vec![default.to_owned()])));
    let id = format!("{of}.{}", anchor(name));
    let members = depth.checked_sub(1).and_then(|depth| inner(api, side, &id, schema, depth));
    Member { id, name: name.to_owned(), kind: kind(api, schema), presence, about: about.to_owned(), facts, members }
}

/// Returns a name as a part of an anchor: `expires_after[seconds]` is `expires_after.seconds`, as in an object.
fn anchor(name: &str) -> String {
    let is_kept = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    let pieces = name.split(|character| !is_kept(character)).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join(".")
}

/// Returns the members of the object that a schema has, which has the anchor `of`.
fn inner(api: &Api, side: Side, of: &str, schema: &Schema, depth: usize) -> Option<(String, Vec<Member>)> {
    match schema {
        Schema::Named(name) => {
            let fields = api.definition(name)?.schema.fields();
            (!fields.is_empty()).then(|| ((*name).to_owned(), of_fields(api, side, of, fields, depth)))
        }
        Schema::Object(fields) | Schema::Paired(fields, _) => {
            Some(("this object".to_owned(), of_fields(api, side, of, fields, depth)))
        }
        Schema::List(inside, _) | Schema::Some(inside, _) | Schema::Nullable(inside) => {
            inner(api, side, of, inside, depth)
        }
        _ => None,
    }
}

/// Returns the type in a word or two.
fn kind(api: &Api, schema: &Schema) -> String {
    match schema {
        Schema::Text | Schema::Shaped(_) | Schema::Word(_) | Schema::Words(_) => "string".to_owned(),
        Schema::Whole(..) | Schema::Integer | Schema::NonZero => "integer".to_owned(),
        Schema::Object(_) | Schema::Paired(..) | Schema::Anything => "object".to_owned(),
        Schema::Octets => "file".to_owned(),
        Schema::Partial(by, ..) => format!("object by {by}"),
        Schema::Nullable(inner) => format!("{} | null", kind(api, inner)),
        Schema::List(inner, _) | Schema::Some(inner, _) => format!("{}[]", kind(api, inner)),
        Schema::Named(name) => match api.definition(name) {
            Some(definition) if definition.schema.fields().is_empty() => kind(api, &definition.schema),
            _ => (*name).to_owned(),
        },
        other => other.typescript(0),
    }
}

/// Returns allowed values and bounds.
fn facts(api: &Api, schema: &Schema) -> Vec<(&'static str, Vec<String>)> {
    match schema {
        Schema::Word(word) => vec![("Value", vec![code(word)])],
        Schema::Words(words) => vec![("Allowed", words.iter().map(code).collect())],
        Schema::Whole(min, max) if *max < crate::schema::MAX_SAFE_INTEGER => {
            vec![("Range", vec![format!("{} to {}", number(*min), number(*max))])]
        }
        Schema::Shaped(Shape { pattern, min, max }) => shape(*pattern, *min, *max),
        Schema::Partial(_, names, value) => {
            let mut all = vec![("Names", names.iter().map(code).collect())];
            all.extend(facts(api, value));
            all
        }
        Schema::List(of, max) => {
            let mut all = facts(api, of);
            all.extend(max.map(|max| ("Items", vec![format!("at most {}", number(max as u64))])));
            all
        }
        Schema::Some(of, max) => {
            let mut all = facts(api, of);
            all.push(("Items", vec![format!("1 to {}", number(*max as u64))]));
            all
        }
        Schema::Nullable(inner) => facts(api, inner),
        Schema::Named(name) => api.definition(name).map_or_else(Vec::new, |definition| facts(api, &definition.schema)),
        _ => Vec::new(),
    }
}

fn shape(pattern: Option<&str>, min: usize, max: usize) -> Vec<(&'static str, Vec<String>)> {
    // A pattern of a text of one length is that of an id; others are for programs.
    if let Some(pattern) = pattern.filter(|_| min == max) {
        return vec![("Pattern", vec![code(pattern)])];
    }
    vec![("Length", vec![format!("{} to {} characters", number(min as u64), number(max as u64))])]
}

/// Writes a number with a comma between thousands.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_between_thousands() {
        for (value, written) in [(0, "0"), (999, "999"), (1000, "1,000"), (536_870_912, "536,870,912")] {
            assert_eq!(number(value), written);
        }
    }

    #[test]
    fn names_are_parts_of_anchors() {
        for (name, part) in [
            ("limit", "limit"),
            ("Idempotency-Key", "Idempotency-Key"),
            ("project_ids[]", "project_ids"),
            ("expires_after[seconds]", "expires_after.seconds"),
        ] {
            assert_eq!(anchor(name), part);
        }
    }
}
