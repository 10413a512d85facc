//! The page `docs/config.md`, generated from the list of settings.

use super::prices;
use super::settings::SETTINGS;

/// Returns the page `docs/config.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Settings\n\nA value comes from the flag, else the environment variable, else the TOML file named by `--config` or \
         `VENNA_CONFIG`, else the default.\nA key of the file is the flag without its leading dashes, with `_` for `-`, at the top level. Unknown \
         keys are refused. `venna check` prints the effective values and their origin.\n\n\
         A reload (SIGHUP, `systemctl reload`) applies changes of the settings with `yes`, and of the prices. `while set`: another value, but \
         to set or unset it needs a restart. A file that such a setting names is read again \
         ([operations.md](operations.md#reload)).\n\n\
         | flag | environment | default | reload | meaning | valid values |\n|---|---|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default = setting.default.map_or_else(|| "-".to_owned(), |default| format!("`{default}`"));
        let (flag, variable) = (setting.flag(), setting.variable());
        page.push_str(&format!(
            "| `--{flag}` | `{variable}` | {default} | {} | {} | {} |\n",
            setting.reload, setting.help, setting.kind
        ));
    }
    page + &prices::reference()
}
