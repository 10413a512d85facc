//! People and their memberships.

use super::{FromRow, Row, RowReader};
use crate::model::person::{GrantedBy, Identity, Member, Membership, Person, Role};

/// Columns of a person.
pub const PERSON: &str = "id, issuer, subject, name, email, last_signed_in_at";
/// Columns of a membership, which is a row of `api_keys`.
pub const MEMBERSHIP: &str = "id, workspace_id, person_id, role, granted_by";
/// Columns of the person behind a key without a secret.
pub const MEMBER: &str = "person_id, role";

impl FromRow for Person {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let id = row.parsed()?;
        let identity = Identity {
            issuer: row.text()?.to_owned(),
            subject: row.text()?.to_owned(),
            name: row.optional_text()?.map(str::to_owned),
            email: row.optional_text()?.map(str::to_owned),
        };
        Ok(Self { id, identity, last_signed_in_at: row.number()? })
    }
}

impl FromRow for Membership {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        Ok(Self {
            key: row.parsed()?,
            workspace: row.optional_parsed()?,
            person: row.parsed()?,
            role: row.named(Role::named)?,
            granted_by: row.named(GrantedBy::named)?,
        })
    }
}

impl<R: Row> RowReader<'_, R> {
    /// Reads the person behind a key; none for a key with a secret.
    pub fn optional_member(&mut self) -> Result<Option<Member>, R::Error> {
        let (person, role) = (self.optional_parsed()?, self.optional_named(Role::named)?);
        Ok(person.zip(role).map(|(person, role)| Member { person, role }))
    }
}

impl FromRow for Member {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        Ok(Self { person: row.parsed()?, role: row.named(Role::named)? })
    }
}
