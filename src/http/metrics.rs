//! The metrics of requests, and the route that shows all metrics.

use super::error::ApiError;
use crate::metrics::{Counter, Histogram, METRICS, RequestLabels, RouteLabels, observe};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use foldhash::HashMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::Duration;

/// The path of the metrics.
const PATH: &str = "/metrics";
/// The media type of `OpenMetrics`.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The media type of the text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The classes of the status of a final response.
pub const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// The metrics of one route and method. Requests find them with one look-up.
#[derive(Debug)]
struct RouteMetrics {
    requests: [Counter; CLASSES.len()],
    duration: Histogram,
}

/// The metrics of routes that were requested, by method and route.
type Routes = RwLock<HashMap<&'static str, HashMap<Arc<str>, Arc<RouteMetrics>>>>;

static ROUTES: LazyLock<Routes> = LazyLock::new(Routes::default);

/// Records a request whose response begins now.
pub fn record(method: &'static str, route: &str, status: StatusCode, elapsed: Duration) {
    let metrics = of_route(method, route);
    if let Some(requests) = class(status).and_then(|class| metrics.requests.get(class)) {
        requests.inc();
    }
    observe(&metrics.duration, elapsed);
}

/// Returns the place of a status among [`CLASSES`]; none for an informational one.
pub fn class(status: StatusCode) -> Option<usize> {
    usize::from(status.as_u16() / 100).checked_sub(2)
}

fn of_route(method: &'static str, route: &str) -> Arc<RouteMetrics> {
    let routes = ROUTES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(metrics) = routes.get(method).and_then(|routes| routes.get(route)) {
        return Arc::clone(metrics);
    }
    drop(routes);
    let route: Arc<str> = route.into();
    let labels = RouteLabels { method, route: Arc::clone(&route) };
    let requests = |status| {
        let labels = RequestLabels { method, route: Arc::clone(&route), status };
        METRICS.http_requests.get_or_create_owned(&labels)
    };
    let metrics = Arc::new(RouteMetrics {
        requests: CLASSES.map(requests),
        duration: METRICS.http_request_duration_seconds.get_or_create_owned(&labels),
    });
    let mut routes = ROUTES.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(routes.entry(method).or_default().entry(route).or_insert(metrics))
}

/// Builds the route of the metrics.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route(PATH, get(show))
}

/// Answers in `OpenMetrics` to a client that asks for it, otherwise in the text format of Prometheus.
async fn show(headers: HeaderMap) -> Response {
    let accepts = |name: &str| {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accepted.flat_map(|value| value.split(',')).any(|range| range.trim_start().starts_with(name))
    };
    let mut page = String::new();
    let (media_type, written) = if accepts("application/openmetrics-text") {
        (OPENMETRICS, METRICS.write_openmetrics(&mut page))
    } else {
        (TEXT, METRICS.write_text(&mut page))
    };
    match written {
        Ok(()) => ([(CONTENT_TYPE, media_type)], page).into_response(),
        Err(error) => ApiError::internal_of(error).into_response(),
    }
}
