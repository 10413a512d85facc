//! The schemas of values, as data: JSON Schema, TypeScript and the tables of the pages follow from them.

use serde_json::{Map, Value, json};

/// A schema.
#[derive(Clone, Debug)]
pub enum Schema {
    /// Any text.
    Text,
    /// A text of a shape.
    Shaped(Shape),
    /// This text.
    Word(&'static str),
    /// One of these texts.
    Words(Vec<&'static str>),
    /// A whole number, within bounds.
    Whole(u64, u64),
    /// A whole number that may be negative.
    Integer,
    /// A whole number that is not zero.
    NonZero,
    /// Any number.
    Number,
    /// True or false.
    Flag,
    /// True.
    True,
    /// False.
    False,
    /// Nothing but null.
    Null,
    /// The bytes of a file.
    Octets,
    /// Any number of values, or at most so many.
    List(Box<Schema>, Option<usize>),
    /// One value to so many.
    Some(Box<Schema>, usize),
    /// A value, or null.
    Nullable(Box<Schema>),
    /// One of several.
    Either(Vec<Schema>),
    /// An object.
    Object(Vec<Field>),
    /// An object that has both of two members or none of them.
    Paired(Vec<Field>, [&'static str; 2]),
    /// An object that may have these names, each with such a value: what the names are, the names, and the value.
    Partial(&'static str, Vec<&'static str>, Box<Schema>),
    /// An object of any names and values.
    Anything,
    /// A [`Definition`] of this name.
    Named(&'static str),
}

/// The shape of a text.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// A regular expression of ECMA-262 that matches all of it.
    pub pattern: Option<&'static str>,
    /// Its fewest characters.
    pub min: usize,
    /// Its most characters.
    pub max: usize,
}

/// One line of text of at most `max` characters, without white space at its ends.
pub const fn one_line_name(max: usize) -> Schema {
    const NAME: &str =
        r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$";
    Schema::Shaped(Shape { pattern: Some(NAME), min: 1, max })
}

/// One line of text of at most `max` characters, not only of white space.
pub const fn line(max: usize) -> Schema {
    const ONE_LINE: &str =
        r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
    Schema::Shaped(Shape { pattern: Some(ONE_LINE), min: 1, max })
}

/// A text of at most `max` characters without control characters.
pub const fn plain(max: usize) -> Schema {
    Schema::Shaped(Shape { pattern: Some(r"^[^\u0000-\u001f\u007f-\u009f]+$"), min: 1, max })
}

/// A member of an object, or a field of a form.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub schema: Schema,
    /// Whether it is always there, or must be sent.
    pub required: bool,
    /// What it says, in one or two sentences of inline Markdown.
    pub about: String,
    /// The value or behaviour when it is absent, in inline Markdown.
    pub default: Option<String>,
}

impl Field {
    /// Says what holds when it is absent.
    #[must_use]
    pub fn or(self, default: impl Into<String>) -> Self {
        Self { default: Some(default.into()), ..self }
    }
}

/// An object with a name.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name in all languages.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Its shape.
    pub schema: Schema,
}

/// A member that is always there, or must be sent.
pub fn must(name: &'static str, schema: Schema, about: impl Into<String>) -> Field {
    Field { name, schema, required: true, about: about.into(), default: None }
}

/// A member that may be absent.
pub fn may(name: &'static str, schema: Schema, about: impl Into<String>) -> Field {
    Field { name, schema, required: false, about: about.into(), default: None }
}

/// A value of `schema`, or null.
pub fn or_null(schema: Schema) -> Schema {
    Schema::Nullable(Box::new(schema))
}

/// A list of any number of values.
pub fn list(schema: Schema) -> Schema {
    Schema::List(Box::new(schema), None)
}

/// Closes a schema: objects have no members but those that are described.
pub fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for member in members.values_mut() {
                *member = closed(member.take());
            }
            if members.contains_key("properties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = closed(value.take())),
        _ => {}
    }
    schema
}

/// A time in Unix seconds.
pub const fn unix_seconds() -> Schema {
    Schema::Whole(0, MAX_SAFE_INTEGER)
}

/// A count, or a number of bytes.
pub const fn count() -> Schema {
    Schema::Whole(0, MAX_SAFE_INTEGER)
}

/// The largest integer that JavaScript's numbers hold exactly; bounds beyond it are not written.
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The width of comments in TypeScript, in columns: about what a page shows without scrolling.
const MAX_COLUMNS: usize = 80;

impl Schema {
    /// Writes JSON Schema 2020-12, as `OpenAPI` 3.1 takes it.
    pub fn json(&self) -> Value {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Shaped(Shape { pattern, min, max }) => {
                let mut schema = json!({"type": "string", "minLength": min, "maxLength": max});
                if let (Some(pattern), Some(schema)) = (pattern, schema.as_object_mut()) {
                    schema.insert("pattern".to_owned(), json!(pattern));
                }
                schema
            }
            Self::Word(word) => json!({"type": "string", "const": word}),
            Self::Words(words) => json!({"type": "string", "enum": words}),
            Self::Whole(min, max) => whole(*min, *max),
            Self::Integer => json!({"type": "integer"}),
            Self::NonZero => json!({"anyOf": [
                {"type": "integer", "format": "int64", "minimum": 1},
                {"type": "integer", "format": "int64", "maximum": -1},
            ]}),
            Self::Number => json!({"type": "number"}),
            Self::Flag => json!({"type": "boolean"}),
            Self::True => json!({"type": "boolean", "const": true}),
            Self::False => json!({"type": "boolean", "const": false}),
            Self::Null => json!({"type": "null"}),
            // `format` is what generators look at, `contentMediaType` what JSON Schema has.
            Self::Octets => {
                json!({"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"})
            }
            Self::List(of, max) => {
                let mut schema = json!({"type": "array", "items": of.json()});
                if let (Some(max), Some(schema)) = (max, schema.as_object_mut()) {
                    schema.insert("maxItems".to_owned(), json!(max));
                }
                schema
            }
            Self::Some(of, max) => {
                json!({"type": "array", "items": of.json(), "minItems": 1, "maxItems": max})
            }
            Self::Nullable(schema) => json!({"anyOf": [schema.json(), {"type": "null"}]}),
            Self::Either(schemas) => json!({"anyOf": schemas.iter().map(Self::json).collect::<Vec<_>>()}),
            Self::Object(fields) => object(fields),
            Self::Paired(fields, [one, other]) => {
                let mut schema = object(fields);
                if let Some(schema) = schema.as_object_mut() {
                    let both = json!({*one: [other], *other: [one]});
                    schema.insert("dependentRequired".to_owned(), both);
                }
                schema
            }
            Self::Partial(_, names, value) => {
                let properties: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), value.json())).collect();
                json!({"type": "object", "properties": properties})
            }
            Self::Anything => json!({"type": "object", "additionalProperties": true}),
            Self::Named(name) => json!({"$ref": format!("#/components/schemas/{name}")}),
        }
    }

    /// Writes a TypeScript type; further lines are indented by `depth` steps.
    pub fn typescript(&self, depth: usize) -> String {
        match self {
            Self::Text | Self::Shaped(_) => "string".to_owned(),
            Self::Word(word) => format!("\"{word}\""),
            Self::Words(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" | "),
            Self::Whole(..) | Self::Integer | Self::NonZero | Self::Number => "number".to_owned(),
            Self::Flag => "boolean".to_owned(),
            Self::True => "true".to_owned(),
            Self::False => "false".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Octets => "File | Blob".to_owned(),
            Self::List(of, _) | Self::Some(of, _) => match of.typescript(depth) {
                simple if simple.contains(" | ") && !simple.starts_with('{') => format!("({simple})[]"),
                simple => format!("{simple}[]"),
            },
            Self::Nullable(schema) => format!("{} | null", schema.typescript(depth)),
            Self::Either(schemas) => {
                schemas.iter().map(|schema| schema.typescript(depth)).collect::<Vec<_>>().join(" | ")
            }
            Self::Object(fields) | Self::Paired(fields, _) => members(fields, depth),
            Self::Partial(_, names, value) => {
                let names = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" | ");
                format!("Partial<Record<{names}, {}>>", value.typescript(depth))
            }
            Self::Anything => "Record<string, unknown>".to_owned(),
            Self::Named(name) => (*name).to_owned(),
        }
    }

    /// Returns the members, if it is an object.
    pub fn fields(&self) -> &[Field] {
        match self {
            Self::Object(fields) | Self::Paired(fields, _) => fields,
            _ => &[],
        }
    }

    /// Collects the names of the objects that it refers to.
    pub(crate) fn names(&self, found: &mut Vec<&'static str>) {
        match self {
            Self::List(inner, _) | Self::Some(inner, _) | Self::Nullable(inner) | Self::Partial(_, _, inner) => {
                inner.names(found);
            }
            Self::Either(schemas) => schemas.iter().for_each(|schema| schema.names(found)),
            Self::Object(fields) | Self::Paired(fields, _) => {
                for field in fields {
                    field.schema.names(found);
                }
            }
            Self::Named(name) if !found.contains(name) => found.push(name),
            _ => {}
        }
    }
}

