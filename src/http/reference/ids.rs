//! The schemas of ids and names.

use crate::model::workspace::MAX_NAME_CHARS;
use venna_reference::{Schema, Shape, one_line_name};

/// The id of a File.
pub const FILE_ID: Schema = id_of("^file-0[0-9A-Za-z]{23}$", 29);
/// The id of a link.
pub const LINK_ID: Schema = id_of("^link_0[0-9A-Za-z]{23}$", 29);
/// The id of a project.
pub const PROJECT_ID: Schema = id_of("^ws_0[0-9A-Za-z]{23}$", 27);
/// The id of a key.
pub const KEY_ID: Schema = id_of("^key_0[0-9A-Za-z]{23}$", 28);
/// The id of a user.
pub const USER_ID: Schema = id_of("^user_0[0-9A-Za-z]{23}$", 29);
/// The id of an entry of the audit log.
pub const AUDIT_ID: Schema = id_of("^audit_0[0-9A-Za-z]{23}$", 30);
/// The id of a part.
pub const PART_ID: Schema = id_of("^part_[0-9a-f]{32}$", 37);

const fn id_of(pattern: &'static str, length: usize) -> Schema {
    Schema::Shaped(Shape { pattern: Some(pattern), min: length, max: length })
}

/// Returns the schema of the name of a project or key.
pub const fn name() -> Schema {
    one_line_name(MAX_NAME_CHARS)
}
