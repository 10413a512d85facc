//! The caller of Anthropic's dialect, and what its headers ask for.

use crate::http::error::{ApiError, echo};
use crate::http::headers::ANTHROPIC_BETA;
use crate::model::caller::Caller;
use crate::model::ids::WorkspaceId;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

/// The workspace that a client expects its key to be of.
const WORKSPACE: HeaderName = HeaderName::from_static("anthropic-workspace-id");
/// The beta whose clients get the first shape of the objects.
const FILES_BETA: &str = "files-api-2025-04-14";
/// The beta whose clients get the lists of both shapes.
const AGENTS_BETA: &str = "managed-agents-2026-04-01";
/// The prefix of workspaces with Anthropic, and the one here.
const WORKSPACE_PREFIXES: (&str, &str) = ("wrkspc_", "ws_");

/// The shape of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// That of today.
    Current,
    /// That of today, and lists with the members of [`Self::Beta`], too.
    Agents,
    /// The first one: Files without `expires_at`, and lists with the ids of their ends.
    Beta,
}

impl Shape {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ANTHROPIC_BETA).iter().filter_map(|value| value.to_str().ok());
        let betas: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        match (betas.contains(&FILES_BETA), betas.contains(&AGENTS_BETA)) {
            (true, _) => Self::Beta,
            (false, true) => Self::Agents,
            (false, false) => Self::Current,
        }
    }
}

/// The caller of a request, and the shape of its answer.
#[derive(Clone, Copy, Debug)]
pub struct AnthropicCaller {
    /// The caller.
    pub caller: Caller,
    /// The shape of the answer.
    pub shape: Shape,
}

impl<S: Sync> FromRequestParts<S> for AnthropicCaller
where
    Caller: FromRequestParts<S, Rejection = ApiError>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        check_workspace(&parts.headers, caller.workspace)?;
        Ok(Self { caller, shape: Shape::of(&parts.headers) })
    }
}

/// Checks that the workspace that a request names, if any, is that of its key.
fn check_workspace(headers: &HeaderMap, workspace: WorkspaceId) -> Result<(), ApiError> {
    let Some(named) = headers.get(WORKSPACE) else { return Ok(()) };
    let (theirs, ours) = WORKSPACE_PREFIXES;
    let id = named.to_str().unwrap_or_default();
    let own = id.strip_prefix(theirs).map_or_else(|| id.to_owned(), |digits| format!("{ours}{digits}"));
    if own == workspace.as_str() { Ok(()) } else { Err(ApiError::foreign_workspace(&echo(id))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_betas_of_a_request_choose_the_shape() {
        let shape = |values: &[&'static str]| {
            let values = values.iter().map(|value| (ANTHROPIC_BETA, HeaderValue::from_static(value)));
            Shape::of(&values.collect())
        };
        assert_eq!(shape(&[]), Shape::Current);
        assert_eq!(shape(&["code-execution-2025-05-22"]), Shape::Current);
        assert_eq!(shape(&["files-api-2025-04-14"]), Shape::Beta);
        assert_eq!(shape(&["a,managed-agents-2026-04-01", "b, files-api-2025-04-14"]), Shape::Beta);
        assert_eq!(shape(&["managed-agents-2026-04-01"]), Shape::Agents);
    }
}
