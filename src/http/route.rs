//! One route: a handler behind the access check and the limits of its operation.

use super::caller::Access;
use super::content_coding;
use super::error::ApiError;
use super::rates::RateLimitState;
use super::state::AppState;
use super::throttle::RequestLimits;
use crate::model::limits::Limit;
use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use futures_util::FutureExt;
use futures_util::future::{Either, Map, Ready, ready};
use http::Method;

/// One operation.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method. A route of `GET` answers `HEAD`, too.
    pub method: Method,
    /// The path, with the names of parameters in braces.
    pub path: &'static str,
    /// The accepted keys.
    pub access: Access,
    serve: MethodRouter<AppState>,
}

/// Builds the router of routes.
pub(super) fn router(routes: Vec<Route>) -> Router<AppState> {
    routes.into_iter().fold(Router::new(), |router, Route { path, serve, .. }| router.route(path, serve))
}

/// Creates the route of a `GET`.
pub(super) fn get<H: Handler<T, AppState>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    let serve = on(MethodFilter::GET, Guarded { access, measures: &REQUESTS, handler });
    Route { method: Method::GET, path, access, serve }
}

/// Creates the route of a `POST`.
pub(super) fn post<H: Handler<T, AppState>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    let serve = on(MethodFilter::POST, Guarded { access, measures: &REQUESTS, handler });
    Route { method: Method::POST, path, access, serve }
}

/// Creates the route of a `POST` with the bytes of a File or Part.
pub(super) fn upload<H: Handler<T, AppState>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    let serve = on(MethodFilter::POST, Guarded { access, measures: &UPLOADS, handler });
    Route { method: Method::POST, path, access, serve }
}

/// Creates the route of a `DELETE`.
pub(super) fn delete<H: Handler<T, AppState>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    let serve = on(MethodFilter::DELETE, Guarded { access, measures: &REQUESTS, handler });
    Route { method: Method::DELETE, path, access, serve }
}

/// The rate limits of most requests.
static REQUESTS: [Limit; 1] = [Limit::RequestsPerMinute];
/// The rate limits of requests with the bytes of a File or Part.
static UPLOADS: [Limit; 2] = [Limit::RequestsPerMinute, Limit::UploadsPerMinute];

/// A handler behind the access check and the limits of its route. A layer would need two more allocations per request.
#[derive(Clone)]
struct Guarded<H> {
    access: Access,
    measures: &'static [Limit],
    handler: H,
}

type Finish = Box<dyn FnOnce(Response) -> Response + Send>;

impl<H: Handler<T, AppState>, T: 'static> Handler<T, AppState> for Guarded<H> {
    type Future = Either<H::Future, Either<Map<H::Future, Finish>, Ready<Response>>>;

    fn call(self, request: Request, state: AppState) -> Self::Future {
        match self.admit(&request, state.request_limits()) {
            Ok(None) => Either::Left(self.handler.call(request, state)),
            Ok(Some(rate)) => {
                let finish: Finish = Box::new(move |mut response| {
                    rate.put_into(response.headers_mut());
                    response
                });
                Either::Right(Either::Left(self.handler.call(request, state).map(finish)))
            }
            Err(refused) => Either::Right(Either::Right(ready(*refused))),
        }
    }
}

impl<H> Guarded<H> {
    fn admit(&self, request: &Request, limits: &RequestLimits) -> Result<Option<RateLimitState>, Box<Response>> {
        let refuse = |error: ApiError| Box::new(error.into_response());
        let principal = request.extensions().get().ok_or_else(|| refuse(ApiError::missing_key()))?;
        self.access.check(principal, request.uri().path()).map_err(refuse)?;
        if request.method() == Method::POST {
            content_coding::refuse(request).map_err(refuse)?;
        }
        limits.admit(principal, request.extensions(), self.measures)
    }
}
