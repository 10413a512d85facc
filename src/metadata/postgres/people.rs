//! Rows of people and their memberships.

use super::answers::AdminGuard;
use super::connections::{Session, Values};
use super::failure::Failure;
use super::limits::{self, LIMITS_IN_FORCE};
use super::rows::{self, stored};
use super::store::{PostgresStore, read, transaction};
use super::writer::{Lock, Transaction};
use super::{audit, sessions};
use crate::metadata::error::MetadataError;
use crate::metadata::people::PersonStore;
use crate::metadata::rows::{KEY, MEMBER, MEMBERSHIP, PERSON, columns};
use crate::metadata::rules::pages::PageBound;
use crate::metadata::rules::people as rules;
use crate::model::api_key::Credential;
use crate::model::audit::{Action, Origin};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{KeyId, PersonId, WorkspaceId};
use crate::model::page::{Order, Page};
use crate::model::person::{
    Grant, GrantedBy, Identity, MAX_MEMBERSHIPS, Membership, MembershipChange, Person, PersonQuery, Role, changes,
};
use crate::random;
use async_trait::async_trait;
use std::sync::LazyLock;

/// Selects a page of the people with one of these e-mail addresses. Each address is searched by itself, so that the
/// index gives no more people of it than the page may have.
static OF_EMAILS: LazyLock<String> = LazyLock::new(|| {
    let found = columns::of("p", PERSON);
    format!(
        "SELECT {found} FROM (SELECT DISTINCT lower(email) AS email FROM unnest($3::text[]) AS e (email)) e
         CROSS JOIN LATERAL (
             SELECT {PERSON} FROM persons WHERE lower(persons.email) = e.email AND id > $1 ORDER BY id LIMIT $2) p
         ORDER BY p.id LIMIT $2"
    )
});

#[async_trait]
impl PersonStore for PostgresStore {
    async fn sign_in_person(
        &self,
        identity: Identity,
        grants: Vec<Grant>,
        origin: Origin,
    ) -> Result<(Person, Vec<Membership>), MetadataError> {
        let (identity, grants) = (&identity, &grants);
        transaction!(self, |tx| {
            // Sign-ins of one person take turns.
            let turn = format!("sign-in {} {}", identity.issuer, identity.subject);
            tx.begin(&[Lock::Event(&turn)], async { Ok(()) }).await?;
            let signed_in = sign_in(&tx, identity, grants, origin).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(signed_in)
        })
    }

    async fn find_person(&self, id: PersonId) -> Result<Option<Person>, MetadataError> {
        read!(self, |session| find(session, id).await)
    }

    async fn find_person_of(&self, issuer: &str, subject: &str) -> Result<Option<Person>, MetadataError> {
        read!(self, |session| find_of(session, issuer, subject).await)
    }

    async fn list_people(&self, query: PersonQuery) -> Result<Page<Person>, MetadataError> {
        let query = &query;
        read!(self, |session| {
            let PageBound { edge, .. } = PageBound::behind(query.after, Order::Ascending);
            let most = i64::from(query.limit) + 1;
            let found = match &query.emails {
                None => {
                    let sql = format!("SELECT {PERSON} FROM persons WHERE id > $1 ORDER BY id LIMIT $2");
                    session.rows(&sql, &[&edge, &most]).await?
                }
                Some(emails) => session.rows(&OF_EMAILS, &[&edge, &most, emails]).await?,
            };
            Ok(Page::cut(rows::read_all(&found)?, query.limit))
        })
    }

    async fn memberships_of(&self, person: PersonId) -> Result<Vec<Membership>, MetadataError> {
        read!(self, |session| memberships(session, person).await)
    }

