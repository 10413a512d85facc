//! Rows of people and their memberships.

use super::queries::Queries;
use super::rows;
use super::store::SqliteStore;
use super::transaction::Transaction;
use super::{audit, keys, sessions};
use crate::metadata::error::MetadataError;
use crate::metadata::people::PersonStore;
use crate::metadata::rows::{KEY, MEMBER, MEMBERSHIP, PERSON, columns};
use crate::metadata::rules::pages::PageBound;
use crate::metadata::rules::people as rules;
use crate::model::api_key::Credential;
use crate::model::audit::{Action, Origin};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{KeyId, PersonId, WorkspaceId};
use crate::model::limits::LimitsInForce;
use crate::model::page::{Order, Page};
use crate::model::person::{
    Grant, GrantedBy, Identity, MAX_MEMBERSHIPS, Membership, MembershipChange, Person, PersonQuery, Role, changes,
};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};
use std::collections::BTreeMap;

#[async_trait]
impl PersonStore for SqliteStore {
    async fn sign_in_person(
        &self,
        identity: Identity,
        grants: Vec<Grant>,
        origin: Origin,
    ) -> std::result::Result<(Person, Vec<Membership>), MetadataError> {
        self.writer.write(move |transaction| sign_in(transaction, &identity, &grants, origin)).await
    }

    async fn find_person(&self, id: PersonId) -> std::result::Result<Option<Person>, MetadataError> {
        self.readers.point(|connection| find(connection, id))
    }

    async fn find_person_of(&self, issuer: &str, subject: &str) -> std::result::Result<Option<Person>, MetadataError> {
        self.readers.point(|connection| find_of(connection, issuer, subject))
    }

    async fn list_people(&self, query: PersonQuery) -> std::result::Result<Page<Person>, MetadataError> {
        self.readers.point(|connection| list(connection, &query))
    }

    async fn memberships_of(&self, person: PersonId) -> std::result::Result<Vec<Membership>, MetadataError> {
        self.readers.point(|connection| memberships(connection, person))
    }

    async fn list_members(
        &self,
        workspace: WorkspaceId,
        after: Option<PersonId>,
        limit: u32,
    ) -> std::result::Result<Page<(Person, Membership)>, MetadataError> {
        let PageBound { edge, .. } = PageBound::behind(after, Order::Ascending);
        let sql = format!(
            "SELECT {person}, {membership} FROM api_keys k INDEXED BY api_keys_members
             CROSS JOIN persons p ON p.id = k.person_id
             WHERE coalesce(k.workspace_id, '') = ?1 AND k.person_id > ?2
                 AND k.person_id IS NOT NULL AND k.revoked_at IS NULL
             ORDER BY k.person_id LIMIT ?3",
            person = columns::of("p", PERSON),
            membership = columns::of("k", MEMBERSHIP),
        );
        let values = params![workspace, edge, u64::from(limit) + 1];
        let read = |row: &Row<'_>| {
            let mut row = rows::reader(row);
            Ok((row.value()?, row.value()?))
        };
        self.readers.point(|connection| Ok(Page::cut(connection.rows(&sql, values, read)?, limit)))
    }

    async fn find_member(
        &self,
        person: PersonId,
        workspace: Option<WorkspaceId>,
    ) -> std::result::Result<Option<Credential>, MetadataError> {
        self.readers.point(|connection| find_member(connection, person, workspace))
    }

    async fn set_member(
        &self,
        person: PersonId,
        workspace: Option<WorkspaceId>,
        role: Option<Role>,
        origin: Origin,
        once: Option<Idempotency<(Person, Option<Membership>)>>,
    ) -> std::result::Result<IdempotentOutcome<Option<(Person, Option<Membership>)>>, MetadataError> {
        let set = move |transaction: &Transaction<'_>| set(transaction, person, workspace, role, origin);
        self.administer(once, set, Option::as_ref).await
    }

    async fn delete_person(&self, person: PersonId, origin: Origin) -> std::result::Result<bool, MetadataError> {
        self.writer
            .write(move |transaction| {
                if transaction.change("DELETE FROM persons WHERE id = ?1", [person])? == 0 {
                    return Ok(false);
                }
                for membership in memberships(transaction, person)? {
                    revoke(transaction, &membership, origin)?;
                }
                sessions::end_all(transaction, Some(person), None, origin)?;
                audit::add(transaction, origin, rules::deleted(person))?;
                Ok(true)
            })
            .await
    }
}

