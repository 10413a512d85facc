//! The body of a long list. It is read and written page by page, so its memory depends neither on its length nor on the
//! speed of the client.

use super::error::ApiError;
use super::wire;
use crate::error_chain::ErrorChain;
use crate::files::{Files, StoreError};
use crate::model::file::File;
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::page::{FileQuery, NamePosition, NameQuery, Page};
use crate::shares::contention::ContentionLimiter;
use crate::traces::{LoggedRequest, log_for};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use http::StatusCode;
use std::mem;
use std::sync::Arc;

/// The number of Files of one page.
const STEP_FILES: u32 = 500;

/// The turns of workspaces at reading pages of lists.
#[derive(Clone, Debug)]
pub struct ListTurns(pub ContentionLimiter<WorkspaceId>);

/// A query that is read page by page.
pub trait Pages: Clone + Send + Sync + 'static {
    /// The number of Files that are still to be read.
    fn limit(&mut self) -> &mut u32;
    /// Goes on behind this File.
    fn go_behind(&mut self, last: &File);
    /// Reads a page.
    fn read(self, files: &Files, workspace: WorkspaceId)
    -> impl Future<Output = Result<Page<File>, StoreError>> + Send;
}

impl Pages for FileQuery {
    fn limit(&mut self) -> &mut u32 {
        &mut self.limit
    }

    fn go_behind(&mut self, last: &File) {
        self.after = Some(last.id);
    }

    async fn read(self, files: &Files, workspace: WorkspaceId) -> Result<Page<File>, StoreError> {
        files.list(workspace, self).await
    }
}

impl Pages for NameQuery {
    fn limit(&mut self) -> &mut u32 {
        &mut self.limit
    }

    fn go_behind(&mut self, last: &File) {
        self.after = Some(NamePosition::of(&last.filename, last.id));
    }

    async fn read(self, files: &Files, workspace: WorkspaceId) -> Result<Page<File>, StoreError> {
        files.list_by_name(workspace, self).await
    }
}

/// Answers with the list of a query.
pub async fn answer<Q: Pages>(
    files: Arc<Files>,
    turns: Arc<ListTurns>,
    workspace: WorkspaceId,
    mut query: Q,
) -> Result<Response, ApiError> {
    let turn = turns.0.acquire(workspace).await;
    let first = step_of(&query).read(&files, workspace).await?;
    drop(turn);
    let goes_on = first.has_more && *query.limit() > STEP_FILES;
    let Some(first_id) = first.rows.first().map(|file| file.id).filter(|_| goes_on) else {
        return Ok(wire::json_body(StatusCode::OK, Body::from(wire::file_list(&first))));
    };
    let ends = Ends { first: first_id, last: None };
    let walk = Walk { files, turns, workspace, rest: query, ends, at: Position::Begin(first) };
    let request = LoggedRequest::current();
    let chunks = stream::try_unfold(walk, Walk::next).inspect_err(move |error: &StoreError| {
        log_for(request.clone(), || tracing::warn!(error = %ErrorChain(error), "list response aborted"));
    });
    Ok(wire::json_body(StatusCode::OK, Body::from_stream(chunks)))
}

fn step_of<Q: Pages>(query: &Q) -> Q {
    let mut step = query.clone();
    *step.limit() = STEP_FILES.min(*step.limit());
    step
}

/// The ids of the first and of the last File of an answer.
struct Ends {
    first: FileId,
    last: Option<FileId>,
}

struct Walk<Q> {
    files: Arc<Files>,
    turns: Arc<ListTurns>,
    workspace: WorkspaceId,
    /// The query for the rows that are not written yet.
    rest: Q,
    ends: Ends,
    at: Position,
}

enum Position {
    Begin(Page<File>),
    Middle,
    End { has_more: bool },
    Done,
}

impl<Q: Pages> Walk<Q> {
    /// Writes the next piece of the body. A failure ends the connection uncleanly.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let piece = match mem::replace(&mut self.at, Position::Done) {
            Position::Begin(page) => self.rows(wire::FILE_LIST_HEAD, &page),
            Position::Middle => {
                let turn = self.turns.0.acquire(self.workspace).await;
                let page = step_of(&self.rest).read(&self.files, self.workspace).await?;
                drop(turn);
                self.rows(b",", &page)
            }
            Position::End { has_more } => wire::file_list_tail(Some(self.ends.first), self.ends.last, has_more),
            Position::Done => return Ok(None),
        };
        Ok(Some((Bytes::from(piece), self)))
    }

    /// Writes the rows of a page after `before`, which is left out when the page is empty.
    fn rows(&mut self, before: &[u8], page: &Page<File>) -> Vec<u8> {
        let mut piece = if page.rows.is_empty() { Vec::new() } else { before.to_vec() };
        wire::append_files(&mut piece, &page.rows);
        let written = u32::try_from(page.rows.len()).unwrap_or(STEP_FILES);
        let left = self.rest.limit();
        *left = left.saturating_sub(written);
        let goes_on = page.has_more && *left > 0;
        if let Some(last) = page.rows.last() {
            self.rest.go_behind(last);
            self.ends.last = Some(last.id);
        }
        self.at = if goes_on { Position::Middle } else { Position::End { has_more: page.has_more } };
        piece
    }
}
