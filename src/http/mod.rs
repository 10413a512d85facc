//! The transport: the only module that knows HTTP and the JSON of the API.
//!
//! It translates requests into calls of the services and their results into OpenAI's wire format (docs/contract.md). It
//! calls no store, creates no id, and maps every error in [`error`]. `app` builds the [`AppState`] and runs [`serve`].

mod access;
mod address;
mod admin;
mod body;
mod caller;
pub mod catalogue;
mod conditions;
mod connection;
mod connection_limits;
mod connections;
mod content;
mod content_coding;
mod cors;
pub mod error;
mod failed_logins;
mod files;
mod flood;
pub mod form;
mod headers;
mod health;
mod http_2;
mod idempotency;
mod json;
mod limited;
mod list;
mod list_body;
mod logged;
mod long_reads;
mod messages;
mod metrics;
mod middleware;
mod models;
mod path;
mod patience;
mod penalties;
mod query;
mod range;
mod rates;
pub mod reference;
pub mod reload_refusals;
mod request_span;
mod requests;
mod router;
mod routes;
mod send_queue;
pub mod serve;
mod spend;
mod state;
mod throttle;
pub mod tls;
mod unknown;
mod uploads;
mod usage;
mod wire;
mod workspace_metrics;

pub use body::BodyPace;
pub use caller::Access;
pub use connection_limits::{Caps, ConnectionLimits};
pub use cors::Cors;
pub use patience::Patience;
pub use router::{admin_router, router};
pub use routes::{Route, routes};
pub use state::{AppState, HttpLimits, HttpSettings, Services};
