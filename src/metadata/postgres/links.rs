//! Rows of signed links.

use super::audit;
use super::connections::{Prepared, Session, Values};
use super::failure::Failure;
use super::limits::{self, LIMITS_IN_FORCE};
use super::rows::{self, count, stored};
use super::store::{PostgresStore, read, transaction, write};
use super::writer::{Lock, Transaction};
use crate::metadata::error::MetadataError;
use crate::metadata::links::{LinkStore, OpenedLink};
use crate::metadata::rows::{
    KEY, KEY_COLUMNS, LINK_COLUMNS, LINK_KEY, MEMBER, RowReader, columns, insert_link, link as link_columns,
    link_values,
};
use crate::metadata::rules::links as rules;
use crate::metadata::rules::pages::PageBound;
use crate::model::api_key::Credential;
use crate::model::audit::Origin;
use crate::model::caller::Caller;
use crate::model::filename::Filename;
use crate::model::ids::{FileId, KeyId, LinkId, WorkspaceId};
use crate::model::link::{Download, EXPIRED_LINK_KEPT_SECONDS, Link, LinkGrant, MAX_LIVE_LINKS, NewLink, TooManyLinks};
use crate::model::link_key::{KEY_KEPT_SECONDS, KEY_ROTATION_SECONDS, LINK_SECRET_BYTES, LinkKey};
use crate::model::page::{Order, Page};
use crate::random;
use async_trait::async_trait;
use std::sync::LazyLock;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

pub(super) const TAKE_UNUSED: &str = "
    SELECT 1 FROM links WHERE id = $1 AND workspace_id = $2 AND first_used_at IS NULL AND revoked_at IS NULL
    FOR NO KEY UPDATE";
pub(super) const USE_UP: &str = "
    UPDATE links SET first_used_at = $2, file_id = $3
    WHERE id = $1 AND workspace_id = $4 AND first_used_at IS NULL AND revoked_at IS NULL";
static INSERT: LazyLock<String> = LazyLock::new(|| insert_link('$'));

/// The current second.
const NOW: &str = "now_ms() / 1000";
/// The column of the limits in the row of an opened key.
const KEY_LIMITS: usize = KEY_COLUMNS + columns::count(MEMBER) + 1;

#[async_trait]
impl LinkStore for PostgresStore {
    async fn create_link(
        &self,
        caller: Caller,
        new: NewLink,
    ) -> Result<Result<Option<Link>, TooManyLinks>, MetadataError> {
        let new = &new;
        transaction!(self, caller.workspace, |tx| create(tx, caller, new.clone()).await)
    }

    async fn find_link(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>, MetadataError> {
        read!(self, workspace, |session| find(session, workspace, id, "").await)
    }

    async fn list_links(
        &self,
        workspace: WorkspaceId,
        file: Option<FileId>,
        after: Option<LinkId>,
        order: Order,
        limit: u32,
    ) -> Result<Page<Link>, MetadataError> {
        read!(self, workspace, |session| {
            let PageBound { comparison, direction, edge } = PageBound::behind(after, order);
            let of_file = if file.is_some() { "l.file_id = $4" } else { "$4::text IS NULL" };
            let sql = format!(
                "SELECT {} FROM links l WHERE l.workspace_id = $1 AND l.id {comparison} $2 AND {of_file}
                 ORDER BY l.id {direction} LIMIT $3",
                link_columns(NOW)
            );
            let (workspace, file) = (workspace.to_string(), file.map(|file| file.to_string()));
            let found = session.rows(&sql, &[&workspace, &edge, &(i64::from(limit) + 1), &file]).await?;
            Ok(Page::cut(rows::read_all(&found)?, limit))
        })
    }

    async fn open_link(&self, id: LinkId) -> Result<Option<OpenedLink>, MetadataError> {
        read!(self, |session| open(session, id).await)
    }

    async fn open_key(&self, id: KeyId) -> Result<Option<Credential>, MetadataError> {
        read!(self, |session| open_key(session, id).await)
    }

    async fn use_link(&self, link: Link, origin: Origin) -> Result<bool, MetadataError> {
        let link = &link;
        transaction!(self, link.workspace, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            let Some(file) = link.file else { return tx.rollback_with(false).await };
            let use_up = tx.prepare(USE_UP).await?;
            if !mark_used(&use_up, link.workspace, link.id, file, tx.now_seconds()).await? {
                return tx.rollback_with(false).await;
            }
            audit::note(&tx, origin, rules::used(link.workspace, link.id, link.key, file)).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(true)
        })
    }

