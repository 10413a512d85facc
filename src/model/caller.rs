//! Who asks, as what is done remembers it.

use super::ids::{KeyId, RequestId, WorkspaceId};
use super::limits::QuotaExceeded;
use std::net::IpAddr;

/// The holder of a key of a workspace, in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The workspace that the key opens.
    pub workspace: WorkspaceId,
    /// The key.
    pub key: KeyId,
    /// The request.
    pub request: RequestId,
    /// Where it comes from, as far as that is known.
    pub address: Option<IpAddr>,
}

/// Why a change is refused that could otherwise be made. Decided in its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The key that asked for it does not open the workspace any more.
    KeyEnded,
    /// The workspace would have too much.
    Quota(QuotaExceeded),
}
