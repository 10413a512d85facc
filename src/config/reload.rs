//! The configuration after a reload: which changes take effect, and which need a restart.
//!
//! The rows of [`super::SETTINGS`] say what a reload may change. Every other setting keeps its value.

use super::Config;
use super::effective::{Effective, SettingError};
use super::prices::PRICES;
use super::resolve::{Kept, Layers, Resolver, read_values};
use super::setting::{Reload, Setting};
use super::settings::SETTINGS;

/// A configuration that was read again.
#[derive(Clone, Debug)]
pub struct Reloaded {
    /// The configuration as a restart would have it.
    pub asked: Config,
    /// The configuration that a reload puts in force.
    pub config: Config,
    /// The settings of [`Self::config`].
    pub effective: Vec<Effective>,
    /// The changes that take effect, in the order of the list of settings.
    pub changes: Vec<Change>,
    /// The settings that were changed and need a restart.
    pub need_restart: Vec<&'static str>,
}

/// A changed setting, with secrets redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The setting's name, or `prices`.
    pub name: &'static str,
    /// The value before; none for a setting that was not set, and for prices.
    pub from: Option<String>,
    /// The value from now on.
    pub to: Option<String>,
}

impl Config {
    /// Reads the configuration again, beside the settings in force.
    ///
    /// # Errors
    /// The first invalid setting, or an unreadable configuration file.
    pub fn reload(layers: &Layers, in_force: &[Effective]) -> Result<Reloaded, SettingError> {
        let values = read_values(layers)?;
        let (asked, wanted) = Self::resolve_from(Resolver::new(layers, values.clone(), Kept::new()))?;
        let (mut changes, mut kept) = (Vec::new(), Kept::new());
        for setting in SETTINGS {
            let of = |rows: &[Effective]| rows.iter().find(|row| row.name == setting.name).cloned();
            let (Some(before), Some(after)) = (of(in_force), of(&wanted)) else { continue };
            if text(setting, &before) == text(setting, &after) {
                continue;
            }
            if takes_effect(setting.reload, &before, &after) {
                changes.push(Change { name: setting.name, from: before.value, to: after.value });
            } else {
                kept.insert(setting.name, before.set.map(|value| (value.0, before.origin)));
            }
        }
        if prices(in_force) != prices(&wanted) {
            changes.push(Change { name: PRICES, from: None, to: None });
        }
        let need_restart = kept.keys().copied().collect();
        let (config, effective) = Self::resolve_from(Resolver::new(layers, values, kept))?;
        Ok(Reloaded { asked, config, effective, changes, need_restart })
    }
}

/// Returns the text of a value, or the default.
fn text<'a>(setting: &'a Setting, row: &'a Effective) -> Option<&'a str> {
    row.set.as_ref().map(|value| value.0.as_str()).or(setting.default)
}

const fn takes_effect(reload: Reload, before: &Effective, after: &Effective) -> bool {
    match reload {
        Reload::Restart => false,
        Reload::Value => true,
        Reload::WhileSet => before.set.is_some() && after.set.is_some(),
    }
}

