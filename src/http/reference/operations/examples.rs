//! The ids and objects of the examples.

use crate::http::wire::FileObject;
use crate::model::digest::Sha256Digest;
use crate::model::file::{File, FileDigest};
use crate::model::filename::Filename;
use crate::model::mime_type::MimeType;
use crate::model::purpose::Purpose;
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
pub const SHA256: Sha256Digest = Sha256Digest([
    0x83, 0x75, 0x4d, 0xf6, 0x78, 0x03, 0x36, 0x1e, 0xb1, 0x22, 0x2f, 0x15, 0xf2, 0xba, 0xad, 0x3d, 0xb3, 0x8b, 0x08,
    0xc4, 0x26, 0x2c, 0x1d, 0xdc, 0xf3, 0x97, 0x33, 0xe9, 0xab, 0x24, 0xed, 0x8a,
]);

/// Returns the File of the examples, as the server writes Files.
pub fn file() -> Value {
    let Ok(id) = FILE.parse() else { return Value::Null };
    let name = Filename::stored("notes.txt".to_owned());
    let mime_type = MimeType::of_name(&name);
    let file = File::new(id, Purpose::UserData, name, mime_type, 14, FileDigest::Whole(SHA256), None);
    json!(FileObject::from(&file))
}

/// Returns a last page that holds one object.
pub fn page_of_one(object: &Value) -> Value {
    let id = object.get("id").cloned().unwrap_or_default();
    json!({"object": "list", "data": [object], "first_id": id, "last_id": id, "has_more": false})
}