fn sign_in(
    transaction: &Transaction<'_>,
    identity: &Identity,
    grants: &[Grant],
    origin: Origin,
) -> Result<(Person, Vec<Membership>)> {
    let known = find_of(transaction, &identity.issuer, &identity.subject)?;
    let id = known.map_or_else(|| PersonId::next(None, transaction.now_ms(), random::bytes()), |known| known.id);
    let person = rules::person(id, identity, transaction.now_seconds());
    let sql =
        "INSERT INTO persons (id, issuer, subject, name, email, last_signed_in_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (id) DO UPDATE
               SET name = excluded.name, email = excluded.email, last_signed_in_at = excluded.last_signed_in_at";
    let Identity { issuer, subject, name, email } = identity;
    transaction.change(sql, params![id, issuer, subject, name, email, person.last_signed_in_at])?;
    let origin = rules::origin_of(id, origin);
    for change in changes(&memberships(transaction, id)?, grants) {
        match change {
            MembershipChange::Add(grant) => {
                if is_open(transaction, grant.workspace)? {
                    add(transaction, &person, grant, GrantedBy::Rule, origin)?;
                }
            }
            MembershipChange::Update(known, role) => {
                update(transaction, &known, role, GrantedBy::Rule, origin)?;
            }
            MembershipChange::Revoke(known) => revoke(transaction, &known, origin)?,
        }
    }
    Ok((person, memberships(transaction, id)?))
}

fn set(
    transaction: &Transaction<'_>,
    person: PersonId,
    workspace: Option<WorkspaceId>,
    role: Option<Role>,
    origin: Origin,
) -> Result<Option<(Person, Option<Membership>)>> {
    let Some(person) = find(transaction, person)? else { return Ok(None) };
    let known = memberships(transaction, person.id)?;
    let member = match (known.iter().find(|one| one.workspace == workspace), role) {
        (Some(known), Some(role)) => Some(update(transaction, known, role, GrantedBy::Api, origin)?),
        (Some(known), None) => revoke(transaction, known, origin).map(|()| None)?,
        (None, None) => None,
        (None, Some(_)) if known.len() >= MAX_MEMBERSHIPS as usize || !is_open(transaction, workspace)? => {
            return Ok(None);
        }
        (None, Some(role)) => Some(add(transaction, &person, Grant { workspace, role }, GrantedBy::Api, origin)?),
    };
    Ok(Some((person, member)))
}

fn add(
    transaction: &Transaction<'_>,
    person: &Person,
    grant: Grant,
    granted_by: GrantedBy,
    origin: Origin,
) -> Result<Membership> {
    let key = KeyId::next(None, transaction.now_ms(), random::bytes());
    let membership = rules::membership(key, person.id, grant, granted_by);
    let sql = "INSERT INTO api_keys (id, workspace_id, scopes, redacted, name, person_id, role, granted_by)
               VALUES (?1, ?2, ?3, '', ?4, ?5, ?6, ?7)";
    let name = person.identity.email.as_deref().or(person.identity.name.as_deref()).unwrap_or_default();
    let scopes = rules::stored_scopes(grant);
    let values = params![key, grant.workspace, scopes, name, person.id, grant.role.name(), granted_by.name()];
    transaction.change(sql, values)?;
    audit::add(transaction, origin, rules::entry(Action::PersonAdded, &membership))?;
    Ok(membership)
}

fn update(
    transaction: &Transaction<'_>,
    known: &Membership,
    role: Role,
    granted_by: GrantedBy,
    origin: Origin,
) -> Result<Membership> {
    let updated = Membership { role, granted_by, ..*known };
    if updated == *known {
        return Ok(updated);
    }
    let scopes = rules::stored_scopes(Grant { workspace: known.workspace, role });
    let sql = "UPDATE api_keys SET scopes = ?2, role = ?3, granted_by = ?4 WHERE id = ?1";
    transaction.change(sql, params![known.key, scopes, role.name(), granted_by.name()])?;
    audit::add(transaction, origin, rules::entry(Action::PersonUpdated, &updated))?;
    Ok(updated)
}

