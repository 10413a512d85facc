//! `GET` and `HEAD` of a link: the content of its File.

use crate::files::Files;
use crate::http::content::{DownloadLimits, Presentation, Reader, send};
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::links::Links;
use crate::model::audit::Origin;
use crate::model::caller::Caller;
use crate::model::link::{Disposition, Download, Link};
use crate::usage::ReadCounter;
use axum::extract::FromRef;
use axum::response::Response;
use http::request::Parts;
use std::sync::Arc;

/// Sends the content, and records the first use before its first byte.
///
/// # Errors
/// When the File or the link has ended meanwhile, a condition, the range or a limit refuses, or a store failed.
pub(super) async fn send_content(
    state: &AppState,
    caller: Caller,
    link: &Link,
    grant: &Download,
    parts: &Parts,
) -> Result<Response, ApiError> {
    let (files, links) = (Arc::<Files>::from_ref(state), Arc::<Links>::from_ref(state));
    let content = files.open(caller.workspace, grant.file).await?.ok_or_else(ApiError::link_refused)?;
    let reader = Reader {
        files,
        reads: Arc::<ReadCounter>::from_ref(state),
        limits: Arc::<DownloadLimits>::from_ref(state),
        caller,
    };
    let begin = async { Ok(links.note_use(link.clone(), Origin::of_link_user(caller)).await?) };
    send(reader, content, &presentation(grant), parts, begin, ApiError::link_refused).await
}

/// Returns the form of the content. A URL of the bucket could be used again, so a link for one time has none.
fn presentation(grant: &Download) -> Presentation {
    Presentation {
        content_type: grant.content_type,
        is_negotiated: false,
        is_inline: grant.disposition == Some(Disposition::Inline),
        may_redirect: !grant.one_time,
    }
}
