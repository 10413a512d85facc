//! A client of an OpenID provider: OpenID Connect Core 1.0 with the code flow and PKCE, Discovery 1.0, and the tokens
//! of Back-Channel Logout 1.0.
//!
//! Every answer of the provider has a timeout and a limit of its size, no redirect is followed, and tokens are verified
//! with the keys of the provider (docs/decisions/0026-openid-connect.md). It knows nothing of sessions and people.

mod attempt;
mod claims;
mod client;
mod error;
mod jwk;
mod metadata;
mod provider;
mod token;

pub use attempt::Attempt;
pub use claims::{Claims, Rule};
pub use error::{ProviderError, TokenError};
pub use provider::{Logout, Provider, ProviderConfig};
