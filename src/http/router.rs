//! The routers of both listeners, and the answers to paths and methods without a route.

use super::caller::{self, Principal};
use super::console;
use super::dialect::{self, is_api};
use super::error::ApiError;
use super::middleware::{RequestPolicy, request_middleware};
use super::pages;
use super::reference::{self, Reference};
use super::state::AppState;
use super::unknown::{self, NOT_YET, as_of_get};
use super::{dialects, health, links, metrics, routes};
use crate::model::dialect::Dialect;
use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, HeaderValue, STRICT_TRANSPORT_SECURITY};
use http::{HeaderMap, Method, StatusCode, Uri};
use std::sync::Arc;

/// The target of `OPTIONS` for the whole server.
const WHOLE_SERVER: &str = "*";
/// The value of `Strict-Transport-Security` (RFC 6797), for a year.
const STRICT_TRANSPORT: &str = "max-age=31536000";
/// The methods of the operations, and `OPTIONS`.
const METHODS: &str = "GET, HEAD, POST, DELETE, OPTIONS";

/// Builds the router of the main listener: the API, its reference, the console, and health.
pub fn router(state: AppState, reference: Arc<ArcSwap<Reference>>) -> Router {
    let bundles = [venna_design::bundle(), venna_reference::bundle(), venna_console::bundle()];
    let router = routes::router()
        .merge(console::routes())
        .merge(pages::console_routes())
        .nest(console::API, routes::router())
        .merge(dialects::router())
        .merge(health::routes())
        .merge(links::routes())
        .merge(pages::routes(reference.load().origin(), &bundles))
        .merge(reference::routes(reference))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(state.clone(), run));
    let router = if state.is_encrypted() { router.layer(map_response(require_tls)) } else { router };
    router.with_state(state)
}

/// Runs a request of the main listener. One layer does all that requests need before their routes: each further one
/// cost a retrieve 6,000 instructions.
async fn run(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (policy, dialect) = (FromRef::from_ref(&state), dialect::of_path(request.uri().path()));
    let translate = |response, id| dialects::translate(dialect, response, id);
    request_middleware(policy, request, |request| authenticate(state, request, next), translate).await
}

/// Authenticates a request by its session below the API of the console, and by its key below `/v1`.
async fn authenticate(state: AppState, request: Request, next: Next) -> Response {
    if console::api_path(request.uri().path()).is_some() {
        // Boxed, so that the requests of programs do not carry the state of its look-ups.
        Box::pin(console::authenticate(FromRef::from_ref(&state), request, next)).await
    } else {
        caller::authenticate(FromRef::from_ref(&state), request, next).await
    }
}

/// Runs a request of the administrative listener, which needs no key.
async fn run_admin(State(policy): State<Arc<RequestPolicy>>, request: Request, next: Next) -> Response {
    request_middleware(policy, request, |request| next.run(request), |response, _| response).await
}

/// Tells browsers to use nothing but TLS for this host.
async fn require_tls(mut response: Response) -> Response {
    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
    response
}

/// Builds the router of the administrative listener: health and metrics.
pub fn admin_router(state: AppState) -> Router {
    health::routes()
        .merge(metrics::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(state.admin_request_policy(), run_admin))
        .with_state(state)
}

/// Answers a path without a route. Below `/v1` the request always has a [`Principal`], so clients without a key cannot
/// probe for routes.
async fn unknown_path(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    principal: Result<Principal, ApiError>,
) -> Response {
    if method == Method::OPTIONS && uri.path() == WHOLE_SERVER {
        return options_of_server();
    }
    let path = console::api_path(uri.path()).unwrap_or(uri.path());
    if !is_api(path) {
        return pages::not_found(&method, &uri, &headers);
    }
    no_operation(&method, path, principal.is_ok()).into_response()
}

/// Answers `OPTIONS *`: the methods of the whole server (RFC 9110, section 9.3.7).
fn options_of_server() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}

fn no_operation(method: &Method, path: &str, has_key: bool) -> ApiError {
    let family = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
    if has_key && family.is_some_and(|family| NOT_YET.contains(&family)) {
        return ApiError::not_implemented(as_of_get(method), path);
    }
    if dialect::of_path(path) != Dialect::OpenAi {
        return ApiError::unknown_url(as_of_get(method), path, "");
    }
    unknown::url(method, path)
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::wrong_method(as_of_get(&method), uri.path())
}
