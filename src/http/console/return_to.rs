//! The page to which a sign-in leads: only one of the console, so that no link sends people to another site.

use crate::http::query::parameters;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The parameter that names the page.
const PARAM: &str = "return_to";
/// The page without one.
const CONSOLE: &str = "/console";
/// The longest path, in bytes.
const MAX_PATH_BYTES: usize = 1024;

/// A path of the console on this server, without its public path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Returns the page that a query names, or the first page of the console.
    pub fn of_query(query: &str) -> Self {
        let named = parameters(query).find(|(name, _)| name == PARAM).map(|(_, value)| value.into_owned());
        Self::checked(&named.unwrap_or_default())
    }

    /// Reads the form of a cookie, which a client may have changed.
    pub fn decoded(text: &str) -> Self {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        Self::checked(&decoded.unwrap_or_default())
    }

    /// Returns the form of a cookie.
    pub fn encoded(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Returns the path, with its query.
    pub fn path(&self) -> &str {
        &self.0
    }

    fn checked(path: &str) -> Self {
        let rest = path.strip_prefix(CONSOLE).unwrap_or("x");
        let is_below = rest.is_empty() || rest.starts_with(['/', '?']);
        let is_plain = path.len() <= MAX_PATH_BYTES && path.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
        let leaves = path.contains("..") || path.contains("//") || path.contains('\\') || path.contains("/api/");
        Self(if is_below && is_plain && !leaves { path.to_owned() } else { CONSOLE.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_console_are_returned_to() {
        for path in ["/console", "/console/files", "/console/files/file-1?x=1&y=2", "/console?project=ws_1"] {
            assert_eq!(ReturnTo::checked(path).path(), path);
            assert_eq!(ReturnTo::decoded(&ReturnTo::checked(path).encoded()).path(), path);
        }
        for path in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/console",
            "/consoles",
            "/console/../v1",
            "/console//evil.example",
            "/console/\\evil.example",
            "/console@evil.example",
            "/console.evil.example",
            "/console/api/session",
            "/console/ x",
            "javascript:alert(1)",
            &format!("/console/{}", "x".repeat(MAX_PATH_BYTES)),
        ] {
            assert_eq!(ReturnTo::checked(path).path(), CONSOLE, "{path}");
        }
        assert_eq!(ReturnTo::of_query("return_to=%2Fconsole%2Fkeys").path(), "/console/keys");
        assert_eq!(ReturnTo::of_query("return_to=https://evil.example").path(), CONSOLE);
        assert_eq!(ReturnTo::decoded("****").path(), CONSOLE);
    }
}
