//! The workspace that the request of a person means: a person may be a member of several.

use crate::http::error::ApiError;
use crate::http::path::segment;
use crate::http::query::parameters;
use crate::model::ids::WorkspaceId;
use crate::model::person::Membership;
use http::HeaderName;
use http::request::Parts;

/// The header of OpenAI's SDKs that names the project.
const PROJECT: HeaderName = HeaderName::from_static("openai-project");
/// The parameter that names the project in links, which have no headers.
const PARAM: &str = "project";
/// The path of routes that name a project, below `/console/api`.
const PROJECTS: &str = "/console/api/v1/organization/projects/";
/// The index of the segment with that project.
const PROJECT_SEGMENT: usize = 6;

/// Returns the workspace that a request names, in a header or in its query.
///
/// # Errors
/// When it is named in several ways, or is no id.
pub fn named(parts: &Parts) -> Result<Option<WorkspaceId>, ApiError> {
    let mut values = parts.headers.get_all(&PROJECT).iter();
    let header = values.next();
    if values.next().is_some() {
        return Err(ApiError::not_a_member());
    }
    if let Some(header) = header {
        let id = header.to_str().ok().and_then(|text| text.trim().parse().ok());
        return id.map(Some).ok_or_else(ApiError::not_a_member);
    }
    let query = parts.uri.query().unwrap_or_default();
    let parameter = parameters(query).find(|(name, _)| name == PARAM).map(|(_, value)| value.into_owned());
    parameter.map(|text| text.parse().map_err(|_| ApiError::not_a_member())).transpose()
}

/// Returns the workspace of a request that names none: the administration for administrators, else the project of the
/// path, else the only workspace.
///
/// # Errors
/// When the person has several workspaces to choose from.
pub fn usual(parts: &Parts, memberships: &[Membership]) -> Result<Option<WorkspaceId>, ApiError> {
    if memberships.iter().any(|one| one.workspace.is_none()) {
        return Ok(None);
    }
    if parts.uri.path().starts_with(PROJECTS) {
        return segment(parts, PROJECT_SEGMENT).parse().map(Some).map_err(|_| ApiError::not_a_member());
    }
    match memberships {
        [only] => Ok(only.workspace),
        _ => Err(ApiError::project_not_named()),
    }
}
