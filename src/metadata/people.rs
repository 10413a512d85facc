//! Rows of people and their memberships.

use super::error::MetadataError;
use crate::model::api_key::Credential;
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{PersonId, WorkspaceId};
use crate::model::page::Page;
use crate::model::person::{Grant, Identity, Membership, Person, PersonQuery, Role};
use async_trait::async_trait;
use std::fmt::Debug;

/// The rows of people and their memberships. A membership is a key without a secret.
#[async_trait]
pub trait PersonStore: Debug + Send + Sync {
    /// Stores a sign-in: inserts or renews the person, and makes the memberships that rules granted those of `grants`.
    /// `origin` says where it came from; its actor becomes the person. Returns the person and all of its memberships.
    async fn sign_in_person(
        &self,
        identity: Identity,
        grants: Vec<Grant>,
        origin: Origin,
    ) -> Result<(Person, Vec<Membership>), MetadataError>;
    /// Returns the person of this id.
    async fn find_person(&self, id: PersonId) -> Result<Option<Person>, MetadataError>;
    /// Returns the person of this subject at this issuer.
    async fn find_person_of(&self, issuer: &str, subject: &str) -> Result<Option<Person>, MetadataError>;
    /// Returns a page of people.
    async fn list_people(&self, query: PersonQuery) -> Result<Page<Person>, MetadataError>;
    /// Returns the memberships of a person, at most [`MAX_MEMBERSHIPS`](crate::model::person::MAX_MEMBERSHIPS).
    async fn memberships_of(&self, person: PersonId) -> Result<Vec<Membership>, MetadataError>;
    /// Returns at most `limit` members of a workspace, behind `after` in the order of people.
    async fn list_members(
        &self,
        workspace: WorkspaceId,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Page<(Person, Membership)>, MetadataError>;
    /// Returns a membership of a person with the limits of its workspace, as a key that is looked up.
    async fn find_member(
        &self,
        person: PersonId,
        workspace: Option<WorkspaceId>,
    ) -> Result<Option<Credential>, MetadataError>;
    /// Gives a person a role in a workspace, or that of an administrator, until the API revokes it; no role revokes it.
    /// Returns the person and the membership that it has now. Returns none when there is no such person or workspace,
    /// or the person has the maximum of memberships.
    async fn set_member(
        &self,
        person: PersonId,
        workspace: Option<WorkspaceId>,
        role: Option<Role>,
        origin: Origin,
        once: Option<Idempotency<(Person, Option<Membership>)>>,
    ) -> Result<IdempotentOutcome<Option<(Person, Option<Membership>)>>, MetadataError>;
    /// Deletes a person, revokes its memberships and ends its sessions. Returns false when there is no such person.
    async fn delete_person(&self, person: PersonId, origin: Origin) -> Result<bool, MetadataError>;
}
