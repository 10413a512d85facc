//! An operation as `operations` describes it, and what follows from the table of routes.

use crate::http::caller::Access;
use crate::http::catalogue::ErrorKind;
use crate::http::routes;
use venna_reference::{Answer, Body, ParamIn, Parameter};

/// The errors that every operation can answer, in the same words.
pub const EVERYWHERE: [ErrorKind; 6] = [
    ErrorKind::MissingKey,
    ErrorKind::InvalidKey,
    ErrorKind::RateLimited,
    ErrorKind::Internal,
    ErrorKind::QueryTimeout,
    ErrorKind::ServiceUnavailable,
];

/// An operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The name of the handler in camel case: OpenAI's `operationId` where OpenAI has one.
    pub id: &'static str,
    /// The section.
    pub group: Group,
    /// The method.
    pub method: &'static str,
    /// The path, as the table of routes has it.
    pub path: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Paragraphs of inline Markdown.
    pub about: Vec<String>,
    /// Whether OpenAI has no such operation.
    pub extension: bool,
    /// The parameters of the path, the query and the headers.
    pub parameters: Vec<Parameter>,
    /// The body of the request.
    pub body: Option<Body>,
    /// The answer with status 200.
    pub answer: Answer,
    /// The errors beside those that follow from the route.
    pub errors: Vec<ErrorKind>,
    /// The call in Python, where `client` is OpenAI's.
    pub python: &'static str,
    /// The call in TypeScript, where `client` is OpenAI's.
    pub typescript: &'static str,
}

/// A section of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The five operations on Files.
    Files,
    /// Files in parts.
    Uploads,
    /// Projects, keys and limits.
    Administration,
    /// Usage, costs and the ledger.
    Usage,
}

impl Group {
    /// Every section, in order.
    pub const ALL: [Self; 4] = [Self::Files, Self::Uploads, Self::Administration, Self::Usage];

    /// Returns its title and one sentence on what it is for.
    pub const fn described(self) -> venna_reference::Group {
        let (title, about) = match self {
            Self::Files => ("Files", "File upload and lifecycle."),
            Self::Uploads => ("Uploads", "Files of up to 8 GiB in parts, in any order and side by side."),
            Self::Administration => ("Administration", "Projects, their keys and limits, and who did what."),
            Self::Usage => ("Usage and costs", "What was used, what it costs, and the ledger that both rest on."),
        };
        venna_reference::Group { title, about }
    }
}

impl Operation {
    /// Creates an operation of which nothing more is said yet.
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

    /// Returns which keys it accepts, by the table of routes.
    pub fn access(&self) -> Option<Access> {
        let is_this = |route: &routes::Route| route.method.as_str() == self.method && route.path == self.path;
        routes().into_iter().find(is_this).map(|route| route.access)
    }

    /// Returns names and values of the parameters that the samples send in the path.
    pub fn path_examples(&self) -> impl DoubleEndedIterator<Item = (&'static str, &'static str)> {
        let of_path = self.parameters.iter().filter(|parameter| parameter.place == ParamIn::Path);
        of_path.filter_map(|parameter| Some((parameter.name, parameter.example?)))
    }

    /// Returns every error that it can answer, in the order of the catalogue.
    pub fn all_errors(&self) -> Vec<ErrorKind> {
        let has = |place| self.parameters.iter().any(|parameter| parameter.place == place);
        let named = has(ParamIn::Path).then_some(ErrorKind::NotFound);
        let refused = self.access().filter(|access| *access != Access::AnyKey).map(|_| ErrorKind::Forbidden);
        let asks = self.body.is_some() || has(ParamIn::Query);
        let invalid = asks.then_some(ErrorKind::InvalidRequest);
        let of_another_type = self.body.as_ref().map(|_| ErrorKind::UnsupportedMediaType);
        let own = self.errors.iter().copied().chain(named).chain(refused).chain(invalid).chain(of_another_type);
        let all: Vec<ErrorKind> = own.chain(EVERYWHERE).collect();
        ErrorKind::ALL.into_iter().filter(|kind| all.contains(kind)).collect()
    }
}