fn whole(min: u64, max: u64) -> Value {
    let mut schema = json!({"type": "integer", "format": "int64", "minimum": min});
    if let (Some(schema), true) = (schema.as_object_mut(), max < MAX_SAFE_INTEGER) {
        schema.insert("maximum".to_owned(), json!(max));
    }
    schema
}

fn object(fields: &[Field]) -> Value {
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties: Map<_, _> = fields.iter().map(|field| (field.name.to_owned(), described(field))).collect();
    if required.is_empty() {
        return json!({"type": "object", "properties": properties});
    }
    json!({"type": "object", "required": required, "properties": properties})
}

fn described(field: &Field) -> Value {
    let mut schema = field.schema.json();
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(field.about));
    }
    schema
}

fn members(fields: &[Field], depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let mut text = String::from("{\n");
    for field in fields {
        let plain = field.name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        let name = if plain { field.name.to_owned() } else { format!("\"{}\"", field.name) };
        let mark = if field.required { "" } else { "?" };
        text.push_str(&comment(&field.about, &indent));
        text.push_str(&format!("{indent}{name}{mark}: {};\n", field.schema.typescript(depth + 1)));
    }
    text.push_str(&"  ".repeat(depth));
    text.push('}');
    text
}

/// Writes a comment of TypeScript, in lines of at most [`MAX_COLUMNS`] columns.
fn comment(about: &str, indent: &str) -> String {
    let about = about.replace("*/", "* /");
    if indent.len() + about.chars().count() + "/**  */".len() <= MAX_COLUMNS {
        return format!("{indent}/** {about} */\n");
    }
    let width = MAX_COLUMNS.saturating_sub(indent.len() + " * ".len());
    let mut lines: Vec<String> = Vec::new();
    for word in about.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let body = lines.iter().fold(String::new(), |body, line| format!("{body}{indent} * {line}\n"));
    format!("{indent}/**\n{body}{indent} */\n")
}

