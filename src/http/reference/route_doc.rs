//! The description of an operation and the facts that follow from its route.

use crate::http::caller::Access;
use crate::http::catalogue::ErrorKind;
use crate::http::{Route, routes};
use venna_reference::{Group, Operation, ParamIn};

/// The errors that every operation can answer with the same message.
pub const EVERYWHERE: [ErrorKind; 6] = [
    ErrorKind::MissingKey,
    ErrorKind::InvalidKey,
    ErrorKind::RateLimited,
    ErrorKind::Internal,
    ErrorKind::QueryTimeout,
    ErrorKind::ServiceUnavailable,
];

/// The section of the pages that belong to no operation and are no guides.
pub const REFERENCE: &str = "Reference";
/// The section on Files.
pub const FILES: Group = Group { title: "Files", about: "File upload and lifecycle." };
/// The section on signed links.
pub const LINKS: Group = Group { title: "Links", about: "Signed URLs that open files without a key." };
/// The section on Uploads.
pub const UPLOADS: Group =
    Group { title: "Uploads", about: "Files of up to 8 GiB in parts, in any order and in parallel." };
/// The section on projects, keys and limits.
pub const ADMINISTRATION: Group = Group { title: "Administration", about: "Projects, keys, limits and the audit log." };
/// The section on usage, costs and the ledger.
pub const USAGE: Group = Group { title: "Usage and costs", about: "Usage, costs, and the ledger behind them." };

/// The note on an operation that OpenAI does not have.
pub const EXTENSION: Option<&str> = Some("OpenAI has no such operation.");

/// The description of an operation, without what follows from its route and from the address of the server.
#[derive(Clone, Debug)]
pub struct RouteDoc {
    /// The operation. Its keys, scope, failures and samples are still missing.
    pub operation: Operation,
    /// The errors beside those that follow from the route.
    pub errors: Vec<ErrorKind>,
    /// The calls with OpenAI's SDKs.
    pub calls: SdkCalls,
}

/// The calls of an operation with OpenAI's SDKs, where `client` is the SDK's client.
#[derive(Clone, Copy, Debug)]
pub struct SdkCalls {
    /// The call in Python.
    pub python: &'static str,
    /// The call in TypeScript.
    pub typescript: &'static str,
}

/// Includes the calls of `calls/$name.py` and `calls/$name.ts`.
macro_rules! calls {
    ($name:literal) => {
        $crate::http::reference::route_doc::SdkCalls {
            python: include_str!(concat!("../calls/", $name, ".py")),
            typescript: include_str!(concat!("../calls/", $name, ".ts")),
        }
    };
}
pub(super) use calls;

impl RouteDoc {
    /// Returns the keys that the operation accepts, from the table of routes.
    pub fn access(&self) -> Option<Access> {
        let Operation { method, path, .. } = self.operation;
        let is_this = |route: &Route| route.method.as_str() == method && route.path == path;
        routes().into_iter().find(is_this).map(|route| route.access)
    }

    /// Returns every error that the operation can answer, in the order of the catalogue.
    pub fn all_errors(&self) -> Vec<ErrorKind> {
        let operation = &self.operation;
        let has = |place| operation.parameters_in(place).next().is_some();
        let named = has(ParamIn::Path).then_some(ErrorKind::NotFound);
        let refused = self.access().filter(|access| *access != Access::AnyKey).map(|_| ErrorKind::Forbidden);
        let asks = operation.body.is_some() || has(ParamIn::Query);
        let invalid = asks.then_some(ErrorKind::InvalidRequest);
        let of_another_type = operation.body.as_ref().map(|_| ErrorKind::UnsupportedMediaType);
        let own = self.errors.iter().copied().chain(named).chain(refused).chain(invalid).chain(of_another_type);
        let all: Vec<ErrorKind> = own.chain(EVERYWHERE).collect();
        ErrorKind::ALL.into_iter().filter(|kind| all.contains(kind)).collect()
    }
}
