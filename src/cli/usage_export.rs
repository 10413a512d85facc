//! `venna usage export`.

use super::output;
use super::settings::StoreSettings;
use super::usage_refused::RefusedCommand;
use crate::usage::ExportStatus;
use anyhow::Result;
use serde::Serialize;
use std::io::{self, Write};

/// Shows the progress of the usage export, with the server running or stopped.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct UsageExport {
    #[command(subcommand)]
    part: Option<RefusedCommand>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: StoreSettings,
}

/// The status as printed; times are Unix seconds.
#[derive(Serialize)]
struct Status {
    /// The second before which all hours are exported; null before the first.
    exported_until: Option<u64>,
    /// The last ledger row that the exported hours reflect.
    through_seq: Option<u64>,
    corrections: u64,
    pending_messages: u64,
    /// The number of refused messages that are set aside. They are not pending.
    refused_messages: u64,
    oldest_pending_at: Option<u64>,
    last_acknowledged_at: Option<u64>,
    lag_seconds: u64,
}

impl From<ExportStatus> for Status {
    fn from(status: ExportStatus) -> Self {
        Self {
            exported_until: status.exported_until,
            through_seq: status.through_seq,
            corrections: status.corrections,
            pending_messages: status.outbox.pending,
            refused_messages: status.outbox.refused,
            oldest_pending_at: status.outbox.oldest_pending_at,
            last_acknowledged_at: status.outbox.last_acknowledged_at,
            lag_seconds: status.lag_seconds,
        }
    }
}

impl UsageExport {
    pub async fn run(&self) -> Result<()> {
        if let Some(part) = &self.part {
            return part.run().await;
        }
        let status = Status::from(self.settings.open_existing().await?.usage.export_status().await?);
        if self.json {
            return Ok(writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&status)?)?);
        }
        let time = |seconds: Option<u64>| seconds.map_or_else(|| "-".to_owned(), output::time);
        let rows = [
            ("exported until", time(status.exported_until)),
            ("through row", status.through_seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string())),
            ("corrections", status.corrections.to_string()),
            ("pending messages", status.pending_messages.to_string()),
            ("refused messages", status.refused_messages.to_string()),
            ("oldest pending", time(status.oldest_pending_at)),
            ("last acknowledged", time(status.last_acknowledged_at)),
            ("lag in seconds", status.lag_seconds.to_string()),
        ];
        let cells = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
        Ok(writeln!(io::stdout(), "{}", output::table(&["EXPORT OF USAGE", ""], cells))?)
    }
}