    async fn revoke_link(
        &self,
        workspace: WorkspaceId,
        id: LinkId,
        origin: Origin,
    ) -> Result<Option<Link>, MetadataError> {
        transaction!(self, workspace, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            let link = match find(&tx, workspace, id, "FOR UPDATE OF l").await? {
                Some(link) if link.revoked_at.is_none() => link,
                unchanged => return tx.rollback_with(unchanged).await,
            };
            let now_seconds = tx.now_seconds();
            tx.execute("UPDATE links SET revoked_at = $2 WHERE id = $1", &[&id.to_string(), &stored(now_seconds)])
                .await?;
            audit::note(&tx, origin, rules::revoked(&link)).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(Some(Link { revoked_at: Some(now_seconds), ..link }))
        })
    }

    async fn revoke_links(
        &self,
        workspace: WorkspaceId,
        key: Option<KeyId>,
        limit: u32,
        origin: Origin,
    ) -> Result<usize, MetadataError> {
        let of_key = if key.is_some() { "key_id = $4" } else { "$4::text IS NULL" };
        let sql = &format!(
            "UPDATE links SET revoked_at = $2 WHERE id = ANY(ARRAY(
                 SELECT id FROM links WHERE workspace_id = $1 AND {of_key} AND revoked_at IS NULL AND expires_at > $2
                 LIMIT $3 FOR UPDATE))"
        );
        transaction!(self, workspace, |tx| {
            // Waits for a link that is used now: to pass over it would leave it as it is.
            tx.begin(&[Lock::Workspace(workspace)], async { Ok(()) }).await?;
            let named = key.map(|key| key.to_string());
            let values: Values<'_> = &[&workspace.to_string(), &stored(tx.now_seconds()), &i64::from(limit), &named];
            let revoked = count(tx.execute(sql, values).await?);
            audit::note(&tx, origin, rules::all_revoked(workspace, key, revoked)).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(revoked)
        })
    }

    async fn forget_links(&self, limit: u32) -> Result<usize, MetadataError> {
        write!(self, |session| {
            let sql = "DELETE FROM links WHERE id = ANY(ARRAY(
                           SELECT id FROM links WHERE expires_at <= now_ms() / 1000 - $1 ORDER BY expires_at LIMIT $2))";
            session.execute(sql, &[&stored(EXPIRED_LINK_KEPT_SECONDS), &i64::from(limit)]).await
        })
        .map(count)
    }

    async fn link_keys(&self) -> Result<Vec<LinkKey>, MetadataError> {
        read!(self, |session| all_keys(session).await)
    }

    async fn rotate_link_keys(&self, secret: [u8; LINK_SECRET_BYTES]) -> Result<Vec<LinkKey>, MetadataError> {
        transaction!(self, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            let now_seconds = tx.now_seconds();
            let add = "INSERT INTO link_keys (version, secret, created_at)
                       SELECT coalesce(max(version), 0) + 1, $1, $2 FROM link_keys
                       HAVING coalesce(max(created_at), 0) <= $3 OR count(*) = 0
                       ON CONFLICT (version) DO NOTHING";
            let rotated_at = stored(now_seconds.saturating_sub(KEY_ROTATION_SECONDS));
            tx.execute(add, &[&secret.as_slice(), &stored(now_seconds), &rotated_at]).await?;
            let retired_at = stored(now_seconds.saturating_sub(KEY_KEPT_SECONDS));
            let retired = "DELETE FROM link_keys WHERE version < (
                               SELECT max(version) FROM link_keys WHERE created_at <= $1)";
            tx.execute(retired, &[&retired_at]).await?;
            let keys = all_keys(&tx).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(keys)
        })
    }
}

async fn all_keys(session: &Session) -> Result<Vec<LinkKey>, Failure> {
    rows::read_all(&session.rows(&format!("SELECT {LINK_KEY} FROM link_keys ORDER BY version"), &[]).await?)
}

async fn find(session: &Session, workspace: WorkspaceId, id: LinkId, lock: &str) -> Result<Option<Link>, Failure> {
    let sql = format!("SELECT {} FROM links l WHERE l.id = $1 AND l.workspace_id = $2 {lock}", link_columns(NOW));
    session.row(&sql, &[&id.to_string(), &workspace.to_string()]).await?.as_ref().map(rows::read).transpose()
}

