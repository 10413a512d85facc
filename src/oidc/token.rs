//! Tokens: JSON Web Signatures in compact form (RFC 7515), and what ID tokens and logout tokens must say.

use super::claims::Claims;
use super::error::TokenError;
use super::jwk::KeySet;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 64 << 10;
/// The difference between the clocks of server and provider that is accepted, in seconds.
pub const CLOCK_SKEW_SECONDS: u64 = 60;
/// The oldest logout token that is accepted, in seconds.
const MAX_LOGOUT_AGE_SECONDS: u64 = 600;
/// The event of a logout token.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A token that was taken apart. Nothing of it is verified yet.
#[derive(Debug)]
pub struct Token<'a> {
    header: Header,
    message: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// The values that a token must have.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// The time in Unix seconds.
    pub now_seconds: u64,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it is malformed, or has extensions that must be understood.
    pub fn parse(text: &'a str) -> Result<Self, TokenError> {
        let malformed = || TokenError::Malformed;
        let (message, signature) =
            text.rsplit_once('.').filter(|_| text.len() <= MAX_TOKEN_BYTES).ok_or_else(malformed)?;
        let (header, payload) =
            message.split_once('.').filter(|(_, rest)| !rest.contains('.')).ok_or_else(malformed)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| TokenError::Malformed)?;
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let (payload, signature) = (decoded(payload)?, decoded(signature)?);
        Ok(Self { header, message: message.as_bytes(), payload, signature })
    }

    /// Verifies the signature, and returns the claims.
    ///
    /// # Errors
    /// When no key has made the signature, or the claims are no object.
    pub fn verify(&self, keys: &KeySet) -> Result<Claims, TokenError> {
        keys.verify(self.header.kid.as_deref(), &self.header.alg, self.message, &self.signature)?;
        Claims::parse(&self.payload).ok_or(TokenError::Malformed)
    }
}

impl Expected<'_> {
    /// Checks the claims of an ID token (OpenID Connect Core, section 3.1.3.7).
    ///
    /// # Errors
    /// The first claim that is wrong.
    pub fn check_id_token(&self, claims: &Claims, nonce: &str) -> Result<(), TokenError> {
        self.check_parties(claims)?;
        let expires_at = claims.number("exp").ok_or(TokenError::Time)?;
        let (latest, now) = (self.now_seconds.saturating_add(CLOCK_SKEW_SECONDS), self.now_seconds);
        let is_past = expires_at.saturating_add(CLOCK_SKEW_SECONDS) <= now;
        let is_future = |name| claims.number(name).is_some_and(|time| time > latest);
        if is_past || claims.number("iat").is_none() || is_future("iat") || is_future("nbf") {
            return Err(TokenError::Time);
        }
        if claims.text("nonce") != Some(nonce) {
            return Err(TokenError::Nonce);
        }
        claims.subject().map(drop).ok_or(TokenError::Subject)
    }

    /// Checks the claims of a logout token (OpenID Connect Back-Channel Logout, section 2.6).
    ///
    /// # Errors
    /// The first claim that is wrong.
    pub fn check_logout_token(&self, claims: &Claims) -> Result<(), TokenError> {
        self.check_parties(claims)?;
        let made_at = claims.number("iat").ok_or(TokenError::Time)?;
        let (latest, oldest) = (
            self.now_seconds.saturating_add(CLOCK_SKEW_SECONDS),
            self.now_seconds.saturating_sub(MAX_LOGOUT_AGE_SECONDS),
        );
        let is_past =
            claims.number("exp").is_some_and(|end| end.saturating_add(CLOCK_SKEW_SECONDS) <= self.now_seconds);
        if made_at > latest || made_at < oldest || is_past {
            return Err(TokenError::Time);
        }
        if claims.text("nonce").is_some() || claims.text("jti").is_none() || !claims.has_event(LOGOUT_EVENT) {
            return Err(TokenError::Event);
        }
        let names_any = claims.subject().is_some() || claims.text("sid").is_some();
        if names_any { Ok(()) } else { Err(TokenError::Subject) }
    }

    fn check_parties(&self, claims: &Claims) -> Result<(), TokenError> {
        if claims.text("iss") != Some(self.issuer) {
            return Err(TokenError::Issuer);
        }
        let audiences = claims.texts("aud");
        let is_other = claims.text("azp").is_some_and(|party| party != self.client_id);
        let needs_party = audiences.len() > 1 && claims.text("azp").is_none();
        if !audiences.contains(&self.client_id) || is_other || needs_party {
            return Err(TokenError::Audience);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_token_without_extensions_is_taken_apart() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let (plain, critical) = (part(r#"{"alg":"RS256"}"#), part(r#"{"alg":"RS256","crit":["b64"]}"#));
        let body = part("{}");
        assert!(Token::parse(&format!("{plain}.{body}.AAAA")).is_ok());
        for text in [
            String::new(),
            "a".to_owned(),
            format!("{plain}.{body}"),
            format!("{plain}.{body}.AAAA.AAAA"),
            format!("{plain}.{body}.AA=="),
            format!("{plain}.{body}.A+/A"),
            format!("{critical}.{body}.AAAA"),
            format!("{}.{body}.AAAA", part("{}")),
            format!("{plain}.{body}.{}", "A".repeat(MAX_TOKEN_BYTES)),
        ] {
            assert_eq!(Token::parse(&text).err(), Some(TokenError::Malformed), "{text:.80}");
        }
    }
}
