//! The life of an installation before it is written down: files, uploads, keys and reads of every kind, a crash,
//! and rows whose time would pass.

use super::fixture::Installation;
use super::store::Store;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use venna_testkit::program::{Answer, BOUNDARY, Client, Program, blobs, wait_until};

/// The file with the key of another workspace, in the data directory of a fixture.
pub const RESEARCH_KEY: &str = "research-key";
/// The file with the key of an administrator.
pub const ADMIN_KEY: &str = "admin-key";
/// The name of a file that expires soon after the fixture was written.
pub const EXPIRING: &str = "expiring.txt";
/// The name of the file of an Upload that is completed after the upgrade.
pub const PENDING: &str = "pending.txt";
/// The sizes of the parts of every Upload, in bytes: one is kept in its row, one as a blob.
pub const PART_BYTES: [usize; 2] = [50, 200];
/// The `Idempotency-Key` of a file, and its name.
pub const ONCE: (&str, &str) = ("one-key", "once.txt");
/// The size of a file that is kept as a blob, in bytes.
pub const LARGE_BYTES: usize = 600;
/// A person, whom only a provider brings, its membership and its session.
const PERSON: &str = "user_00VbjUjhHGglY7j08O6M3Oj9";
const MEMBERSHIP: &str = "key_00VbjUjhHGglY7j08O6M3Oj9";
const SESSION: &str = "sess_00VbjUjhHGglY7j08O6M3Oj9";
/// 2100-01-01: the deadline of rows that a test needs.
const FAR_SECONDS: u64 = 4_102_444_800;
/// The time after the recording at which a file expires, so that the bill of its minute has no end in it.
const SOON_SECONDS: u64 = 180;
/// The declared size of the upload that a crash cuts off, and what arrives of it, in bytes.
const CUT_OFF_BYTES: (usize, usize) = (2_000_000, 1_000_000);
/// The bytes of it that stay: a fixture is small.
const LEFT_BYTES: u64 = 100;

/// Returns the content of a file of `size` bytes: its name, again and again.
pub fn content(name: &str, size: usize) -> Vec<u8> {
    name.bytes().cycle().take(size).collect()
}

