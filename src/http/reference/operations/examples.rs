//! The ids and objects of the examples.

use serde_json::{Value, json};

/// The File of the examples.
pub const FILE: &str = "file-00VbjUjhHGglY7j08O6M3Oj9";
/// The Upload of the examples.
pub const UPLOAD: &str = "upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11";
/// The link of the examples.
pub const LINK: &str = "link_00VbjUjhHGglY7j08O6M3Oj9";
/// The URL of the link of the examples.
pub const LINK_URL: &str =
    "https://files.example.com/links/link_00VbjUjhHGglY7j08O6M3Oj9.1.wKvUDz3ZYbWuVk5jzHGQ1eRZ9sJ0mBqT2nLxF4aPc8I";
/// The part of the examples.
pub const PART: &str = "part_2f6b1a8e4a0c4d6f9b1f35d7c8e90a12";
/// The project of the examples.
pub const PROJECT: &str = "ws_00VbjUjhHGglY7j08O6M3Oj9";
/// The key of the examples.
pub const KEY: &str = "key_00VbjUjhHGglY7j08O6M3Oj9";
/// The admin key of the examples.
pub const ADMIN_KEY: &str = "key_00VbjV0eKQh2wXc7sT4uYb1m";
/// The user of the examples.
pub const USER: &str = "user_00VbjUjhHGglY7j08O6M3Oj9";
/// The creation time of the objects of the examples, in Unix seconds.
pub const CREATED_AT: u64 = 1_795_374_000;
/// The day of the examples of usage, in Unix seconds.
pub const DAY: u64 = 1_795_305_600;
/// The digest of the File of the examples.
pub const SHA256: &str = "83754df67803361eb1222f15f2baad3db38b08c4262c1ddcf39733e9ab24ed8a";

/// Returns the File of the examples.
pub fn file() -> Value {
    json!({
        "object": "file", "id": FILE, "purpose": "user_data", "filename": "notes.txt", "bytes": 14,
        "created_at": CREATED_AT, "expires_at": null, "status": "processed", "status_details": null, "sha256": SHA256,
    })
}

/// Returns a last page that holds one object.
pub fn page_of_one(object: &Value) -> Value {
    let id = object.get("id").cloned().unwrap_or_default();
    json!({"object": "list", "data": [object], "first_id": id, "last_id": id, "has_more": false})
}
