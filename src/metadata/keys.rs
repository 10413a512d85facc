//! Rows of API keys and their secrets.

use super::error::MetadataError;
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus, Opens};
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::page::{Order, Page};
use crate::model::scope::{Scope, Scopes};
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use std::fmt::Debug;

/// A key as it is entered into the store, which adds the id.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it opens.
    pub opens: Opens,
    /// Its first secret.
    pub secret: NewSecret,
    /// What its owner calls it.
    pub name: String,
    /// How many seconds it is valid; for ever when none.
    pub valid_seconds: Option<u64>,
}

/// What is changed of a key; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges {
    /// What its owner calls it.
    pub name: Option<String>,
    /// What it may be used for, if it opens a workspace.
    pub scopes: Option<Scopes>,
    /// How many seconds it is valid from now on.
    pub valid_seconds: Option<u64>,
}

impl KeyChanges {
    /// Returns the key as it is after the change, and what the audit log says of it.
    pub(super) fn apply(&self, known: ApiKey, now_seconds: u64) -> (ApiKey, Map<String, Value>) {
        let mut details = Map::new();
        let mut changed = known;
        if let Some(name) = &self.name {
            details.insert("name".to_owned(), json!(name));
            changed.name.clone_from(name);
        }
        if let (Some(scopes), Opens::Workspace(workspace, _)) = (self.scopes, changed.opens) {
            let names: Vec<_> = scopes.iter().map(Scope::name).collect();
            details.insert("scopes".to_owned(), json!(names));
            changed.opens = Opens::Workspace(workspace, scopes);
        }
        if let Some(seconds) = self.valid_seconds {
            details.insert("expires_in_seconds".to_owned(), json!(seconds));
            changed.expires_at = Some(now_seconds.saturating_add(seconds));
        }
        (changed, details)
    }
}

/// A secret as it is kept.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// SHA-256 of it.
    pub digest: KeyDigest,
    /// How people tell it from others.
    pub redacted: String,
}

/// A text that sorts before every id.
pub(super) const BEFORE_ALL_IDS: &str = "";

/// A text that sorts behind every id, whose characters are digits, letters, `-` and `_`.
pub(super) const BEHIND_ALL_IDS: &str = "~";

/// The rows of API keys.
#[async_trait]
pub trait KeyStore: Debug + Send + Sync {
    /// Inserts a key. Returns none when its secret exists already.
    async fn create_key(
        &self,
        key: NewKey,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<ApiKey>>, MetadataError>;
    /// Returns all keys of workspaces and administrators, revoked and expired ones too, oldest first.
    async fn list_keys(&self) -> Result<Vec<ApiKey>, MetadataError>;
    /// Returns at most `limit` keys of a workspace that are not revoked, behind `after` in the order of their ids.
    async fn list_keys_of(
        &self,
        workspace: WorkspaceId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, MetadataError>;
    /// Returns at most `limit` keys of administrators that are not revoked, behind `after` in the order of their ids.
    async fn list_admin_keys(
        &self,
        after: Option<KeyId>,
        limit: u32,
        order: Order,
    ) -> Result<Page<ApiKey>, MetadataError>;
    /// Returns the key of this id, revoked and expired ones too.
    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError>;
    /// Returns the key that has or had this secret.
    async fn find_credential(&self, digest: KeyDigest) -> Result<Option<Credential>, MetadataError>;
    /// Revokes a key. Returns none when there is no such key. Revoking it again changes nothing.
    async fn revoke_key(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError>;
    /// Adds a secret to an active key and retires the secrets before it after at most `overlap_seconds`. Returns none when
    /// there is no such key.
    async fn rotate_key(
        &self,
        id: KeyId,
        secret: NewSecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, MetadataError>;
    /// Changes an active key. Returns none when there is no such key.
    async fn update_key(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<Option<Result<ApiKey, KeyStatus>>>, MetadataError>;
    /// Stores the time at which a key was used, unless that was stored within the last minute.
    async fn note_key_used(&self, id: KeyId) -> Result<(), MetadataError>;
}
