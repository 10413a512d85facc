//! What one operation is to its users, as data: everything that is said of it anywhere follows from here and from
//! the table of routes.

use super::schema::Schema;
use crate::http::caller::Access;
use crate::http::catalogue::ErrorKind;
use crate::http::routes;
use serde_json::Value;

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// OpenAI's `operationId` where OpenAI has one: the name of the handler in camel case.
    pub id: &'static str,
    /// The section that it stands in.
    pub group: Group,
    /// Its method.
    pub method: &'static str,
    /// Its path, as the table of routes has it.
    pub path: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What else is to be known, in paragraphs of inline Markdown.
    pub about: Vec<String>,
    /// Whether OpenAI has no such operation.
    pub extension: bool,
    /// What stands in the path, the query and the headers.
    pub parameters: Vec<Parameter>,
    /// The body of the request.
    pub body: Option<Body>,
    /// The answer when all is well.
    pub answer: Answer,
    /// What may go wrong beside what may go wrong everywhere.
    pub errors: Vec<ErrorKind>,
    /// The call in Python, where `client` is OpenAI's.
    pub python: &'static str,
    /// The call in TypeScript, where `client` is OpenAI's.
    pub typescript: &'static str,
}

/// A section of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The five operations.
    Files,
    /// Files in parts.
    Uploads,
    /// Projects, keys and limits.
    Administration,
    /// Usage, costs and the ledger.
    Usage,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
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
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub schema: Schema,
    /// Whether it must be there.
    pub required: bool,
    /// What it says.
    pub about: String,
    /// What the samples send; nothing when they leave it out.
    pub example: Option<&'static str>,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub struct Body {
    /// The name of its definition.
    pub schema: &'static str,
    /// Whether there must be one.
    pub required: bool,
    /// What the samples send.
    pub example: BodyExample,
}

/// What the samples send, which also says in which form.
#[derive(Clone, Debug)]
pub enum BodyExample {
    /// A form: a field that holds the content of a local file, and fields of text.
    Form {
        /// The field of the file.
        file: (&'static str, &'static str),
        /// The other fields.
        fields: Vec<(&'static str, &'static str)>,
    },
    /// JSON.
    Json(Value),
}

impl BodyExample {
    /// The media type.
    pub const fn media_type(&self) -> &'static str {
        match self {
            Self::Form { .. } => "multipart/form-data",
            Self::Json(_) => "application/json",
        }
    }
}

/// The answer when all is well.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An object: the name of its definition, and an example.
    Json(&'static str, Value),
    /// Bytes, and an example.
    Octets(&'static str),
    /// Lines of JSON, or comma-separated values: the name of the definition of a line, and examples.
    Lines(&'static str, Vec<Value>),
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Self; 4] = [Self::Files, Self::Uploads, Self::Administration, Self::Usage];

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Files => "Files",
            Self::Uploads => "Uploads",
            Self::Administration => "Administration",
            Self::Usage => "Usage and costs",
        }
    }

    /// What it is for, in one sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Files => "File upload and lifecycle.",
            Self::Uploads => "Files of up to 8 GiB in parts, in any order and side by side.",
            Self::Administration => "Projects, their keys and limits, and who did what.",
            Self::Usage => "What was used, what it costs, and the ledger that both rest on.",
        }
    }
}

impl Place {
    /// Its name in `OpenAPI`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }

    /// The heading of parameters there.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Path => "Path Parameters",
            Self::Query => "Query Parameters",
            Self::Header => "Header Parameters",
        }
    }

    /// Every place, in order.
    pub const ALL: [Self; 3] = [Self::Path, Self::Query, Self::Header];
}

impl Operation {
    /// An operation of which nothing more is said yet.
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
            extension: false,
            parameters: Vec::new(),
            body: None,
            answer: Answer::Octets(""),
            errors: Vec::new(),
            python: "",
            typescript: "",
        }
    }

    /// The name of its page: the id in kebab case.
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

    /// Which keys it takes: what the table of routes says.
    pub fn access(&self) -> Option<Access> {
        let is_this = |route: &routes::Route| route.method.as_str() == self.method && route.path == self.path;
        routes().into_iter().find(is_this).map(|route| route.access)
    }

    /// Whether its samples use an admin key.
    pub fn takes_admin_key(&self) -> bool {
        self.access() == Some(Access::Admin)
    }

    /// Its path with the examples of its parameters in it.
    pub fn example_path(&self) -> String {
        let of_path = self.parameters.iter().filter(|parameter| parameter.place == Place::Path);
        of_path.fold(self.path.to_owned(), |path, parameter| {
            path.replace(&format!("{{{}}}", parameter.name), parameter.example.unwrap_or_default())
        })
    }

    /// Lines of an answer, as they go over the wire.
    pub fn lines(rows: &[Value]) -> String {
        rows.iter().fold(String::new(), |text, row| format!("{text}{row}\n"))
    }

    /// The parameters of one place.
    pub fn parameters_in(&self, place: Place) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.place == place)
    }

    /// What the samples send in one place.
    pub fn examples_in(&self, place: Place) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.parameters_in(place).filter_map(|parameter| Some((parameter.name, parameter.example?)))
    }

    /// The definitions that its request and its answer rest on, the body's first.
    pub fn definition_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.body.iter().map(|body| body.schema).collect();
        match &self.answer {
            Answer::Json(name, _) | Answer::Lines(name, _) => names.push(name),
            Answer::Octets(_) => {}
        }
        names
    }

    /// Everything that may go wrong, in the order of the catalogue.
    pub fn all_errors(&self) -> Vec<ErrorKind> {
        let named = self.parameters_in(Place::Path).next().map(|_| ErrorKind::NotFound);
        let refused = self.access().filter(|access| *access != Access::AnyKey).map(|_| ErrorKind::Forbidden);
        let asks = self.body.is_some() || self.parameters_in(Place::Query).next().is_some();
        let invalid = asks.then_some(ErrorKind::InvalidRequest);
        let of_another_type = self.body.as_ref().map(|_| ErrorKind::UnsupportedMediaType);
        let own = self.errors.iter().copied().chain(named).chain(refused).chain(invalid).chain(of_another_type);
        let all: Vec<ErrorKind> = own.chain(EVERYWHERE).collect();
        ErrorKind::ALL.into_iter().filter(|kind| all.contains(kind)).collect()
    }
}

/// What may go wrong with every operation, in the same words.
pub const EVERYWHERE: [ErrorKind; 6] = [
    ErrorKind::MissingKey,
    ErrorKind::InvalidKey,
    ErrorKind::RateLimited,
    ErrorKind::Internal,
    ErrorKind::QueryTimeout,
    ErrorKind::ServiceUnavailable,
];
