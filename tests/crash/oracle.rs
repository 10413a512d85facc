//! The comparison after a crash: what is there, against what was acknowledged.

use crate::installation::Installation;
use crate::journal::{Content, Journal, OpenUpload, Tally};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use venna_testkit::program::{Client, PATIENCE, blobs};

/// What is not as it was promised, one sentence each.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Acknowledged and not so: a file or part that is missing or different, a delete that was undone.
    pub lost: Vec<String>,
    /// Visible, acknowledged or not, and not readable as it describes itself.
    pub torn: Vec<String>,
    /// Bytes without an owner, owners without a purpose, work that is never finished, and bills for what is not there.
    pub orphans: Vec<String>,
}

impl Verdict {
    pub fn add(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.torn.extend(other.torn);
        self.orphans.extend(other.orphans);
    }

    /// What a test says at its end.
    pub fn line(&self, tally: Tally) -> String {
        format!(
            "{} acknowledged ({} files, {} from parts, {} parts, {} deletes), {self}",
            tally.acknowledged(),
            tally.files,
            tally.completed,
            tally.parts,
            tally.deletes
        )
    }

    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.torn.is_empty() && self.orphans.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} lost, {} torn, {} orphans", self.lost.len(), self.torn.len(), self.orphans.len())
    }
}

/// Compares, once the sweeper had its time, and brings the journal up to what is there, so that the next crash is
/// judged by itself.
pub fn verify(client: &Client, installation: &Installation, journal: &mut Journal, sweep: Duration) -> Verdict {
    let mut verdict = settled(installation, sweep);
    verdict.add(compare(client, journal));
    verdict
}

/// The same of what clients can see.
pub fn compare(client: &Client, journal: &mut Journal) -> Verdict {
    assert!(journal.complaints.is_empty(), "{:?}", journal.complaints);
    let mut verdict = Verdict::default();
    let there = visible(client, &mut verdict);
    for (id, content) in &journal.files {
        if there.get(id) != Some(content) {
            verdict.lost.push(format!("{id} was {content:?} and is {:?}", there.get(id)));
        }
    }
    for (id, content) in std::mem::take(&mut journal.doubtful) {
        if there.get(&id).is_some_and(|found| *found != content) {
            verdict.lost.push(format!("{id}, perhaps deleted, was {content:?} and is {:?}", there.get(&id)));
        }
    }
    let gone = |id: &String| {
        let path = format!("/v1/files/{id}");
        [path.clone(), path + "/content"].iter().all(|path| client.send("GET", path).unwrap().status == 404)
    };
    let undone = journal.deleted.iter().filter(|id| there.contains_key(*id));
    let undone: BTreeSet<_> = undone.chain(journal.just_deleted.iter().filter(|id| !gone(id))).collect();
    verdict.lost.extend(undone.into_iter().map(|id| format!("{id} was deleted and is back")));
    journal.just_deleted.clear();
    for (id, upload) in std::mem::take(&mut journal.uploads) {
        verdict.lost.extend(lost_of(client, &id, &upload, &there));
    }
    journal.files = there;
    verdict
}

/// Every listed file that is readable and is what it says; the others are torn.
fn visible(client: &Client, verdict: &mut Verdict) -> BTreeMap<String, Content> {
    let mut whole = BTreeMap::new();
    for file in every_file(client) {
        let id = file["id"].as_str().unwrap();
        let answer = client.send("GET", &format!("/v1/files/{id}/content"));
        let content = answer.ok().filter(|answer| answer.status == 200).map(|answer| Content::of(&answer.body));
        let described = |content: &Content| {
            let sha256 = file["sha256"].as_str();
            file["bytes"] == content.size && sha256.is_none_or(|sha256| sha256 == content.sha256)
        };
        match content.clone().filter(described) {
            Some(content) => drop(whole.insert(id.to_owned(), content)),
            None => verdict.torn.push(format!("{file} reads as {content:?}")),
        }
    }
    whole
}

