//! How long a start takes with many files, after a crash that left some of the work undone.

use crate::installation::Installation;
use crate::journal::Content;
use crate::oracle::settled;
use rusqlite::{Connection, Transaction, params};
use std::path::Path;
use std::time::{Duration, Instant};
use venna_testkit::program::{PATIENCE, report};

const BYTES: &[u8] = b"venna";
/// The CRC-32C of [`BYTES`].
const CHECKSUM: [u8; 4] = 0x8401_6d22_u32.to_be_bytes();
/// Of so many blobs one was being received, and one was being deleted.
const UNDONE: u64 = 100;
/// What a start may take.
const LONGEST_START: Duration = Duration::from_secs(2);

#[test]
fn a_start_with_many_files_is_quick() {
    let Ok(files) = std::env::var("VENNA_RECOVERY_FILES") else {
        return report("skipped: recovery with many files: VENNA_RECOVERY_FILES is not set");
    };
    let folder = tempfile::tempdir().unwrap();
    let installation = Installation::within(folder.path());
    fill(&installation, files.parse().expect("VENNA_RECOVERY_FILES is a number of files"));
    let begun = Instant::now();
    let server = installation.start();
    let listening = begun.elapsed();
    let verdict = settled(&installation, PATIENCE);
    report(&format!(
        "recovery with {files} files: listening after {listening:.2?}, swept within {:.2?}, {verdict}",
        begun.elapsed()
    ));
    assert!(verdict.is_clean(), "{verdict}");
    let newest = installation.client(&server).send("GET", "/v1/files?limit=1").unwrap().json();
    let path = format!("/v1/files/{}/content", newest["data"][0]["id"].as_str().unwrap());
    assert_eq!(installation.client(&server).send("GET", &path).unwrap().body, BYTES, "what was inserted is served");
    assert!(listening < LONGEST_START, "{listening:?}");
}

fn fill(installation: &Installation, files: u64) {
    let mut database = Connection::open(&installation.database).unwrap();
    let transaction = database.transaction().unwrap();
    let workspace: String = transaction.query_row("SELECT id FROM workspaces", [], |row| row.get(0)).unwrap();
    let blobs = installation.data_dir.join("blobs");
    for number in 1..=files {
        add_blob(&transaction, &blobs, &workspace, number);
    }
    transaction.commit().unwrap();
}

fn add_blob(transaction: &Transaction<'_>, blobs: &Path, workspace: &str, number: u64) {
    let (state, temporary) = match number % UNDONE {
        0 => ("pending", ".tmp"),
        1 => ("deleting", ""),
        _ => ("ready", ""),
    };
    // Spread over the folders, as random names are.
    let blob = format!("{:032x}", u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    std::fs::write(blobs.join(&blob[..2]).join(format!("{blob}{temporary}")), BYTES).unwrap();
    let insert = "INSERT INTO blobs (id, workspace_id, process_id, state, checksums) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = transaction.prepare_cached(insert).unwrap();
    insert.execute(params![blob, workspace, "0".repeat(32), state, CHECKSUM]).unwrap();
    if state == "ready" {
        add_file(transaction, workspace, &blob, number);
    }
}

fn add_file(transaction: &Transaction<'_>, workspace: &str, blob: &str, number: u64) {
    let insert = "INSERT INTO files (workspace_id, id, blob_id, purpose, filename, size_bytes, sha256)
                  VALUES (?1, ?2, ?3, 'user_data', 'a.bin', ?4, unhex(?5))";
    let mut insert = transaction.prepare_cached(insert).unwrap();
    let id = format!("file-0UPoXcKt2{number:015}");
    insert.execute(params![workspace, id, blob, BYTES.len(), Content::of(BYTES).sha256]).unwrap();
}
