//! The cookie of a session (RFC 6265bis): written with its attributes, and read.
//!
//! Scripts cannot read it, and browsers send it only below `/console` and only from our own pages.

use crate::model::session::SessionSecret;
use http::HeaderMap;
use http::header::COOKIE;

/// The name without TLS.
const PLAIN_NAME: &str = "venna_session";
/// The name with TLS: browsers take it only with the attribute `Secure`. `__Host-` would need the path `/`.
const SECURE_NAME: &str = "__Secure-venna_session";

/// The name and the attributes of the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    name: &'static str,
    attributes: String,
    /// The path of the console, as browsers see it.
    path: String,
    is_secure: bool,
}

impl SessionCookie {
    /// Returns the cookie of a server. It is secure when browsers reach the server by TLS: its own, or that of the
    /// proxy of `public_url`.
    #[must_use]
    pub fn new(public_url: Option<&str>, is_encrypted: bool) -> Self {
        let public: Option<http::Uri> = public_url.and_then(|url| url.parse().ok());
        let is_public_https = public.as_ref().and_then(http::Uri::scheme_str) == Some("https");
        let is_secure = public.as_ref().map_or(is_encrypted, |_| is_public_https);
        let root = public.as_ref().map_or("", http::Uri::path).trim_end_matches('/');
        let path = format!("{root}/console");
        let secure = if is_secure { "; Secure" } else { "" };
        let attributes = format!("; Path={path}; HttpOnly; SameSite=Strict{secure}");
        Self { name: if is_secure { SECURE_NAME } else { PLAIN_NAME }, attributes, path, is_secure }
    }

    /// Returns the path of the console, as browsers see it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns whether browsers reach the server by TLS.
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Writes the cookie of a session for `Set-Cookie`.
    pub fn set(&self, secret: &SessionSecret, max_age_seconds: u64) -> String {
        format!("{}={}; Max-Age={max_age_seconds}{}", self.name, secret.expose(), self.attributes)
    }

    /// Writes what removes the cookie.
    pub fn clear(&self) -> String {
        format!("{}=; Max-Age=0{}", self.name, self.attributes)
    }

    /// Returns the value of the only cookie of this name. With two of them another page of the host may have set one.
    pub fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        only_cookie(headers, self.name)
    }
}

/// Returns the value of the only cookie of this name.
pub fn only_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn attributes_follow_from_the_public_url() {
        let secret = SessionSecret::new([0; 32]);
        for (public_url, is_encrypted, name, attributes) in [
            (None, false, PLAIN_NAME, "Path=/console; HttpOnly; SameSite=Strict"),
            (None, true, SECURE_NAME, "Path=/console; HttpOnly; SameSite=Strict; Secure"),
            (Some("https://a.example"), false, SECURE_NAME, "Path=/console; HttpOnly; SameSite=Strict; Secure"),
            (Some("http://a.example"), true, PLAIN_NAME, "Path=/console; HttpOnly; SameSite=Strict"),
            (
                Some("https://a.example/files"),
                false,
                SECURE_NAME,
                "Path=/files/console; HttpOnly; SameSite=Strict; Secure",
            ),
        ] {
            let cookie = SessionCookie::new(public_url, is_encrypted);
            let expected = format!("{name}={}; Max-Age=60; {attributes}", secret.expose());
            assert_eq!(cookie.set(&secret, 60), expected);
            assert_eq!(cookie.clear(), format!("{name}=; Max-Age=0; {attributes}"));
        }
    }

    #[test]
    fn the_only_cookie_of_a_name_is_read() {
        let cookie = SessionCookie::new(None, false);
        for (lines, value) in [
            (&["venna_session=a"][..], Some("a")),
            (&["x=1; venna_session=a;y=2"], Some("a")),
            (&["x=1", "venna_session=a"], Some("a")),
            (&["venna_session=a; venna_session=b"], None),
            (&["venna_session=a", "venna_session=a"], None),
            (&["__Secure-venna_session=a", "Venna_session=b", "venna_session"], None),
            (&[], None),
        ] {
            let headers = lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line)));
            let headers: HeaderMap = headers.fold(HeaderMap::new(), |mut all, (name, value)| {
                all.append(name, value);
                all
            });
            assert_eq!(cookie.read(&headers), value, "{lines:?}");
        }
    }
}
