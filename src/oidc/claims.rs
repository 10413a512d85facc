//! The claims of a token, and the rules that turn them into access.

use crate::model::person::{Identity, MAX_TEXT_BYTES, Role};
use serde_json::{Map, Value};

/// The most levels of a claim's path, such as the two of `realm_access.roles`.
const MAX_LEVELS: usize = 8;
/// The claim with the e-mail address.
const EMAIL: &str = "email";
/// The claim that says that the provider has verified the address.
const EMAIL_VERIFIED: &str = "email_verified";

/// The claims of a token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims(Map<String, Value>);

/// A rule: whoever has this value in this claim gets a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name of the claim, or its path with dots.
    pub claim: String,
    /// The value, or one of the values of the claim.
    pub value: String,
    /// The name or id of the workspace; none for administrators.
    pub workspace: Option<String>,
    /// The role.
    pub role: Role,
}

impl Claims {
    /// Reads the claims of a JSON object.
    pub fn parse(json: &[u8]) -> Option<Self> {
        match serde_json::from_slice(json) {
            Ok(Value::Object(claims)) => Some(Self(claims)),
            _ => None,
        }
    }

    /// Adds the claims of another answer about the same subject; those that are there stay.
    pub fn merge(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.0.entry(name).or_insert(value);
        }
    }

    /// Returns a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Returns the texts of a claim with one text or a list of them.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns a whole number that is not negative; fractions are cut off.
    pub fn number(&self, name: &str) -> Option<u64> {
        let value = self.0.get(name)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time, cut to its second")]
        value.as_u64().or_else(|| value.as_f64().filter(|time| *time >= 0.0).map(|time| time as u64))
    }

    /// Returns whether `events` has an event.
    pub fn has_event(&self, event: &str) -> bool {
        self.0.get("events").and_then(|events| events.get(event)).is_some_and(Value::is_object)
    }

    /// Returns the subject, unless it is empty or too long.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text("sub").filter(|subject| !subject.is_empty() && subject.len() <= MAX_TEXT_BYTES)
    }

    /// Returns the identity that the claims vouch for. An e-mail address that is not verified is left out.
    #[must_use]
    pub fn identity(&self, issuer: &str) -> Option<Identity> {
        let shown = |name| self.text(name).filter(|text| !text.is_empty()).map(cut);
        let name = ["name", "preferred_username"].into_iter().find_map(shown);
        let email = shown(EMAIL).filter(|_| self.has_verified_email());
        Some(Identity { issuer: issuer.to_owned(), subject: self.subject()?.to_owned(), name, email })
    }

    /// Returns the rules that apply.
    pub fn matching<'a>(&self, rules: &'a [Rule]) -> impl Iterator<Item = &'a Rule> {
        rules.iter().filter(|rule| self.has(&rule.claim, &rule.value))
    }

    /// Returns whether a claim has a value. An e-mail address counts only when the provider has verified it.
    fn has(&self, claim: &str, value: &str) -> bool {
        if claim == EMAIL && !self.has_verified_email() {
            return false;
        }
        let is_it = |found: &Value| match found {
            Value::String(text) => text == value,
            Value::Bool(flag) => flag.to_string() == value,
            Value::Number(number) => number.to_string() == value,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        match self.find(claim) {
            Some(Value::Array(values)) => values.iter().any(is_it),
            Some(found) => is_it(found),
            None => false,
        }
    }

    /// Returns the claim of this name, else the one at this path.
    fn find(&self, claim: &str) -> Option<&Value> {
        if let Some(found) = self.0.get(claim) {
            return Some(found);
        }
        let mut levels = claim.split('.').take(MAX_LEVELS);
        let first = self.0.get(levels.next()?)?;
        levels.try_fold(first, |value, level| value.get(level))
    }

    fn has_verified_email(&self) -> bool {
        match self.0.get(EMAIL_VERIFIED) {
            Some(Value::Bool(verified)) => *verified,
            // Some providers write it as a text.
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }
}

/// Cuts a text that people see to its longest length.
fn cut(text: &str) -> String {
    let end = (0..=text.len().min(MAX_TEXT_BYTES)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.get(..end).unwrap_or_default().chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: &Value) -> Claims {
        Claims::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn rules_look_into_lists_and_paths() {
        let claims = claims(&json!({
            "groups": ["ml", "ops"], "hd": "a.example", "realm_access": {"roles": ["admin"]}, "https://x.example/r": "y",
            "email": "ada@a.example", "level": 3, "staff": true,
        }));
        for (claim, value, is_there) in [
            ("groups", "ml", true),
            ("groups", "m", false),
            ("hd", "a.example", true),
            ("realm_access.roles", "admin", true),
            ("realm_access", "admin", false),
            ("https://x.example/r", "y", true),
            ("level", "3", true),
            ("staff", "true", true),
            ("email", "ada@a.example", false),
            ("none", "", false),
        ] {
            assert_eq!(claims.has(claim, value), is_there, "{claim} {value}");
        }
    }

    #[test]
    fn only_a_verified_address_is_believed() {
        for (verified, believed) in
            [(json!(true), true), (json!("true"), true), (json!(false), false), (json!(1), false), (Value::Null, false)]
        {
            let claims = claims(&json!({"sub": "1", "email": "a@b.c", "email_verified": verified}));
            assert_eq!(claims.has("email", "a@b.c"), believed, "{verified}");
            assert_eq!(claims.identity("i").unwrap().email.is_some(), believed, "{verified}");
        }
    }

    #[test]
    fn an_identity_needs_a_subject_and_shows_no_control_characters() {
        assert_eq!(claims(&json!({"sub": ""})).identity("i"), None);
        assert_eq!(claims(&json!({"sub": "x".repeat(256)})).identity("i"), None);
        let long = claims(&json!({"sub": "1", "name": format!("a\u{1b}\u{e9}{}", "\u{e9}".repeat(200))}));
        let name = long.identity("i").unwrap().name.unwrap();
        assert!(name.len() <= MAX_TEXT_BYTES && name.starts_with("a\u{e9}"));
    }
}
