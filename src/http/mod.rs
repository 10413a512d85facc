//! The hall: the only floor that knows HTTP and JSON.
//!
//! It turns requests into the verbs of floor 3 and their answers into OpenAI's wire format (docs/contract.md). It
//! touches no store, mints no id, and maps every error in one place, [`error`]. `app` builds it and runs [`serve`].

mod address;
mod admin;
mod body;
mod caller;
pub mod catalogue;
mod conditions;
mod connection;
mod connections;
mod content;
mod content_coding;
mod cors;
mod edge;
pub mod error;
mod failed_logins;
mod files;
pub mod form;
mod headers;
mod health;
mod idempotency;
mod json;
mod list;
mod list_body;
mod logged;
mod long_reads;
mod models;
mod path;
mod patience;
mod query;
mod range;
mod rates;
pub mod reference;
mod router;
mod routes;
mod send_queue;
pub mod serve;
mod spend;
mod throttle;
mod unknown;
mod uploads;
mod usage;
mod wire;

pub use caller::Access;
pub use connections::Caps;
pub use cors::Cors;
pub use failed_logins::FailedLogins;
pub use idempotency::Turns;
pub use long_reads::LongReads;
pub use patience::Patience;
pub use rates::Rates;
pub use router::{admin_router, router};
pub use routes::{Route, routes};

use crate::audit::AuditLog;
use crate::files::Files;
use crate::keys::Keys;
use crate::model::ids::WorkspaceId;
use crate::shares::Shares;
use crate::shares::turns::FairTurns;
use crate::uploads::Uploads;
use crate::usage::{ReadCounter, Spending, Usage};
use crate::workspaces::Workspaces;
use ipnet::IpNet;
use reference::Reference;
use std::sync::Arc;
use std::time::Duration;

/// What the handlers work with.
#[derive(Debug)]
pub struct Hall {
    /// The verbs of Files.
    pub files: Files,
    /// The verbs of Uploads.
    pub uploads: Uploads,
    /// The verbs of keys.
    pub keys: Keys,
    /// The verbs of workspaces.
    pub workspaces: Workspaces,
    /// Who did what.
    pub audit_log: AuditLog,
    /// What was used.
    pub usage: Usage,
    /// What workspaces spend that may not spend as much as they like.
    pub spending: Spending,
    /// What is being read.
    pub reads: Arc<ReadCounter>,
    /// Who is at work under which `Idempotency-Key`.
    pub turns: Turns,
    /// How often workspaces and keys did what they may not do as often as they like.
    pub rates: Rates,
    /// The turns of workspaces at long reads.
    pub read_turns: FairTurns<WorkspaceId>,
    /// Whose turn it is to ask for what takes long.
    pub long_reads: LongReads,
    /// The requests that each workspace has in flight.
    pub in_flight: Shares<WorkspaceId>,
    /// The downloads from blobs that each workspace has.
    pub downloads: Shares<WorkspaceId>,
    /// How often keys that open nothing were tried, and from where.
    pub failed_logins: FailedLogins,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may read answers.
    pub cors: Cors,
    /// What an operator should know though everything answers; `/readyz` repeats it.
    pub warnings: Vec<String>,
    /// How long an idle connection is kept, in seconds, as answers say it.
    pub idle_seconds: u64,
    /// The slowest request body that is waited for.
    pub body_pace: BodyPace,
    /// What users read.
    pub reference: Reference,
}

/// The slowest request body that is waited for.
#[derive(Clone, Copy, Debug)]
pub struct BodyPace {
    /// Bytes a second, on average over the window.
    pub min_bytes_per_second: u64,
    /// The time over which the average is taken; time in which the server does not read does not count.
    pub window: Duration,
}

/// The hall as the router hands it to the handlers.
pub type SharedHall = Arc<Hall>;
