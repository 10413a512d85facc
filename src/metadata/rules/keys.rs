//! Creation and changes of API keys.

use super::audit;
use super::update::Update;
use crate::metadata::keys::{KeyChanges, NewKey, NewSecret};
use crate::model::api_key::{ApiKey, KeyStatus, Opens};
use crate::model::audit::Action;
use crate::model::ids::KeyId;
use crate::model::scope::Scope;
use serde_json::{Map, json};

/// Returns a new key.
pub fn new_key(id: KeyId, new: &NewKey) -> ApiKey {
    ApiKey {
        id,
        opens: new.opens,
        name: new.name.clone(),
        redacted: new.secret.redacted.clone(),
        expires_at: new.valid_seconds.map(|seconds| id.created_at().saturating_add(seconds)),
        revoked_at: None,
        last_used_at: None,
    }
}

/// Returns the scopes of a key in the form that is stored. They are empty for a key of an administrator.
pub fn stored_scopes(key: &ApiKey) -> String {
    key.opens.scopes().map(|scopes| scopes.to_string()).unwrap_or_default()
}

/// Returns a key after it is revoked. A revoked key stays as it is.
pub fn revoke(known: ApiKey, now_seconds: u64) -> Update<ApiKey> {
    if known.revoked_at.is_some() {
        return Update::none(known);
    }
    let revoked = ApiKey { revoked_at: Some(now_seconds), ..known };
    let entry = audit::key(Action::KeyRevoked, &revoked, None);
    Update::of(revoked, entry)
}

/// Returns a key after it has got a new secret, beside which the secrets before it are valid for `overlap_seconds`.
///
/// # Errors
/// The status of a key that is not active.
pub fn rotate(
    known: ApiKey,
    secret: &NewSecret,
    overlap_seconds: u64,
    now_seconds: u64,
) -> Result<Update<ApiKey>, KeyStatus> {
    let rotated = ApiKey { redacted: secret.redacted.clone(), ..active(known, now_seconds)? };
    let details = json!({"overlap_seconds": overlap_seconds});
    let entry = audit::key(Action::KeyUpdated, &rotated, Some(details));
    Ok(Update::of(rotated, entry))
}

/// Returns a key after these changes. A key of an administrator has no scopes that could be changed.
///
/// # Errors
/// The status of a key that is not active.
pub fn update(known: ApiKey, changes: &KeyChanges, now_seconds: u64) -> Result<Update<ApiKey>, KeyStatus> {
    let mut changed = active(known, now_seconds)?;
    let mut details = Map::new();
    if let Some(name) = &changes.name {
        details.insert("name".to_owned(), json!(name));
        changed.name.clone_from(name);
    }
    if let (Some(scopes), Opens::Workspace(workspace, _)) = (changes.scopes, changed.opens) {
        let names: Vec<_> = scopes.iter().map(Scope::name).collect();
        details.insert("scopes".to_owned(), json!(names));
        changed.opens = Opens::Workspace(workspace, scopes);
    }
    if let Some(seconds) = changes.valid_seconds {
        details.insert("expires_in_seconds".to_owned(), json!(seconds));
        changed.expires_at = Some(now_seconds.saturating_add(seconds));
    }
    let entry = (!details.is_empty()).then(|| audit::key(Action::KeyUpdated, &changed, Some(details.into())));
    Ok(Update { row: changed, entry })
}

/// Returns the key if it is active.
fn active(known: ApiKey, now_seconds: u64) -> Result<ApiKey, KeyStatus> {
    match known.status(now_seconds) {
        KeyStatus::Active => Ok(known),
        ended => Err(ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_key::KeyDigest;
    use crate::model::ids::WorkspaceId;
    use crate::model::scope::Scopes;

    const NOW: u64 = 1000;

    fn secret(redacted: &str) -> NewSecret {
        NewSecret { digest: KeyDigest([0; 32]), redacted: redacted.to_owned() }
    }

    fn key(opens: Opens) -> ApiKey {
        let new = NewKey { opens, secret: secret("vk_a"), name: "a".to_owned(), valid_seconds: Some(NOW) };
        new_key(KeyId::next(None, NOW * 1000, [0; 11]), &new)
    }

    fn of_workspace() -> ApiKey {
        key(Opens::Workspace(WorkspaceId::next(None, 1, [0; 11]), Scopes::ALL))
    }

    #[test]
    fn a_key_expires_after_its_time_and_is_revoked_once() {
        let known = of_workspace();
        assert_eq!(known.expires_at, Some(2 * NOW));
        let revoked = revoke(known, NOW + 1);
        assert_eq!((revoked.row.revoked_at, revoked.entry.is_some()), (Some(NOW + 1), true));
        assert_eq!(revoke(revoked.row.clone(), NOW + 2), Update::none(revoked.row));
    }

    #[test]
    fn only_an_active_key_is_changed() {
        let (known, changes) = (of_workspace(), KeyChanges { name: Some("b".to_owned()), ..KeyChanges::default() });
        let updated = update(known.clone(), &changes, NOW).unwrap();
        assert_eq!((updated.row.name.as_str(), updated.entry.is_some()), ("b", true));
        let rotated = rotate(known.clone(), &secret("vk_b"), 60, NOW).unwrap();
        assert_eq!(rotated.row.redacted, "vk_b");
        assert_eq!(rotated.entry.unwrap().details, Some(json!({"overlap_seconds": 60})));
        assert_eq!(update(known.clone(), &changes, 2 * NOW), Err(KeyStatus::Expired));
        let revoked = revoke(known, NOW).row;
        assert_eq!(rotate(revoked, &secret("vk_b"), 60, NOW), Err(KeyStatus::Revoked));
    }

    #[test]
    fn changes_that_say_nothing_leave_a_key_as_it_is() {
        let known = of_workspace();
        assert_eq!(update(known.clone(), &KeyChanges::default(), NOW), Ok(Update::none(known)));
        let admin = key(Opens::Administration);
        let scopes = KeyChanges { scopes: Some(Scopes::ALL), ..KeyChanges::default() };
        assert_eq!(update(admin.clone(), &scopes, NOW), Ok(Update::none(admin.clone())));
        assert_eq!((stored_scopes(&admin).as_str(), stored_scopes(&of_workspace()).is_empty()), ("", false));
    }
}
