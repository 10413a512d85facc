//! The service of the console's sessions: begin, find, list and end them. It keeps no secret. The routes of the console
//! call it.

use crate::clock::Clock;
use crate::error_chain::ErrorChain;
use crate::metadata::{MetadataError, SessionStore};
use crate::model::api_key::KeyDigest;
use crate::model::audit::{Actor, Origin};
use crate::model::ids::{PersonId, SessionId, WorkspaceId};
use crate::model::page::Page;
use crate::model::session::{NewSession, Session, SessionLifetime, SessionSecret, TooManySessions};
use crate::random;
use arc_swap::ArcSwap;
use serde_json::Value;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The sessions of an installation.
#[derive(Debug)]
pub struct Sessions {
    metadata: Arc<dyn SessionStore>,
    clock: Clock,
    lifetime: ArcSwap<SessionLifetime>,
    tasks: TaskTracker,
}

/// The identity that a session gets.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The key or the person.
    pub actor: Actor,
    /// The digest of the secret of the key; none for a person.
    pub key_digest: Option<KeyDigest>,
    /// The workspace of the key; none for a person or an administrator.
    pub workspace: Option<WorkspaceId>,
    /// The id of the session at the OpenID provider, if it names one.
    pub provider_session: Option<String>,
}

/// The reason why no session begins.
#[derive(Debug, thiserror::Error)]
pub enum BeginSessionError {
    /// The installation has the maximum of sessions.
    #[error(transparent)]
    TooMany(#[from] TooManySessions),
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// The reason why a secret opens no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionRefusal {
    /// The secret is malformed, or no session has it: it was ended, or the secret is forged.
    #[error("no session has this secret")]
    Unknown,
    /// The session has ended at a limit.
    #[error("the session has ended")]
    Ended,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Sessions {
    /// Returns the sessions of a store. `clock` decides when they end, and `tasks` tracks work beside requests.
    #[must_use]
    pub fn new(metadata: Arc<dyn SessionStore>, clock: Clock, lifetime: SessionLifetime, tasks: TaskTracker) -> Self {
        Self { metadata, clock, lifetime: ArcSwap::from_pointee(lifetime), tasks }
    }

    /// Changes the limits of sessions that begin or are used from now on.
    pub fn limit(&self, lifetime: SessionLifetime) {
        self.lifetime.store(Arc::new(lifetime));
    }

    /// Returns the limits.
    #[must_use]
    pub fn lifetime(&self) -> SessionLifetime {
        **self.lifetime.load()
    }

    /// Begins a session.
    ///
    /// # Errors
    /// When there are too many sessions, or the store failed.
    pub async fn begin(&self, sign_in: SignIn, origin: Origin) -> Result<(SessionSecret, Session), BeginSessionError> {
        let secret = SessionSecret::new(random::bytes());
        let SignIn { actor, key_digest, workspace, provider_session } = sign_in;
        let new = NewSession {
            digest: secret.digest(),
            actor,
            key_digest,
            workspace,
            provider_session,
            lifetime: self.lifetime(),
        };
        let session = self.metadata.create_session(new, origin).await??;
        Ok((secret, session))
    }

    /// Finds the session of a secret as a browser sent it, and records its use. A malformed secret is refused without
    /// asking the store.
    ///
    /// # Errors
    /// When there is no such session, it has ended, or the store failed.
    pub async fn find(&self, secret: &str) -> Result<(SessionSecret, Session), SessionRefusal> {
        let secret = SessionSecret::parse(secret).map_err(|_| SessionRefusal::Unknown)?;
        let session = self.metadata.find_session(secret.digest()).await?.ok_or(SessionRefusal::Unknown)?;
        let now_seconds = self.clock.now_seconds();
        if session.has_ended(now_seconds) {
            return Err(SessionRefusal::Ended);
        }
        if session.is_touch_due(now_seconds) {
            self.touch(session.id);
        }
        Ok((secret, session))
    }

    /// Records the use of a session, in the background and not for each request.
    fn touch(&self, id: SessionId) {
        let (metadata, idle_seconds) = (Arc::clone(&self.metadata), self.lifetime().idle_seconds);
        self.tasks.spawn(async move {
            if let Err(error) = metadata.touch_session(id, idle_seconds).await {
                tracing::warn!(error = %ErrorChain(&error), "session update failed");
            }
        });
    }

    /// Returns a page of the sessions that have not ended, newest first, after `after`: those of one actor, or all.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(
        &self,
        actor: Option<Actor>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Page<Session>, MetadataError> {
        self.metadata.list_sessions(actor, after, limit).await
    }

    /// Ends a session, of this actor if one is given. Every server refuses it in requests that begin later. Returns
    /// false when there is no such session.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn end(&self, id: SessionId, actor: Option<Actor>, origin: Origin) -> Result<bool, MetadataError> {
        Ok(self.metadata.end_session(id, actor, origin).await?.is_some())
    }

    /// Ends the sessions of a person, or of a session at the OpenID provider, or of both. Returns how many there were.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn end_all_of(
        &self,
        person: Option<PersonId>,
        provider_session: Option<String>,
        origin: Origin,
    ) -> Result<usize, MetadataError> {
        self.metadata.end_sessions_of(person, provider_session, origin).await
    }

    /// Adds a refused sign-in to the audit log.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn note_refused(&self, origin: Origin, details: Value) -> Result<(), MetadataError> {
        self.metadata.note_refused_sign_in(origin, details).await
    }
}
