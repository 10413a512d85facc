//! The way back from an upgrade: a backup that was made before it.

use super::fixture::{Fixture, Installation};
use super::life::content;
use super::store::Store;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::Path;
use venna::model::digest::Sha256Digest;
use venna_testkit::program::{Data, Program, blobs, output, run};

/// Makes the backup that the version of a schema made of an installation: the snapshot, the blobs, and the digests.
fn back_up(installation: &Installation, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let snapshot = folder.join("metadata.db");
    installation.rows().execute(&format!("VACUUM INTO '{}'", snapshot.display())).unwrap();
    let digest = |content: &[u8]| Sha256Digest(Sha256::digest(content).into()).to_string();
    let mut sums = String::new();
    for blob in blobs(&installation.data.path()).iter().filter(|blob| blob.extension().is_none()) {
        let name = blob.strip_prefix(installation.data.path()).unwrap();
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::copy(blob, folder.join(name)).unwrap();
        writeln!(sums, "{}  {}", digest(&std::fs::read(blob).unwrap()), name.display()).unwrap();
    }
    for shard in 0..=u8::MAX {
        std::fs::create_dir_all(folder.join(format!("blobs/{shard:02x}"))).unwrap();
    }
    writeln!(sums, "{}  metadata.db", digest(&std::fs::read(&snapshot).unwrap())).unwrap();
    let manifest = serde_json::json!({
        "format": 1, "program": "venna 0.0.1", "created_at": 0, "stamp": null, "blobs": 0, "bytes": 0, "damaged": [],
        "sums_sha256": digest(sums.as_bytes()),
    });
    std::fs::write(folder.join("SHA256SUMS"), sums).unwrap();
    std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
}

/// Returns the names of the files of the first key's workspace.
fn names(server: &Program, key: &str) -> Vec<String> {
    let list = server.client(key).send("GET", "/v1/files?order=asc").unwrap().json();
    list["data"].as_array().unwrap().iter().map(|file| file["filename"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_backup_of_an_earlier_version_is_restored_and_migrated() {
    let newest = Fixture::all(Store::Sqlite).pop().unwrap().schema;
    for fixture in Fixture::all(Store::Sqlite) {
        let installation = fixture.install().unwrap();
        let place = Data::new();
        let backup = place.path();
        back_up(&installation, &backup);
        let restored = Data::new();
        output(&["restore", backup.to_str().unwrap(), "--data-dir", &restored.text()]);
        assert_eq!(output(&["fsck", "--json", "--data-dir", &restored.text()]), "", "schema {}", fixture.schema);
        let database = venna_testkit::rows::Rows::in_file(&restored.path().join("venna.db"));
        assert_eq!(database.number("SELECT max(number) FROM schema_migrations"), i64::from(newest));
        let server = Program::start(&restored.path());
        let client = server.client(&installation.key("first-key"));
        let list = client.send("GET", "/v1/files").unwrap().json();
        let large = list["data"].as_array().unwrap().iter().find(|file| file["filename"] == "large.txt").unwrap();
        let path = format!("/v1/files/{}/content", large["id"].as_str().unwrap());
        let size = usize::try_from(large["bytes"].as_u64().unwrap()).unwrap();
        assert!(client.send("GET", &path).unwrap().body == content("large.txt", size));
    }
}

#[test]
fn the_backup_before_an_upgrade_is_the_way_back() {
    let installation = Fixture::all(Store::Sqlite).pop().unwrap().install().unwrap();
    let key = installation.key("first-key");
    let place = Data::new();
    let backup = place.path();
    installation.output(&["backup", backup.to_str().unwrap()]);
    let server = installation.serve();
    let before = names(&server, &key);
    drop(server);
    // This program takes the part of the earlier one from here on.
    let upgraded = "INSERT INTO schema_migrations VALUES (9999, 'of tomorrow', x'', 0)";
    installation.rows().execute(upgraded).unwrap();
    let refused = run(&["fsck", "--data-dir", &installation.data.text()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("run the version that made it, or a later one"), "{said}");
    let restored = Data::new();
    output(&["restore", backup.to_str().unwrap(), "--data-dir", &restored.text()]);
    let server = Program::start(&restored.path());
    assert_eq!(names(&server, &key), before);
}

#[test]
fn a_backup_of_a_later_version_is_refused_before_anything_is_written() {
    let installation = Fixture::all(Store::Sqlite).pop().unwrap().install().unwrap();
    let later = "INSERT INTO schema_migrations VALUES (9999, 'of tomorrow', x'', 0)";
    installation.rows().execute(later).unwrap();
    let place = Data::new();
    back_up(&installation, &place.path());
    let restored = Data::new();
    let refused = run(&["restore", &place.text(), "--data-dir", &restored.text()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("is at schema 9999") && said.contains("run the version that made it"), "{said}");
    assert!(!restored.path().exists(), "nothing is made");
}
