//! Dialects: the Files APIs of other vendors, on the same services. Each is a folder with its routes, objects and
//! errors, and has a base path of its own (`dialect.rs`).

mod anthropic;
mod gemini;
mod mistral;

use super::error::ErrorFacts;
use super::route::{self, Route};
use super::state::AppState;
use crate::model::dialect::Dialect;
use crate::model::ids::RequestId;
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
        Dialect::Anthropic => anthropic::routes(),
        Dialect::Gemini => gemini::routes(),
    }
}

/// Builds the router of all dialects but OpenAI's.
pub(super) fn router() -> Router<AppState> {
    Dialect::foreign().fold(gemini::session_routes(), |router, dialect| {
        router.nest(&format!("/{}", dialect.name()), route::router(dialect_routes(dialect)))
    })
}

/// Completes the answer to a request as the dialect does, and writes its error, if it is one.
pub(super) fn translate(dialect: Dialect, mut response: Response, request: RequestId) -> Response {
    if dialect == Dialect::OpenAi {
        return response;
    }
    let facts = response.extensions_mut().remove::<ErrorFacts>();
    if dialect == Dialect::Anthropic {
        anthropic::name_request(response.headers_mut(), request);
    }
    let error = facts.and_then(|facts| match dialect {
        Dialect::OpenAi => None,
        Dialect::Mistral => Some(mistral::error(&facts)),
        Dialect::Anthropic => Some(anthropic::error(&facts, request)),
        Dialect::Gemini => Some(gemini::error(&facts)),
    });
    if let Some((status, body)) = error {
        *response.status_mut() = status;
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    response
}