/// Creates a file. `fields` are further fields of the form.
pub fn create(client: &Client, purpose: &str, name: &str, bytes: &[u8], fields: &[(&str, &str)]) -> Answer {
    let mut form = Vec::new();
    for (field, value) in [&[("purpose", purpose)], fields].concat() {
        write!(form, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").unwrap();
    }
    let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
    write!(form, "--{BOUNDARY}\r\n{head}\r\n\r\n").unwrap();
    form.extend_from_slice(bytes);
    write!(form, "\r\n--{BOUNDARY}--\r\n").unwrap();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    client.post("/v1/files", &kind, form.len(), |socket| socket.write_all(&form)).unwrap()
}

/// Posts JSON.
pub fn post(client: &Client, path: &str, body: &serde_json::Value) -> Answer {
    let body = body.to_string();
    client.post(path, "application/json", body.len(), |socket| socket.write_all(body.as_bytes())).unwrap()
}

/// Creates an Upload of both parts. Returns its id and those of its parts.
fn upload(client: &Client, name: &str) -> (String, Vec<String>) {
    let size: usize = PART_BYTES.iter().sum();
    let body = serde_json::json!({"bytes": size, "filename": name, "mime_type": "text/plain", "purpose": "user_data"});
    let upload = post(client, "/v1/uploads", &body).id();
    let path = format!("/v1/uploads/{upload}/parts");
    let part = |size: &usize| client.send_form(&path, "", "data", name.as_bytes(), *size).unwrap().id();
    (upload.clone(), PART_BYTES.iter().map(part).collect())
}

fn complete(client: &Client, (upload, parts): &(String, Vec<String>)) -> String {
    let body = serde_json::json!({"part_ids": parts});
    let completed = post(client, &format!("/v1/uploads/{upload}/complete"), &body);
    completed.json()["file"]["id"].as_str().unwrap().to_owned()
}

fn reads(client: &Client, id: &str) {
    let lists = ["/v1/files", "/mistral/v1/files"].map(str::to_owned);
    for path in lists.into_iter().chain([format!("/v1/files/{id}"), format!("/v1/files/{id}/content")]) {
        assert_eq!(client.send("GET", &path).unwrap().status, 200);
    }
}

fn delete(client: &Client, id: &str) {
    assert_eq!(client.send("DELETE", &format!("/v1/files/{id}")).unwrap().status, 200);
}

/// Returns an installation that has rows of every kind, whose server has crashed. Returns none without a PostgreSQL
/// that it needs.
pub fn lived_in(store: Store) -> Option<Installation> {
    let installation = Installation::empty(store)?;
    let mut server = installation.serve();
    let first = server.client(&installation.data.first_key());
    let last = fill(&first);
    administer(&installation, &first);
    reads(&first, &last);
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    crash_in_an_upload(&installation);
    set_deadlines(&installation);
    Some(installation)
}

/// Creates files and Uploads in every state. Returns the id of a file.
fn fill(first: &Client) -> String {
    let expiry = [("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600")];
    let line = r#"{"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {"model": "m", "input": "x"}}"#;
    create(first, "user_data", "small.txt", &content("small.txt", 30), &[]).id();
    let large = create(first, "user_data", "large.txt", &content("large.txt", LARGE_BYTES), &[]).id();
    create(first, "batch", "lines.jsonl", line.as_bytes(), &[]).id();
    create(first, "fine-tune", "broken.jsonl", b"no JSON\n", &[]).id();
    create(first, "user_data", EXPIRING, &content(EXPIRING, LARGE_BYTES), &expiry).id();
    create(first, "user_data", "lasting.txt", &content("lasting.txt", 40), &expiry).id();
    create(&first.once(ONCE.0), "user_data", ONCE.1, &content(ONCE.1, 45), &[]).id();
    complete(first, &upload(first, "joined.txt"));
    delete(first, &complete(first, &upload(first, "deleted-joined.txt")));
    delete(first, &create(first, "user_data", "deleted.txt", &content("deleted.txt", LARGE_BYTES), &[]).id());
    upload(first, PENDING);
    let (cancelled, _) = upload(first, "cancelled.txt");
    assert_eq!(post(first, &format!("/v1/uploads/{cancelled}/cancel"), &serde_json::json!({})).status, 200);
    assert_eq!(post(first, &format!("/v1/files/{large}/links"), &serde_json::json!({"one_time": true})).status, 200);
    let upload = serde_json::json!({"filename": "sent.txt", "purpose": "user_data", "max_bytes": 9});
    assert_eq!(post(first, "/v1/upload_links", &upload).status, 200);
    large
}

/// Creates workspaces, keys, limits and a correction of the bill.
fn administer(installation: &Installation, first: &Client) {
    let output = |words: &[&str]| installation.output(words).trim().to_owned();
    let keep = |name: &str, key: &str| std::fs::write(installation.data.path().join(name), key).unwrap();
    let research = output(&["workspaces", "create", "research"]);
    let key = output(&["keys", "create", "--workspace", "research", "--name", "theirs", "--quiet"]);
    keep(RESEARCH_KEY, &key);
    create(&first.with_key(&key), "user_data", "theirs.txt", &content("theirs.txt", LARGE_BYTES), &[]).id();
    let project = output(&["workspaces", "create", "closed"]);
    let closed = output(&["keys", "create", "--workspace", "closed", "--quiet"]);
    create(&first.with_key(&closed), "user_data", "closed.txt", b"closed", &[]).id();
    output(&["workspaces", "archive", &project]);
    output(&["workspaces", "expiry", "research", "evals=86400", "batch=never"]);
    output(&["limits", "set", "research", "max_files=100", "requests_per_minute=6000"]);
    let ids = |name: &str| {
        output(&["keys", "create", "--scopes", "files.read", "--name", name, "--quiet"]);
        let keys: serde_json::Value = serde_json::from_str(&output(&["keys", "list", "--json"])).unwrap();
        let key = keys.as_array().unwrap().iter().find(|key| key["name"] == name).unwrap().clone();
        key["id"].as_str().unwrap().to_owned()
    };
    output(&["keys", "rotate", &ids("rotated"), "--quiet"]);
    output(&["keys", "revoke", &ids("revoked")]);
    let admin = output(&["keys", "create", "--admin", "--name", "operator", "--quiet"]);
    keep(ADMIN_KEY, &admin);
    let correction = serde_json::json!({
        "project_id": research, "line_item": "files.ingress", "quantity": "-100", "reason": "sent twice by a proxy",
    });
    let made = post(&first.with_key(&admin).once("correction"), "/v1/organization/usage/adjustments", &correction);
    assert_eq!(made.status, 200);
}

/// Kills a server while it receives a file, and leaves a deleted file whose bytes were not swept.
fn crash_in_an_upload(installation: &Installation) {
    let server = installation.serve();
    let first = server.client(&installation.data.first_key());
    let deleted = create(&first, "user_data", "deleted-last.txt", &content("deleted-last.txt", LARGE_BYTES), &[]).id();
    delete(&first, &deleted);
    let before = blobs(&installation.data.path());
    let begun = || blobs(&installation.data.path()).into_iter().filter(|blob| !before.contains(blob));
    let (declared, sent) = CUT_OFF_BYTES;
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"cut-off.txt\"\r\n\r\n"
    );
    let crash = |socket: &mut TcpStream| {
        socket.write_all(head.as_bytes())?;
        socket.write_all(&content("cut-off.txt", sent))?;
        wait_until("the blob is begun", || begun().next().is_some());
        kill(&server);
        Err(std::io::ErrorKind::ConnectionAborted.into())
    };
    assert!(first.post("/v1/files", &kind, declared, crash).is_err());
    for left in begun() {
        std::fs::File::options().write(true).open(left).unwrap().set_len(LEFT_BYTES).unwrap();
    }
}

