//! People who sign in by OpenID Connect, their roles, and their memberships in workspaces.

use super::ids::{KeyId, PersonId, WorkspaceId};
use super::scope::{Scope, Scopes};
use std::fmt;

/// The longest subject, name or e-mail address of a person, in bytes.
pub const MAX_TEXT_BYTES: usize = 255;
/// The maximum of workspaces of which one person is a member.
pub const MAX_MEMBERSHIPS: u32 = 1000;

/// The longest e-mail address that a filter takes, in characters.
pub const MAX_EMAIL_CHARS: usize = 255;

/// The role of a person in a workspace, or of an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads Files and usage.
    Reader,
    /// Also creates and deletes Files.
    Writer,
    /// Also manages the keys and members of the workspace.
    Owner,
    /// Opens the administration, as an admin key does.
    Administrator,
}

impl Role {
    /// Every role, the least one first.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Writer, Self::Owner, Self::Administrator];
    /// The roles of members of a workspace.
    pub const OF_MEMBERS: [Self; 3] = [Self::Reader, Self::Writer, Self::Owner];

    /// Returns the role of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Owner => "owner",
            Self::Administrator => "administrator",
        }
    }

    /// Returns the scopes in the workspace.
    #[must_use]
    pub const fn scopes(self) -> Scopes {
        match self {
            Self::Reader | Self::Administrator => Scopes::READ,
            Self::Writer | Self::Owner => Scopes::DEFAULT,
        }
    }

    /// Returns the role of a key: the smallest one that fits its scopes.
    #[must_use]
    pub fn of_scopes(scopes: Scopes) -> Self {
        let writes = [Scope::FilesWrite, Scope::UploadsWrite, Scope::FilesProduce];
        if writes.into_iter().any(|scope| scopes.contains(scope)) { Self::Writer } else { Self::Reader }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The identity that a provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The issuer of the provider.
    pub issuer: String,
    /// The subject, unique and unchanging at the issuer.
    pub subject: String,
    /// The name, if the provider names one.
    pub name: Option<String>,
    /// The e-mail address, if the provider has verified one.
    pub email: Option<String>,
}

/// A person as the store records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id; its second is the time of the first sign-in.
    pub id: PersonId,
    /// The identity of the last sign-in.
    pub identity: Identity,
    /// The Unix second of the last sign-in.
    pub last_signed_in_at: u64,
}

/// The origin of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantedBy {
    /// A rule over claims. Each sign-in renews or revokes it.
    Rule,
    /// A request to the API. It stays until a request revokes it.
    Api,
}

impl GrantedBy {
    /// Returns the origin of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Rule, Self::Api].into_iter().find(|by| by.name() == name)
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Api => "api",
        }
    }
}

/// The access of a person to a workspace, or to the administration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Its id, which stands in the bill like the id of a key.
    pub key: KeyId,
    /// The workspace; none for the administration.
    pub workspace: Option<WorkspaceId>,
    /// The person.
    pub person: PersonId,
    /// The role.
    pub role: Role,
    /// The origin.
    pub granted_by: GrantedBy,
}

/// The access that a rule gives at a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The workspace; none for the administration.
    pub workspace: Option<WorkspaceId>,
    /// The role.
    pub role: Role,
}

/// The person behind a key without a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub person: PersonId,
    /// The role.
    pub role: Role,
}

/// A change that a sign-in makes to the memberships of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipChange {
    /// A membership is added.
    Add(Grant),
    /// A membership gets another role.
    Update(Membership, Role),
    /// A membership is revoked.
    Revoke(Membership),
}

/// Returns the changes after which the memberships that rules granted are those of `grants`. Of several grants for a
/// workspace the highest role counts. Memberships by the API stay as they are.
#[must_use]
pub fn changes(known: &[Membership], grants: &[Grant]) -> Vec<MembershipChange> {
    let mut wanted: Vec<Grant> = Vec::new();
    for grant in grants {
        match wanted.iter_mut().find(|other| other.workspace == grant.workspace) {
            Some(other) => other.role = other.role.max(grant.role),
            None => wanted.push(*grant),
        }
    }
    let of = |workspace| wanted.iter().find(move |grant| grant.workspace == workspace);
    let revoked_or_updated =
        known.iter().filter(|one| one.granted_by == GrantedBy::Rule).filter_map(|one| match of(one.workspace) {
            None => Some(MembershipChange::Revoke(*one)),
            Some(grant) if grant.role != one.role => Some(MembershipChange::Update(*one, grant.role)),
            Some(_) => None,
        });
    let is_new = |grant: &&Grant| known.iter().all(|one| one.workspace != grant.workspace);
    revoked_or_updated.chain(wanted.iter().filter(is_new).map(|grant| MembershipChange::Add(*grant))).collect()
}

/// A query of people, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct PersonQuery {
    /// The e-mail addresses to include, upper or lower case.
    pub emails: Option<Vec<String>>,
    /// The person behind whom the page begins.
    pub after: Option<PersonId>,
    /// The maximum number of people.
    pub limit: u32,
}

/// Returns whether a text can be an e-mail address: text around an `@`, without blanks and control characters.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let has_both = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    let is_plain = !text.chars().any(|one| one <= ' ' || one == '\u{7f}');
    has_both && is_plain && text.chars().count() <= MAX_EMAIL_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(number: u64) -> WorkspaceId {
        WorkspaceId::next(None, number, [0; 11])
    }

    fn membership(number: u64, role: Role, granted_by: GrantedBy) -> Membership {
        let person = PersonId::next(None, 1, [0; 11]);
        Membership {
            key: KeyId::next(None, number, [0; 11]),
            workspace: Some(workspace(number)),
            person,
            role,
            granted_by,
        }
    }

    #[test]
    fn a_sign_in_renews_what_rules_granted_and_leaves_the_rest() {
        let known = [
            membership(1, Role::Reader, GrantedBy::Rule),
            membership(2, Role::Reader, GrantedBy::Rule),
            membership(3, Role::Owner, GrantedBy::Api),
            membership(5, Role::Writer, GrantedBy::Rule),
        ];
        let grant = |number, role| Grant { workspace: Some(workspace(number)), role };
        let grants = [
            grant(2, Role::Writer),
            grant(3, Role::Reader),
            grant(4, Role::Reader),
            grant(4, Role::Owner),
            grant(4, Role::Writer),
            grant(5, Role::Writer),
        ];
        let expected = [
            MembershipChange::Revoke(known[0]),
            MembershipChange::Update(known[1], Role::Writer),
            MembershipChange::Add(grant(4, Role::Owner)),
        ];
        assert_eq!(changes(&known, &grants), expected);
    }

    #[test]
    fn roles_have_their_scopes_and_names() {
        assert!(Role::ALL.is_sorted() && Role::ALL.iter().all(|role| Role::named(role.name()) == Some(*role)));
        assert_eq!(Role::of_scopes(Role::Reader.scopes()), Role::Reader);
        assert_eq!(Role::of_scopes(Role::Owner.scopes()), Role::Writer);
        assert!(!Role::Owner.scopes().contains(Scope::FilesProduce));
    }
}
