//! The names of requests in logs, metrics and traces. A client can make up method and path, so neither is a name.

use http::Method;

/// The name of a path without a route in logs and metrics. The path itself is in neither: it may contain a key or the
/// name of a file.
pub const NO_ROUTE: &str = "none";
/// The name of a method that is not standard in logs and metrics, which may be any token of the client.
pub const OTHER_METHOD: &str = "other";
/// The methods of RFC 9110, and `PATCH`.
static METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

/// Returns the log name of a method.
pub fn logged_method(method: &Method) -> &'static str {
    METHODS.iter().find(|known| *known == method).map_or(OTHER_METHOD, Method::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_a_client_makes_up_is_not_logged() {
        assert_eq!(logged_method(&Method::from_bytes(b"vk_secret").unwrap()), OTHER_METHOD);
        assert_eq!(logged_method(&Method::DELETE), "DELETE");
    }
}
