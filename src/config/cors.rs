//! The origins whose pages may use the API from a browser.

use super::setting::Setting;

/// The origins that may use the API from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Only the server's own origin.
    Off,
    /// All origins.
    Any,
    /// A list of origins, each as a browser sends it in `Origin`.
    Only(Vec<String>),
}

/// Parses `*`, `off`, or origins separated by commas.
pub(super) fn origins(_: &Setting, text: &str) -> Option<CorsOrigins> {
    match text {
        "*" => Some(CorsOrigins::Any),
        "off" => Some(CorsOrigins::Off),
        list => list.split(',').map(|entry| origin(entry.trim())).collect::<Option<_>>().map(CorsOrigins::Only),
    }
}

/// Returns an origin as browsers send it: scheme and host in lower case, and the port unless the scheme implies it
/// (RFC 6454, section 6.2).
fn origin(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.parse::<http::uri::Authority>().ok()?);
    let host = authority.host().to_ascii_lowercase();
    let port = authority.as_str().get(host.len()..)?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    let is_whole = port.is_empty() || authority.port_u16().is_some_and(|number| port == format!(":{number}"));
    if scheme.parse::<http::uri::Scheme>().is_err() || host.is_empty() || !host.bytes().all(is_host) || !is_whole {
        return None;
    }
    let implied = matches!((scheme.as_str(), port), ("http", ":80") | ("https", ":443"));
    Some(format!("{scheme}://{host}{}", if implied { "" } else { port }))
}
