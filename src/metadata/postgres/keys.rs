//! Rows of API keys and their secrets.

use super::answers::AdminGuard;
use super::audit;
use super::connections::{Session, Values};
use super::failure::Failure;
use super::limits::{self, LIMITS_IN_FORCE};
use super::rows::{self, optional_number, stored};
use super::store::{PostgresStore, read, transaction, write};
use super::writer::{Lock, Transaction};
use crate::metadata::error::MetadataError;
use crate::metadata::keys::{KeyChanges, KeyStore, NewKey, NewSecret};
use crate::metadata::rows::{KEY, KEY_COLUMNS, columns};
use crate::metadata::rules;
use crate::metadata::rules::keys::{new_key, stored_scopes};
use crate::metadata::rules::pages::PageBound;
use crate::metadata::rules::update::Update;
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus, USED_SECONDS};
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::page::{Order, Page};
use crate::random;
use async_trait::async_trait;

#[async_trait]
impl KeyStore for PostgresStore {
    async fn create_key(
        &self,
        key: NewKey,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<ApiKey>>, MetadataError> {
        let (new, once) = (&key, once.as_ref());
        transaction!(self, |tx| {
            let guard = AdminGuard::prepare(&tx, once).await?;
            if let Some(rejection) = guard.begin(None).await? {
                return tx.rollback_with(rejection.into()).await;
            }
            let id = KeyId::next(None, tx.now_ms(), random::bytes());
            if !add_secret(&tx, id, &new.secret).await? {
                return tx.rollback_with(IdempotentOutcome::Made(None)).await;
            }
            let key = new_key(id, new);
            let scopes = stored_scopes(&key);
            let workspace = key.opens.workspace().map(|workspace| workspace.to_string());
            let (name, expires_at) = (id.to_string(), key.expires_at.map(stored));
            let sql = "INSERT INTO api_keys (id, workspace_id, scopes, redacted, name, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
            let values: Values<'_> = &[&name, &workspace, &scopes, &key.redacted, &key.name, &expires_at];
            tx.execute(sql, values).await?;
            audit::note(&tx, origin, rules::audit::key_created(&key)).await?;
            guard.commit(&key).await?;
            Ok(IdempotentOutcome::Made(Some(key)))
        })
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, MetadataError> {
        read!(self, |session| {
            let found = session
                .rows(&format!("SELECT {KEY} FROM api_keys k WHERE k.person_id IS NULL ORDER BY k.id"), &[])
                .await?;
            rows::read_all(&found)
        })
    }

    async fn list_keys_of(
        &self,
        workspace: WorkspaceId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, MetadataError> {
        read!(self, |session| {
            let sql = format!(
                "SELECT {KEY} FROM api_keys k WHERE k.workspace_id = $1 AND k.id > $2 AND k.revoked_at IS NULL AND k.person_id IS NULL
                 ORDER BY k.id LIMIT $3"
            );
            let after = after.map(|id| id.to_string()).unwrap_or_default();
            let found = session.rows(&sql, &[&workspace.to_string(), &after, &(i64::from(limit) + 1)]).await?;
            Ok(Page::cut(rows::read_all(&found)?, limit))
        })
    }

    async fn list_admin_keys(
        &self,
        after: Option<KeyId>,
        limit: u32,
        order: Order,
    ) -> Result<Page<ApiKey>, MetadataError> {
        read!(self, |session| {
            let PageBound { comparison, direction, edge } = PageBound::behind(after, order);
            let sql = format!(
                "SELECT {KEY} FROM api_keys k
                 WHERE k.workspace_id IS NULL AND k.id {comparison} $1 AND k.revoked_at IS NULL AND k.person_id IS NULL
                 ORDER BY k.id {direction} LIMIT $2"
            );
            let found = session.rows(&sql, &[&edge, &(i64::from(limit) + 1)]).await?;
            Ok(Page::cut(rows::read_all(&found)?, limit))
        })
    }

    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        read!(self, |session| find(session, id).await)
    }

    async fn find_credential(&self, digest: KeyDigest) -> Result<Option<Credential>, MetadataError> {
        read!(self, |session| {
            // The key, its limits and those of its workspace come from one statement: keys are looked up all the time.
            let sql = format!(
                "SELECT {key}, s.retires_at, w.archived_at IS NOT NULL,
                        {LIMITS_IN_FORCE}
                 FROM key_secrets s JOIN api_keys k ON k.id = s.key_id LEFT JOIN workspaces w ON w.id = k.workspace_id
                 WHERE s.digest = $1",
                key = columns::of("k", KEY)
            );
            let Some(row) = session.row(&sql, &[&digest.0.as_slice()]).await? else { return Ok(None) };
            Ok(Some(Credential {
                key: rows::read(&row)?,
                retires_at: optional_number(&row, KEY_COLUMNS)?,
                archived: row.try_get(KEY_COLUMNS + 1)?,
                limits: limits::in_force(&row, KEY_COLUMNS + 2)?,
                member: None,
            }))
        })
    }

    async fn revoke_key(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError> {
        transaction!(self, |tx| {
            tx.begin(lock_of(&tx, id).await?.as_slice(), async { Ok(()) }).await?;
            let revoked = take(&tx, id).await?.map(|known| rules::keys::revoke(known, tx.now_seconds()));
            let Some(Update { row: revoked, entry: Some(entry) }) = revoked else {
                tx.rollback().await?;
                return Ok(revoked.map(|unchanged| unchanged.row));
            };
            let sql = "UPDATE api_keys SET revoked_at = $2 WHERE id = $1";
            tx.execute(sql, &[&id.to_string(), &revoked.revoked_at.map(stored)]).await?;
            audit::note(&tx, origin, entry).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(Some(revoked))
        })
    }

    async fn rotate_key(
        &self,
        id: KeyId,
        secret: NewSecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let (secret, once) = (&secret, once.as_ref());
        transaction!(self, |tx| rotate(tx, id, secret, overlap_seconds, origin, once).await)
    }

    async fn update_key(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let (changes, once) = (&changes, once.as_ref());
        transaction!(self, |tx| {
            let guard = AdminGuard::prepare(&tx, once).await?;
            if let Some(rejection) = guard.begin(lock_of(&tx, id).await?).await? {
                return tx.rollback_with(rejection.into()).await;
            }
            let Some(known) = take(&tx, id).await? else {
                return tx.rollback_with(IdempotentOutcome::Made(None)).await;
            };
            let updated = match rules::keys::update(known, changes, tx.now_seconds()) {
                Ok(updated) => updated,
                Err(ended) => return tx.rollback_with(IdempotentOutcome::Made(Some(Err(ended)))).await,
            };
            let changed = updated.row;
            if let Some(entry) = updated.entry {
                let sql = "UPDATE api_keys SET name = $2, scopes = $3, expires_at = $4 WHERE id = $1";
                let scopes = stored_scopes(&changed);
                let values: Values<'_> = &[&id.to_string(), &changed.name, &scopes, &changed.expires_at.map(stored)];
                tx.execute(sql, values).await?;
                audit::note(&tx, origin, entry).await?;
            }
            guard.commit(&changed).await?;
            Ok(IdempotentOutcome::Made(Some(Ok(changed))))
        })
    }

    async fn note_key_used(&self, id: KeyId) -> Result<(), MetadataError> {
        write!(self, |session| {
            let sql = "UPDATE api_keys SET last_used_at = now_ms() / 1000
                       WHERE id = $1 AND coalesce(last_used_at, 0) <= now_ms() / 1000 - $2";
            session.execute(sql, &[&id.to_string(), &stored(USED_SECONDS)]).await.map(drop)
        })
    }
}

async fn find(session: &Session, id: KeyId) -> Result<Option<ApiKey>, Failure> {
    let sql = format!("SELECT {KEY} FROM api_keys k WHERE k.id = $1 AND k.person_id IS NULL");
    session.row(&sql, &[&id.to_string()]).await?.as_ref().map(rows::read).transpose()
}

/// Returns the lock under which a key is changed, that of its workspace: later creates in the workspace see the change.
async fn lock_of(tx: &Transaction<'_>, id: KeyId) -> Result<Option<Lock<'static>>, Failure> {
    let known = find(tx, id).await?;
    Ok(known.and_then(|key| key.opens.workspace()).map(Lock::Workspace))
}

/// Returns a key and locks its row until the end of the transaction.
async fn take(tx: &Transaction<'_>, id: KeyId) -> Result<Option<ApiKey>, Failure> {
    let sql = format!("SELECT {KEY} FROM api_keys k WHERE k.id = $1 AND k.person_id IS NULL FOR UPDATE");
    tx.row(&sql, &[&id.to_string()]).await?.as_ref().map(rows::read).transpose()
}

async fn rotate(
    tx: Transaction<'_>,
    id: KeyId,
    secret: &NewSecret,
    overlap_seconds: u64,
    origin: Origin,
    once: Option<&Idempotency<ApiKey>>,
) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, Failure> {
    let guard = AdminGuard::prepare(&tx, once).await?;
    if let Some(rejection) = guard.begin(lock_of(&tx, id).await?).await? {
        return tx.rollback_with(rejection.into()).await;
    }
    let now_seconds = tx.now_seconds();
    let Some(known) = take(&tx, id).await? else { return tx.rollback_with(IdempotentOutcome::Made(None)).await };
    let rotated = match rules::keys::rotate(known, secret, overlap_seconds, now_seconds) {
        Ok(rotated) => rotated,
        Err(ended) => return tx.rollback_with(IdempotentOutcome::Made(Some(Err(ended)))).await,
    };
    let name = id.to_string();
    let forget = "DELETE FROM key_secrets WHERE key_id = $1 AND retires_at <= $2";
    tx.execute(forget, &[&name, &stored(now_seconds)]).await?;
    let retire = "UPDATE key_secrets SET retires_at = least(retires_at, $2) WHERE key_id = $1";
    tx.execute(retire, &[&name, &stored(now_seconds.saturating_add(overlap_seconds))]).await?;
    if !add_secret(&tx, id, secret).await? {
        return Err(Failure::Unreadable("a fresh secret is known already".to_owned()));
    }
    let sql = "UPDATE api_keys SET redacted = $2 WHERE id = $1";
    tx.execute(sql, &[&name, &secret.redacted]).await?;
    audit::note(&tx, origin, rotated.entry).await?;
    guard.commit(&rotated.row).await?;
    Ok(IdempotentOutcome::Made(Some(Ok(rotated.row))))
}

/// Adds a secret. Returns false if its digest exists already.
async fn add_secret(session: &Session, id: KeyId, secret: &NewSecret) -> Result<bool, Failure> {
    let sql = "INSERT INTO key_secrets (digest, key_id) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    Ok(session.execute(sql, &[&secret.digest.0.as_slice(), &id.to_string()]).await? == 1)
}