impl Definition {
    /// Writes its declaration in TypeScript.
    pub(crate) fn declaration(&self) -> String {
        let (name, about, text) = (self.name, comment(self.about, ""), self.schema.typescript(0));
        if matches!(self.schema, Schema::Object(_) | Schema::Paired(..)) {
            return format!("{about}export interface {name} {text}\n");
        }
        format!("{about}export type {name} = {text};\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_description_gives_both_languages() {
        let fields = vec![
            must("file", Schema::Octets, "The bytes."),
            may("expires_after[anchor]", or_null(Schema::Words(vec!["a", "b"])), "When."),
            must("rows", list(Schema::Words(vec!["a", "b"])), "Rows."),
            must("by", Schema::Partial("letter", vec!["x"], Box::new(Schema::Whole(1, 5))), "By."),
        ];
        let definition = Definition { name: "Form", about: "A form.", schema: Schema::Object(fields) };
        let text = "/** A form. */\nexport interface Form {\n  /** The bytes. */\n  file: File | Blob;\n  /** When. \
                    */\n  \
                    \"expires_after[anchor]\"?: \"a\" | \"b\" | null;\n  /** Rows. */\n  rows: (\"a\" | \"b\")[];\n  \
                    /** By. */\n  by: Partial<Record<\"x\", number>>;\n}\n";
        assert_eq!(definition.declaration(), text);
        let schema = definition.schema.json();
        assert_eq!(schema["required"], json!(["file", "rows", "by"]));
        assert_eq!(schema["properties"]["by"]["properties"]["x"]["maximum"], 5);
        assert_eq!(schema["properties"]["file"]["format"], "binary");
        assert_eq!(schema["properties"]["expires_after[anchor]"]["anyOf"][1]["type"], "null");
    }

    #[test]
    fn long_comments_are_wrapped() {
        let about = "word ".repeat(40);
        let comment = comment(about.trim_end(), "  ");
        assert!(comment.starts_with("  /**\n   * word") && comment.ends_with("word\n   */\n"), "{comment}");
        assert!(comment.lines().all(|line| line.len() <= MAX_COLUMNS), "{comment}");
        assert_eq!(comment.matches("word").count(), 40);
    }

    #[test]
    fn what_a_request_may_hold_is_said_exactly() {
        let fields = vec![
            may("a", one_line_name(9), "A."),
            may("b", Schema::Some(Box::new(Schema::Text), 5), "B."),
            may("c", or_null(Schema::Object(vec![may("d", Schema::NonZero, "D.")])), "C."),
        ];
        let schema = closed(Schema::Paired(fields, ["a", "b"]).json());
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["c"]["anyOf"][0]["additionalProperties"], false);
        assert_eq!(schema["dependentRequired"], json!({"a": ["b"], "b": ["a"]}));
        assert_eq!(
            (&schema["properties"]["b"]["minItems"], &schema["properties"]["b"]["maxItems"]),
            (&json!(1), &json!(5))
        );
        assert_eq!(schema["properties"]["a"]["maxLength"], 9);
    }

    #[test]
    fn bounds_that_javascript_cannot_say_are_not_written() {
        assert_eq!(count().json(), json!({"type": "integer", "format": "int64", "minimum": 0}));
    }
}
