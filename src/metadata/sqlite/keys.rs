//! Rows of API keys and their secrets.

use super::answers::made;
use super::queries::Queries;
use super::rows;
use super::store::SqliteStore;
use super::transaction::Transaction;
use super::{audit, limits};
use crate::metadata::error::MetadataError;
use crate::metadata::keys::{KeyChanges, KeyStore, NewKey, NewSecret};
use crate::metadata::rows::{KEY, columns};
use crate::metadata::rules;
use crate::metadata::rules::keys::{new_key, stored_scopes};
use crate::metadata::rules::pages::PageBound;
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus, USED_SECONDS};
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::limits::{LimitOwner, LimitsInForce};
use crate::model::page::{Order, Page};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn create_key(
        &self,
        key: NewKey,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<ApiKey>>, MetadataError> {
        let create = move |transaction: &Transaction<'_>| create(transaction, &key, origin);
        self.administer(once, create, Option::as_ref).await
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, MetadataError> {
        let sql = format!("SELECT {KEY} FROM api_keys k WHERE k.person_id IS NULL ORDER BY k.id");
        self.readers.long(move |connection| connection.rows(&sql, [], rows::read)).await
    }

    async fn list_keys_of(
        &self,
        workspace: WorkspaceId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, MetadataError> {
        let sql = format!(
            "SELECT {KEY} FROM api_keys k INDEXED BY api_keys_not_revoked
             WHERE k.workspace_id = ?1 AND k.id > ?2 AND k.revoked_at IS NULL AND k.person_id IS NULL ORDER BY k.id LIMIT ?3"
        );
        let PageBound { edge, .. } = PageBound::behind(after, Order::Ascending);
        let values = params![workspace, edge, u64::from(limit) + 1];
        self.readers.point(|connection| Ok(Page::cut(connection.rows(&sql, values, rows::read)?, limit)))
    }

    async fn list_admin_keys(
        &self,
        after: Option<KeyId>,
        limit: u32,
        order: Order,
    ) -> Result<Page<ApiKey>, MetadataError> {
        let PageBound { comparison, direction, edge } = PageBound::behind(after, order);
        let sql = format!(
            "SELECT {KEY} FROM api_keys k INDEXED BY api_keys_not_revoked
             WHERE k.workspace_id IS NULL AND k.id {comparison} ?1 AND k.revoked_at IS NULL AND k.person_id IS NULL
             ORDER BY k.id {direction} LIMIT ?2"
        );
        let values = params![edge, u64::from(limit) + 1];
        self.readers.point(|connection| Ok(Page::cut(connection.rows(&sql, values, rows::read)?, limit)))
    }

    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        self.readers.point(|connection| find(connection, id))
    }

    async fn find_credential(&self, digest: KeyDigest) -> Result<Option<Credential>, MetadataError> {
        self.readers.point(|connection| find_credential(connection, digest))
    }

    async fn revoke_key(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError> {
        self.writer
            .write(move |transaction| {
                let Some(known) = find(transaction, id)? else { return Ok(None) };
                let revoked = rules::keys::revoke(known, transaction.now_seconds());
                if let Some(entry) = revoked.entry {
                    let sql = "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1";
                    transaction.change(sql, params![id, revoked.row.revoked_at])?;
                    audit::add(transaction, origin, entry)?;
                }
                Ok(Some(revoked.row))
            })
            .await
    }

    async fn rotate_key(
        &self,
        id: KeyId,
        secret: NewSecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let rotate = move |transaction: &Transaction<'_>| rotate(transaction, id, &secret, overlap_seconds, origin);
        self.administer(once, rotate, made).await
    }

    async fn update_key(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let update = move |transaction: &Transaction<'_>| {
            let Some(known) = find(transaction, id)? else { return Ok(None) };
            let updated = match rules::keys::update(known, &changes, transaction.now_seconds()) {
                Ok(updated) => updated,
                Err(ended) => return Ok(Some(Err(ended))),
            };
            if let Some(entry) = updated.entry {
                let sql = "UPDATE api_keys SET name = ?2, scopes = ?3, expires_at = ?4 WHERE id = ?1";
                let ApiKey { name, expires_at, .. } = &updated.row;
                transaction.change(sql, params![id, name, stored_scopes(&updated.row), expires_at])?;
                audit::add(transaction, origin, entry)?;
            }
            Ok(Some(Ok(updated.row)))
        };
        self.administer(once, update, made).await
    }

    async fn note_key_used(&self, id: KeyId) -> Result<(), MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, 0) <= ?3";
                let now_seconds = transaction.now_seconds();
                let values = params![id, now_seconds, now_seconds.saturating_sub(USED_SECONDS)];
                transaction.change(sql, values).map(drop)
            })
            .await
    }
}

