//! `venna keys`.

use super::settings::StoreSettings;
use super::{date, output, workspaces};
use crate::app::Installation;
use crate::clock::Clock;
use crate::model::api_key::{ApiKey, DEFAULT_OVERLAP_SECONDS, KeySecret, OVERLAP_SECONDS, Opens, VALID_SECONDS};
use crate::model::audit::Origin;
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::scope::{Scope, Scopes};
use crate::model::workspace::DEFAULT_WORKSPACE;
use anyhow::{Context, anyhow};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};

/// Creates, lists, rotates and revokes keys, with the server running or stopped.
#[derive(Debug, clap::Subcommand)]
pub enum Keys {
    /// Creates a key and prints its secret once.
    Create {
        /// The workspace of the key, by name or id.
        #[arg(long, value_name = "NAME_OR_ID", default_value = DEFAULT_WORKSPACE)]
        workspace: String,
        /// Creates an administrator's key, for the administration and no workspace.
        #[arg(long, conflicts_with = "scopes")]
        admin: bool,
        /// The comma-separated scopes: files.read, files.write, uploads.write, usage.read, files.produce; by default
        /// all but the last.
        #[arg(long, value_name = "SCOPES")]
        scopes: Option<Scopes>,
        /// The name of the key.
        #[arg(long, default_value = "key")]
        name: String,
        /// The validity, such as `90d`, `12h` or a number of seconds; unlimited by default.
        #[arg(long, value_name = "DURATION", value_parser = valid_seconds)]
        expires_in: Option<u64>,
        /// Prints only the secret.
        #[arg(long)]
        quiet: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Lists the keys of all workspaces and administrators, oldest first. Secrets are not stored and cannot be shown.
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Replaces the secret of a key and prints it once. The key keeps its id, and the old secret stays valid for the
    /// overlap.
    Rotate {
        /// The id of the key, `key_...`.
        id: String,
        /// The time that the old secret stays valid, such as `7d`, `12h` or a number of seconds.
        #[arg(long, value_name = "DURATION", default_value_t = DEFAULT_OVERLAP_SECONDS,
            value_parser = overlap_seconds)]
        overlap: u64,
        /// Prints only the secret.
        #[arg(long)]
        quiet: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Revokes a key. A running server refuses it within half a second.
    Revoke {
        /// The id of the key, `key_...`.
        id: String,
        #[command(flatten)]
        settings: StoreSettings,
    },
}

fn valid_seconds(text: &str) -> Result<u64, String> {
    date::duration_within(text, VALID_SECONDS)
}

fn overlap_seconds(text: &str) -> Result<u64, String> {
    date::duration_within(text, OVERLAP_SECONDS)
}

/// The workspace column of an administrator's key.
const ADMINISTRATION: &str = "administration";
/// The text of a time that never comes, or never was.
const NEVER: &str = "never";

#[derive(Serialize)]
struct Row {
    id: String,
    /// None for an administrator's key.
    workspace_id: Option<String>,
    /// None for an administrator's key.
    workspace_name: Option<String>,
    scopes: Vec<&'static str>,
    name: String,
    redacted: String,
    status: &'static str,
    created_at: u64,
    expires_at: Option<u64>,
    revoked_at: Option<u64>,
    last_used_at: Option<u64>,
}

impl Keys {
    pub async fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Create { workspace, admin, scopes, name, expires_in, quiet, settings } => {
                let installation = settings.open_existing().await?;
                let opens = if *admin {
                    Opens::Administration
                } else {
                    let workspace = workspaces::find(&installation, workspace).await?;
                    Opens::Workspace(workspace.id, scopes.unwrap_or(Scopes::DEFAULT))
                };
                create(&installation, opens, name, *expires_in, *quiet).await
            }
            Self::List { json, settings } => list(&settings.open_existing().await?, *json).await,
            Self::Rotate { id, overlap, quiet, settings } => {
                rotate(&settings.open_existing().await?, id, *overlap, *quiet).await
            }
            Self::Revoke { id, settings } => revoke(&settings.open_existing().await?, id).await,
        }
    }
}

