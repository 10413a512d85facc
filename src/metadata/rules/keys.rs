//! What a new API key is.

use crate::metadata::keys::NewKey;
use crate::model::api_key::ApiKey;
use crate::model::ids::KeyId;

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
