//! The columns of each table, in the order in which drivers map them.

/// Columns of `files`.
pub const FILE: &str =
    "id, purpose, filename, size_bytes, sha256, parts_sha256, part_count, expires_at, status_details";
/// Columns of `api_keys`.
pub const KEY: &str = "id, workspace_id, scopes, redacted, name, expires_at, revoked_at, last_used_at";
/// The position of the first column behind those of a File.
pub const BEHIND_FILE: usize = count(FILE);
/// The position of the first column behind those of a key.
pub const BEHIND_KEY: usize = count(KEY);
/// Columns of `workspaces`.
pub const WORKSPACE: &str = "id, name, archived_at";
/// Columns of `ledger`, behind the number of the row.
pub const LEDGER: &str =
    "event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, line_item, bytes, count, request_id,
    reverses, note, actor";
/// Columns of `usage_export`.
pub const EXPORT: &str = "until, through_seq, corrections, part_through_seq, part_number, part_hour, part_line_item,
    part_workspace_id, part_api_key_id, part_purpose";

/// Returns the number of columns of a list.
const fn count(columns: &str) -> usize {
    let (mut rest, mut found) = (columns.as_bytes(), 1);
    while let [first, others @ ..] = rest {
        if *first == b',' {
            found += 1;
        }
        rest = others;
    }
    found
}

/// Returns a list of columns of the table that has this alias in a statement.
pub fn of(alias: &str, columns: &str) -> String {
    let named = columns.split(',').map(|column| format!("{alias}.{}", column.trim()));
    named.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_and_named() {
        assert_eq!((count(WORKSPACE), count("id")), (3, 1));
        assert_eq!(of("w", WORKSPACE), "w.id, w.name, w.archived_at");
    }
}