async fn create(
    installation: &Installation,
    opens: Opens,
    name: &str,
    expires_in: Option<u64>,
    quiet: bool,
) -> anyhow::Result<()> {
    let issued = installation.keys.issue(opens, name, expires_in, Origin::COMMAND_LINE).await;
    let (key, secret) = issued.context("cannot create the key")?;
    if !quiet {
        eprintln!("{} of {}, shown this once:", key.id, owner(&key));
    }
    if let Err(error) = show(&secret) {
        installation.keys.revoke(key.id, Origin::COMMAND_LINE).await?;
        return Err(error).context("the secret could not be shown, so the key was revoked");
    }
    Ok(())
}

async fn rotate(installation: &Installation, id: &str, overlap_seconds: u64, quiet: bool) -> anyhow::Result<()> {
    let rotated = installation.keys.rotate(parse(id)?, overlap_seconds, Origin::COMMAND_LINE).await;
    let (key, secret) = rotated.with_context(|| format!("cannot rotate {id}"))?;
    if !quiet {
        eprintln!("{} of {}, shown this once; the old secret ends in {overlap_seconds} s:", key.id, owner(&key));
    }
    show(&secret).context("the secret could not be shown; the old one stays valid for the overlap, rotate again")
}

fn show(secret: &KeySecret) -> io::Result<()> {
    writeln!(io::stdout(), "{}", secret.expose()).and_then(|()| io::stdout().flush())
}

fn owner(key: &ApiKey) -> String {
    key.opens.workspace().map_or_else(|| ADMINISTRATION.to_owned(), |workspace| workspace.to_string())
}

fn parse(id: &str) -> anyhow::Result<KeyId> {
    id.parse().with_context(|| format!("{id:?} is not a key id; `venna keys list` shows all"))
}

async fn list(installation: &Installation, json: bool) -> anyhow::Result<()> {
    let now_seconds = Clock::system().now_seconds();
    let workspaces = installation.workspaces.list_all().await?;
    let names: HashMap<WorkspaceId, String> = workspaces.into_iter().map(|known| (known.id, known.name)).collect();
    let row = |key: ApiKey| {
        let name = key.opens.workspace().and_then(|workspace| names.get(&workspace).cloned());
        row(key, name, now_seconds)
    };
    let rows: Vec<Row> = installation.keys.list().await?.into_iter().map(row).collect();
    let heading = ["ID", "WORKSPACE", "NAME", "KEY", "SCOPES", "STATUS", "CREATED", "EXPIRES", "LAST USED"];
    output::list(&rows, json, &heading, Row::cells)
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let workspace = self.workspace_name.as_ref().or(self.workspace_id.as_ref());
        let time = |seconds: Option<u64>| seconds.map_or_else(|| NEVER.to_owned(), output::time);
        vec![
            self.id.clone(),
            workspace.cloned().unwrap_or_else(|| ADMINISTRATION.to_owned()),
            self.name.clone(),
            self.redacted.clone(),
            self.scopes.join(","),
            self.status.to_owned(),
            output::time(self.created_at),
            time(self.expires_at),
            time(self.last_used_at),
        ]
    }
}

fn row(key: ApiKey, workspace_name: Option<String>, now_seconds: u64) -> Row {
    let status = key.status(now_seconds).name();
    Row {
        workspace_name,
        id: key.id.to_string(),
        workspace_id: key.opens.workspace().map(|workspace| workspace.to_string()),
        scopes: key.opens.scopes().into_iter().flat_map(Scopes::iter).map(Scope::name).collect(),
        name: key.name,
        redacted: key.redacted,
        status,
        created_at: key.id.created_at(),
        expires_at: key.expires_at,
        revoked_at: key.revoked_at,
        last_used_at: key.last_used_at,
    }
}

async fn revoke(installation: &Installation, id: &str) -> anyhow::Result<()> {
    let revoked = installation.keys.revoke(parse(id)?, Origin::COMMAND_LINE).await?;
    revoked.ok_or_else(|| anyhow!("there is no key {id}; `venna keys list` shows all"))?;
    eprintln!("{id} is revoked");
    Ok(())
}
