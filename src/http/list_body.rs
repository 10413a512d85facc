//! The body of a long list. It is read and written page by page, so its memory depends neither on its length nor on the
//! speed of the client.

use super::error::ApiError;
use super::wire::{self, FileObject, List};
use crate::error_chain::ErrorChain;
use crate::files::{Files, StoreError};
use crate::model::file::File;
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::page::{FileQuery, Page};
use crate::shares::contention::ContentionLimiter;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use http::StatusCode;
use std::mem;
use std::sync::Arc;
use tracing::Span;

/// The number of Files of one page.
const STEP_FILES: u32 = 500;

/// The turns of workspaces at reading pages of lists.
#[derive(Clone, Debug)]
pub struct ListTurns(pub ContentionLimiter<WorkspaceId>);

/// Answers with the list of a query.
pub async fn answer(
    files: Arc<Files>,
    turns: Arc<ListTurns>,
    workspace: WorkspaceId,
    query: FileQuery,
) -> Result<Response, ApiError> {
    let turn = turns.0.acquire(workspace).await;
    let first = files.list(workspace, step_of(query)).await?;
    drop(turn);
    let Some(first_id) = first.rows.first().map(|file| file.id).filter(|_| first.has_more && query.limit > STEP_FILES)
    else {
        return Ok(wire::json(StatusCode::OK, &List::of_files(&first)));
    };
    let walk = Walk { files, turns, workspace, rest: query, first_id, at: Position::Begin(first) };
    let request = Span::current();
    let chunks = stream::try_unfold(walk, Walk::next).inspect_err(move |error: &StoreError| {
        request.in_scope(|| tracing::warn!(error = %ErrorChain(error), "list response aborted"));
    });
    Ok(wire::json_body(StatusCode::OK, Body::from_stream(chunks)))
}

fn step_of(query: FileQuery) -> FileQuery {
    FileQuery { limit: query.limit.min(STEP_FILES), ..query }
}

struct Walk {
    files: Arc<Files>,
    turns: Arc<ListTurns>,
    workspace: WorkspaceId,
    /// The query for the rows that are not written yet.
    rest: FileQuery,
    first_id: FileId,
    at: Position,
}

enum Position {
    Begin(Page<File>),
    Middle,
    End { has_more: bool },
    Done,
}

impl Walk {
    /// Writes the next piece of the body. A failure ends the connection uncleanly.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let piece = match mem::replace(&mut self.at, Position::Done) {
            Position::Begin(page) => self.rows(b"{\"object\":\"list\",\"data\":[", &page),
            Position::Middle => {
                let turn = self.turns.0.acquire(self.workspace).await;
                let page = self.files.list(self.workspace, step_of(self.rest)).await?;
                drop(turn);
                self.rows(b",", &page)
            }
            Position::End { has_more } => wire::file_list_tail(self.first_id, self.rest.after, has_more),
            Position::Done => return Ok(None),
        };
        Ok(Some((Bytes::from(piece), self)))
    }

    /// Writes the rows of a page after `before`, which is left out when the page is empty.
    fn rows(&mut self, before: &[u8], page: &Page<File>) -> Vec<u8> {
        let mut piece = Vec::new();
        for (place, file) in page.rows.iter().enumerate() {
            piece.extend_from_slice(if place == 0 { before } else { b"," });
            wire::append(&mut piece, &FileObject::from(file));
        }
        let written = u32::try_from(page.rows.len()).unwrap_or(STEP_FILES);
        self.rest.limit = self.rest.limit.saturating_sub(written);
        self.rest.after = page.rows.last().map(|file| file.id).or(self.rest.after);
        let goes_on = page.has_more && self.rest.limit > 0;
        self.at = if goes_on { Position::Middle } else { Position::End { has_more: page.has_more } };
        piece
    }
}