fn kill(server: &Program) {
    server.signal("KILL");
    wait_until("the server is gone", || !std::path::Path::new(&format!("/proc/{}/exe", server.id())).exists());
}

/// Moves the deadlines of rows that a test needs into the far future, and adds rows that only time brings.
fn set_deadlines(installation: &Installation) {
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(SOON_SECONDS);
    let rows = installation.rows();
    let statements = [
        format!("UPDATE files SET expires_at = {FAR_SECONDS} WHERE expires_at IS NOT NULL"),
        format!("UPDATE files SET expires_at = {} WHERE filename = '{EXPIRING}'", soon.as_secs()),
        format!("UPDATE uploads SET expires_at = {FAR_SECONDS} WHERE status = 'pending'"),
        format!("UPDATE answers SET made_at = {FAR_SECONDS}"),
        format!("UPDATE links SET expires_at = {FAR_SECONDS}"),
        format!("INSERT INTO holds (id, expires_at) VALUES ('of-a-backup', {})", soon.as_secs()),
        format!(
            "INSERT INTO persons (id, issuer, subject, name, email, last_signed_in_at) VALUES
             ('{PERSON}', 'https://sso.example', 'ada', 'Ada', 'ada@files.example', 1795374000)"
        ),
        format!(
            "INSERT INTO api_keys (id, workspace_id, scopes, redacted, name, person_id, role, granted_by)
             SELECT '{MEMBERSHIP}', id, 'files.read,usage.read', '', 'ada@files.example', '{PERSON}', 'reader', 'rule'
             FROM workspaces WHERE name = 'research'"
        ),
        format!(
            "INSERT INTO sessions (id, digest, actor, last_used_at, expires_at, ends_at) VALUES
             ('{SESSION}', {digest}, '{PERSON}', 1795374000, {FAR_SECONDS}, {FAR_SECONDS})",
            digest = rows.choose("zeroblob(32)", "decode(repeat('00', 32), 'hex')")
        ),
        rows.choose(OUTBOX, &OUTBOX.replace("x'7b7d'", "'{}'::bytea")).to_owned(),
    ];
    for statement in statements {
        rows.execute(&statement).unwrap();
    }
}

/// A message that was acknowledged, and one that waits.
const OUTBOX: &str = "
    INSERT INTO outbox (message_id, sink, content_type, body, created_at, acknowledged_at) VALUES
    ('evt_acknowledged', 'usage', 'application/json', x'7b7d', 4102444700, 4102444800),
    ('evt_waiting', 'alerts', 'application/json', x'7b7d', 4102444700, NULL)";
