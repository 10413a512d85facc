//! Dialects: the Files APIs of other vendors, on the same services. Each is a folder with its routes, objects and
//! errors, and has a base path of its own (`dialect.rs`).

mod mistral;

use super::error::ErrorFacts;
use super::route::{self, Route};
use super::state::AppState;
use super::wire;
use crate::model::dialect::Dialect;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_LENGTH;

/// Returns the operations of a dialect, each with its path below the base path of the dialect.
#[must_use]
pub fn dialect_routes(dialect: Dialect) -> Vec<Route> {
    match dialect {
        Dialect::OpenAi => super::routes::routes(),
        Dialect::Mistral => mistral::routes(),
    }
}

/// Builds the router of all dialects but OpenAI's.
pub(super) fn router() -> Router<AppState> {
    Dialect::FOREIGN.into_iter().fold(Router::new(), |router, dialect| {
        router.nest(&format!("/{}", dialect.name()), route::router(dialect_routes(dialect)))
    })
}

/// Writes an error answer as the dialect does.
pub(super) fn translate(dialect: Dialect, mut response: Response) -> Response {
    let Some(facts) = response.extensions_mut().remove::<ErrorFacts>() else { return response };
    let (status, body) = match dialect {
        Dialect::OpenAi => return response,
        Dialect::Mistral => mistral::error(&facts),
    };
    *response.status_mut() = status;
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = Body::from(wire::written(&body));
    response
}
