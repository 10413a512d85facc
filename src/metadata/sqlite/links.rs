//! Rows of signed links.

use super::link_uses::use_up;
use super::queries::Queries;
use super::store::SqliteStore;
use super::transaction::Transaction;
use super::{audit, files, keys, rows};
use crate::metadata::error::MetadataError;
use crate::metadata::links::{LinkStore, OpenedLink};
use crate::metadata::rows::{
    KEY, LINK_KEY, MEMBER, RowReader, columns, insert_link, link as link_columns, link_values,
};
use crate::metadata::rules::links as rules;
use crate::metadata::rules::pages::PageBound;
use crate::model::api_key::Credential;
use crate::model::audit::Origin;
use crate::model::caller::Caller;
use crate::model::ids::{FileId, KeyId, LinkId, WorkspaceId};
use crate::model::limits::LimitsInForce;
use crate::model::link::{Download, EXPIRED_LINK_KEPT_SECONDS, Link, LinkGrant, MAX_LIVE_LINKS, NewLink, TooManyLinks};
use crate::model::link_key::{KEY_KEPT_SECONDS, KEY_ROTATION_SECONDS, LINK_SECRET_BYTES, LinkKey};
use crate::model::page::{Order, Page};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params, params_from_iter};
use std::sync::LazyLock;

static INSERT: LazyLock<String> = LazyLock::new(|| insert_link('?'));

#[async_trait]
impl LinkStore for SqliteStore {
    async fn create_link(
        &self,
        caller: Caller,
        new: NewLink,
    ) -> Result<std::result::Result<Option<Link>, TooManyLinks>, MetadataError> {
        self.writer.write_for(caller.workspace, move |transaction| create(transaction, caller, new)).await
    }

    async fn find_link(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.point(|connection| find(connection, workspace, id, now_seconds))
    }

    async fn list_links(
        &self,
        workspace: WorkspaceId,
        file: Option<FileId>,
        after: Option<LinkId>,
        order: Order,
        limit: u32,
    ) -> Result<Page<Link>, MetadataError> {
        let PageBound { comparison, direction, edge } = PageBound::behind(after, order);
        let of = match file {
            Some(_) => "INDEXED BY links_by_file WHERE l.workspace_id = ?1 AND l.file_id = ?5",
            None => "INDEXED BY links_by_workspace WHERE l.workspace_id = ?1 AND ?5 IS NULL",
        };
        let sql = format!(
            "SELECT {} FROM links l {of} AND l.id {comparison} ?3 ORDER BY l.id {direction} LIMIT ?4",
            link_columns("?2")
        );
        let file = file.map(|file| file.to_string());
        let values = params![workspace, self.clock.now_seconds(), edge, u64::from(limit) + 1, file];
        self.readers.point(|connection| Ok(Page::cut(connection.rows(&sql, values, rows::read)?, limit)))
    }

    async fn open_link(&self, id: LinkId) -> Result<Option<OpenedLink>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.point(|connection| open(connection, id, now_seconds))
    }

    async fn open_key(&self, id: KeyId) -> Result<Option<Credential>, MetadataError> {
        self.readers.point(|connection| open_key(connection, id))
    }

    async fn use_link(&self, link: Link, origin: Origin) -> Result<bool, MetadataError> {
        self.writer
            .write_for(link.workspace, move |transaction| {
                let Some(file) = link.file else { return Ok(false) };
                use_up(transaction, (link.workspace, link.id, link.key), file, origin)
            })
            .await
    }

    async fn revoke_link(
        &self,
        workspace: WorkspaceId,
        id: LinkId,
        origin: Origin,
    ) -> Result<Option<Link>, MetadataError> {
        self.writer
            .write_for(workspace, move |transaction| {
                let now_seconds = transaction.now_seconds();
                let Some(link) = find(transaction, workspace, id, now_seconds)? else { return Ok(None) };
                if link.revoked_at.is_some() {
                    return Ok(Some(link));
                }
                transaction.change("UPDATE links SET revoked_at = ?2 WHERE id = ?1", params![id, now_seconds])?;
                audit::add(transaction, origin, rules::revoked(&link))?;
                Ok(Some(Link { revoked_at: Some(now_seconds), ..link }))
            })
            .await
    }

    async fn revoke_links(
        &self,
        workspace: WorkspaceId,
        key: Option<KeyId>,
        limit: u32,
        origin: Origin,
    ) -> Result<usize, MetadataError> {
        let of = match key {
            Some(_) => "INDEXED BY links_not_revoked_by_key WHERE workspace_id = ?1 AND key_id = ?4",
            None => "INDEXED BY links_not_revoked WHERE workspace_id = ?1 AND ?4 IS NULL",
        };
        let sql = format!(
            "UPDATE links SET revoked_at = ?2 WHERE id IN
                 (SELECT id FROM links {of} AND revoked_at IS NULL AND expires_at > ?2 LIMIT ?3)"
        );
        self.writer
            .write_for(workspace, move |transaction| {
                let named = key.map(|key| key.to_string());
                let values = params![workspace, transaction.now_seconds(), limit, named];
                let revoked = transaction.change(&sql, values)?;
                audit::add(transaction, origin, rules::all_revoked(workspace, key, revoked))?;
                Ok(revoked)
            })
            .await
    }

    async fn forget_links(&self, limit: u32) -> Result<usize, MetadataError> {
        self.expire(move |transaction| {
            let sql = "DELETE FROM links WHERE id IN
                           (SELECT id FROM links WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
            let until_seconds = transaction.now_seconds().saturating_sub(EXPIRED_LINK_KEPT_SECONDS);
            transaction.change(sql, params![until_seconds, limit])
        })
        .await
    }

    async fn link_keys(&self) -> Result<Vec<LinkKey>, MetadataError> {
        self.readers.point(all_keys)
    }

    async fn rotate_link_keys(&self, secret: [u8; LINK_SECRET_BYTES]) -> Result<Vec<LinkKey>, MetadataError> {
        self.writer
            .write(move |transaction| {
                let now_seconds = transaction.now_seconds();
                let add = "INSERT INTO link_keys (version, secret, created_at)
                           SELECT coalesce(max(version), 0) + 1, ?1, ?2 FROM link_keys
                           HAVING coalesce(max(created_at), 0) <= ?3 OR count(*) = 0";
                let rotated_at = now_seconds.saturating_sub(KEY_ROTATION_SECONDS);
                transaction.change(add, params![secret, now_seconds, rotated_at])?;
                let retired_at = now_seconds.saturating_sub(KEY_KEPT_SECONDS);
                let retired = "DELETE FROM link_keys WHERE version < (
                                   SELECT max(version) FROM link_keys WHERE created_at <= ?1)";
                transaction.change(retired, [retired_at])?;
                all_keys(transaction)
            })
            .await
    }
}

