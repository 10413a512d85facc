//! The layers of the configuration, and which of them each value comes from.
//!
//! Written by hand: every error names the flag, the variable or the line of the file that set the value, with secrets
//! redacted. Configuration libraries know the file but not the line.

use super::blobs::CloudVariables;
use super::effective::{Effective, Origin, SetValue, SettingError, Source};
use super::metadata::DatabaseVariables;
use super::oidc;
use super::prices::{self, PRICES, PriceConfig, Prices, TABLES};
use super::redacted;
use super::setting::{Kind, Setting};
use super::settings::SETTINGS;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// The least likeness (Jaro-Winkler) of a misspelt name to the one that was meant.
const LIKENESS: f64 = 0.85;
/// The prefix of variables.
const VARIABLES: &str = "VENNA_";
/// The prefix of the variables of tests.
const TEST_VARIABLES: &str = "VENNA_TEST_";
/// The variables that are no settings.
const OTHER_VARIABLES: [&str; 7] = [
    "VENNA_CONFIG",
    "VENNA_FAILPOINTS",
    "VENNA_TO_METADATA_URL",
    "VENNA_TO_BLOBS_URL",
    "VENNA_URL",
    "VENNA_API_KEY",
    "VENNA_ADMIN_KEY",
];
/// The largest configuration file, in bytes.
const MAX_CONFIG_FILE_BYTES: u64 = 1 << 20;

/// The values by layer, before defaults apply.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Values of flags.
    pub flags: BTreeMap<&'static str, String>,
    /// Values of `VENNA_*` variables.
    pub environment: BTreeMap<&'static str, String>,
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// The variables of the clouds.
    pub cloud: CloudVariables,
    /// The variables of PostgreSQL.
    pub database: DatabaseVariables,
}

/// The values that settings keep at a reload, by name; none for a setting that stays unset.
pub(super) type Kept = BTreeMap<&'static str, Option<(String, Origin)>>;

/// The values of the configuration file.
#[derive(Clone, Default)]
pub(super) struct FileValues {
    settings: BTreeMap<&'static str, (String, Origin)>,
    prices: Prices,
}

pub(super) struct Resolver<'a> {
    layers: &'a Layers,
    file: FileValues,
    kept: Kept,
    effective: Vec<Effective>,
}

impl<'a> Resolver<'a> {
    /// Resolves settings from these layers, except those that are kept.
    pub(super) const fn new(layers: &'a Layers, file: FileValues, kept: Kept) -> Self {
        Self { layers, file, kept, effective: Vec::new() }
    }

    /// Takes a setting that always has a value.
    pub(super) fn take<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&Setting, &str) -> Option<T>,
    ) -> Result<T, SettingError> {
        let setting = setting(name);
        let (value, origin) =
            self.find(setting).unwrap_or_else(|| (setting.default.unwrap_or_default().to_owned(), Origin::Default));
        self.accept(setting, &value, origin, parse)
    }

    /// Takes a setting that may be unset.
    pub(super) fn take_optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&Setting, &str) -> Option<T>,
    ) -> Result<Option<T>, SettingError> {
        let setting = setting(name);
        if let Some((value, origin)) = self.find(setting) {
            return self.accept(setting, &value, origin, parse).map(Some);
        }
        self.effective.push(Effective { name: setting.name, value: None, origin: Origin::Default, set: None });
        Ok(None)
    }

    /// Takes a setting whose default depends on other settings. `shown` formats the default.
    pub(super) fn take_or<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&Setting, &str) -> Option<T>,
        default: T,
        shown: impl FnOnce(&T) -> String,
    ) -> Result<T, SettingError> {
        if let Some(taken) = self.take_optional(name, parse)? {
            return Ok(taken);
        }
        if let Some(effective) = self.effective.last_mut() {
            effective.value = Some(shown(&default));
        }
        Ok(default)
    }

    /// Describes the default of a setting that is not set.
    pub(super) fn describe(&mut self, name: &str, default: String) {
        let unset = self.effective.iter_mut().find(|effective| effective.name == name && effective.value.is_none());
        if let Some(effective) = unset {
            effective.value = Some(default);
        }
    }

    /// Returns the variables of the clouds.
    pub(super) const fn cloud_variables(&self) -> &'a CloudVariables {
        &self.layers.cloud
    }

    /// Returns the variables of PostgreSQL.
    pub(super) const fn database_variables(&self) -> &'a DatabaseVariables {
        &self.layers.database
    }

    /// Takes the prices, which only the file has.
    pub(super) fn take_prices(&mut self) -> Vec<PriceConfig> {
        std::mem::take(&mut self.file.prices.versions)
    }

    /// Returns every setting taken so far, in the order of the list, and then the prices.
    pub(super) fn into_effective(mut self) -> Vec<Effective> {
        self.effective.sort_by_key(|effective| SETTINGS.iter().position(|setting| setting.name == effective.name));
        self.effective.extend(self.file.prices.effective);
        self.effective
    }

    fn find(&self, setting: &Setting) -> Option<(String, Origin)> {
        if let Some(kept) = self.kept.get(setting.name) {
            return kept.clone();
        }
        let flag = || self.layers.flags.get(setting.name).map(|value| (value.clone(), Origin::Flag(setting.flag())));
        let variable = || {
            self.layers
                .environment
                .get(setting.name)
                .map(|value| (value.clone(), Origin::Environment(setting.variable())))
        };
        flag().or_else(variable).or_else(|| self.file.settings.get(setting.name).cloned())
    }

    fn accept<T>(
        &mut self,
        setting: &Setting,
        value: &str,
        origin: Origin,
        parse: impl Fn(&Setting, &str) -> Option<T>,
    ) -> Result<T, SettingError> {
        let shown = redacted::value(setting, value);
        match parse(setting, value) {
            Some(parsed) => {
                let set = (origin != Origin::Default).then(|| SetValue(value.to_owned()));
                self.effective.push(Effective { name: setting.name, value: Some(shown), origin, set });
                Ok(parsed)
            }
            None => {
                Err(SettingError::Invalid { name: setting.name, value: shown, origin, expected: setting.kind.clone() })
            }
        }
    }
}

