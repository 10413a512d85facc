//! The audit log: administrative changes and deletes, with their actor. It holds no content and no secret
//! (docs/design/billing.md, section 6).

use super::caller::Caller;
use super::idempotency::MAX_KEY_CHARS;
use super::ids::{AuditId, KeyId, PersonId, RequestId, WorkspaceId};
use serde_json::Value;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The longest object id of an entry, in characters: that of a correction, `adj:` and its `Idempotency-Key`.
pub const MAX_OBJECT_ID_CHARS: usize = "adj:".len() + MAX_KEY_CHARS;

/// The actor of an audited action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of a key.
    Key(KeyId),
    /// A person who signed in.
    Person(PersonId),
    /// A command on the server's machine.
    CommandLine,
    /// A client that proved no identity, such as one whose sign-in was refused.
    Anonymous,
}

/// The stored name of [`Actor::CommandLine`].
const COMMAND_LINE: &str = "command_line";
/// The stored name of [`Actor::Anonymous`].
const ANONYMOUS: &str = "anonymous";

impl fmt::Display for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(out),
            Self::Person(person) => person.fmt(out),
            Self::Anonymous => out.write_str(ANONYMOUS),
            Self::CommandLine => out.write_str(COMMAND_LINE),
        }
    }
}

impl FromStr for Actor {
    type Err = super::ids::MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            COMMAND_LINE => Ok(Self::CommandLine),
            ANONYMOUS => Ok(Self::Anonymous),
            _ => text.parse().map(Self::Key).or_else(|_| text.parse().map(Self::Person)),
        }
    }
}

/// The origin of an audited action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The actor.
    pub actor: Actor,
    /// The client address; none for a command.
    pub address: Option<IpAddr>,
    /// The request; none for a command.
    pub request: Option<RequestId>,
}

impl Origin {
    /// The origin of a command on the server's machine.
    pub const COMMAND_LINE: Self = Self { actor: Actor::CommandLine, address: None, request: None };
}

impl Origin {
    /// Returns the origin of a request by a link: somebody who proved no identity, while the key of the link is the
    /// caller.
    #[must_use]
    pub const fn of_link_user(caller: Caller) -> Self {
        Self { actor: Actor::Anonymous, address: caller.address, request: Some(caller.request) }
    }
}

impl From<Caller> for Origin {
    fn from(caller: Caller) -> Self {
        let actor = caller.person.map_or(Actor::Key(caller.key), Actor::Person);
        Self { actor, address: caller.address, request: Some(caller.request) }
    }
}

/// An audited action, named as OpenAI names such events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A workspace was created.
    WorkspaceCreated,
    /// The name or the default expiries of a workspace were changed.
    WorkspaceUpdated,
    /// A workspace was archived.
    WorkspaceArchived,
    /// The Files and keys of a workspace were purged.
    WorkspacePurged,
    /// A key was created.
    KeyCreated,
    /// The secret, name, scopes or expiry of a key were changed.
    KeyUpdated,
    /// A key was revoked.
    KeyRevoked,
    /// The limits of a workspace or key were changed.
    LimitsUpdated,
    /// The bill of a workspace was corrected.
    UsageAdjusted,
    /// A File was deleted by a client.
    FileDeleted,
    /// A signed link was made.
    LinkCreated,
    /// A signed link was used for the first time.
    LinkUsed,
    /// Signed links were revoked.
    LinkRevoked,
    /// A session of the console began.
    SignedIn,
    /// A sign-in to the console, or a forged session, was refused.
    SignInRefused,
    /// A session of the console was ended.
    SignedOut,
    /// A person became a member of a workspace, or an administrator.
    PersonAdded,
    /// The role of a person was changed.
    PersonUpdated,
    /// A membership was revoked, or a person deleted.
    PersonRemoved,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 19] = [
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
        Self::LinkCreated,
        Self::LinkUsed,
        Self::LinkRevoked,
        Self::SignedIn,
        Self::SignInRefused,
        Self::SignedOut,
        Self::PersonAdded,
        Self::PersonUpdated,
        Self::PersonRemoved,
    ];

    /// Returns the action of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Returns its name.
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
            Self::LinkCreated => "link.created",
            Self::LinkUsed => "link.used",
            Self::LinkRevoked => "link.revoked",
            Self::SignedIn => "login.succeeded",
            Self::SignInRefused => "login.failed",
            Self::SignedOut => "logout.succeeded",
            Self::PersonAdded => "user.added",
            Self::PersonUpdated => "user.updated",
            Self::PersonRemoved => "user.deleted",
        }
    }
}

/// An entry before it is stored. The store adds id and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The action.
    pub action: Action,
    /// The workspace concerned; none for the installation.
    pub workspace: Option<WorkspaceId>,
    /// The id of the object of the action.
    pub object: String,
    /// The parameters of the action.
    pub details: Option<Value>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id; its second is the time of the action.
    pub id: AuditId,
    /// The origin.
    pub origin: Origin,
    /// The action.
    pub action: Action,
    /// The workspace concerned; none for the installation.
    pub workspace: Option<WorkspaceId>,
    /// The id of the object of the action.
    pub object: String,
    /// The parameters of the action.
    pub details: Option<Value>,
}

/// A query of the audit log, newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// The actions to include.
    pub actions: Option<Vec<Action>>,
    /// The actors to include.
    pub actors: Option<Vec<Actor>>,
    /// The workspaces to include.
    pub workspaces: Option<Vec<WorkspaceId>>,
    /// The object ids to include.
    pub objects: Option<Vec<String>>,
    /// The first Unix second to include.
    pub from: Option<u64>,
    /// The first Unix second to exclude.
    pub until: Option<u64>,
    /// The entry before which older ones are returned.
    pub after: Option<AuditId>,
    /// The entry after which newer ones are returned: the oldest of those, still newest first.
    pub before: Option<AuditId>,
    /// The maximum number of entries.
    pub limit: u32,
}

impl AuditQuery {
    /// Excludes all actors but these.
    pub fn retain_actors(&mut self, actors: Vec<Actor>) {
        match &mut self.actors {
            Some(included) => included.retain(|actor| actors.contains(actor)),
            included => *included = Some(actors),
        }
    }
}
