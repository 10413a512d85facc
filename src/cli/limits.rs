//! `venna limits`.

use super::settings::StoreSettings;
use super::{output, workspaces};
use crate::app::{Installation, price_list};
use crate::clock::Clock;
use crate::model::audit::Origin;
use crate::model::ids::KeyId;
use crate::model::limits::{Limit, LimitOwner, StorageUsage};
use crate::model::prices::NanoUsd;
use crate::usage::Usage;
use anyhow::{Result, anyhow, bail};
use arc_swap::ArcSwap;
use serde::Serialize;
use std::sync::Arc;

/// Shows and sets the limits of workspaces and keys, with the server running or stopped.
#[derive(Debug, clap::Subcommand)]
pub enum LimitsCommand {
    /// Shows the limits of a workspace or key, and their usage.
    Get {
        /// The workspace, by name or id, or the id of a key.
        #[arg(value_name = "WORKSPACE_OR_KEY")]
        owner: String,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Sets limits of a workspace or key. A running server applies them within half a second. Existing files stay.
    Set {
        /// The workspace, by name or id, or the id of a key.
        #[arg(value_name = "WORKSPACE_OR_KEY")]
        owner: String,
        /// The limits and their values, or `none`: `storage_bytes`, `max_files`, `monthly_spend_cents` (these three of
        /// workspaces only), `concurrent_uploads`, `requests_per_minute`, `uploads_per_minute`, `file_bytes.PURPOSE`.
        #[arg(value_name = "LIMIT=VALUE", value_parser = parse, required = true)]
        wanted: Vec<(Limit, Option<u64>)>,
        #[command(flatten)]
        settings: StoreSettings,
    },
}

/// The value that removes a limit.
const NONE: &str = "none";

#[derive(Serialize)]
struct Row {
    limit: String,
    value: Option<u64>,
    /// Only for storage and cost.
    used: Option<u64>,
}

impl LimitsCommand {
    pub async fn run(&self) -> Result<()> {
        match self {
            Self::Get { owner, json, settings } => get(settings, owner, *json).await,
            Self::Set { owner, wanted, settings } => set(&settings.open_existing().await?, owner, wanted).await,
        }
    }
}

async fn get(settings: &StoreSettings, owner: &str, json: bool) -> Result<()> {
    let config = settings.resolve()?;
    let installation = Installation::open_existing(&config.stores, Clock::system()).await?;
    let owner = find(&installation, owner).await?;
    let limits = installation.workspaces.limits(owner).await?;
    let usage = match owner {
        LimitOwner::Workspace(workspace) => {
            let stored = installation.workspaces.storage_usage(workspace).await?;
            let prices = Arc::new(ArcSwap::from_pointee(price_list(&config)?));
            let spent = Usage { prices, ..installation.usage.clone() }.month_cost(workspace).await?;
            Some((stored, spent))
        }
        LimitOwner::Key(_) => None,
    };
    let rows: Vec<Row> = Limit::all()
        .filter(|limit| usage.is_some() || limit.is_of_keys())
        .map(|limit| Row {
            limit: limit.to_string(),
            value: limits.get(limit),
            used: usage.and_then(|usage| used(usage, limit)),
        })
        .collect();
    output::list(&rows, json, &["LIMIT", "VALUE", "USED"], |row| {
        let value = row.value.map_or_else(|| NONE.to_owned(), |value| value.to_string());
        vec![row.limit.clone(), value, row.used.map(|used| used.to_string()).unwrap_or_default()]
    })
}

async fn set(installation: &Installation, owner: &str, wanted: &[(Limit, Option<u64>)]) -> Result<()> {
    let found = find(installation, owner).await?;
    if let (LimitOwner::Key(_), Some((limit, _))) = (found, wanted.iter().find(|(limit, _)| !limit.is_of_keys())) {
        bail!("{limit} is a limit of workspaces only, and {owner} is a key");
    }
    let set = installation.workspaces.set_limits(found, wanted.to_vec(), Origin::COMMAND_LINE).await?;
    if set { Ok(()) } else { Err(anyhow!("{owner} does not exist any more")) }
}

async fn find(installation: &Installation, owner: &str) -> Result<LimitOwner> {
    if let Ok(id) = owner.parse::<KeyId>() {
        let key = installation.keys.find(id).await?;
        let key = key.ok_or_else(|| anyhow!("there is no key {owner}; `venna keys list` shows all"))?;
        return Ok(LimitOwner::Key(key.id));
    }
    Ok(LimitOwner::Workspace(workspaces::find(installation, owner).await?.id))
}

/// Returns the usage of a limit: stored and reserved, or spent.
fn used((usage, spent): (StorageUsage, NanoUsd), limit: Limit) -> Option<u64> {
    match limit {
        Limit::StorageBytes => Some(usage.stored_bytes.saturating_add(usage.reserved_bytes)),
        Limit::MaxFiles => Some(usage.stored_files.saturating_add(usage.reserved_files)),
        Limit::MonthlySpendCents => u64::try_from(spent.cents()).ok(),
        _ => None,
    }
}

fn parse(text: &str) -> Result<(Limit, Option<u64>), String> {
    let (name, value) = text.split_once('=').ok_or("expected LIMIT=VALUE or LIMIT=none")?;
    let names = || Limit::all().map(|limit| limit.to_string()).collect::<Vec<_>>().join(", ");
    let limit = Limit::named(name).ok_or_else(|| format!("{name:?} is no limit: {}", names()))?;
    if value == NONE {
        return Ok((limit, None));
    }
    let bounds = limit.bounds();
    let within = value.parse().ok().filter(|value| bounds.contains(value));
    let wrong = || format!("expected {NONE} or a whole number from {} to {}", bounds.start(), bounds.end());
    Ok((limit, Some(within.ok_or_else(wrong)?)))
}
