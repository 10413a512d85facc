//! The caller of a request, as changes record it.

use super::dialect::Dialect;
use super::ids::{KeyId, PersonId, RequestId, WorkspaceId};
use super::limits::QuotaExceeded;
use std::net::IpAddr;

/// The authenticated caller of a request in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The workspace of the key.
    pub workspace: WorkspaceId,
    /// The key, or the membership of a person.
    pub key: KeyId,
    /// The person; none for the holder of a key.
    pub person: Option<PersonId>,
    /// The request.
    pub request: RequestId,
    /// The dialect of the request.
    pub dialect: Dialect,
    /// The client address, where known.
    pub address: Option<IpAddr>,
}

/// The reason why a transaction refused a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The key was revoked or expired meanwhile.
    KeyEnded,
    /// The change would exceed a quota of the workspace.
    Quota(QuotaExceeded),
    /// The link that allowed the change was used or revoked meanwhile.
    LinkEnded,
}
