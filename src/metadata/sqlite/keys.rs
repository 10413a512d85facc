//! Rows of API keys and their secrets.

use super::answers::made;
use super::rows::{self, parsed};
use super::store::SqliteStore;
use super::{audit, limits};
use crate::metadata::error::MetadataError;
use crate::metadata::keys::{BEFORE_ALL_IDS, BEHIND_ALL_IDS, KeyChanges, KeyStore, NewKey, NewSecret};
use crate::metadata::rules;
use crate::metadata::rules::columns::{self, BEHIND_KEY, KEY};
use crate::metadata::rules::keys::new_key;
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus, Opens, USED_SECONDS};
use crate::model::audit::{Action, Origin};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::limits::{LimitOwner, LimitsInForce};
use crate::model::page::{Order, Page};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::json;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn create_key(
        &self,
        key: NewKey,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<ApiKey>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let create = move |connection: &Connection| create(connection, &key, origin, now_ms);
        self.administer(once, now_ms, create, Option::as_ref).await
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, MetadataError> {
        self.readers.long(list).await
    }

    async fn list_keys_of(
        &self,
        workspace: WorkspaceId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, MetadataError> {
        self.readers.point(|connection| list_of(connection, workspace, after, limit))
    }

    async fn list_admin_keys(
        &self,
        after: Option<KeyId>,
        limit: u32,
        order: Order,
    ) -> Result<Page<ApiKey>, MetadataError> {
        self.readers.point(|connection| list_of_administrators(connection, after, limit, order))
    }

    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        self.readers.point(|connection| find(connection, id))
    }

    async fn find_credential(&self, digest: KeyDigest) -> Result<Option<Credential>, MetadataError> {
        self.readers.point(|connection| find_credential(connection, digest))
    }

    async fn revoke_key(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write(move |change| revoke(change.connection, id, origin, now_ms)).await
    }

    async fn rotate_key(
        &self,
        id: KeyId,
        secret: NewSecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let rotate = move |connection: &Connection| rotate(connection, id, &secret, overlap_seconds, origin, now_ms);
        self.administer(once, now_ms, rotate, made).await
    }

    async fn update_key(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let update = move |connection: &Connection| update(connection, id, &changes, origin, now_ms);
        self.administer(once, now_ms, update, made).await
    }

    async fn note_key_used(&self, id: KeyId) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| note_used(change.connection, id, now_seconds)).await
    }
}

fn create(connection: &Connection, new: &NewKey, origin: Origin, now_ms: u64) -> Result<Option<ApiKey>> {
    let known = connection
        .prepare_cached("SELECT 1 FROM key_secrets WHERE digest = ?1")?
        .query_row([new.secret.digest.0], |_| Ok(()))
        .optional()?;
    if known.is_some() {
        return Ok(None);
    }
    let id = KeyId::next(None, now_ms, random::bytes());
    let key = new_key(id, new);
    let scopes = key.opens.scopes().map(|scopes| scopes.to_string()).unwrap_or_default();
    let sql =
        "INSERT INTO api_keys (id, workspace_id, scopes, redacted, name, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let workspace = key.opens.workspace().map(|workspace| workspace.to_string());
    connection.prepare_cached(sql)?.execute(params![
        id.to_string(),
        workspace,
        scopes,
        key.redacted,
        key.name,
        key.expires_at
    ])?;
    add_secret(connection, id, &new.secret)?;
    audit::note(connection, origin, rules::audit::key_created(&key), now_ms)?;
    Ok(Some(key))
}

fn list(connection: &Connection) -> Result<Vec<ApiKey>> {
    let mut select = connection.prepare_cached(&format!("SELECT {KEY} FROM api_keys k ORDER BY k.id"))?;
    select.query_map([], key)?.collect()
}

fn list_of(connection: &Connection, workspace: WorkspaceId, after: Option<KeyId>, limit: u32) -> Result<Page<ApiKey>> {
    let sql = format!(
        "SELECT {KEY} FROM api_keys k INDEXED BY api_keys_not_revoked
         WHERE k.workspace_id = ?1 AND k.id > ?2 AND k.revoked_at IS NULL ORDER BY k.id LIMIT ?3"
    );
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let values = params![workspace.to_string(), after, u64::from(limit) + 1];
    let found = connection.prepare_cached(&sql)?.query_map(values, key)?.collect::<Result<_>>()?;
    Ok(Page::cut(found, limit))
}

fn list_of_administrators(
    connection: &Connection,
    after: Option<KeyId>,
    limit: u32,
    order: Order,
) -> Result<Page<ApiKey>> {
    let (behind, direction, edge) = match order {
        Order::Ascending => (">", "ASC", BEFORE_ALL_IDS),
        Order::Descending => ("<", "DESC", BEHIND_ALL_IDS),
    };
    let sql = format!(
        "SELECT {KEY} FROM api_keys k INDEXED BY api_keys_not_revoked
         WHERE k.workspace_id IS NULL AND k.id {behind} ?1 AND k.revoked_at IS NULL ORDER BY k.id {direction} LIMIT ?2"
    );
    let values = params![after.map_or_else(|| edge.to_owned(), |id| id.to_string()), u64::from(limit) + 1];
    let found = connection.prepare_cached(&sql)?.query_map(values, key)?.collect::<Result<_>>()?;
    Ok(Page::cut(found, limit))
}

