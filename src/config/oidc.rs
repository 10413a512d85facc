//! The OpenID provider, and the rules that turn claims into access.

use super::setting::Setting;
use serde_json::{Map, Value};
use std::path::PathBuf;
use toml::de::DeValue;

/// The maximum number of rules.
const MAX_RULES: usize = 1000;
/// The longest text of a rule, in bytes.
const MAX_TEXT_BYTES: usize = 512;
/// The role of a rule without a workspace.
const ADMINISTRATOR: &str = "administrator";
/// The roles of rules with a workspace.
const MEMBERS: [&str; 3] = ["reader", "writer", "owner"];
/// The keys of a rule.
const KEYS: [&str; 4] = ["claim", "value", "workspace", "role"];

/// The registration at an OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// The issuer; none for sign-in by key alone.
    pub issuer: Option<String>,
    /// The id of the client.
    pub client_id: Option<String>,
    /// The file with the secret of the client; none for a public client.
    pub client_secret_file: Option<PathBuf>,
    /// The scopes to ask for, between spaces.
    pub scopes: String,
    /// The rules.
    pub rules: Vec<OidcRuleConfig>,
}

/// A rule: whoever has this value in this claim gets a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcRuleConfig {
    /// The name of the claim, or its path with dots.
    pub claim: String,
    /// The value, or one of the values of the claim.
    pub value: String,
    /// The name or id of the workspace; none for administrators.
    pub workspace: Option<String>,
    /// The name of the role.
    pub role: String,
}

/// Parses an issuer: an `https` URL, or an `http` URL of this machine.
pub(super) fn issuer(_: &Setting, text: &str) -> Option<String> {
    let url: http::Uri = text.parse().ok()?;
    let host = url.host()?;
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let is_usable = match url.scheme_str() {
        Some("https") => true,
        Some("http") => is_local,
        _ => false,
    };
    let is_plain = url.query().is_none() && !url.authority()?.as_str().contains('@');
    (is_usable && is_plain).then(|| text.to_owned())
}

/// Parses a text without control characters.
pub(super) fn text(_: &Setting, text: &str) -> Option<String> {
    is_text(text).then(|| text.to_owned())
}

/// Parses scopes between spaces, `openid` among them.
pub(super) fn scopes(_: &Setting, text: &str) -> Option<String> {
    let scopes: Vec<&str> = text.split(' ').filter(|scope| !scope.is_empty()).collect();
    (is_text(text) && scopes.contains(&"openid")).then(|| scopes.join(" "))
}

/// Parses the rules from a JSON array of objects.
pub(super) fn rules(_: &Setting, text: &str) -> Option<Vec<OidcRuleConfig>> {
    let Ok(Value::Array(rules)) = serde_json::from_str(text) else { return None };
    (rules.len() <= MAX_RULES).then(|| rules.iter().map(rule).collect()).flatten()
}

fn rule(value: &Value) -> Option<OidcRuleConfig> {
    let fields = value.as_object().filter(|fields| fields.keys().all(|key| KEYS.contains(&key.as_str())))?;
    let text = |key: &str| fields.get(key).and_then(Value::as_str).filter(|text| is_text(text)).map(str::to_owned);
    let workspace = text("workspace");
    let is_whole = workspace.is_some() == fields.contains_key("workspace");
    let role = text("role")?;
    let fits = match &workspace {
        None => role == ADMINISTRATOR,
        Some(_) => MEMBERS.contains(&role.as_str()),
    };
    (is_whole && fits).then_some(OidcRuleConfig { claim: text("claim")?, value: text("value")?, workspace, role })
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control)
}

/// Returns the JSON of tables of the file, as a flag has it; none if a value is no text.
pub(super) fn joined(tables: &[toml::Spanned<DeValue<'_>>]) -> Option<String> {
    let table = |table: &toml::Spanned<DeValue<'_>>| {
        let fields = table.get_ref().as_table()?;
        let field = |(key, value): (&toml::Spanned<std::borrow::Cow<'_, str>>, &toml::Spanned<DeValue<'_>>)| {
            Some((key.get_ref().to_string(), Value::from(value.get_ref().as_str()?)))
        };
        fields.iter().map(field).collect::<Option<Map<_, _>>>().map(Value::Object)
    };
    tables.iter().map(table).collect::<Option<Vec<_>>>().map(|tables| Value::Array(tables).to_string())
}

#[cfg(test)]
mod tests {
    use super::super::tests::file_of;
    use super::super::{Config, Layers, SettingError};
    use super::*;
    use std::collections::BTreeMap;

    fn of_flag(text: &str) -> Result<Vec<OidcRuleConfig>, SettingError> {
        let layers = Layers { flags: BTreeMap::from([("oidc_rules", text.to_owned())]), ..Layers::default() };
        Config::resolve(&layers).map(|(config, _)| config.oidc.rules)
    }

    fn of_file(text: &str) -> Result<Vec<OidcRuleConfig>, SettingError> {
        let file = file_of(text);
        let layers = Layers { file: Some(file.path().to_owned()), ..Layers::default() };
        Config::resolve(&layers).map(|(config, _)| config.oidc.rules)
    }

    #[test]
    fn rules_are_tables_of_the_file_or_json() {
        let file = "[[oidc_rules]]\nclaim = 'groups'\nvalue = 'ml'\nworkspace = 'research'\nrole = 'writer'\n\
                    [[oidc_rules]]\nclaim = 'groups'\nvalue = 'it'\nrole = 'administrator'\n";
        let json = r#"[{"claim":"groups","value":"ml","workspace":"research","role":"writer"},
                       {"claim":"groups","value":"it","role":"administrator"}]"#;
        let rules = of_flag(json).unwrap();
        assert_eq!(rules, of_file(file).unwrap());
        assert_eq!((rules[0].workspace.as_deref(), rules[1].role.as_str()), (Some("research"), ADMINISTRATOR));
        assert_eq!(of_flag("[]").unwrap(), []);
    }

    #[test]
    fn a_wrong_rule_is_refused_with_an_example() {
        for text in [
            "",
            "{}",
            r#"[{"claim":"a","value":"b","role":"writer"}]"#,
            r#"[{"claim":"a","value":"b","workspace":"w","role":"administrator"}]"#,
            r#"[{"claim":"a","value":"b","workspace":"w","role":"king"}]"#,
            r#"[{"claim":"a","value":"","workspace":"w","role":"reader"}]"#,
            r#"[{"claim":"a","value":"b","workspace":5,"role":"administrator"}]"#,
            r#"[{"claim":"a","value":"b","workspace":"w","role":"reader","colour":"blue"}]"#,
        ] {
            let error = of_flag(text).unwrap_err().to_string();
            assert!(error.contains("oidc_rules") && error.contains("\"role\""), "{text}: {error}");
        }
        let error = of_file("[[oidc_rules]]\nclaim = 5\n").unwrap_err().to_string();
        assert!(error.contains(":1)"), "{error}");
    }

    #[test]
    fn an_issuer_is_reached_by_tls_or_on_this_machine() {
        let of = |text: &str| {
            let flags = BTreeMap::from([("oidc_issuer", text.to_owned())]);
            Config::resolve(&Layers { flags, ..Layers::default() }).map(|(config, _)| config.oidc.issuer.unwrap()).ok()
        };
        for text in ["https://a.example/", "https://a.example/realms/x", "http://127.0.0.1:8080", "http://localhost/x"]
        {
            assert_eq!(of(text).as_deref(), Some(text));
        }
        for text in
            ["http://a.example", "https://u:p@a.example", "https://a.example?x=1", "a.example", "ftp://localhost"]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