#[expect(clippy::expect_used, reason = "a name that is not in the list is a mistake of this room, found by its tests")]
fn setting(name: &str) -> &'static Setting {
    SETTINGS.iter().find(|setting| setting.name == name).expect("the setting is in the list")
}

/// Reads the configuration file of these layers, if they have one.
pub(super) fn read_values(layers: &Layers) -> Result<FileValues, SettingError> {
    Ok(layers.file.as_deref().map(read_file).transpose()?.unwrap_or_default())
}

fn read_file(path: &Path) -> Result<FileValues, SettingError> {
    let unreadable = |why: String| SettingError::Unreadable { path: path.to_owned(), why };
    let size_bytes = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size_bytes > MAX_CONFIG_FILE_BYTES {
        return Err(unreadable(format!("it is longer than {MAX_CONFIG_FILE_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let source = Source { path, text: &text };
    // The error's own text repeats the line, which may hold a password.
    let table = DeTable::parse(&text).map_err(|error| match error.span() {
        Some(span) => unreadable(format!("{} ({})", error.message(), source.origin(span))),
        None => unreadable(error.message().to_owned()),
    })?;
    let mut values = FileValues::default();
    for (key, value) in table.get_ref() {
        if key.get_ref() == PRICES {
            values.prices = prices::read(&source, value.get_ref(), key.span())?;
            continue;
        }
        let origin = source.origin(key.span());
        let (name, value) = known(key.get_ref(), value.get_ref(), &origin)?;
        values.settings.insert(name, (value, origin));
    }
    Ok(values)
}

fn known(key: &str, value: &DeValue<'_>, origin: &Origin) -> Result<(&'static str, String), SettingError> {
    let setting = SETTINGS.iter().find(|setting| setting.name == key).ok_or_else(|| SettingError::Unknown {
        name: key.to_owned(),
        origin: origin.clone(),
        hint: meant(key).map_or_else(
            || format!("the settings are {}", names().collect::<Vec<_>>().join(", ")),
            |name| format!("did you mean {name}?"),
        ),
    })?;
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Array(items) if is_list(setting) && items.iter().all(is_string) => joined(items),
        DeValue::Array(tables) if matches!(setting.kind, Kind::OidcRules) => oidc::joined(tables).unwrap_or_default(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        other => {
            let value = format!("a {}", other.type_str());
            return Err(SettingError::Invalid {
                name: setting.name,
                value,
                origin: origin.clone(),
                expected: setting.kind.clone(),
            });
        }
    };
    Ok((setting.name, text))
}

fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name).chain([TABLES])
}

/// Returns the setting whose name is most like this one, if one is.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    let likeness = |known: &&'static str| strsim::jaro_winkler(known, name);
    names().max_by(|one, other| likeness(one).total_cmp(&likeness(other))).filter(|known| likeness(known) >= LIKENESS)
}

/// Returns the variables that begin as settings do and are none, each with the one that was meant.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<(String, Option<String>)> {
    let is_known = |name: &str| {
        SETTINGS.iter().any(|setting| setting.variable() == name)
            || OTHER_VARIABLES.contains(&name)
            || name.starts_with(TEST_VARIABLES)
    };
    let unknown = names.into_iter().filter(|name| name.starts_with(VARIABLES) && !is_known(name));
    let meant = |name: &String| {
        let setting = meant(&name.trim_start_matches(VARIABLES).to_ascii_lowercase())?;
        Some(format!("{VARIABLES}{}", setting.to_ascii_uppercase()))
    };
    unknown.map(|name| (name.clone(), meant(&name))).collect()
}