fn create(transaction: &Transaction<'_>, new: &NewKey, origin: Origin) -> Result<Option<ApiKey>> {
    let known = "SELECT 1 FROM key_secrets WHERE digest = ?1";
    if transaction.row(known, [new.secret.digest.0], |_| Ok(()))?.is_some() {
        return Ok(None);
    }
    let key = new_key(KeyId::next(None, transaction.now_ms(), random::bytes()), new);
    let sql =
        "INSERT INTO api_keys (id, workspace_id, scopes, redacted, name, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let workspace = key.opens.workspace().map(|workspace| workspace.to_string());
    let values = params![key.id, workspace, stored_scopes(&key), key.redacted, key.name, key.expires_at];
    transaction.change(sql, values)?;
    add_secret(transaction, key.id, &new.secret)?;
    audit::add(transaction, origin, rules::audit::key_created(&key))?;
    Ok(Some(key))
}

fn rotate(
    transaction: &Transaction<'_>,
    id: KeyId,
    secret: &NewSecret,
    overlap_seconds: u64,
    origin: Origin,
) -> Result<Option<std::result::Result<ApiKey, KeyStatus>>> {
    let Some(known) = find(transaction, id)? else { return Ok(None) };
    let now_seconds = transaction.now_seconds();
    let rotated = match rules::keys::rotate(known, secret, overlap_seconds, now_seconds) {
        Ok(rotated) => rotated,
        Err(ended) => return Ok(Some(Err(ended))),
    };
    let forget = "DELETE FROM key_secrets WHERE key_id = ?1 AND retires_at <= ?2";
    transaction.change(forget, params![id, now_seconds])?;
    let retire = "UPDATE key_secrets SET retires_at = min(coalesce(retires_at, ?2), ?2) WHERE key_id = ?1";
    transaction.change(retire, params![id, now_seconds.saturating_add(overlap_seconds)])?;
    add_secret(transaction, id, secret)?;
    let sql = "UPDATE api_keys SET redacted = ?2 WHERE id = ?1";
    transaction.change(sql, params![id, rotated.row.redacted])?;
    audit::add(transaction, origin, rotated.entry)?;
    Ok(Some(Ok(rotated.row)))
}

fn find(connection: &Connection, id: KeyId) -> Result<Option<ApiKey>> {
    connection.row(&format!("SELECT {KEY} FROM api_keys k WHERE k.id = ?1 AND k.person_id IS NULL"), [id], rows::read)
}

fn find_credential(connection: &Connection, digest: KeyDigest) -> Result<Option<Credential>> {
    let sql = format!(
        "SELECT {key}, s.retires_at, w.archived_at FROM key_secrets s JOIN api_keys k ON k.id = s.key_id
         LEFT JOIN workspaces w ON w.id = k.workspace_id WHERE s.digest = ?1",
        key = columns::of("k", KEY)
    );
    let credential = |row: &Row<'_>| {
        let mut row = rows::reader(row);
        let (key, retires_at, archived) = (row.value()?, row.optional_number()?, row.optional_number()?.is_some());
        Ok(Credential { key, retires_at, archived, limits: LimitsInForce::default(), member: None })
    };
    connection.row(&sql, [digest.0], credential)?.map(|found| with_limits(connection, found)).transpose()
}

/// Adds the limits of a key and its workspace.
pub(super) fn with_limits(connection: &Connection, credential: Credential) -> Result<Credential> {
    let of = |owner| limits::find(connection, owner);
    let workspace = credential.key.opens.workspace().map(LimitOwner::Workspace).map(of).transpose()?;
    let limits =
        LimitsInForce { workspace: workspace.unwrap_or_default(), key: of(LimitOwner::Key(credential.key.id))? };
    Ok(Credential { limits, ..credential })
}

fn add_secret(transaction: &Transaction<'_>, id: KeyId, secret: &NewSecret) -> Result<()> {
    let sql = "INSERT INTO key_secrets (digest, key_id) VALUES (?1, ?2)";
    transaction.change(sql, params![secret.digest.0, id]).map(drop)
}