    async fn list_members(
        &self,
        workspace: WorkspaceId,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Page<(Person, Membership)>, MetadataError> {
        read!(self, |session| {
            let PageBound { edge, .. } = PageBound::behind(after, Order::Ascending);
            let sql = format!(
                "SELECT {person}, {membership} FROM api_keys k JOIN persons p ON p.id = k.person_id
                 WHERE coalesce(k.workspace_id, '') = $1 AND k.person_id > $2
                     AND k.person_id IS NOT NULL AND k.revoked_at IS NULL
                 ORDER BY k.person_id LIMIT $3",
                person = columns::of("p", PERSON),
                membership = columns::of("k", MEMBERSHIP),
            );
            let found = session.rows(&sql, &[&workspace.to_string(), &edge, &(i64::from(limit) + 1)]).await?;
            let read = |row: &tokio_postgres::Row| {
                let mut row = rows::reader(row);
                Ok::<_, Failure>((row.value()?, row.value()?))
            };
            Ok(Page::cut(found.iter().map(read).collect::<Result<_, _>>()?, limit))
        })
    }

    async fn find_member(
        &self,
        person: PersonId,
        workspace: Option<WorkspaceId>,
    ) -> Result<Option<Credential>, MetadataError> {
        read!(self, |session| find_member(session, person, workspace).await)
    }

    async fn set_member(
        &self,
        person: PersonId,
        workspace: Option<WorkspaceId>,
        role: Option<Role>,
        origin: Origin,
        once: Option<Idempotency<(Person, Option<Membership>)>>,
    ) -> Result<IdempotentOutcome<Option<(Person, Option<Membership>)>>, MetadataError> {
        let once = once.as_ref();
        transaction!(self, |tx| {
            let guard = AdminGuard::prepare(&tx, once).await?;
            // Under the lock of the workspace, so that later creates in it see the change.
            if let Some(rejection) = guard.begin(workspace.map(Lock::Workspace)).await? {
                return tx.rollback_with(rejection.into()).await;
            }
            let Some(set) = set(&tx, person, workspace, role, origin).await? else {
                return tx.rollback_with(IdempotentOutcome::Made(None)).await;
            };
            guard.commit(&set).await?;
            Ok(IdempotentOutcome::Made(Some(set)))
        })
    }

    async fn delete_person(&self, person: PersonId, origin: Origin) -> Result<bool, MetadataError> {
        transaction!(self, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            if tx.execute("DELETE FROM persons WHERE id = $1", &[&person.to_string()]).await? == 0 {
                return tx.rollback_with(false).await;
            }
            for membership in memberships(&tx, person).await? {
                revoke(&tx, &membership, origin).await?;
            }
            sessions::end_all(&tx, Some(person), None, origin).await?;
            audit::note(&tx, origin, rules::deleted(person)).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(true)
        })
    }
}

async fn set(
    tx: &Transaction<'_>,
    person: PersonId,
    workspace: Option<WorkspaceId>,
    role: Option<Role>,
    origin: Origin,
) -> Result<Option<(Person, Option<Membership>)>, Failure> {
    let sql = format!("SELECT {PERSON} FROM persons WHERE id = $1 FOR UPDATE");
    let found = tx.row(&sql, &[&person.to_string()]).await?;
    let Some(person) = found.as_ref().map(rows::read::<Person>).transpose()? else { return Ok(None) };
    let known = memberships(tx, person.id).await?;
    let member = match (known.iter().find(|one| one.workspace == workspace), role) {
        (Some(known), Some(role)) => Some(update(tx, known, role, GrantedBy::Api, origin).await?),
        (Some(known), None) => revoke(tx, known, origin).await.map(|()| None)?,
        (None, None) => None,
        (None, Some(_)) if known.len() >= MAX_MEMBERSHIPS as usize || !is_open(tx, workspace).await? => {
            return Ok(None);
        }
        (None, Some(role)) => Some(add(tx, &person, Grant { workspace, role }, GrantedBy::Api, origin).await?),
    };
    Ok(Some((person, member)))
}

async fn sign_in(
    tx: &Transaction<'_>,
    identity: &Identity,
    grants: &[Grant],
    origin: Origin,
) -> Result<(Person, Vec<Membership>), Failure> {
    let known = find_of(tx, &identity.issuer, &identity.subject).await?;
    let id = known.map_or_else(|| PersonId::next(None, tx.now_ms(), random::bytes()), |known| known.id);
    let person = rules::person(id, identity, tx.now_seconds());
    let sql =
        "INSERT INTO persons (id, issuer, subject, name, email, last_signed_in_at) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (id) DO UPDATE
               SET name = excluded.name, email = excluded.email, last_signed_in_at = excluded.last_signed_in_at";
    let Identity { issuer, subject, name, email } = identity;
    let values: Values<'_> = &[&id.to_string(), issuer, subject, name, email, &stored(person.last_signed_in_at)];
    tx.execute(sql, values).await?;
    let origin = rules::origin_of(id, origin);
    for change in changes(&memberships(tx, id).await?, grants) {
        match change {
            MembershipChange::Add(grant) => {
                if is_open(tx, grant.workspace).await? {
                    add(tx, &person, grant, GrantedBy::Rule, origin).await?;
                }
            }
            MembershipChange::Update(known, role) => {
                update(tx, &known, role, GrantedBy::Rule, origin).await?;
            }
            MembershipChange::Revoke(known) => revoke(tx, &known, origin).await?,
        }
    }
    Ok((person, memberships(tx, id).await?))
}