/// Returns whether the file may have an array where a flag has a comma-separated list.
const fn is_list(setting: &Setting) -> bool {
    matches!(setting.kind, Kind::Networks | Kind::Origins)
}

fn is_string(item: &Spanned<DeValue<'_>>) -> bool {
    item.get_ref().is_str()
}

/// Joins the items with commas, as a flag has them.
fn joined(items: &DeArray<'_>) -> String {
    items.iter().filter_map(|item| item.get_ref().as_str()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::super::tests::file_of;
    use super::super::{Config, CorsOrigins};
    use super::*;

    fn layers(flags: &[(&'static str, &str)], environment: &[(&'static str, &str)], file: Option<&Path>) -> Layers {
        let owned =
            |pairs: &[(&'static str, &str)]| pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Layers {
            flags: owned(flags),
            environment: owned(environment),
            file: file.map(Path::to_owned),
            ..Layers::default()
        }
    }

    #[test]
    fn every_setting_is_taken_and_every_default_is_valid() {
        let (_, effective) = Config::resolve(&Layers::default()).unwrap();
        let taken: Vec<_> = effective.iter().map(|effective| effective.name).collect();
        let listed: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(taken, listed);
    }

    #[test]
    fn a_flag_stands_over_the_environment_and_that_over_the_file() {
        let file = file_of("# ours\nlisten = '127.0.0.1:1'\nmax_connections = 7\nlog_level = 'warn'\n");
        let layers = layers(
            &[("listen", "127.0.0.1:3")],
            &[("listen", "127.0.0.1:2"), ("log_level", "debug")],
            Some(file.path()),
        );
        let (config, effective) = Config::resolve(&layers).unwrap();
        assert_eq!((config.listeners.main.port(), config.limits.max_connections), (3, 7));
        let origin = |name| effective.iter().find(|effective| effective.name == name).unwrap().origin.clone();
        assert_eq!(origin("listen"), Origin::Flag("listen".into()));
        assert_eq!(origin("log_level"), Origin::Environment("VENNA_LOG_LEVEL".into()));
        assert_eq!(origin("max_connections"), Origin::File(file.path().into(), 3));
        assert_eq!(origin("data_dir"), Origin::Default);
    }

    #[test]
    fn a_wrong_value_names_setting_value_origin_and_what_would_be_valid() {
        let error = Config::resolve(&layers(&[], &[("max_file_bytes", "lots")], None)).unwrap_err();
        let message = error.to_string();
        for part in ["max_file_bytes", "\"lots\"", "VENNA_MAX_FILE_BYTES", "from 1 to 8589934592"] {
            assert!(message.contains(part), "{message} names {part}");
        }
    }

    #[test]
    fn unknown_keys_and_tables_of_the_file_are_refused_with_their_line() {
        let file = file_of("\nlistn = '127.0.0.1:1'\n");
        let message = Config::resolve(&layers(&[], &[], Some(file.path()))).unwrap_err().to_string();
        assert!(message.contains("listn") && message.contains(":2)"), "{message}");
        assert!(message.ends_with("did you mean listen?"), "{message}");
        let file = file_of("unlike_all = 1\n");
        let message = Config::resolve(&layers(&[], &[], Some(file.path()))).unwrap_err().to_string();
        assert!(message.contains("the settings are data_dir, metadata_url"), "{message}");
        let file = file_of("[listen]\nport = 1\n");
        assert!(Config::resolve(&layers(&[], &[], Some(file.path()))).is_err());
    }

    #[test]
    fn variables_that_are_no_settings_are_found_with_what_was_meant() {
        let names = ["VENNA_LISTN", "VENNA_LISTEN", "VENNA_CONFIG", "VENNA_TEST_CACHE", "VENNA_XYZ", "PATH"];
        let unknown = unknown_variables(names.map(str::to_owned));
        let expected = [("VENNA_LISTN".to_owned(), Some("VENNA_LISTEN".to_owned())), ("VENNA_XYZ".to_owned(), None)];
        assert_eq!(unknown, expected);
    }

    #[test]
    fn addresses_and_quantities_may_be_written_as_people_do() {
        let flags = [
            ("listen", "localhost:8080"),
            ("admin_listen", ":8081"),
            ("max_file_bytes", "1GiB"),
            ("idle_timeout_seconds", "2m"),
            ("audit_retention_days", "4weeks"),
        ];
        let (config, _) = Config::resolve(&layers(&flags, &[], None)).unwrap();
        assert_eq!(config.listeners.main, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(config.listeners.admin, Some("0.0.0.0:8081".parse().unwrap()));
        assert_eq!((config.limits.max_file_bytes, config.limits.idle_timeout.as_secs()), (1 << 30, 120));
        assert_eq!(config.upkeep.audit_retention.as_secs(), 28 * 86_400);
        for wrong in [("listen", "example.org:80"), ("listen", "localhost"), ("max_file_bytes", "9GiB")] {
            assert!(Config::resolve(&layers(&[wrong], &[], None)).is_err(), "{wrong:?}");
        }
    }

    fn proxies(layers: &Layers) -> Result<Vec<String>, SettingError> {
        let (config, _) = Config::resolve(layers)?;
        Ok(config.listeners.trusted_proxies.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn networks_are_a_list_of_addresses_and_networks() {
        for (text, networks) in [
            ("", &[][..]),
            ("127.0.0.1", &["127.0.0.1/32"]),
            ("127.0.0.1, 10.0.0.0/8 ,fd00::/8,::1", &["127.0.0.1/32", "10.0.0.0/8", "fd00::/8", "::1/128"]),
            ("::ffff:10.0.0.0/104,::ffff:10.1.2.3", &["10.0.0.0/8", "10.1.2.3/32"]),
            ("::/0", &["::/0"]),
        ] {
            assert_eq!(proxies(&layers(&[("trusted_proxies", text)], &[], None)).unwrap(), networks, "{text}");
        }
        for text in ["10.0.0.0/33", "10.0.0.0/", "proxy.example", "10.0.0.1,", ",", "10.0.0.1 10.0.0.2", "127.0.0.1:80"]
        {
            let error = proxies(&layers(&[("trusted_proxies", text)], &[], None)).unwrap_err();
            assert!(error.to_string().contains("CIDR"), "{text}: {error}");
        }
    }

    #[test]
    fn networks_of_the_file_may_be_an_array_and_nothing_else_may() {
        let file = file_of("trusted_proxies = ['127.0.0.1', '10.0.0.0/8']\n");
        assert_eq!(proxies(&layers(&[], &[], Some(file.path()))).unwrap(), ["127.0.0.1/32", "10.0.0.0/8"]);
        for text in ["trusted_proxies = ['::1', 1]\n", "trusted_proxies = [['::1']]\n", "listen = ['127.0.0.1:1']\n"] {
            let file = file_of(text);
            let error = proxies(&layers(&[], &[], Some(file.path()))).unwrap_err();
            assert!(error.to_string().contains(":1) is not valid"), "{text}: {error}");
        }
    }

    fn origins(text: &str) -> Result<CorsOrigins, SettingError> {
        Config::resolve(&layers(&[("cors_origins", text)], &[], None)).map(|(config, _)| config.listeners.cors_origins)
    }

    #[test]
    fn origins_are_all_none_or_a_list_as_browsers_write_it() {
        assert_eq!(Config::resolve(&Layers::default()).unwrap().0.listeners.cors_origins, CorsOrigins::Any);
        assert_eq!(origins("off").unwrap(), CorsOrigins::Off);
        for (text, listed) in [
            ("https://app.example", &["https://app.example"][..]),
            ("HTTPS://App.example:443, http://localhost:3000", &["https://app.example", "http://localhost:3000"]),
            ("http://[::1]:80,https://a.example:8443", &["http://[::1]", "https://a.example:8443"]),
            ("chrome-extension://abcdefgh", &["chrome-extension://abcdefgh"]),
        ] {
            let listed = listed.iter().map(|origin| (*origin).to_owned()).collect();
            assert_eq!(origins(text).unwrap(), CorsOrigins::Only(listed), "{text}");
        }
        for text in [
            "",
            "app.example",
            "https://a.example/",
            "https://a.example/x",
            "https://*.example",
            "*,https://a.example",
            "null",
            "https://u@a.example",
            "https://a.example:x",
            "https://a.example,",
            "https://a.example?x",
        ] {
            let error = origins(text).unwrap_err();
            assert!(error.to_string().contains("https://app.example"), "{text}: {error}");
        }
        let file = file_of("cors_origins = ['https://a.example', 'https://b.example']\n");
        let (config, _) = Config::resolve(&layers(&[], &[], Some(file.path()))).unwrap();
        assert!(matches!(config.listeners.cors_origins, CorsOrigins::Only(listed) if listed.len() == 2));
    }

    #[test]
    fn secrets_are_not_repeated() {
        let wrong = [("blobs_url", "s4://ada:hunter2@db/venna"), ("metadata_url", "mysql://ada:hunter2@db/venna")];
        for setting in wrong {
            let error = Config::resolve(&layers(&[setting], &[], None)).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let right = [("metadata_url", "postgres://ada:hunter2@db/venna?password=hunter2")];
        let (config, effective) = Config::resolve(&layers(&[], &right, None)).unwrap();
        assert!(!format!("{config:?} {effective:?}").contains("hunter2"), "{effective:?}");
        assert_eq!(config.limits.inline_max_bytes, 0);
    }
}
