//! Ids in the paths of the administration: `/v1/organization/projects/{project_id}/api_keys/{key_id}` and
//! `/v1/organization/admin_api_keys/{key_id}`.

use super::rate_limit::RateLimit;
use crate::http::error::ApiError;
use crate::http::path::segment;
use crate::keys::{Keys, RotateKeyError, UpdateKeyError};
use crate::model::api_key::{ApiKey, Opens};
use crate::model::ids::{KeyId, PersonId, WorkspaceId};
use crate::model::person::{Membership, Person};
use crate::model::purpose::Purpose;
use crate::model::workspace::Workspace;
use crate::people::People;
use crate::workspaces::Workspaces;
use axum::extract::FromRequestParts;
use http::request::Parts;

/// The index of the segment with the id of a project or an admin key; segment 0 is the empty one before the first
/// slash.
const PROJECT_SEGMENT: usize = 4;
/// The index of the segment with the collection of a project.
const COLLECTION_SEGMENT: usize = 5;
/// The index of the segment with the id in that collection.
const KEY_SEGMENT: usize = 6;
/// The collection of the keys of a project as service accounts.
const ACCOUNTS: &str = "service_accounts";
const KEY_PARAM: &str = "api_key_id";
const ACCOUNT_PARAM: &str = "service_account_id";

/// The project id of a path, as received.
#[derive(Debug)]
pub struct NamedProject(String);

/// The key id of a path, as received, and its project.
#[derive(Debug)]
pub struct NamedKey {
    project: NamedProject,
    text: String,
    is_account: bool,
}

/// The admin key id of a path, as received.
#[derive(Debug)]
pub struct NamedAdminKey(String);

/// The rate limit id of a path, as received.
#[derive(Debug)]
pub struct NamedRateLimit(String);

/// The purpose of a path, as received.
#[derive(Debug)]
pub struct NamedPurpose(String);

/// The user id of a path, as received.
#[derive(Debug)]
pub struct NamedPerson(String);

/// The user id of a path below a project, as received.
#[derive(Debug)]
pub struct NamedMember(NamedPerson);

impl NamedProject {
    /// Parses the id; an invalid id is answered like an unknown one.
    pub fn id(&self) -> Result<WorkspaceId, ApiError> {
        self.0.parse().map_err(|_| self.not_found())
    }

    /// Finds the workspace of this id, archived or not.
    pub async fn find(&self, workspaces: &Workspaces) -> Result<Workspace, ApiError> {
        workspaces.get(self.id()?).await?.ok_or_else(|| self.not_found())
    }

    /// Returns the answer to an unknown project.
    pub fn not_found(&self) -> ApiError {
        ApiError::project_not_found(&self.0)
    }
}

impl NamedKey {
    /// Finds the key of this id, if the project has it and it was not deleted.
    pub async fn find(&self, workspaces: &Workspaces, keys: &Keys) -> Result<ApiKey, ApiError> {
        let project = self.project.find(workspaces).await?;
        let id: KeyId = self.text.parse().map_err(|_| self.not_found())?;
        let found = keys.find(id).await?;
        let is_here = |key: &ApiKey| key.opens.workspace() == Some(project.id) && key.revoked_at.is_none();
        found.filter(is_here).ok_or_else(|| self.not_found())
    }

    /// Maps an error of a rotation.
    pub fn rotate_error(&self, error: RotateKeyError) -> ApiError {
        match error {
            RotateKeyError::NotFound => self.not_found(),
            RotateKeyError::Ended(status) => {
                let param = if self.is_account { ACCOUNT_PARAM } else { KEY_PARAM };
                ApiError::invalid(format!("API key {} is {}.", self.text, status.name())).param(param)
            }
            RotateKeyError::Metadata(error) => error.into(),
        }
    }

    /// Maps an error of an update.
    pub fn update_error(&self, error: UpdateKeyError) -> ApiError {
        match error {
            UpdateKeyError::BadName(bad) => ApiError::bad_name(bad),
            UpdateKeyError::Key(error) => self.rotate_error(error),
        }
    }

    /// Returns the answer to an unknown key of the project.
    pub fn not_found(&self) -> ApiError {
        if self.is_account { ApiError::account_not_found(&self.text) } else { ApiError::key_not_found(&self.text) }
    }
}

impl NamedAdminKey {
    /// Finds the key of this id, if it is an admin key and was not deleted.
    pub async fn find(&self, keys: &Keys) -> Result<ApiKey, ApiError> {
        let id: KeyId = self.0.parse().map_err(|_| self.not_found())?;
        let is_here = |key: &ApiKey| key.opens == Opens::Administration && key.revoked_at.is_none();
        keys.find(id).await?.filter(is_here).ok_or_else(|| self.not_found())
    }

    /// Returns the answer to an unknown admin key.
    pub fn not_found(&self) -> ApiError {
        ApiError::admin_key_not_found(&self.0)
    }
}

impl NamedRateLimit {
    /// Finds the rate limit of this id.
    pub fn find(&self) -> Result<RateLimit, ApiError> {
        RateLimit::ALL
            .into_iter()
            .find(|rate| rate.id() == self.0)
            .ok_or_else(|| ApiError::rate_limit_not_found(&self.0))
    }
}

impl NamedPurpose {
    /// Finds the purpose of this name.
    pub fn find(&self) -> Result<Purpose, ApiError> {
        Purpose::named(&self.0).ok_or_else(|| ApiError::purpose_not_found(&self.0))
    }
}

impl NamedPerson {
    /// Returns the user id of a body.
    pub fn of(text: String) -> Self {
        Self(text)
    }

    /// Finds the person of this id.
    pub async fn find(&self, people: &People) -> Result<Person, ApiError> {
        let id: PersonId = self.0.parse().map_err(|_| self.not_found())?;
        people.find(id).await?.ok_or_else(|| self.not_found())
    }

    /// Returns the answer to an unknown person, or to one that is no member of the project.
    pub fn not_found(&self) -> ApiError {
        ApiError::user_not_found(&self.0)
    }
}

impl NamedMember {
    /// Finds the person of this id and its membership in a workspace.
    pub async fn find(&self, people: &People, workspace: WorkspaceId) -> Result<(Person, Membership), ApiError> {
        let person = self.0.find(people).await?;
        let memberships = people.memberships(person.id).await?;
        let found = memberships.into_iter().find(|one| one.workspace == Some(workspace));
        found.map(|membership| (person, membership)).ok_or_else(|| self.0.not_found())
    }
}

impl<S: Sync> FromRequestParts<S> for NamedPerson {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(segment(parts, PROJECT_SEGMENT)))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedMember {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(NamedPerson(segment(parts, KEY_SEGMENT))))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedProject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(segment(parts, PROJECT_SEGMENT)))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let is_account = segment(parts, COLLECTION_SEGMENT) == ACCOUNTS;
        let project = NamedProject(segment(parts, PROJECT_SEGMENT));
        Ok(Self { project, text: segment(parts, KEY_SEGMENT), is_account })
    }
}

impl<S: Sync> FromRequestParts<S> for NamedAdminKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(segment(parts, PROJECT_SEGMENT)))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedRateLimit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(segment(parts, KEY_SEGMENT)))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedPurpose {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(segment(parts, KEY_SEGMENT)))
    }
}