/// Inserts a link under the lock of its workspace, which makes the count of links exact.
async fn create(
    tx: Transaction<'_>,
    caller: Caller,
    new: NewLink,
) -> Result<Result<Option<Link>, TooManyLinks>, Failure> {
    tx.begin(&[Lock::Workspace(caller.workspace)], async { Ok(()) }).await?;
    let (workspace, now_seconds) = (caller.workspace.to_string(), tx.now_seconds());
    let file_name = match &new.grant {
        LinkGrant::Download(Download { file, .. }) => {
            let name = "SELECT filename FROM files
                        WHERE workspace_id = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > $3)";
            let values: Values<'_> = &[&workspace, &file.to_string(), &stored(now_seconds)];
            let Some(row) = tx.row(name, values).await? else { return tx.rollback_with(Ok(None)).await };
            Some(Filename::stored(row.try_get(0)?))
        }
        LinkGrant::Upload(_) => None,
    };
    let live = "SELECT count(*) FROM (SELECT 1 FROM links
                WHERE workspace_id = $1 AND revoked_at IS NULL AND expires_at > $2 LIMIT $3) l";
    let live = tx.row(live, &[&workspace, &stored(now_seconds), &i64::from(MAX_LIVE_LINKS)]).await?;
    let live = live.map(|row| rows::number(&row, 0)).transpose()?;
    if live.is_some_and(|live| live >= u64::from(MAX_LIVE_LINKS)) {
        return tx.rollback_with(Err(TooManyLinks)).await;
    }
    let link = rules::new_link(LinkId::next(None, tx.now_ms(), random::bytes()), caller, new, file_name, now_seconds);
    let values = link_values(&link);
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
    tx.execute(&INSERT, &values).await?;
    audit::note(&tx, caller.into(), rules::created(&link)).await?;
    tx.commit(async { Ok(()) }).await?;
    Ok(Ok(Some(link)))
}

/// Returns whether a link may still make a File, and locks it until the end of the transaction.
pub(super) async fn take_unused(statement: &Prepared<'_>, workspace: WorkspaceId, id: LinkId) -> Result<bool, Failure> {
    Ok(statement.row(&[&id.to_string(), &workspace.to_string()]).await?.is_some())
}

/// Marks a link as used with its File. Returns false if it was used or revoked before.
pub(super) async fn mark_used(
    statement: &Prepared<'_>,
    workspace: WorkspaceId,
    id: LinkId,
    file: FileId,
    now_seconds: u64,
) -> Result<bool, Failure> {
    let values: Values<'_> = &[&id.to_string(), &stored(now_seconds), &file.to_string(), &workspace.to_string()];
    Ok(statement.execute(values).await? > 0)
}

async fn open_key(session: &Session, id: KeyId) -> Result<Option<Credential>, Failure> {
    let sql = format!(
        "SELECT {key}, w.archived_at, {member},
                {LIMITS_IN_FORCE}
         FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id WHERE k.id = $1",
        key = columns::of("k", KEY),
        member = columns::of("k", MEMBER),
    );
    let Some(row) = session.row(&sql, &[&id.to_string()]).await? else { return Ok(None) };
    credential(&row, &mut rows::reader(&row), KEY_LIMITS).map(Some)
}

/// Reads a key, when its workspace was archived, its person, and its limits, which begin with this column.
fn credential(row: &Row, reader: &mut RowReader<'_, Row>, limits: usize) -> Result<Credential, Failure> {
    let (key, archived) = (reader.value()?, reader.optional_number()?.is_some());
    let member = reader.optional_member()?;
    Ok(Credential { key, retires_at: None, archived, limits: limits::in_force(row, limits)?, member })
}

async fn open(session: &Session, id: LinkId) -> Result<Option<OpenedLink>, Failure> {
    let sql = format!(
        "SELECT {link}, {key}, w.archived_at, {member},
                {LIMITS_IN_FORCE}
         FROM links l JOIN api_keys k ON k.id = l.key_id JOIN workspaces w ON w.id = l.workspace_id
         WHERE l.id = $1 AND k.workspace_id = l.workspace_id",
        link = link_columns(NOW),
        key = columns::of("k", KEY),
        member = columns::of("k", MEMBER),
    );
    let Some(row) = session.row(&sql, &[&id.to_string()]).await? else { return Ok(None) };
    let mut reader = rows::reader(&row);
    let link = reader.value()?;
    Ok(Some(OpenedLink { link, credential: credential(&row, &mut reader, LINK_COLUMNS + KEY_LIMITS)? }))
}
