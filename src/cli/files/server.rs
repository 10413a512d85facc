//! Options that name the server and the key.

use super::bounded::read_text;
use super::invalid::invalid;
use super::profile::Profile;
use anyhow::{Context, Result};
use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use venna_client::{Client, Dialect, Server};

/// The longest file of a key, in bytes.
const MAX_KEY_BYTES: u64 = 4096;

/// The server and the key.
#[derive(Debug, clap::Args)]
pub struct ServerOptions {
    /// The URL of the server. Otherwise that of the profile, or `VENNA_URL` or `OPENAI_BASE_URL` of the environment.
    #[arg(long)]
    url: Option<String>,
    /// The key, which other users of the machine may see. Otherwise that of the profile, or `VENNA_API_KEY` or
    /// `OPENAI_API_KEY` of the environment.
    #[arg(long, conflicts_with = "key_file")]
    key: Option<Key>,
    /// A file with the key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A file with certificates in PEM that are trusted besides those of the system.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The profile of `~/.config/venna/client.toml` with the server and the key. Otherwise `VENNA_PROFILE` of the
    /// environment. A profile stands over the other variables.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// A key, which `Debug` does not show.
#[derive(Clone)]
struct Key(String);

impl FromStr for Key {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Key")
    }
}

impl ServerOptions {
    /// Creates the client.
    pub fn client(&self) -> Result<Client> {
        let profile = self.profile()?;
        // Without a profile the environment counts. A key of the environment never goes to the server of a profile.
        let environment = |names: [&str; 2]| names.into_iter().find_map(variable).filter(|_| profile.is_none());
        let of_profile = profile.clone().unwrap_or_default();
        let url = self.url.clone().or(of_profile.url).or_else(|| environment(["VENNA_URL", "OPENAI_BASE_URL"]));
        let key = match (&self.key, &self.key_file) {
            (Some(key), _) => Some(key.0.clone()),
            (None, Some(path)) => Some(read_key(path)?),
            (None, None) => of_profile.key.or_else(|| environment(["VENNA_API_KEY", "OPENAI_API_KEY"])),
        };
        let url = url.ok_or_else(|| invalid("no server is given: set --url, --profile or VENNA_URL"))?;
        let key = key.ok_or_else(|| invalid("no key is given: set --key-file, --profile or VENNA_API_KEY"))?;
        let ca_file = self.ca_file.clone().or(of_profile.ca_file);
        Ok(Client::new(&Server { url, dialect: Dialect::OpenAi, key, ca_file })?)
    }

    /// Reads the chosen profile, or the default one if nothing else names a server.
    fn profile(&self) -> Result<Option<Profile>> {
        match self.profile.clone().or_else(|| variable("VENNA_PROFILE")) {
            Some(name) => Profile::named(&name).map(Some),
            None if self.url.is_some() => Ok(None),
            None if variable("VENNA_URL").or_else(|| variable("OPENAI_BASE_URL")).is_some() => Ok(None),
            None => Profile::default_one(),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads a key from a file.
pub fn read_key(path: &Path) -> Result<String> {
    let text = File::open(path).and_then(|file| read_text(file, MAX_KEY_BYTES));
    Ok(text.with_context(|| format!("cannot read the key from {}", path.display()))?.trim().to_owned())
}
