//! The statements whose plans the tests of both stores look at.

/// Tables that grow with what clients do.
pub(super) const GROWING: [&str; 21] = [
    "api_keys",
    "answers",
    "audit_log",
    "blobs",
    "default_expiries",
    "file_parts",
    "files",
    "key_secrets",
    "ledger",
    "ledger_merges",
    "limits",
    "links",
    "outbox",
    "parts",
    "persons",
    "releases",
    "sessions",
    "uploads",
    "usage_hourly",
    "usage_hourly_totals",
    "workspaces",
];

/// Returns whether the database plans how it runs a statement.
pub(super) fn has_plan(sql: &str) -> bool {
    let verb = sql.split_whitespace().next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&verb)
}
