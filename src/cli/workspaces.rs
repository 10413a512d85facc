//! `venna workspaces`.

use super::output;
use super::settings::StoreSettings;
use crate::model::workspace::Workspace;
use anyhow::{Context, Result};
use serde::Serialize;
use std::io::{self, Write};

/// Makes and lists workspaces, with the server running or not.
#[derive(Debug, clap::Subcommand)]
pub enum Workspaces {
    /// Makes a workspace and prints its id.
    Create {
        /// Its name, unique in the installation.
        name: String,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Lists the workspaces, oldest first.
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
}

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    created_at: u64,
}

impl From<Workspace> for Row {
    fn from(workspace: Workspace) -> Self {
        Self { id: workspace.id.to_string(), name: workspace.name, created_at: workspace.id.created_at() }
    }
}

impl Workspaces {
    pub async fn run(&self) -> Result<()> {
        match self {
            Self::Create { name, settings } => {
                let installation = settings.open().await?;
                let workspace = installation
                    .workspaces
                    .create(name)
                    .await
                    .with_context(|| format!("cannot make the workspace {name:?}"))?;
                writeln!(io::stdout(), "{}", workspace.id)?;
            }
            Self::List { json, settings } => {
                let installation = settings.open_existing().await?;
                let rows: Vec<Row> = installation.workspaces.list().await?.into_iter().map(Row::from).collect();
                output::list(&rows, *json, &["ID", "NAME", "CREATED"], |row| {
                    vec![row.id.clone(), row.name.clone(), output::time(row.created_at)]
                })?;
            }
        }
        Ok(())
    }
}
