//! Rows of API keys and their secrets.

use super::error::MetadataError;
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus, Opens};
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::page::{Order, Page};
use crate::model::scope::Scopes;
use async_trait::async_trait;
use std::fmt::Debug;

/// A new key. The store adds its id.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The access that it grants.
    pub opens: Opens,
    /// Its first secret.
    pub secret: NewSecret,
    /// Its name, chosen by its owner.
    pub name: String,
    /// The seconds until it expires. It never expires when none.
    pub valid_seconds: Option<u64>,
}

/// Changes of a key. A field that is none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges {
    /// Its name, chosen by its owner.
    pub name: Option<String>,
    /// The scopes of a key of a workspace.
    pub scopes: Option<Scopes>,
    /// The seconds from now until it expires.
    pub valid_seconds: Option<u64>,
}

/// A new secret of a key, in the form that is stored.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// Its SHA-256.
    pub digest: KeyDigest,
    /// Its redacted form.
    pub redacted: String,
}

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
    /// Adds a secret to an active key and retires the secrets before it after at most `overlap_seconds`. Returns none
    /// when there is no such key.
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