async fn add(
    tx: &Transaction<'_>,
    person: &Person,
    grant: Grant,
    granted_by: GrantedBy,
    origin: Origin,
) -> Result<Membership, Failure> {
    let key = KeyId::next(None, tx.now_ms(), random::bytes());
    let membership = rules::membership(key, person.id, grant, granted_by);
    let sql = "INSERT INTO api_keys (id, workspace_id, scopes, redacted, name, person_id, role, granted_by)
               VALUES ($1, $2, $3, '', $4, $5, $6, $7)";
    let name = person.identity.email.as_deref().or(person.identity.name.as_deref()).unwrap_or_default();
    let workspace = grant.workspace.map(|workspace| workspace.to_string());
    let (id, scopes, person) = (key.to_string(), rules::stored_scopes(grant), person.id.to_string());
    let values: Values<'_> = &[&id, &workspace, &scopes, &name, &person, &grant.role.name(), &granted_by.name()];
    tx.execute(sql, values).await?;
    audit::note(tx, origin, rules::entry(Action::PersonAdded, &membership)).await?;
    Ok(membership)
}

async fn update(
    tx: &Transaction<'_>,
    known: &Membership,
    role: Role,
    granted_by: GrantedBy,
    origin: Origin,
) -> Result<Membership, Failure> {
    let updated = Membership { role, granted_by, ..*known };
    if updated == *known {
        return Ok(updated);
    }
    let scopes = rules::stored_scopes(Grant { workspace: known.workspace, role });
    let sql = "UPDATE api_keys SET scopes = $2, role = $3, granted_by = $4 WHERE id = $1";
    tx.execute(sql, &[&known.key.to_string(), &scopes, &role.name(), &granted_by.name()]).await?;
    audit::note(tx, origin, rules::entry(Action::PersonUpdated, &updated)).await?;
    Ok(updated)
}

async fn revoke(tx: &Transaction<'_>, known: &Membership, origin: Origin) -> Result<(), Failure> {
    let sql = "UPDATE api_keys SET revoked_at = $2 WHERE id = $1";
    tx.execute(sql, &[&known.key.to_string(), &stored(tx.now_seconds())]).await?;
    audit::note(tx, origin, rules::entry(Action::PersonRemoved, known)).await
}

async fn find(session: &Session, id: PersonId) -> Result<Option<Person>, Failure> {
    let sql = format!("SELECT {PERSON} FROM persons WHERE id = $1");
    session.row(&sql, &[&id.to_string()]).await?.as_ref().map(rows::read).transpose()
}

async fn find_of(session: &Session, issuer: &str, subject: &str) -> Result<Option<Person>, Failure> {
    let sql = format!("SELECT {PERSON} FROM persons WHERE issuer = $1 AND subject = $2");
    session.row(&sql, &[&issuer, &subject]).await?.as_ref().map(rows::read).transpose()
}

async fn memberships(session: &Session, person: PersonId) -> Result<Vec<Membership>, Failure> {
    let sql = format!(
        "SELECT {MEMBERSHIP} FROM api_keys
         WHERE person_id = $1 AND person_id IS NOT NULL AND revoked_at IS NULL ORDER BY id LIMIT $2"
    );
    rows::read_all(&session.rows(&sql, &[&person.to_string(), &i64::from(MAX_MEMBERSHIPS)]).await?)
}

/// Returns whether a workspace is there and not archived. The administration always is.
async fn is_open(session: &Session, workspace: Option<WorkspaceId>) -> Result<bool, Failure> {
    let Some(workspace) = workspace else { return Ok(true) };
    let sql = "SELECT 1 FROM workspaces WHERE id = $1 AND archived_at IS NULL";
    Ok(session.row(sql, &[&workspace.to_string()]).await?.is_some())
}

async fn find_member(
    session: &Session,
    person: PersonId,
    workspace: Option<WorkspaceId>,
) -> Result<Option<Credential>, Failure> {
    let sql = format!(
        "SELECT {key}, {member}, w.archived_at,
                {LIMITS_IN_FORCE}
         FROM api_keys k LEFT JOIN workspaces w ON w.id = k.workspace_id
         WHERE coalesce(k.workspace_id, '') = $1 AND k.person_id = $2
             AND k.person_id IS NOT NULL AND k.revoked_at IS NULL",
        key = columns::of("k", KEY),
        member = columns::of("k", MEMBER),
    );
    let Some(row) = session.row(&sql, &[&rules::place(workspace), &person.to_string()]).await? else {
        return Ok(None);
    };
    let mut reader = rows::reader(&row);
    let (key, member) = (reader.value()?, Some(reader.value()?));
    let archived = reader.optional_number()?.is_some();
    let limits = limits::in_force(&row, LIMITS)?;
    Ok(Some(Credential { key, retires_at: None, archived, limits, member }))
}

/// The column of the limits in the row of a member.
const LIMITS: usize = columns::count(KEY) + columns::count(MEMBER) + 1;
