//! An operation of an API.

use crate::api::{Failure, Group};
use crate::schema::Schema;
use serde_json::Value;

/// An operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The `operationId`, in camel case.
    pub id: &'static str,
    /// Its section.
    pub group: Group,
    /// The method.
    pub method: &'static str,
    /// The path, with names of parameters in braces.
    pub path: &'static str,
    /// A title of a few words.
    pub summary: &'static str,
    /// Paragraphs of inline Markdown.
    pub about: Vec<String>,
    /// Why it is an extension of the API that this one follows, if it is one.
    pub extension: Option<&'static str>,
    /// The names of the kinds of keys that it accepts. Samples use the first one.
    pub keys: Vec<&'static str>,
    /// The scope that the first kind of keys needs.
    pub scope: Option<&'static str>,
    /// The parameters of the path, the query and the headers.
    pub parameters: Vec<Parameter>,
    /// The body of the request.
    pub body: Option<Body>,
    /// The answer with status 200.
    pub answer: Answer,
    /// Paragraphs on the answer, in place of its type.
    pub answer_notes: Vec<&'static str>,
    /// Answers with other statuses that are no errors.
    pub other_answers: Vec<OtherAnswer>,
    /// The errors, in the order of the page of errors.
    pub failures: Vec<Failure>,
    /// The samples with SDKs, which stand between those with curl and Rust.
    pub sdk_samples: Vec<Sample>,
}

/// The place of a parameter in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamIn {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Where it is sent.
    pub place: ParamIn,
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub schema: Schema,
    /// Set if a request must have it.
    pub required: bool,
    /// Its meaning, in inline Markdown.
    pub about: String,
    /// The value or behaviour when it is absent, in inline Markdown.
    pub default: Option<String>,
    /// The value in the samples; none when they leave it out.
    pub example: Option<&'static str>,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub struct Body {
    /// The name of its object.
    pub schema: &'static str,
    /// Set if a request must have it.
    pub required: bool,
    /// The body of the samples.
    pub example: BodyExample,
}

/// The body of the samples, which also decides its media type.
#[derive(Clone, Debug)]
pub enum BodyExample {
    /// A form.
    Form {
        /// The field of the file, and the path of a local file.
        file: (&'static str, &'static str),
        /// The other fields.
        fields: Vec<(&'static str, &'static str)>,
    },
    /// JSON.
    Json(Value),
}

/// The answer with status 200.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An object: its name, and an example.
    Json(&'static str, Value),
    /// Bytes, and an example.
    Octets(&'static str),
    /// Lines of JSON, or comma-separated values: the name of the object of a line, and examples.
    Lines(&'static str, Vec<Value>),
}

/// An answer with another status than 200 that is no error.
#[derive(Clone, Debug)]
pub struct OtherAnswer {
    /// The status.
    pub status: u16,
    /// When it is sent.
    pub about: &'static str,
    /// Whether it has a body of bytes.
    pub has_octets: bool,
    /// The header with a URL that it has: its name and what it says.
    pub url_header: Option<(&'static str, &'static str)>,
}

/// A sample.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its title.
    pub title: &'static str,
    /// Its language, as Markdown names it.
    pub language: &'static str,
    /// Its text.
    pub text: String,
}

impl BodyExample {
    /// Returns the media type.
    pub const fn media_type(&self) -> &'static str {
        match self {
            Self::Form { .. } => "multipart/form-data",
            Self::Json(_) => "application/json",
        }
    }
}

impl ParamIn {
    /// Every place, in order.
    pub const ALL: [Self; 3] = [Self::Path, Self::Query, Self::Header];

    /// Returns its name in OpenAPI.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }

    /// Returns the heading of its parameters.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Path => "Path parameters",
            Self::Query => "Query parameters",
            Self::Header => "Header parameters",
        }
    }
}

impl Operation {
    /// Creates an operation without keys, parameters, body or failures that answers no bytes.
    pub const fn new(
        group: Group,
        id: &'static str,
        method: &'static str,
        path: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            id,
            group,
            method,
            path,
            summary,
            about: Vec::new(),
            extension: None,
            keys: Vec::new(),
            scope: None,
            parameters: Vec::new(),
            body: None,
            answer: Answer::Octets(""),
            answer_notes: Vec::new(),
            other_answers: Vec::new(),
            failures: Vec::new(),
            sdk_samples: Vec::new(),
        }
    }

    /// Returns the name of its page: the id in kebab case.
    pub fn slug(&self) -> String {
        let mut slug = String::new();
        for character in self.id.chars() {
            if character.is_ascii_uppercase() {
                slug.push('-');
            }
            slug.push(character.to_ascii_lowercase());
        }
        slug
    }

    /// Returns its path with the examples of its parameters.
    pub fn example_path(&self) -> String {
        self.parameters_in(ParamIn::Path).fold(self.path.to_owned(), |path, parameter| {
            path.replace(&format!("{{{}}}", parameter.name), parameter.example.unwrap_or_default())
        })
    }

    /// Writes the lines of an answer as they are sent.
    pub(crate) fn lines(rows: &[Value]) -> String {
        rows.iter().fold(String::new(), |text, row| format!("{text}{row}\n"))
    }

    /// Returns the parameters of one place.
    pub fn parameters_in(&self, place: ParamIn) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.place == place)
    }

    /// Returns names and values of the parameters that the samples send in one place.
    pub fn examples_in(&self, place: ParamIn) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.parameters_in(place).filter_map(|parameter| Some((parameter.name, parameter.example?)))
    }

    /// Returns the names of the objects of its request and its answer, the request's first.
    pub(crate) fn definition_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.body.iter().map(|body| body.schema).collect();
        match &self.answer {
            Answer::Json(name, _) | Answer::Lines(name, _) => names.push(name),
            Answer::Octets(_) => {}
        }
        names
    }
}
