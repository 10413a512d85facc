//! The audit log: who did what. It covers administration and deletes; never content, never a secret
//! (docs/design/billing.md, section 6).

use super::caller::Caller;
use super::idempotency::MAX_KEY_CHARS;
use super::ids::{AuditId, KeyId, RequestId, WorkspaceId};
use serde_json::Value;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The longest id of what an entry is about, in characters: that of a correction, `adj:` and its `Idempotency-Key`.
pub const MAX_OBJECT_ID_CHARS: usize = "adj:".len() + MAX_KEY_CHARS;

/// Who does something that is audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of a key.
    Key(KeyId),
    /// Whoever may read the data directory.
    CommandLine,
}

/// What stands for [`Actor::CommandLine`].
const COMMAND_LINE: &str = "command_line";

impl fmt::Display for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(out),
            Self::CommandLine => out.write_str(COMMAND_LINE),
        }
    }
}

impl FromStr for Actor {
    type Err = super::ids::MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == COMMAND_LINE { Ok(Self::CommandLine) } else { text.parse().map(Self::Key) }
    }
}

/// Where something that is audited comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who does it.
    pub actor: Actor,
    /// From which address, if by way of the network.
    pub address: Option<IpAddr>,
    /// In which request, if by way of the API.
    pub request: Option<RequestId>,
}

impl Origin {
    /// A command beside the server.
    pub const COMMAND_LINE: Self = Self { actor: Actor::CommandLine, address: None, request: None };
}

impl From<Caller> for Origin {
    fn from(caller: Caller) -> Self {
        Self { actor: Actor::Key(caller.key), address: caller.address, request: Some(caller.request) }
    }
}

/// What is audited, by the names that OpenAI gives such events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A workspace was made.
    WorkspaceCreated,
    /// A workspace got another name, or other default expiries.
    WorkspaceUpdated,
    /// The keys of a workspace were stopped.
    WorkspaceArchived,
    /// The Files and keys of a workspace were removed.
    WorkspacePurged,
    /// A key was made.
    KeyCreated,
    /// A key got a new secret, another name, other scopes or another end.
    KeyUpdated,
    /// A key was revoked.
    KeyRevoked,
    /// A workspace or key got other limits.
    LimitsUpdated,
    /// The bill of a workspace was corrected.
    UsageAdjusted,
    /// A File was deleted by a client.
    FileDeleted,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 10] = [
        Self::WorkspaceCreated,
        Self::WorkspaceUpdated,
        Self::WorkspaceArchived,
        Self::WorkspacePurged,
        Self::KeyCreated,
        Self::KeyUpdated,
        Self::KeyRevoked,
        Self::LimitsUpdated,
        Self::UsageAdjusted,
        Self::FileDeleted,
    ];

    /// The action of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WorkspaceCreated => "project.created",
            Self::WorkspaceUpdated => "project.updated",
            Self::WorkspaceArchived => "project.archived",
            Self::WorkspacePurged => "project.deleted",
            Self::KeyCreated => "api_key.created",
            Self::KeyUpdated => "api_key.updated",
            Self::KeyRevoked => "api_key.deleted",
            Self::LimitsUpdated => "rate_limit.updated",
            Self::UsageAdjusted => "usage.adjustment.created",
            Self::FileDeleted => "resource.deleted",
        }
    }
}

/// What is entered into the audit log; the store adds id and time.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// What was done.
    pub action: Action,
    /// The workspace that it concerns, if it is one.
    pub workspace: Option<WorkspaceId>,
    /// The id of what it was done to.
    pub object: String,
    /// What was asked for, if that says more.
    pub details: Option<Value>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id; its second is when it happened.
    pub id: AuditId,
    /// Where it came from.
    pub origin: Origin,
    /// What was done.
    pub action: Action,
    /// The workspace that it concerns, if it is one.
    pub workspace: Option<WorkspaceId>,
    /// The id of what it was done to.
    pub object: String,
    /// What was asked for, if that says more.
    pub details: Option<Value>,
}

/// Which entries of the audit log are asked for, newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only of these actions.
    pub actions: Option<Vec<Action>>,
    /// Only by these actors.
    pub actors: Option<Vec<Actor>>,
    /// Only of these workspaces.
    pub workspaces: Option<Vec<WorkspaceId>>,
    /// Only what was done to these objects.
    pub objects: Option<Vec<String>>,
    /// Only from this second on, in Unix time.
    pub from: Option<u64>,
    /// Only before this second, in Unix time.
    pub until: Option<u64>,
    /// Only older than this entry.
    pub after: Option<AuditId>,
    /// Only newer than this entry; the oldest of those, still newest first.
    pub before: Option<AuditId>,
    /// At most so many.
    pub limit: u32,
}