fn every_file(client: &Client) -> Vec<Value> {
    let (mut files, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.send("GET", &format!("/v1/files?limit=500{after}")).unwrap().json();
        files.extend_from_slice(page["data"].as_array().unwrap());
        if page["has_more"] != true {
            return files;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
}

/// An Upload is still open with all its parts, and is cancelled then; or it is complete, if that was asked for.
fn lost_of(client: &Client, id: &str, upload: &OpenUpload, there: &BTreeMap<String, Content>) -> Option<String> {
    let path = format!("/v1/uploads/{id}");
    let found = client.send("GET", &path).unwrap().json();
    let kept = match found["status"].as_str() {
        Some("pending") => {
            let parts = client.send("GET", &format!("{path}/parts?limit=100")).unwrap().json();
            let parts: Vec<&Value> = parts["data"].as_array().unwrap().iter().map(|part| &part["id"]).collect();
            assert_eq!(client.send("POST", &format!("{path}/cancel")).unwrap().status, 200);
            upload.parts.iter().all(|part| parts.iter().any(|found| *found == part))
        }
        Some("completed") => {
            let file = found["file"]["id"].as_str().and_then(|file| there.get(file));
            upload.completing && file == Some(&upload.whole)
        }
        Some("cancelled") => upload.cancelling,
        _ => false,
    };
    (!kept).then(|| format!("{id} was {upload:?} and is {found}"))
}

/// Waits for the sweeper; what it leaves is an orphan, and a part without its bytes is lost.
pub fn settled(installation: &Installation, sweep: Duration) -> Verdict {
    let deadline = Instant::now() + sweep;
    loop {
        let on_disk = names(installation);
        let rows = Rows::read(installation);
        let orphans: Vec<String> = rows.orphans(&on_disk).collect();
        if orphans.is_empty() || Instant::now() > deadline {
            let missing = rows.parts.difference(&on_disk);
            let lost = missing.map(|blob| format!("the part with the blob {blob} has no bytes")).collect();
            return Verdict { lost, torn: Vec::new(), orphans };
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every blob in the folder of blobs, temporary files and those in quarantine too.
fn names(installation: &Installation) -> BTreeSet<String> {
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    blobs(&installation.data_dir).into_iter().map(name).collect()
}

/// Every File began once and has not ended; whatever began and is no File any more ended once, with the same bytes; and
/// what counts against quotas is what there is.
const MISBILLED: &str = "
    SELECT f.id FROM files f
    WHERE (SELECT count(*) FROM ledger l WHERE l.event_id = 'st+:' || f.id AND l.bytes = f.size_bytes) <> 1
        OR EXISTS (SELECT 1 FROM ledger l WHERE l.event_id = 'st-:' || f.id)
    UNION
    SELECT b.file_id FROM ledger b
    WHERE b.fact IN ('create', 'complete') AND NOT EXISTS (SELECT 1 FROM files f WHERE f.id = b.file_id)
        AND (SELECT count(*) FROM ledger l WHERE l.event_id = 'st-:' || b.file_id AND l.bytes = -b.bytes) <> 1
    UNION
    SELECT w.id FROM workspaces w
    WHERE w.stored_bytes <> (SELECT coalesce(sum(f.size_bytes), 0) FROM files f WHERE f.workspace_id = w.id)
        OR w.stored_files <> (SELECT count(*) FROM files f WHERE f.workspace_id = w.id)
        OR w.reserved_bytes <> (SELECT coalesce(sum(max(u.size_bytes, u.parts_bytes)), 0) FROM uploads u
                                WHERE u.workspace_id = w.id AND u.status = 'pending')
        OR w.reserved_files <> (SELECT count(*) FROM uploads u WHERE u.workspace_id = w.id AND u.status = 'pending')";

/// The names of blobs, by what the metadata says of them.
struct Rows {
    ready: BTreeSet<String>,
    unsettled: BTreeSet<String>,
    /// Blobs that a File has.
    files: BTreeSet<String>,
    /// Blobs of parts, of open Uploads and of Files.
    parts: BTreeSet<String>,
    /// Files of which the ledger does not say exactly what is so, and workspaces whose totals are wrong.
    misbilled: BTreeSet<String>,
}

impl Rows {
    fn read(installation: &Installation) -> Self {
        let mut connection =
            Connection::open_with_flags(&installation.database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        let snapshot = connection.transaction().unwrap();
        let column = |sql: &str| -> BTreeSet<String> {
            let mut select = snapshot.prepare(sql).unwrap();
            select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        Self {
            ready: column("SELECT id FROM blobs WHERE state = 'ready'"),
            unsettled: column("SELECT id FROM blobs WHERE state <> 'ready' UNION ALL SELECT owner_id FROM releases"),
            files: column("SELECT blob_id FROM files WHERE blob_id IS NOT NULL"),
            parts: column("SELECT blob_id FROM parts UNION SELECT blob_id FROM file_parts"),
            misbilled: column(MISBILLED),
        }
    }

    fn orphans<'a>(&'a self, on_disk: &'a BTreeSet<String>) -> impl Iterator<Item = String> + 'a {
        let used = |blob: &&String| self.files.contains(*blob) || self.parts.contains(*blob);
        let stray = on_disk.difference(&self.ready).map(|name| format!("{name} lies in blobs and has no ready row"));
        let unused = self.ready.iter().filter(move |blob| !used(blob)).map(|blob| format!("nobody has blob {blob}"));
        let unsettled = self.unsettled.iter().map(|blob| format!("blob or owner {blob} is neither ready nor gone"));
        let misbilled = self.misbilled.iter().map(|what| format!("{what} is billed otherwise than it is"));
        stray.chain(unused).chain(unsettled).chain(misbilled)
    }
}