fn revoke(transaction: &Transaction<'_>, known: &Membership, origin: Origin) -> Result<()> {
    let sql = "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1";
    transaction.change(sql, params![known.key, transaction.now_seconds()])?;
    audit::add(transaction, origin, rules::entry(Action::PersonRemoved, known))
}

fn list(connection: &Connection, query: &PersonQuery) -> Result<Page<Person>> {
    let PageBound { edge, .. } = PageBound::behind(query.after, Order::Ascending);
    let most = u64::from(query.limit) + 1;
    let Some(emails) = &query.emails else {
        let sql = format!("SELECT {PERSON} FROM persons WHERE id > ?1 ORDER BY id LIMIT ?2");
        return Ok(Page::cut(connection.rows(&sql, params![edge, most], rows::read)?, query.limit));
    };
    let sql = format!("SELECT {PERSON} FROM persons WHERE lower(email) = lower(?3) AND id > ?1 ORDER BY id LIMIT ?2");
    let mut found = BTreeMap::new();
    for email in emails {
        let people: Vec<Person> = connection.rows(&sql, params![edge, most, email], rows::read)?;
        found.extend(people.into_iter().map(|person| (person.id, person)));
    }
    Ok(Page::cut(found.into_values().collect(), query.limit))
}

fn find(connection: &Connection, id: PersonId) -> Result<Option<Person>> {
    connection.row(&format!("SELECT {PERSON} FROM persons WHERE id = ?1"), [id], rows::read)
}

fn find_of(connection: &Connection, issuer: &str, subject: &str) -> Result<Option<Person>> {
    let sql = format!("SELECT {PERSON} FROM persons WHERE issuer = ?1 AND subject = ?2");
    connection.row(&sql, [issuer, subject], rows::read)
}

fn memberships(connection: &Connection, person: PersonId) -> Result<Vec<Membership>> {
    let sql = format!(
        "SELECT {MEMBERSHIP} FROM api_keys k INDEXED BY api_keys_by_person
         WHERE k.person_id = ?1 AND k.person_id IS NOT NULL AND k.revoked_at IS NULL ORDER BY k.id LIMIT ?2"
    );
    connection.rows(&sql, params![person, MAX_MEMBERSHIPS], rows::read)
}

/// Returns whether a workspace is there and not archived. The administration always is.
fn is_open(connection: &Connection, workspace: Option<WorkspaceId>) -> Result<bool> {
    let Some(workspace) = workspace else { return Ok(true) };
    let sql = "SELECT 1 FROM workspaces WHERE id = ?1 AND archived_at IS NULL";
    Ok(connection.row(sql, [workspace], |_| Ok(()))?.is_some())
}

fn find_member(
    connection: &Connection,
    person: PersonId,
    workspace: Option<WorkspaceId>,
) -> Result<Option<Credential>> {
    let sql = format!(
        "SELECT {key}, {member}, w.archived_at FROM api_keys k INDEXED BY api_keys_members
         LEFT JOIN workspaces w ON w.id = k.workspace_id
         WHERE coalesce(k.workspace_id, '') = ?1 AND k.person_id = ?2
             AND k.person_id IS NOT NULL AND k.revoked_at IS NULL",
        key = columns::of("k", KEY),
        member = columns::of("k", MEMBER),
    );
    let credential = |row: &Row<'_>| {
        let mut row = rows::reader(row);
        let (key, member) = (row.value()?, Some(row.value()?));
        let archived = row.optional_number()?.is_some();
        Ok(Credential { key, retires_at: None, archived, limits: LimitsInForce::default(), member })
    };
    let found = connection.row(&sql, params![rules::place(workspace), person], credential)?;
    found.map(|found| keys::with_limits(connection, found)).transpose()
}
