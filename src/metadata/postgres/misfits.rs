//! Rows that do not fit each other: what no transaction of this program leaves behind.

use super::connections::Session;
use super::failure::Failure;
use super::rows::{number, parsed};
use super::usage;
use crate::model::finding::Finding;
use tokio_postgres::Row;

/// Every blob that something has.
const OWNED: &str = "SELECT blob_id, id AS owner, size_bytes FROM files WHERE blob_id IS NOT NULL
    UNION ALL SELECT blob_id, file_id, size_bytes FROM file_parts
    UNION ALL SELECT blob_id, id, size_bytes FROM parts";

/// On a session whose statements all see the same moment.
pub(super) async fn find(session: &Session) -> Result<Vec<Finding>, Failure> {
    let unowned = format!(
        "SELECT b.id, count(o.owner) FROM blobs b LEFT JOIN ({OWNED}) o ON o.blob_id = b.id
         WHERE b.state = 'ready' GROUP BY b.id HAVING count(o.owner) <> 1"
    );
    let dangling = format!(
        "SELECT o.owner FROM ({OWNED}) o LEFT JOIN blobs b ON b.id = o.blob_id
         WHERE b.state IS DISTINCT FROM 'ready' OR b.size_bytes IS DISTINCT FROM o.size_bytes"
    );
    let left = "SELECT p.id FROM parts p LEFT JOIN uploads u ON u.workspace_id = p.workspace_id AND u.id = p.upload_id
        WHERE u.status IS DISTINCT FROM 'pending'
            AND NOT EXISTS (SELECT 1 FROM releases r WHERE r.workspace_id = p.workspace_id AND r.owner_id = p.upload_id)
        UNION ALL
        SELECT DISTINCT p.file_id FROM file_parts p LEFT JOIN files f ON f.workspace_id = p.workspace_id AND f.id = p.file_id
        WHERE f.id IS NULL
            AND NOT EXISTS (SELECT 1 FROM releases r WHERE r.workspace_id = p.workspace_id AND r.owner_id = p.file_id)";
    let lost = "SELECT DISTINCT workspace_id FROM answers WHERE workspace_id NOT IN (SELECT id FROM workspaces)";
    let wrong_total = "SELECT w.id FROM workspaces w
        LEFT JOIN (SELECT workspace_id, sum(size_bytes) AS bytes, count(*) AS files FROM files GROUP BY workspace_id) f
            ON f.workspace_id = w.id
        LEFT JOIN (SELECT workspace_id, sum(greatest(size_bytes, parts_bytes)) AS bytes, count(*) AS uploads FROM uploads
                   WHERE status = 'pending' GROUP BY workspace_id) u ON u.workspace_id = w.id
        WHERE w.stored_bytes <> coalesce(f.bytes, 0) OR w.stored_files <> coalesce(f.files, 0)
            OR w.reserved_bytes <> coalesce(u.bytes, 0) OR w.reserved_files <> coalesce(u.uploads, 0)";
    let wrong_parts = "SELECT u.id FROM uploads u
        LEFT JOIN (SELECT workspace_id, upload_id, sum(size_bytes) AS bytes, count(*) AS parts FROM parts
                   GROUP BY workspace_id, upload_id) p ON p.workspace_id = u.workspace_id AND p.upload_id = u.id
        WHERE u.status = 'pending' AND (u.parts_bytes <> coalesce(p.bytes, 0) OR u.part_count <> coalesce(p.parts, 0))";
    let unmetered = "SELECT f.id FROM files f LEFT JOIN ledger b ON b.event_id = 'st+:' || f.id
        LEFT JOIN ledger e ON e.event_id = 'st-:' || f.id
        WHERE b.bytes IS DISTINCT FROM f.size_bytes OR b.workspace_id IS DISTINCT FROM f.workspace_id
            OR e.event_id IS NOT NULL
        UNION ALL
        SELECT b.file_id FROM ledger b LEFT JOIN files f ON f.workspace_id = b.workspace_id AND f.id = b.file_id
        LEFT JOIN ledger e ON e.event_id = 'st-:' || b.file_id
        WHERE b.fact IN ('opening', 'create', 'complete') AND f.id IS NULL
            AND (e.bytes IS DISTINCT FROM -b.bytes OR e.api_key_id IS DISTINCT FROM b.api_key_id OR e.ts < b.ts)";
    let wrong_sum = "SELECT f.id FROM files f WHERE f.blob_id IS NULL AND f.size_bytes <>
        (SELECT coalesce(sum(p.size_bytes), 0) FROM file_parts p WHERE p.workspace_id = f.workspace_id AND p.file_id = f.id)";
    let checks: [(&str, Check); 8] = [
        (&unowned, |row| Ok(Finding::Unowned { blob: parsed(row, 0)?, owners: number(row, 1)? })),
        (&dangling, |row| Ok(Finding::Dangling { owner: row.try_get(0)? })),
        (left, |row| Ok(Finding::LeftPart { part: row.try_get(0)? })),
        (lost, |row| Ok(Finding::LostAnswer { workspace: row.try_get(0)? })),
        (wrong_total, |row| Ok(Finding::WrongTotal { workspace: row.try_get(0)? })),
        (wrong_parts, |row| Ok(Finding::WrongParts { upload: row.try_get(0)? })),
        (unmetered, |row| Ok(Finding::Unmetered { file: row.try_get(0)? })),
        (wrong_sum, |row| Ok(Finding::WrongSum { file: row.try_get(0)? })),
    ];
    let mut findings = Vec::new();
    for (sql, finding) in checks {
        for row in session.rows(sql, &[]).await? {
            findings.push(finding(&row)?);
        }
    }
    let hours = usage::wrong_hours(session).await?;
    if hours > 0 {
        findings.push(Finding::WrongRollup { hours });
    }
    Ok(findings)
}

type Check = fn(&Row) -> Result<Finding, Failure>;
