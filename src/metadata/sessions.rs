//! Rows of the sessions of the console.

use super::error::MetadataError;
use crate::model::audit::{Actor, Origin};
use crate::model::ids::{PersonId, SessionId};
use crate::model::page::Page;
use crate::model::session::{NewSession, Session, SessionDigest, TooManySessions};
use async_trait::async_trait;
use serde_json::Value;
use std::fmt::Debug;

/// The rows of the sessions of the console.
#[async_trait]
pub trait SessionStore: Debug + Send + Sync {
    /// Inserts a session, and deletes the oldest ones of its actor beyond
    /// [`MAX_SESSIONS_PER_ACTOR`](crate::model::session::MAX_SESSIONS_PER_ACTOR).
    async fn create_session(
        &self,
        new: NewSession,
        origin: Origin,
    ) -> Result<Result<Session, TooManySessions>, MetadataError>;
    /// Returns the session of this secret, also one that has ended at a limit and is not removed yet.
    async fn find_session(&self, digest: SessionDigest) -> Result<Option<Session>, MetadataError>;
    /// Stores that a session is in use and defers its idle limit to `idle_seconds` from now, unless that was stored
    /// within the last minute or the session has ended.
    async fn touch_session(&self, id: SessionId, idle_seconds: u64) -> Result<(), MetadataError>;
    /// Returns at most `limit` sessions that have not ended, newest first, behind `after`: those of one actor, or all.
    async fn list_sessions(
        &self,
        actor: Option<Actor>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Page<Session>, MetadataError>;
    /// Deletes a session, of this actor if one is given. Returns none when there is no such session.
    async fn end_session(
        &self,
        id: SessionId,
        actor: Option<Actor>,
        origin: Origin,
    ) -> Result<Option<Session>, MetadataError>;
    /// Deletes the sessions of a person, or of a session at the OpenID provider, or of both. Returns how many there
    /// were.
    async fn end_sessions_of(
        &self,
        person: Option<PersonId>,
        provider_session: Option<String>,
        origin: Origin,
    ) -> Result<usize, MetadataError>;
    /// Deletes at most `limit` sessions that ended at a limit at least a day ago. Returns how many there were.
    async fn forget_sessions(&self, limit: u32) -> Result<usize, MetadataError>;
    /// Adds the entry of a refused sign-in to the audit log.
    async fn note_refused_sign_in(&self, origin: Origin, details: Value) -> Result<(), MetadataError>;
}
