//! The service of people who sign in by OpenID Connect: their sign-in, their memberships and their roles. Handlers call
//! it.

use crate::metadata::{MetadataError, PersonStore, WorkspaceStore, trait_set};
use crate::model::api_key::Credential;
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{PersonId, WorkspaceId};
use crate::model::page::Page;
use crate::model::person::{Grant, Identity, Membership, Person, PersonQuery, Role};
use std::sync::Arc;

trait_set! {
    /// The rows that the verbs of people use.
    pub trait PeopleMetadata: PersonStore + WorkspaceStore;
}

/// The people of an installation.
#[derive(Clone, Debug)]
pub struct People {
    /// The metadata store.
    pub metadata: Arc<dyn PeopleMetadata>,
}

/// The access that a rule gives.
#[derive(Clone, Copy, Debug)]
pub struct WantedGrant<'a> {
    /// The name or id of the workspace; none for administrators.
    pub workspace: Option<&'a str>,
    /// The role.
    pub role: Role,
}

impl People {
    /// Stores a sign-in, and renews what rules grant. Workspaces that do not exist, or are archived, are skipped.
    /// Returns the person and all of its memberships.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn sign_in(
        &self,
        identity: Identity,
        wanted: &[WantedGrant<'_>],
        origin: Origin,
    ) -> Result<(Person, Vec<Membership>), MetadataError> {
        let mut grants = Vec::with_capacity(wanted.len());
        for WantedGrant { workspace, role } in wanted {
            let found = match workspace {
                None => None,
                Some(named) => self.workspace(named).await?,
            };
            if let (Some(named), None) = (workspace, found) {
                tracing::warn!(workspace = named, "workspace of an OpenID rule not found");
                continue;
            }
            grants.push(Grant { workspace: found, role: *role });
        }
        self.metadata.sign_in_person(identity, grants, origin).await
    }

    async fn workspace(&self, named: &str) -> Result<Option<WorkspaceId>, MetadataError> {
        if let Ok(id) = named.parse() {
            return Ok(Some(id));
        }
        Ok(self.metadata.find_workspace_named(named).await?.map(|workspace| workspace.id))
    }

    /// Returns the person of this id.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn find(&self, id: PersonId) -> Result<Option<Person>, MetadataError> {
        self.metadata.find_person(id).await
    }

    /// Returns the person of this subject at this issuer.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn find_of(&self, issuer: &str, subject: &str) -> Result<Option<Person>, MetadataError> {
        self.metadata.find_person_of(issuer, subject).await
    }

    /// Returns a page of people in the order of their first sign-ins.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self, query: PersonQuery) -> Result<Page<Person>, MetadataError> {
        self.metadata.list_people(query).await
    }

    /// Returns the memberships of a person.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn memberships(&self, person: PersonId) -> Result<Vec<Membership>, MetadataError> {
        self.metadata.memberships_of(person).await
    }

    /// Returns a page of the members of a workspace in the order of their first sign-ins, after the person `after`.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn members(
        &self,
        workspace: WorkspaceId,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Page<(Person, Membership)>, MetadataError> {
        self.metadata.list_members(workspace, after, limit).await
    }

    /// Returns the access of a person to a workspace, or to the administration.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn credential(
        &self,
        person: PersonId,
        workspace: Option<WorkspaceId>,
    ) -> Result<Option<Credential>, MetadataError> {
        self.metadata.find_member(person, workspace).await
    }

    /// Gives a person a role in a workspace, or that of an administrator, until a request revokes it; no role revokes
    /// it, and requests that begin later are refused. Returns the person and the membership that it has now. Returns
    /// none when there is no such person or workspace, or the person has the maximum of memberships.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn set_member(
        &self,
        person: PersonId,
        workspace: Option<WorkspaceId>,
        role: Option<Role>,
        origin: Origin,
        once: Option<Idempotency<(Person, Option<Membership>)>>,
    ) -> Result<IdempotentOutcome<Option<(Person, Option<Membership>)>>, MetadataError> {
        self.metadata.set_member(person, workspace, role, origin, once).await
    }

    /// Deletes a person with all memberships and sessions. Returns false when there is no such person.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn delete(&self, person: PersonId, origin: Origin) -> Result<bool, MetadataError> {
        self.metadata.delete_person(person, origin).await
    }
}
