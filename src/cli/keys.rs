//! `venna keys`.

use super::settings::StoreSettings;
use super::{output, workspaces};
use crate::app::Installation;
use crate::clock::Clock;
use crate::model::api_key::ApiKey;
use crate::model::ids::KeyId;
use crate::model::workspace::DEFAULT_WORKSPACE;
use anyhow::{Context, Result, anyhow};
use serde::Serialize;
use std::io::{self, Write};

/// Makes, lists and revokes keys, with the server running or not.
#[derive(Debug, clap::Subcommand)]
pub enum Keys {
    /// Makes a key and prints its secret, once.
    Create {
        /// The workspace that it opens, by name or id.
        #[arg(long, value_name = "NAME_OR_ID", default_value = DEFAULT_WORKSPACE)]
        workspace: String,
        /// What you call it.
        #[arg(long, default_value = "key")]
        name: String,
        /// How many seconds it is valid; for ever when not given.
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=MAX_VALID_SECONDS))]
        expires_in: Option<u64>,
        /// Prints the secret alone.
        #[arg(long)]
        quiet: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Lists the keys of all workspaces, oldest first; secrets are not kept and cannot be shown.
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Revokes a key: a running server refuses it within half a second.
    Revoke {
        /// The key's id, `key_...`.
        id: String,
        #[command(flatten)]
        settings: StoreSettings,
    },
}

/// The longest life of a key: a hundred years of 366 days.
const MAX_VALID_SECONDS: u64 = 100 * 366 * 86_400;

#[derive(Serialize)]
struct Row {
    id: String,
    workspace_id: String,
    name: String,
    redacted: String,
    status: &'static str,
    created_at: u64,
    expires_at: Option<u64>,
    revoked_at: Option<u64>,
}

impl Keys {
    pub async fn run(&self) -> Result<()> {
        match self {
            Self::Create { workspace, name, expires_in, quiet, settings } => {
                create(&settings.open().await?, workspace, name, *expires_in, *quiet).await
            }
            Self::List { json, settings } => list(&settings.open_existing().await?, *json).await,
            Self::Revoke { id, settings } => revoke(&settings.open_existing().await?, id).await,
        }
    }
}

async fn create(
    installation: &Installation,
    workspace: &str,
    name: &str,
    expires_in: Option<u64>,
    quiet: bool,
) -> Result<()> {
    let found = workspaces::find(installation, workspace).await?;
    let (key, secret) = installation.keys.issue(found.id, name, expires_in).await.context("cannot make the key")?;
    if !quiet {
        eprintln!("{} of workspace {} ({}), shown this once:", key.id, found.name, found.id);
    }
    if let Err(error) = writeln!(io::stdout(), "{}", secret.expose()).and_then(|()| io::stdout().flush()) {
        installation.keys.revoke(key.id).await?;
        return Err(error).context("the secret could not be shown, so the key was revoked");
    }
    Ok(())
}

async fn list(installation: &Installation, json: bool) -> Result<()> {
    let now_seconds = Clock::system().now_seconds();
    let rows: Vec<Row> = installation.keys.list().await?.into_iter().map(|key| row(key, now_seconds)).collect();
    output::list(&rows, json, &["ID", "WORKSPACE", "NAME", "KEY", "STATUS", "CREATED"], |row| {
        let created = output::time(row.created_at);
        vec![
            row.id.clone(),
            row.workspace_id.clone(),
            row.name.clone(),
            row.redacted.clone(),
            row.status.to_owned(),
            created,
        ]
    })
}

fn row(key: ApiKey, now_seconds: u64) -> Row {
    let status = key.status(now_seconds).name();
    Row {
        id: key.id.to_string(),
        workspace_id: key.workspace.to_string(),
        name: key.name,
        redacted: key.redacted,
        status,
        created_at: key.id.created_at(),
        expires_at: key.expires_at,
        revoked_at: key.revoked_at,
    }
}

async fn revoke(installation: &Installation, id: &str) -> Result<()> {
    let parsed: KeyId = id.parse().with_context(|| format!("{id:?} is no key id; `venna keys list` shows all"))?;
    installation
        .keys
        .revoke(parsed)
        .await?
        .ok_or_else(|| anyhow!("there is no key {id}; `venna keys list` shows all"))?;
    eprintln!("{id} is revoked");
    Ok(())
}