fn all_keys(connection: &Connection) -> Result<Vec<LinkKey>> {
    connection.rows(&format!("SELECT {LINK_KEY} FROM link_keys ORDER BY version"), [], rows::read)
}

fn find(connection: &Connection, workspace: WorkspaceId, id: LinkId, now_seconds: u64) -> Result<Option<Link>> {
    let sql = format!("SELECT {} FROM links l WHERE l.id = ?1 AND l.workspace_id = ?3", link_columns("?2"));
    connection.row(&sql, params![id, now_seconds, workspace], rows::read)
}

fn create(
    transaction: &Transaction<'_>,
    caller: Caller,
    new: NewLink,
) -> Result<std::result::Result<Option<Link>, TooManyLinks>> {
    let now_seconds = transaction.now_seconds();
    let file_name = match &new.grant {
        LinkGrant::Download(Download { file, .. }) => {
            let Some(found) = files::find(transaction, caller.workspace, *file, now_seconds)? else {
                return Ok(Ok(None));
            };
            Some(found.filename)
        }
        LinkGrant::Upload(_) => None,
    };
    let live = "SELECT count(*) FROM (SELECT 1 FROM links INDEXED BY links_not_revoked
                WHERE workspace_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 LIMIT ?3)";
    let live: u32 = transaction.value(live, params![caller.workspace, now_seconds, MAX_LIVE_LINKS])?;
    if live >= MAX_LIVE_LINKS {
        return Ok(Err(TooManyLinks));
    }
    let id = LinkId::next(None, transaction.now_ms(), random::bytes());
    let link = rules::new_link(id, caller, new, file_name, now_seconds);
    transaction.change(&INSERT, params_from_iter(link_values(&link)))?;
    audit::add(transaction, caller.into(), rules::created(&link))?;
    Ok(Ok(Some(link)))
}

fn open_key(connection: &Connection, id: KeyId) -> Result<Option<Credential>> {
    let sql = format!(
        "SELECT {key}, w.archived_at, {member} FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id WHERE k.id = ?1",
        key = columns::of("k", KEY),
        member = columns::of("k", MEMBER),
    );
    let found = connection.row(&sql, params![id], |row| credential(&mut rows::reader(row)))?;
    found.map(|credential| keys::with_limits(connection, credential)).transpose()
}

/// Reads a key, when its workspace was archived and its person, without limits.
fn credential(row: &mut RowReader<'_, Row<'_>>) -> Result<Credential> {
    let (key, archived) = (row.value()?, row.optional_number()?.is_some());
    let member = row.optional_member()?;
    Ok(Credential { key, retires_at: None, archived, limits: LimitsInForce::default(), member })
}

fn open(connection: &Connection, id: LinkId, now_seconds: u64) -> Result<Option<OpenedLink>> {
    let sql = format!(
        "SELECT {link}, {key}, w.archived_at, {member} FROM links l JOIN api_keys k ON k.id = l.key_id
         JOIN workspaces w ON w.id = l.workspace_id WHERE l.id = ?1 AND k.workspace_id = l.workspace_id",
        link = link_columns("?2"),
        key = columns::of("k", KEY),
        member = columns::of("k", MEMBER),
    );
    let opened = |row: &Row<'_>| {
        let mut row = rows::reader(row);
        Ok((row.value()?, credential(&mut row)?))
    };
    let Some((link, credential)) = connection.row(&sql, params![id, now_seconds], opened)? else { return Ok(None) };
    Ok(Some(OpenedLink { link, credential: keys::with_limits(connection, credential)? }))
}