fn find(connection: &Connection, id: KeyId) -> Result<Option<ApiKey>> {
    let sql = format!("SELECT {KEY} FROM api_keys k WHERE k.id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.to_string()], key).optional()
}

fn find_credential(connection: &Connection, digest: KeyDigest) -> Result<Option<Credential>> {
    let sql = format!(
        "SELECT {key}, s.retires_at, w.archived_at FROM key_secrets s JOIN api_keys k ON k.id = s.key_id
         LEFT JOIN workspaces w ON w.id = k.workspace_id WHERE s.digest = ?1",
        key = columns::of("k", KEY)
    );
    let credential = |row: &Row<'_>| {
        let archived_at: Option<u64> = row.get(BEHIND_KEY + 1)?;
        let limits = LimitsInForce::default();
        Ok(Credential { key: key(row)?, retires_at: row.get(BEHIND_KEY)?, archived: archived_at.is_some(), limits })
    };
    let found = connection.prepare_cached(&sql)?.query_row([digest.0], credential).optional()?;
    let Some(credential) = found else { return Ok(None) };
    let of = |owner| limits::get(connection, owner);
    let workspace = credential.key.opens.workspace().map(LimitOwner::Workspace).map(of).transpose()?;
    let limits =
        LimitsInForce { workspace: workspace.unwrap_or_default(), key: of(LimitOwner::Key(credential.key.id))? };
    Ok(Some(Credential { limits, ..credential }))
}

fn revoke(connection: &Connection, id: KeyId, origin: Origin, now_ms: u64) -> Result<Option<ApiKey>> {
    let Some(known) = find(connection, id)? else { return Ok(None) };
    if known.revoked_at.is_some() {
        return Ok(Some(known));
    }
    let revoked = ApiKey { revoked_at: Some(now_ms / 1000), ..known };
    let sql = "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.to_string(), revoked.revoked_at])?;
    audit::note(connection, origin, rules::audit::key(Action::KeyRevoked, &revoked, None), now_ms)?;
    Ok(Some(revoked))
}

fn rotate(
    connection: &Connection,
    id: KeyId,
    secret: &NewSecret,
    overlap_seconds: u64,
    origin: Origin,
    now_ms: u64,
) -> Result<Option<std::result::Result<ApiKey, KeyStatus>>> {
    let Some(known) = find(connection, id)? else { return Ok(None) };
    let now_seconds = now_ms / 1000;
    match known.status(now_seconds) {
        KeyStatus::Active => {}
        ended => return Ok(Some(Err(ended))),
    }
    let forget = "DELETE FROM key_secrets WHERE key_id = ?1 AND retires_at <= ?2";
    connection.prepare_cached(forget)?.execute(params![id.to_string(), now_seconds])?;
    let retire = "UPDATE key_secrets SET retires_at = min(coalesce(retires_at, ?2), ?2) WHERE key_id = ?1";
    let retires_at = now_seconds.saturating_add(overlap_seconds);
    connection.prepare_cached(retire)?.execute(params![id.to_string(), retires_at])?;
    add_secret(connection, id, secret)?;
    let sql = "UPDATE api_keys SET redacted = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.to_string(), secret.redacted])?;
    let rotated = ApiKey { redacted: secret.redacted.clone(), ..known };
    let details = json!({"overlap_seconds": overlap_seconds});
    audit::note(connection, origin, rules::audit::key(Action::KeyUpdated, &rotated, Some(details)), now_ms)?;
    Ok(Some(Ok(rotated)))
}

fn update(
    connection: &Connection,
    id: KeyId,
    changes: &KeyChanges,
    origin: Origin,
    now_ms: u64,
) -> Result<Option<std::result::Result<ApiKey, KeyStatus>>> {
    let Some(known) = find(connection, id)? else { return Ok(None) };
    match known.status(now_ms / 1000) {
        KeyStatus::Active => {}
        ended => return Ok(Some(Err(ended))),
    }
    let (changed, details) = changes.apply(known, now_ms / 1000);
    if details.is_empty() {
        return Ok(Some(Ok(changed)));
    }
    let sql = "UPDATE api_keys SET name = ?2, scopes = ?3, expires_at = ?4 WHERE id = ?1";
    let scopes = changed.opens.scopes().map(|scopes| scopes.to_string()).unwrap_or_default();
    connection.prepare_cached(sql)?.execute(params![id.to_string(), changed.name, scopes, changed.expires_at])?;
    audit::note(connection, origin, rules::audit::key(Action::KeyUpdated, &changed, Some(details.into())), now_ms)?;
    Ok(Some(Ok(changed)))
}

fn note_used(connection: &Connection, id: KeyId, now_seconds: u64) -> Result<()> {
    let sql = "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, 0) <= ?3";
    let values = params![id.to_string(), now_seconds, now_seconds.saturating_sub(USED_SECONDS)];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn add_secret(connection: &Connection, id: KeyId, secret: &NewSecret) -> Result<()> {
    let sql = "INSERT INTO key_secrets (digest, key_id) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![secret.digest.0, id.to_string()]).map(drop)
}

fn key(row: &Row<'_>) -> Result<ApiKey> {
    let opens = match rows::optional(row, 1)? {
        Some(workspace) => Opens::Workspace(workspace, parsed(row, 2)?),
        None => Opens::Administration,
    };
    Ok(ApiKey {
        id: parsed(row, 0)?,
        opens,
        redacted: row.get(3)?,
        name: row.get(4)?,
        expires_at: row.get(5)?,
        revoked_at: row.get(6)?,
        last_used_at: row.get(7)?,
    })
}
