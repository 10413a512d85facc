//! Settings as flags, generated from the list in `config`.

use crate::app::{Installation, open_inspector, root_warning};
use crate::clock::Clock;
use crate::config::{
    CloudVariables, Config, DatabaseVariables, Effective, Layers, Reloaded, SETTINGS, Setting, SettingError,
    StoreConfig, Use,
};
use crate::inspect::Inspector;
use anyhow::Result;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use rustix::fs::Mode;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const CONFIG: &str = "config";
const CONFIG_VARIABLE: &str = "VENNA_CONFIG";
/// The default password file of libpq, in the home directory.
const PASSWORD_FILE: &str = ".pgpass";

/// The settings of `serve` and `check`.
#[derive(Debug)]
pub struct ServerSettings(Layers);

/// The settings of commands that open the data directory.
#[derive(Debug)]
pub struct StoreSettings(Layers);

impl ServerSettings {
    /// Returns the configuration, and the origin of each value.
    pub fn resolve(&self) -> Result<(Config, Vec<Effective>)> {
        Ok(Config::resolve(&self.0)?)
    }

    /// Reads the configuration again, beside the settings in force.
    pub fn reload(&self, in_force: &[Effective]) -> Result<Reloaded, SettingError> {
        Config::reload(&self.0, in_force)
    }
}

impl StoreSettings {
    /// Returns the configuration of flags, environment and file.
    pub fn resolve(&self) -> Result<Config> {
        Ok(Config::resolve(&self.0)?.0)
    }

    /// Returns the locations of the stores.
    pub fn stores(&self) -> Result<StoreConfig> {
        Ok(self.resolve()?.stores)
    }

    /// Returns the locations of the stores with some settings replaced.
    pub fn stores_with(
        &self,
        otherwise: impl IntoIterator<Item = (&'static str, Option<String>)>,
    ) -> Result<StoreConfig> {
        let mut layers = self.0.clone();
        layers.flags.extend(otherwise.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Ok(Config::resolve(&layers)?.0.stores)
    }

    /// Opens an existing installation, and its stores for inspection.
    pub async fn open_inspector(&self) -> Result<(Installation, Inspector)> {
        open_inspector(&self.stores()?).await
    }

    /// Opens an existing installation.
    pub async fn open_existing(&self) -> Result<Installation> {
        Installation::open_existing(&self.stores()?, Clock::system()).await
    }
}

/// Warns when a command creates the data directory as root.
pub(super) fn warn_as_root(stores: &StoreConfig) {
    if let Some(warning) = root_warning(stores) {
        eprintln!("warning: {warning}");
    }
}

/// Returns whether other users can neither read nor write a file. libpq ignores another password file.
fn is_private(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|status| !Mode::from_raw_mode(status.mode()).intersects(Mode::RWXG | Mode::RWXO))
}

fn flag(setting: &'static Setting) -> Arg {
    let default = setting.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
    Arg::new(setting.name)
        .long(setting.flag())
        .value_name(setting.placeholder)
        .help(format!("{}{default}", setting.help))
        .help_heading("Settings")
        .allow_hyphen_values(true)
}

fn augment(command: Command, wanted: impl Fn(&Setting) -> bool) -> Command {
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .help("A TOML file of settings; flags and VENNA_* variables stand over it.")
        .help_heading("Settings");
    SETTINGS
        .iter()
        .filter(|setting| wanted(setting))
        .fold(command.arg(config), |command, setting| command.arg(flag(setting)))
}

/// Reads only the settings of the command: an invalid address does not keep `keys list` from its work. A variable that
/// is not UTF-8 is passed on with replacement characters, so that it is refused and not overlooked.
fn layers(matches: &ArgMatches, wanted: impl Fn(&Setting) -> bool) -> Layers {
    let taken: Vec<&Setting> = SETTINGS.iter().filter(|setting| wanted(setting)).collect();
    let value = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let variable = |name: String| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let flags = taken.iter().filter_map(|setting| Some((setting.name, value(setting.name)?)));
    let environment = taken.iter().filter_map(|setting| Some((setting.name, variable(setting.variable())?)));
    let file = value(CONFIG).or_else(|| variable(CONFIG_VARIABLE.to_owned())).map(PathBuf::from);
    let cloud =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Layers {
        flags: flags.collect(),
        environment: environment.collect(),
        file,
        cloud: CloudVariables::among(cloud),
        database: database_variables(),
    }
}

/// Reads the variables of libpq that have a password or its file, and looks for the default file.
fn database_variables() -> DatabaseVariables {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let default =
        || variable("HOME").map(|home| PathBuf::from(home).join(PASSWORD_FILE)).filter(|file| is_private(file));
    DatabaseVariables {
        password: variable("PGPASSWORD").map(|password| password.to_string_lossy().into_owned()),
        password_file: variable("PGPASSFILE").map(PathBuf::from).or_else(default),
    }
}

macro_rules! as_flags {
    ($settings:ident, $wanted:expr) => {
        impl FromArgMatches for $settings {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(layers(matches, $wanted)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0 = layers(matches, $wanted);
                Ok(())
            }
        }

        impl Args for $settings {
            fn augment_args(command: Command) -> Command {
                augment(command, $wanted)
            }

            fn augment_args_for_update(command: Command) -> Command {
                augment(command, $wanted)
            }
        }
    };
}

as_flags!(ServerSettings, |_: &Setting| true);
as_flags!(StoreSettings, |setting: &Setting| setting.used_by == Use::Stores);
