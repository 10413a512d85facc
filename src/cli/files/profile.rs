//! Profiles: servers and keys by name, in a file that only its user may read.

use super::bounded::read_text;
use super::invalid::invalid;
use super::user_folder::user_folder;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest file of profiles, in bytes.
const MAX_FILE_BYTES: u64 = 65_536;
/// The bits of a mode that give rights to other users.
const RIGHTS_OF_OTHERS: u32 = 0o077;
/// The profile that is used if neither a flag nor the environment names a server.
pub const DEFAULT: &str = "default";

/// A server and a key. `Debug` is absent, so that no log shows the key.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The URL of the server.
    pub url: Option<String>,
    /// The key.
    pub key: Option<String>,
    /// A file with certificates that are trusted, too.
    pub ca_file: Option<PathBuf>,
}

impl Profile {
    /// Reads the profile of a name, which must exist.
    pub fn named(name: &str) -> Result<Self> {
        let Some(path) = path() else {
            return Err(invalid("there is no folder for client.toml: set XDG_CONFIG_HOME or HOME"));
        };
        let missing = || invalid(&format!("there is no profile '{}' in {}", name.escape_debug(), path.display()));
        read(&path)?.and_then(|mut profiles| profiles.remove(name)).ok_or_else(missing)
    }

    /// Reads the default profile, if there is one.
    pub fn default_one() -> Result<Option<Self>> {
        let Some(path) = path() else { return Ok(None) };
        Ok(read(&path)?.and_then(|mut profiles| profiles.remove(DEFAULT)))
    }
}

/// Returns the path of the file: `venna/client.toml` below `XDG_CONFIG_HOME` or `~/.config`.
fn path() -> Option<PathBuf> {
    Some(user_folder("XDG_CONFIG_HOME", ".config")?.join("client.toml"))
}

fn read(path: &Path) -> Result<Option<BTreeMap<String, Profile>>> {
    let unreadable = || format!("cannot read {}", path.display());
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.with_context(unreadable)?,
    };
    if file.metadata().with_context(unreadable)?.mode() & RIGHTS_OF_OTHERS != 0 {
        bail!("{} may be used by other users: run `chmod 600` on it", path.display());
    }
    let text = read_text(file, MAX_FILE_BYTES).with_context(unreadable)?;
    // The message of the parser may show a key.
    toml::from_str(&text).map(Some).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        anyhow::anyhow!("{} has an error in line {line}: a [NAME] has url, key and ca_file", path.display())
    })
}
