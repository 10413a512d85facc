//! Rows of the sessions of the console.

use super::audit;
use super::queries::Queries;
use super::rows;
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::error::MetadataError;
use crate::metadata::rows::SESSION;
use crate::metadata::rules::pages::PageBound;
use crate::metadata::rules::sessions::{self, ENDED_KEPT_SECONDS, new_session};
use crate::metadata::sessions::SessionStore;
use crate::model::audit::{Actor, Origin};
use crate::model::ids::{PersonId, SessionId};
use crate::model::page::{Order, Page};
use crate::model::session::{
    MAX_SESSIONS, MAX_SESSIONS_PER_ACTOR, NewSession, Session, SessionDigest, TOUCH_SECONDS, TooManySessions,
};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Result, params};
use serde_json::Value;

#[async_trait]
impl SessionStore for SqliteStore {
    async fn create_session(
        &self,
        new: NewSession,
        origin: Origin,
    ) -> std::result::Result<std::result::Result<Session, TooManySessions>, MetadataError> {
        self.writer.write(move |transaction| create(transaction, &new, origin)).await
    }

    async fn find_session(&self, digest: SessionDigest) -> std::result::Result<Option<Session>, MetadataError> {
        let sql = format!("SELECT {SESSION} FROM sessions WHERE digest = ?1");
        self.readers.point(|connection| connection.row(&sql, [digest.0], rows::read))
    }

    async fn touch_session(&self, id: SessionId, idle_seconds: u64) -> std::result::Result<(), MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = "UPDATE sessions SET last_used_at = ?2, ends_at = min(expires_at, ?3)
                           WHERE id = ?1 AND last_used_at <= ?4 AND ends_at > ?2";
                let now = transaction.now_seconds();
                let values = params![id, now, now.saturating_add(idle_seconds), now.saturating_sub(TOUCH_SECONDS)];
                transaction.change(sql, values).map(drop)
            })
            .await
    }

    async fn list_sessions(
        &self,
        actor: Option<Actor>,
        after: Option<SessionId>,
        limit: u32,
    ) -> std::result::Result<Page<Session>, MetadataError> {
        let PageBound { edge, .. } = PageBound::behind(after, Order::Descending);
        let now = self.clock.now_seconds();
        let of_actor =
            if actor.is_some() { "INDEXED BY sessions_by_actor WHERE actor = ?4 AND" } else { "WHERE ?4 IS NULL AND" };
        let sql =
            format!("SELECT {SESSION} FROM sessions {of_actor} id < ?1 AND ends_at > ?2 ORDER BY id DESC LIMIT ?3");
        let values = params![edge, now, u64::from(limit) + 1, actor.map(|actor| actor.to_string())];
        self.readers.point(|connection| Ok(Page::cut(connection.rows(&sql, values, rows::read)?, limit)))
    }

    async fn end_session(
        &self,
        id: SessionId,
        actor: Option<Actor>,
        origin: Origin,
    ) -> std::result::Result<Option<Session>, MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = format!("SELECT {SESSION} FROM sessions WHERE id = ?1");
                let found: Option<Session> = transaction.row(&sql, [id], rows::read)?;
                let Some(session) = found.filter(|found| actor.is_none_or(|actor| found.actor == actor)) else {
                    return Ok(None);
                };
                transaction.change("DELETE FROM sessions WHERE id = ?1", [id])?;
                audit::add(transaction, origin, sessions::signed_out(&session))?;
                Ok(Some(session))
            })
            .await
    }

    async fn end_sessions_of(
        &self,
        person: Option<PersonId>,
        provider_session: Option<String>,
        origin: Origin,
    ) -> std::result::Result<usize, MetadataError> {
        self.writer.write(move |transaction| end_all(transaction, person, provider_session.as_deref(), origin)).await
    }

    async fn forget_sessions(&self, limit: u32) -> std::result::Result<usize, MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = "DELETE FROM sessions WHERE id IN
                               (SELECT id FROM sessions WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2)";
                transaction.change(sql, params![transaction.now_seconds().saturating_sub(ENDED_KEPT_SECONDS), limit])
            })
            .await
    }

    async fn note_refused_sign_in(&self, origin: Origin, details: Value) -> std::result::Result<(), MetadataError> {
        self.writer.write(move |transaction| audit::add(transaction, origin, sessions::refused(details))).await
    }
}

fn create(
    transaction: &Transaction<'_>,
    new: &NewSession,
    origin: Origin,
) -> Result<std::result::Result<Session, TooManySessions>> {
    let known: u32 = transaction.value("SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT ?1)", [MAX_SESSIONS])?;
    if known >= MAX_SESSIONS {
        return Ok(Err(TooManySessions));
    }
    let actor = new.actor.to_string();
    let forget = "DELETE FROM sessions WHERE id IN
                      (SELECT id FROM sessions WHERE actor = ?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)";
    let ended = transaction.change(forget, params![actor, MAX_SESSIONS_PER_ACTOR - 1])?;
    let id = SessionId::next(None, transaction.now_ms(), random::bytes());
    let session = new_session(id, new, origin, transaction.now_seconds());
    let sql = "INSERT INTO sessions
                   (id, digest, actor, key_digest, provider_session, address, last_used_at, expires_at, ends_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let values = params![
        session.id,
        new.digest.0,
        actor,
        new.key_digest.map(|digest| digest.0),
        new.provider_session,
        session.address.map(|address| address.to_string()),
        session.last_used_at,
        session.expires_at,
        session.ends_at,
    ];
    transaction.change(sql, values)?;
    audit::add(transaction, origin, sessions::signed_in(&session, new.workspace, ended))?;
    Ok(Ok(session))
}

/// Deletes the sessions of a person, or of a session at the provider, or of both.
pub(super) fn end_all(
    transaction: &Transaction<'_>,
    person: Option<PersonId>,
    provider_session: Option<&str>,
    origin: Origin,
) -> Result<usize> {
    let actor = person.map(|person| Actor::Person(person).to_string());
    let found: Vec<Session> = match (actor, provider_session) {
        (Some(actor), provider_session) => {
            let sql = format!(
                "SELECT {SESSION} FROM sessions INDEXED BY sessions_by_actor
                 WHERE actor = ?1 AND (?2 IS NULL OR provider_session = ?2)"
            );
            transaction.rows(&sql, params![actor, provider_session], rows::read)?
        }
        (None, Some(provider_session)) => {
            let sql = format!("SELECT {SESSION} FROM sessions WHERE provider_session = ?1");
            transaction.rows(&sql, [provider_session], rows::read)?
        }
        (None, None) => Vec::new(),
    };
    for session in &found {
        transaction.change("DELETE FROM sessions WHERE id = ?1", [session.id])?;
        audit::add(transaction, origin, sessions::signed_out(session))?;
    }
    Ok(found.len())
}
