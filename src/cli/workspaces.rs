//! `venna workspaces`.

use super::output;
use super::quantity::counted;
use super::settings::StoreSettings;
use crate::app::Installation;
use crate::model::audit::Origin;
use crate::model::expiry::{DEFAULT_EXPIRY_SECONDS, DefaultExpiry, ExpiresAfter};
use crate::model::purpose::Purpose;
use crate::model::workspace::Workspace;
use anyhow::{Context, Result, anyhow};
use serde::Serialize;
use std::io::{self, Write};

/// Creates, lists, configures, archives and purges workspaces, with the server running or stopped.
#[derive(Debug, clap::Subcommand)]
pub enum Workspaces {
    /// Creates a workspace and prints its id.
    Create {
        /// The name, unique in the installation.
        name: String,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Lists all workspaces, archived ones too, oldest first.
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Archives a workspace. A running server refuses its keys within half a second; its files stay until they are
    /// purged.
    Archive {
        /// The workspace, by name or id.
        #[arg(value_name = "NAME_OR_ID")]
        workspace: String,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Removes the files, uploads and keys of an archived workspace for good.
    Purge {
        /// The workspace, by name or id.
        #[arg(value_name = "NAME_OR_ID")]
        workspace: String,
        /// Confirms the action.
        #[arg(long, required = true)]
        yes: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Shows or sets the default expiry of files whose clients ask for none. Existing files keep theirs.
    Expiry {
        /// The workspace, by name or id.
        #[arg(value_name = "NAME_OR_ID")]
        workspace: String,
        /// The default expiry of files of a purpose: a number of seconds, `never`, or `default` for the built-in one.
        #[arg(value_name = "PURPOSE=SECONDS", value_parser = parse_expiry)]
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
}

/// The value for files that do not expire.
const NEVER: &str = "never";
/// The value for the built-in default.
const DEFAULT: &str = "default";

/// Returns the workspace of this name or id.
pub async fn find(installation: &Installation, name_or_id: &str) -> Result<Workspace> {
    let found = installation.workspaces.find(name_or_id).await?;
    found.ok_or_else(|| unknown(name_or_id))
}

fn unknown(name_or_id: &str) -> anyhow::Error {
    anyhow!("there is no workspace {name_or_id:?}; `venna workspaces list` shows all")
}

fn parse_expiry(text: &str) -> Result<(Purpose, Option<DefaultExpiry>), String> {
    let (purpose, expiry) = text.split_once('=').ok_or("expected PURPOSE=SECONDS, PURPOSE=never or PURPOSE=default")?;
    let purposes = || Purpose::ALL.map(Purpose::name).join(", ");
    let purpose = Purpose::named(purpose).ok_or_else(|| format!("{purpose:?} is no purpose: {}", purposes()))?;
    let expiry = match expiry {
        DEFAULT => None,
        NEVER => Some(DefaultExpiry::Never),
        seconds => Some(seconds.parse().ok().and_then(DefaultExpiry::seconds).ok_or_else(|| {
            let (least, most) = (DEFAULT_EXPIRY_SECONDS.start(), DEFAULT_EXPIRY_SECONDS.end());
            format!("expected {NEVER}, {DEFAULT}, or a number of seconds from {least} to {most}")
        })?),
    };
    Ok((purpose, expiry))
}

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    created_at: u64,
    archived_at: Option<u64>,
}

impl From<Workspace> for Row {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name,
            created_at: workspace.id.created_at(),
            archived_at: workspace.archived_at,
        }
    }
}

#[derive(Serialize)]
struct ExpiryRow {
    purpose: &'static str,
    expires_after_seconds: Option<u64>,
    set_by_workspace: bool,
}

impl ExpiryRow {
    fn cells(&self) -> Vec<String> {
        let expiry = self.expires_after_seconds.map_or_else(|| NEVER.to_owned(), |seconds| seconds.to_string());
        let set_by = if self.set_by_workspace { "workspace" } else { DEFAULT };
        vec![self.purpose.to_owned(), expiry, set_by.to_owned()]
    }
}

impl Workspaces {
    pub async fn run(&self) -> Result<()> {
        match self {
            Self::Create { name, settings } => {
                let installation = settings.open_existing().await?;
                let workspace = installation
                    .workspaces
                    .create(name, Origin::COMMAND_LINE)
                    .await
                    .with_context(|| format!("cannot create the workspace {name:?}"))?;
                writeln!(io::stdout(), "{}", workspace.id)?;
            }
            Self::List { json, settings } => {
                let installation = settings.open_existing().await?;
                let rows: Vec<Row> = installation.workspaces.list_all().await?.into_iter().map(Row::from).collect();
                output::list(&rows, *json, &["ID", "NAME", "CREATED", "ARCHIVED"], |row| {
                    let archived = row.archived_at.map(output::time).unwrap_or_default();
                    vec![row.id.clone(), row.name.clone(), output::time(row.created_at), archived]
                })?;
            }
            Self::Archive { workspace, settings } => {
                let installation = settings.open_existing().await?;
                let id = find(&installation, workspace).await?.id;
                let archived = installation.workspaces.archive(id, Origin::COMMAND_LINE).await?;
                archived.ok_or_else(|| unknown(workspace))?;
            }
            Self::Purge { workspace, yes: _, settings } => {
                let installation = settings.open_existing().await?;
                let id = find(&installation, workspace).await?.id;
                let purged = installation.workspaces.purge(id, Origin::COMMAND_LINE).await;
                let removed = purged.with_context(|| format!("cannot purge {workspace}"))?;
                let removed = counted(removed as u64, "file or upload", "files and uploads");
                eprintln!("{removed} removed; a running server removes their bytes");
            }
            Self::Expiry { workspace, wanted, json, settings } => {
                let installation = settings.open_existing().await?;
                let workspace = find(&installation, workspace).await?.id;
                if !wanted.is_empty() {
                    installation
                        .workspaces
                        .set_default_expiries(workspace, wanted.clone(), Origin::COMMAND_LINE)
                        .await?;
                }
                let expiries = installation.workspaces.default_expiries(workspace).await?;
                let rows = expiries.into_iter().map(|of| ExpiryRow {
                    purpose: of.purpose.name(),
                    expires_after_seconds: of.expiry.expires_after().map(ExpiresAfter::as_seconds),
                    set_by_workspace: of.set_by_workspace,
                });
                let rows: Vec<ExpiryRow> = rows.collect();
                output::list(&rows, *json, &["PURPOSE", "EXPIRES AFTER", "SET BY"], ExpiryRow::cells)?;
            }
        }
        Ok(())
    }
}
