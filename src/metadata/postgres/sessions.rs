//! Rows of the sessions of the console.

use super::audit;
use super::connections::Values;
use super::failure::Failure;
use super::rows::{self, count, stored};
use super::store::{PostgresStore, read, transaction, write};
use super::writer::Transaction;
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
use serde_json::Value;

#[async_trait]
impl SessionStore for PostgresStore {
    async fn create_session(
        &self,
        new: NewSession,
        origin: Origin,
    ) -> Result<Result<Session, TooManySessions>, MetadataError> {
        let new = &new;
        transaction!(self, |tx| create(tx, new, origin).await)
    }

    async fn find_session(&self, digest: SessionDigest) -> Result<Option<Session>, MetadataError> {
        read!(self, |session| {
            let sql = format!("SELECT {SESSION} FROM sessions WHERE digest = $1");
            session.row(&sql, &[&digest.0.as_slice()]).await?.as_ref().map(rows::read).transpose()
        })
    }

    async fn touch_session(&self, id: SessionId, idle_seconds: u64) -> Result<(), MetadataError> {
        write!(self, |session| {
            let sql = "UPDATE sessions SET last_used_at = now_ms() / 1000,
                           ends_at = least(expires_at, now_ms() / 1000 + $2)
                       WHERE id = $1 AND last_used_at <= now_ms() / 1000 - $3 AND ends_at > now_ms() / 1000";
            let values: Values<'_> = &[&id.to_string(), &stored(idle_seconds), &stored(TOUCH_SECONDS)];
            session.execute(sql, values).await.map(drop)
        })
    }

    async fn list_sessions(
        &self,
        actor: Option<Actor>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Page<Session>, MetadataError> {
        read!(self, |session| {
            let PageBound { edge, .. } = PageBound::behind(after, Order::Descending);
            let most = i64::from(limit) + 1;
            let page = "id < $1 AND ends_at > now_ms() / 1000 ORDER BY id DESC LIMIT $2";
            let found = match actor {
                None => session.rows(&format!("SELECT {SESSION} FROM sessions WHERE {page}"), &[&edge, &most]).await?,
                Some(actor) => {
                    let sql = format!("SELECT {SESSION} FROM sessions WHERE actor = $3 AND {page}");
                    session.rows(&sql, &[&edge, &most, &actor.to_string()]).await?
                }
            };
            Ok(Page::cut(rows::read_all(&found)?, limit))
        })
    }

    async fn end_session(
        &self,
        id: SessionId,
        actor: Option<Actor>,
        origin: Origin,
    ) -> Result<Option<Session>, MetadataError> {
        transaction!(self, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            let sql = format!("SELECT {SESSION} FROM sessions WHERE id = $1 FOR UPDATE");
            let found = tx.row(&sql, &[&id.to_string()]).await?;
            let found: Option<Session> = found.as_ref().map(rows::read).transpose()?;
            let Some(ended) = found.filter(|found| actor.is_none_or(|actor| found.actor == actor)) else {
                return tx.rollback_with(None).await;
            };
            tx.execute("DELETE FROM sessions WHERE id = $1", &[&id.to_string()]).await?;
            audit::note(&tx, origin, sessions::signed_out(&ended)).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(Some(ended))
        })
    }

    async fn end_sessions_of(
        &self,
        person: Option<PersonId>,
        provider_session: Option<String>,
        origin: Origin,
    ) -> Result<usize, MetadataError> {
        let provider_session = provider_session.as_deref();
        transaction!(self, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            let ended = end_all(&tx, person, provider_session, origin).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(ended)
        })
    }

    async fn forget_sessions(&self, limit: u32) -> Result<usize, MetadataError> {
        write!(self, |session| {
            let sql = "DELETE FROM sessions WHERE id = ANY(ARRAY(
                           SELECT id FROM sessions WHERE ends_at <= now_ms() / 1000 - $1 ORDER BY ends_at LIMIT $2))";
            session.execute(sql, &[&stored(ENDED_KEPT_SECONDS), &i64::from(limit)]).await
        })
        .map(count)
    }

    async fn note_refused_sign_in(&self, origin: Origin, details: Value) -> Result<(), MetadataError> {
        let details = &details;
        transaction!(self, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            audit::note(&tx, origin, sessions::refused(details.clone())).await?;
            tx.commit(async { Ok(()) }).await
        })
    }
}

async fn create(
    tx: Transaction<'_>,
    new: &NewSession,
    origin: Origin,
) -> Result<Result<Session, TooManySessions>, Failure> {
    tx.begin(&[], async { Ok(()) }).await?;
    let known = "SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT $1) s";
    let known = tx.row(known, &[&i64::from(MAX_SESSIONS)]).await?;
    if known.map(|row| rows::number(&row, 0)).transpose()?.unwrap_or_default() >= u64::from(MAX_SESSIONS) {
        return tx.rollback_with(Err(TooManySessions)).await;
    }
    let actor = new.actor.to_string();
    let forget = "DELETE FROM sessions
                  WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE actor = $1 ORDER BY id DESC OFFSET $2))";
    let ended = count(tx.execute(forget, &[&actor, &i64::from(MAX_SESSIONS_PER_ACTOR - 1)]).await?);
    let id = SessionId::next(None, tx.now_ms(), random::bytes());
    let session = new_session(id, new, origin, tx.now_seconds());
    let sql = "INSERT INTO sessions
                   (id, digest, actor, key_digest, provider_session, address, last_used_at, expires_at, ends_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let (name, digest) = (id.to_string(), new.digest.0.as_slice());
    let key_digest = new.key_digest.as_ref().map(|digest| digest.0.as_slice());
    let address = session.address.map(|address| address.to_string());
    let times = [session.last_used_at, session.expires_at, session.ends_at].map(stored);
    let values: Values<'_> =
        &[&name, &digest, &actor, &key_digest, &new.provider_session, &address, &times[0], &times[1], &times[2]];
    tx.execute(sql, values).await?;
    audit::note(&tx, origin, sessions::signed_in(&session, new.workspace, ended)).await?;
    tx.commit(async { Ok(()) }).await?;
    Ok(Ok(session))
}

/// Deletes the sessions of a person, or of a session at the provider, or of both.
pub(super) async fn end_all(
    tx: &Transaction<'_>,
    person: Option<PersonId>,
    provider_session: Option<&str>,
    origin: Origin,
) -> Result<usize, Failure> {
    let actor = person.map(|person| Actor::Person(person).to_string());
    let found = match (&actor, provider_session) {
        (Some(actor), None) => {
            tx.rows(&format!("SELECT {SESSION} FROM sessions WHERE actor = $1 FOR UPDATE"), &[actor]).await?
        }
        (Some(actor), Some(named)) => {
            let sql = format!("SELECT {SESSION} FROM sessions WHERE actor = $1 AND provider_session = $2 FOR UPDATE");
            tx.rows(&sql, &[actor, &named]).await?
        }
        (None, Some(named)) => {
            let sql = format!("SELECT {SESSION} FROM sessions WHERE provider_session = $1 FOR UPDATE");
            tx.rows(&sql, &[&named]).await?
        }
        (None, None) => Vec::new(),
    };
    let found: Vec<Session> = rows::read_all(&found)?;
    for session in &found {
        tx.execute("DELETE FROM sessions WHERE id = $1", &[&session.id.to_string()]).await?;
        audit::note(tx, origin, sessions::signed_out(session)).await?;
    }
    Ok(found.len())
}
