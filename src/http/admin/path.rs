//! Ids in the paths of the administration: `/v1/organization/projects/{project_id}/api_keys/{key_id}`.

use crate::http::SharedHall;
use crate::http::catalogue::ErrorKind;
use crate::http::error::ApiError;
use crate::http::path::segment;
use crate::keys::RotateKeyError;
use crate::model::api_key::ApiKey;
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::workspace::Workspace;
use axum::extract::FromRequestParts;
use http::request::Parts;

/// Where the id of the project stands, counted from the empty segment before the first slash.
const PROJECT_SEGMENT: usize = 4;
/// Where the id of the key stands.
const KEY_SEGMENT: usize = 6;

/// The project of a path, as the client wrote it.
#[derive(Debug)]
pub struct NamedProject(String);

/// The key of a path, as the client wrote it, and the project that it is looked for in.
#[derive(Debug)]
pub struct NamedKey {
    project: NamedProject,
    text: String,
}

impl NamedProject {
    /// The id, if it is one.
    pub fn id(&self) -> Result<WorkspaceId, ApiError> {
        self.0.parse().map_err(|_| self.not_found())
    }

    /// The workspace of this id, archived or not.
    pub async fn find(&self, hall: &SharedHall) -> Result<Workspace, ApiError> {
        hall.workspaces.get(self.id()?).await?.ok_or_else(|| self.not_found())
    }

    /// There is no such project.
    pub fn not_found(&self) -> ApiError {
        no_project(&self.0)
    }
}

impl NamedKey {
    /// The key of this id, if the project has it and it was not deleted.
    pub async fn find(&self, hall: &SharedHall) -> Result<ApiKey, ApiError> {
        let project = self.project.find(hall).await?;
        let id: KeyId = self.text.parse().map_err(|_| self.not_found())?;
        let found = hall.keys.find(id).await?;
        let is_here = |key: &ApiKey| key.opens.workspace() == Some(project.id) && key.revoked_at.is_none();
        found.filter(is_here).ok_or_else(|| self.not_found())
    }

    /// What went wrong when the key was to be rotated.
    pub fn explain(&self, error: RotateKeyError) -> ApiError {
        match error {
            RotateKeyError::NotFound => self.not_found(),
            RotateKeyError::Ended(status) => {
                let message = format!("API key {} is {}.", self.text, status.name());
                ApiError::invalid(message).param("api_key_id")
            }
            RotateKeyError::Metadata(error) => error.into(),
        }
    }

    /// The project has no such key.
    pub fn not_found(&self) -> ApiError {
        no_key(&self.text)
    }
}

/// There is no project that the client names so.
pub fn no_project(named: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("No such project: {named}")).param("project_id")
}

/// The project has no key that the client names so.
pub fn no_key(named: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("No such API key: {named}")).param("api_key_id")
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
        Ok(Self { project: NamedProject(segment(parts, PROJECT_SEGMENT)), text: segment(parts, KEY_SEGMENT) })
    }
}