fn prices(rows: &[Effective]) -> Vec<Option<&str>> {
    rows.iter().filter(|row| row.name == PRICES).map(|row| row.value.as_deref()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::file_of;
    use super::*;
    use std::collections::BTreeMap;
    use std::path::Path;

    fn layers(file: &Path) -> Layers {
        let environment = BTreeMap::from([("max_connections", "9".to_owned())]);
        Layers { file: Some(file.to_owned()), environment, ..Layers::default() }
    }

    /// Starts with one file and reloads another one.
    fn reloaded(before: &str, after: &str) -> Result<Reloaded, SettingError> {
        let (before, after) = (file_of(before), file_of(after));
        let (_, in_force) = Config::resolve(&layers(before.path())).unwrap();
        Config::reload(&layers(after.path()), &in_force)
    }

    fn change(name: &'static str, from: Option<&str>, to: Option<&str>) -> Change {
        Change { name, from: from.map(str::to_owned), to: to.map(str::to_owned) }
    }

    #[test]
    fn a_change_takes_effect_or_is_named_with_the_old_value_in_force() {
        let reloaded = reloaded(
            "max_file_bytes = 1000\nmetadata_url = 'postgres://ada:one@db/x'\nmax_connections = 7\n",
            "\n\nmax_file_bytes = 2000\nmetadata_url = 'postgres://ada:two@db/x'\nmax_connections = 8\nlog_level = 'warn'\n",
        )
        .unwrap();
        assert_eq!(
            reloaded.changes,
            [change("max_file_bytes", Some("1000"), Some("2000")), change("log_level", Some("info"), Some("warn"))]
        );
        assert_eq!(reloaded.need_restart, ["metadata_url"], "its password differs");
        assert_eq!((reloaded.config.limits.max_file_bytes, reloaded.config.limits.max_connections), (2000, 9));
        let url = |config: &Config| match &config.stores.metadata {
            super::super::MetadataConfig::Postgres(url) => url.expose().to_owned(),
            super::super::MetadataConfig::Sqlite(_) => panic!("it is SQLite"),
        };
        assert!(url(&reloaded.config).contains("one") && url(&reloaded.asked).contains("two"));
        assert!(!format!("{:?}", reloaded.effective).contains("one@"), "no secret is formatted");
    }

    #[test]
    fn the_same_file_with_its_lines_moved_changes_nothing() {
        let reloaded = reloaded("listen = '[::1]:1'\nlog_level = 'info'\n", "\n\nlisten = '[::1]:1'\n").unwrap();
        assert!(reloaded.changes.is_empty() && reloaded.need_restart.is_empty(), "{reloaded:?}");
    }

    #[test]
    fn tls_is_replaced_and_neither_turned_on_nor_off() {
        let pair = |name: &str| format!("tls_cert = '/etc/{name}.pem'\ntls_key = '/etc/key.pem'\n");
        let replaced = reloaded(&pair("a"), &pair("b")).unwrap();
        assert_eq!(replaced.changes, [change("tls_cert", Some("/etc/a.pem"), Some("/etc/b.pem"))]);
        for (before, after) in [("", &*pair("a")), (&pair("a"), "")] {
            let kept = reloaded(before, after).unwrap();
            assert_eq!((kept.need_restart, kept.changes), (vec!["tls_cert", "tls_key"], vec![]));
            assert_eq!(kept.config.listeners.tls_cert.is_some(), after.is_empty());
        }
    }

    #[test]
    fn a_new_sink_waits_for_a_restart_with_all_of_its_files() {
        let sink = "usage_sink_url = 'http://127.0.0.1:9'\nusage_sink_token_file = '/etc/token'\n";
        let kept = reloaded("", sink).unwrap();
        assert_eq!(kept.need_restart, ["usage_sink_token_file", "usage_sink_url"]);
        assert!(kept.config.usage_sink.token_file.is_none() && kept.asked.usage_sink.token_file.is_some());
    }

    #[test]
    fn prices_are_one_change() {
        let table = |usd: &str| {
            format!(
                "[[prices]]\neffective_from = '2026-12-01T00:00:00Z'\ncurrency = 'usd'\n\
                 'files.egress' = {{ per = 'gibibytes', usd = '{usd}' }}\n"
            )
        };
        assert_eq!(reloaded(&table("1"), &table("2")).unwrap().changes, [change(PRICES, None, None)]);
        assert!(reloaded(&table("1"), &table("1")).unwrap().changes.is_empty());
    }

    #[test]
    fn a_setting_that_needs_a_restart_must_be_valid_too() {
        let error = reloaded("", "listen = 'nowhere'\n").unwrap_err().to_string();
        assert!(error.contains("listen") && error.contains(":1)"), "{error}");
    }

    #[test]
    fn every_limit_of_requests_can_be_reloaded() {
        for setting in SETTINGS.iter().filter(|setting| setting.name.starts_with("max_")) {
            assert_eq!(setting.reload, Reload::Value, "{}", setting.name);
        }
    }
}
