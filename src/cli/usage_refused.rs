//! `venna usage export refused`, `show`, `retry` and `skip`: messages that the receiver refused.

use super::output;
use super::settings::StoreSettings;
use crate::model::outbox::{RefusedMessage, SinkName};
use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, Write};

/// The maximum number of listed messages.
const MAX_SHOWN: u32 = 1000;

/// Commands for messages that the receiver refused.
#[derive(Debug, clap::Subcommand)]
pub enum RefusedCommand {
    /// Lists the refused messages, oldest first.
    Refused {
        #[command(flatten)]
        of: Of,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints the body of a refused message as it was sent.
    Show {
        /// The id of the message, as `refused` lists it.
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Sends a refused message again, unchanged; without an id, all of them.
    Retry {
        /// The id of the message, as `refused` lists it.
        id: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Drops a refused message: it stays in the database and is never sent.
    Skip {
        /// The id of the message, as `refused` lists it.
        id: String,
        #[command(flatten)]
        of: Of,
    },
}

/// The sink of the messages.
#[derive(Debug, clap::Args)]
pub struct Of {
    /// The sink.
    #[arg(long, value_enum, default_value_t = Sink::Usage)]
    sink: Sink,
    #[command(flatten)]
    settings: StoreSettings,
}

/// The sinks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sink {
    /// Usage batches.
    Usage,
    /// Spend alerts.
    Alerts,
}

impl From<Sink> for SinkName {
    fn from(sink: Sink) -> Self {
        match sink {
            Sink::Usage => Self::Usage,
            Sink::Alerts => Self::Alerts,
        }
    }
}

/// A message as printed; times are Unix seconds.
#[derive(Serialize)]
struct Row {
    id: String,
    created_at: u64,
    refused_at: u64,
    status: u16,
    size_bytes: u64,
}

impl From<RefusedMessage> for Row {
    fn from(message: RefusedMessage) -> Self {
        let RefusedMessage { id, created_at, refused_at, status, size_bytes } = message;
        Self { id, created_at, refused_at, status, size_bytes }
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let time = output::time;
        let (status, bytes) = (self.status.to_string(), self.size_bytes.to_string());
        vec![self.id.clone(), time(self.created_at), time(self.refused_at), status, bytes]
    }
}

impl RefusedCommand {
    pub async fn run(&self) -> Result<()> {
        let of = match self {
            Self::Refused { of, .. } | Self::Show { of, .. } | Self::Retry { of, .. } | Self::Skip { of, .. } => of,
        };
        let (sink, metadata) = (SinkName::from(of.sink), of.settings.open_existing().await?.rows());
        match self {
            Self::Refused { json, .. } => {
                let messages = metadata.refused_messages(sink, MAX_SHOWN).await?;
                let rows: Vec<Row> = messages.into_iter().map(Row::from).collect();
                output::list(&rows, *json, &["MESSAGE", "WRITTEN", "SET ASIDE", "STATUS", "BYTES"], Row::cells)
            }
            Self::Show { id, .. } => match metadata.refused_message(sink, id.clone()).await? {
                Some(message) => Ok(io::stdout().write_all(&message.body)?),
                None => bail!("there is no refused message {id} of the {} sink", sink.name()),
            },
            Self::Retry { id, .. } => match (metadata.retry_refused(sink, id.clone()).await?, id) {
                (0, Some(id)) => bail!("there is no refused message {id} of the {} sink", sink.name()),
                (count, _) => Ok(writeln!(io::stdout(), "{count} messages will be sent again")?),
            },
            Self::Skip { id, .. } => {
                if !metadata.skip_refused(sink, id.clone()).await? {
                    bail!("there is no refused message {id} of the {} sink", sink.name());
                }
                Ok(writeln!(io::stdout(), "{id} is given up")?)
            }
        }
    }
}
