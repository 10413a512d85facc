//! The page `docs/config.md`, generated from the list of settings.

use super::prices;
use super::settings::SETTINGS;

/// Returns the page `docs/config.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Settings\n\nA value is taken from the flag, else the environment variable, else the TOML file named by `--config` or \
         `VENNA_CONFIG`, else the default.\nA key of the file is the flag without its dashes, `-` as `_`, at the top level; unknown \
         keys are refused. `venna check` prints what is in force and where it comes from.\n\n\
         | flag | environment | default | what it does | valid |\n|---|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default = setting.default.map_or_else(|| "-".to_owned(), |default| format!("`{default}`"));
        let (flag, variable) = (setting.flag(), setting.variable());
        page.push_str(&format!("| `--{flag}` | `{variable}` | {default} | {} | {} |\n", setting.help, setting.kind));
    }
    page + &prices::reference()
}
