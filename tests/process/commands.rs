//! Administrative commands beside a running server: what they change holds on the very next request.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};
use venna_testkit::program::{Client, Data, PROMPTLY, Program, output, run, venna};

#[test]
fn a_new_key_and_workspace_work_on_the_next_request() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let first = server.client(&data.first_key());
    let id = first.upload(b"ours", 4).unwrap().id();
    let workspace = output(&["workspaces", "create", "research", "--data-dir", &data.text()]);
    assert!(workspace.starts_with("ws_"), "{workspace}");
    for of in ["research", &workspace] {
        let key = output(&["keys", "create", "--workspace", of, "--quiet", "--data-dir", &data.text()]);
        let theirs = first.with_key(&key);
        assert_eq!(theirs.send("GET", "/v1/files").unwrap().json()["data"].as_array().unwrap().len(), 0);
        assert_eq!(theirs.send("GET", &format!("/v1/files/{id}")).unwrap().status, 404);
    }
    let listed: serde_json::Value =
        serde_json::from_str(&output(&["workspaces", "list", "--json", "--data-dir", &data.text()])).unwrap();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["default", "research"]);
}

#[test]
fn a_workspace_may_have_its_files_expire() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let expiry = |wanted: &[&str]| -> serde_json::Value {
        let text = data.text();
        let words = [&["workspaces", "expiry", "default"], wanted, &["--json", "--data-dir", &text]].concat();
        serde_json::from_str(&output(&words)).unwrap()
    };
    let of = |rows: &serde_json::Value, purpose: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["purpose"] == purpose).unwrap().clone();
        (row["expires_after_seconds"].as_u64(), row["set_by_workspace"].as_bool().unwrap())
    };
    let before = expiry(&[]);
    assert_eq!((of(&before, "user_data"), of(&before, "batch")), ((None, false), (Some(2_592_000), false)));
    let after = expiry(&["user_data=7200", "batch=never", "evals=default"]);
    assert_eq!((of(&after, "user_data"), of(&after, "batch")), ((Some(7200), true), (None, true)));
    assert_eq!(of(&after, "evals"), (None, false));
    let file = client.upload(b"brief", 4).unwrap().json();
    assert_eq!(file["expires_at"].as_u64().unwrap(), file["created_at"].as_u64().unwrap() + 7200);
    assert_eq!(of(&expiry(&["user_data=default"]), "user_data"), (None, false));
    assert_eq!(client.upload(b"lasting", 4).unwrap().json()["expires_at"], serde_json::Value::Null);
    for wanted in ["user_data=3599", "user_data=3155760001", "user_data=-1", "user_data=", "user_data", "notes=7200"] {
        let refused = run(&["workspaces", "expiry", "default", wanted, "--data-dir", &data.text()]);
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && message.contains(wanted), "{message}");
    }
}

#[test]
fn a_revoked_key_is_refused_promptly() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let key = output(&["keys", "create", "--name", "brief", "--quiet", "--data-dir", &data.text()]);
    let client = server.client(&key);
    assert_eq!(client.send("GET", "/v1/files").unwrap().status, 200);
    let list = || -> serde_json::Value {
        serde_json::from_str(&output(&["keys", "list", "--json", "--data-dir", &data.text()])).unwrap()
    };
    let keys = list();
    let brief = keys.as_array().unwrap().iter().find(|row| row["name"] == "brief").unwrap();
    assert_eq!(brief["status"], "active");
    assert!(!keys.to_string().contains(&key), "secrets cannot be had again");
    assert_eq!(brief["workspace_name"], "default");
    let table = output(&["keys", "list", "--data-dir", &data.text()]);
    let row = table.lines().find(|line| line.contains(" brief ")).unwrap();
    for shown in [" default ", "files.read,files.write,uploads.write,usage.read", " never ", " GMT"] {
        assert!(row.contains(shown), "{shown}: {table}");
    }
    output(&["keys", "revoke", brief["id"].as_str().unwrap(), "--data-dir", &data.text()]);
    let revoked = Instant::now();
    while client.send("GET", "/v1/files").unwrap().status != 401 {
        assert!(revoked.elapsed() < PROMPTLY, "the key is refused promptly");
    }
    assert!(list().as_array().unwrap().iter().any(|row| row["name"] == "brief" && row["status"] == "revoked"));
}

#[test]
fn an_expired_key_says_so() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let key = output(&["keys", "create", "--expires-in", "1", "--quiet", "--data-dir", &data.text()]);
    let client = server.client(&key);
    let begun = Instant::now();
    let refused = loop {
        let answer = client.send("GET", "/v1/files").unwrap();
        if answer.status == 401 {
            break answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    };
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("expired"), "{message}");
}

/// The status of the first answer to `client` that is not `before`.
fn becomes(client: &Client, before: u16) -> u16 {
    let begun = Instant::now();
    loop {
        let status = client.send("GET", "/v1/files").unwrap().status;
        if status != before {
            return status;
        }
        assert!(begun.elapsed() < PROMPTLY, "it holds promptly");
    }
}

#[test]
fn a_rotated_key_keeps_its_id_and_its_old_secret_for_a_while() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let text = data.text();
    let first = output(&["keys", "create", "--quiet", "--data-dir", &text]);
    let list = || -> serde_json::Value {
        serde_json::from_str(&output(&["keys", "list", "--json", "--data-dir", &text])).unwrap()
    };
    let known = list();
    let id = known.as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let second = output(&["keys", "rotate", &id, "--overlap", "1h", "--quiet", "--data-dir", &text]);
    let (old, new) = (server.client(&first), server.client(&second));
    for client in [&old, &new] {
        assert_eq!(client.send("GET", "/v1/files").unwrap().status, 200, "both secrets are good");
    }
    let third = output(&["keys", "rotate", &id, "--overlap", "0", "--quiet", "--data-dir", &text]);
    assert_eq!(server.client(&third).send("GET", "/v1/files").unwrap().status, 200);
    for client in [&old, &new] {
        assert_eq!(becomes(client, 200), 401);
    }
    let refused = new.send("GET", "/v1/files").unwrap().json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("replaced by a newer one"), "{refused}");
    let row = list().as_array().unwrap().last().unwrap().clone();
    assert!(row["id"] == id.as_str() && row["last_used_at"].is_u64(), "{row}");
    assert!(third.starts_with(&row["redacted"].as_str().unwrap()[..7]), "the newest secret is told by {row}");
}

#[test]
fn a_key_may_be_good_for_little_or_for_the_administration() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let text = data.text();
    let reader = output(&["keys", "create", "--scopes", "files.read", "--quiet", "--data-dir", &text]);
    let admin = output(&["keys", "create", "--admin", "--quiet", "--data-dir", &text]);
    assert!(admin.starts_with("vka_") && admin.len() == 40, "{admin}");
    let (reader, admin) = (server.client(&reader), server.client(&admin));
    assert_eq!(reader.send("GET", "/v1/files").unwrap().status, 200);
    assert_eq!(reader.upload(b"no", 4).unwrap().status, 403);
    assert_eq!(admin.send("GET", "/v1/files").unwrap().status, 403);
    assert_eq!(admin.send("GET", "/v1/organization/projects").unwrap().status, 200);
    assert_eq!(reader.send("GET", "/v1/organization/projects").unwrap().status, 403);
    for arguments in [["--scopes", "files"], ["--scopes", ""], ["--expires-in", "0"], ["--expires-in", "soon"]] {
        assert_eq!(run(&[&["keys", "create"], &arguments[..], &["--data-dir", &text]].concat()).status.code(), Some(2));
    }
    let both = ["keys", "create", "--admin", "--scopes", "files.read", "--data-dir", &text];
    assert_eq!(run(&both).status.code(), Some(2));
}

#[test]
fn an_archived_workspace_stops_and_a_purged_one_is_empty() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let text = data.text();
    let workspace = output(&["workspaces", "create", "brief", "--data-dir", &text]);
    let key = output(&["keys", "create", "--workspace", "brief", "--quiet", "--data-dir", &text]);
    let client = server.client(&key);
    let file = client.upload(b"kept until it is purged", 4).unwrap().id();
    let early = run(&["workspaces", "purge", &workspace, "--yes", "--data-dir", &text]);
    assert!(String::from_utf8_lossy(&early.stderr).contains("is not archived"));
    output(&["workspaces", "archive", "brief", "--data-dir", &text]);
    assert_eq!(becomes(&client, 200), 401);
    let message = client.send("GET", &format!("/v1/files/{file}")).unwrap().json()["error"]["message"].to_string();
    assert!(message.contains("archived"), "{message}");
    assert_eq!(run(&["workspaces", "purge", &workspace, "--data-dir", &text]).status.code(), Some(2), "it wants --yes");
    let purged = run(&["workspaces", "purge", "brief", "--yes", "--data-dir", &text]);
    assert!(String::from_utf8_lossy(&purged.stderr).contains("1 file or upload removed"), "{purged:?}");
    assert!(!output(&["keys", "list", "--data-dir", &text]).contains(&workspace));
    output(&["fsck", "--data-dir", &text]);
    let default = output(&["workspaces", "list", "--json", "--data-dir", &text]);
    let default: serde_json::Value = serde_json::from_str(&default).unwrap();
    let refused = run(&["workspaces", "archive", default[0]["id"].as_str().unwrap(), "--data-dir", &text]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("always there"));
}

#[test]
fn limits_are_set_beside_a_running_server() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let text = data.text();
    client.upload(b"four", 4).unwrap().id();
    output(&["limits", "set", "default", "storage_bytes=9", "file_bytes.batch=5", "--data-dir", &text]);
    assert_eq!(client.upload(b"five5", 5).unwrap().status, 200, "nine fit");
    let refused = client.upload(b"t", 1).unwrap();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &"storage_quota_exceeded".into()));
    let shown = || -> serde_json::Value {
        serde_json::from_str(&output(&["limits", "get", "default", "--json", "--data-dir", &text])).unwrap()
    };
    let of = |rows: &serde_json::Value, name: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["limit"] == name).unwrap().clone();
        (row["value"].as_u64(), row["used"].as_u64())
    };
    let rows = shown();
    assert_eq!((of(&rows, "storage_bytes"), of(&rows, "max_files")), ((Some(9), Some(9)), (None, Some(2))));
    output(&["limits", "set", "default", "storage_bytes=none", "--data-dir", &text]);
    assert_eq!(client.upload(b"t", 1).unwrap().status, 200);
    let keys: serde_json::Value =
        serde_json::from_str(&output(&["keys", "list", "--json", "--data-dir", &text])).unwrap();
    let key = keys[0]["id"].as_str().unwrap();
    output(&["limits", "set", key, "requests_per_minute=1", "--data-dir", &text]);
    assert_eq!(becomes(&client, 200), 429);
    for (owner, limit, part) in [
        (key, "storage_bytes=1", "is a limit of workspaces"),
        ("nobody", "storage_bytes=1", "there is no workspace"),
        ("key_00VbjUjhHGglY7j08O6M3Oj9", "requests_per_minute=1", "there is no key"),
        ("default", "requests_per_minute=0", "from 1 to 1000000000"),
        ("default", "storage=1", "is no limit"),
        ("default", "storage_bytes", "expected LIMIT=VALUE"),
    ] {
        let refused = run(&["limits", "set", owner, limit, "--data-dir", &text]);
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && message.contains(part), "{owner} {limit}: {message}");
    }
}

#[test]
fn the_audit_log_is_shown_beside_a_server_and_without_one() {
    let data = Data::new();
    let text = data.text();
    let server = Program::start(&data.path());
    let workspace = output(&["workspaces", "create", "audited", "--data-dir", &text]);
    let key = output(&["keys", "create", "--workspace", "audited", "--quiet", "--data-dir", &text]);
    let client = server.client(&key);
    let file = client.upload(b"brief", 4).unwrap().id();
    assert_eq!(client.send("DELETE", &format!("/v1/files/{file}")).unwrap().status, 200);
    let list = |filter: &[&str]| -> Vec<serde_json::Value> {
        let words = [&["audit", "list", "--json", "--data-dir", &text], filter].concat();
        serde_json::from_str(&output(&words)).unwrap()
    };
    let actions = |filter: &[&str]| -> Vec<String> {
        list(filter).iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["resource.deleted", "api_key.created", "project.created"];
    assert_eq!(actions(&["--workspace", "audited"]), all, "newest first");
    assert_eq!(actions(&["--workspace", &workspace, "--limit", "2"]), all[..2]);
    let rows = list(&["--workspace", "audited"]);
    let (deleted, issued, made) = (&rows[0], &rows[1], &rows[2]);
    assert_eq!((deleted["object_id"].as_str(), deleted["address"].as_str()), (Some(&*file), Some("127.0.0.1")));
    assert!(deleted["request_id"].as_str().unwrap().starts_with("req_") && deleted["details"].is_null());
    assert_eq!((&deleted["actor"], &issued["actor"]), (&issued["object_id"], &"command_line".into()));
    assert!(issued["address"].is_null() && issued["request_id"].is_null());
    assert_eq!((&made["object_id"], &made["workspace_id"]), (&workspace.as_str().into(), &workspace.as_str().into()));
    assert_eq!(made["details"]["name"], "audited");
    let holder = deleted["actor"].as_str().unwrap();
    assert_eq!(actions(&["--actor", holder]), ["resource.deleted"]);
    assert!(!actions(&["--actor", "command_line"]).contains(&"resource.deleted".to_owned()));
    assert_eq!(actions(&["--action", "resource.deleted"]), ["resource.deleted"]);
    let second = deleted["effective_at"].as_u64().unwrap();
    let (now, next) = (second.to_string(), (second + 1).to_string());
    assert!(actions(&["--since", &now]).contains(&"resource.deleted".to_owned()));
    assert!(actions(&["--since", &next, "--until", &next]).is_empty());
    assert!(!actions(&["--until", &now]).contains(&"resource.deleted".to_owned()));
    assert_eq!(actions(&["--until", &next, "--workspace", "audited"]), all);
    drop(server);
    assert_eq!(list(&["--workspace", "audited"]), rows, "without a server it is the same");
    let table = output(&["audit", "list", "--workspace", "audited", "--data-dir", &text]);
    let lines: Vec<&str> = table.lines().collect();
    let words: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(words, ["TIME", "ACTION", "OBJECT", "ACTOR", "WORKSPACE", "CHANGE", "ADDRESS", "REQUEST"]);
    assert!(lines.len() == 4 && lines[1].contains(&file) && lines[3].contains("command_line"), "{table}");
    assert!(lines[2].contains("scopes=files.read,files.write") && lines[3].contains("name=audited"), "{table}");
    assert_eq!(actions(&["--since", "yesterday", "--workspace", "audited"]), all);
    assert!(actions(&["--until", "1h"]).is_empty());
    assert_eq!(actions(&["--since", "2020-01-01T00:00:00Z", "--workspace", "audited"]), all);
    assert!(!table.contains(&key), "no secret is in it");
    for wrong in [["--actor", "ada"], ["--action", "file.deleted"], ["--since", "someday"], ["--limit", "0"]] {
        let refused = run(&[&["audit", "list", "--data-dir", &text], &wrong[..]].concat());
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && message.contains(wrong[1]), "{message}");
    }
}

#[test]
fn the_bill_is_shown_beside_a_server_and_without_one() {
    let data = Data::new();
    let text = data.text();
    let mut server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    client.upload(&[7; 1000], 100_000).unwrap().id();
    client.send("GET", "/v1/files").unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    server.signal("TERM");
    server.wait();
    let file = data.folder.path().join("venna.toml");
    let prices = "[[prices]]\neffective_from = \"2020-01-01T00:00:00Z\"\ncurrency = \"usd\"\n\
                  \"files.ops.class_a\" = { per = \"1000_requests\", usd = \"0.5\" }\n\
                  \"files.ingress\" = { per = \"gibibytes\", usd = \"1\" }\n";
    std::fs::write(&file, prices).unwrap();
    let bill = |words: &[&str]| {
        let words = [&["usage", "--config", file.to_str().unwrap(), "--data-dir", &text], words].concat();
        output(&words)
    };
    let rows: serde_json::Value = serde_json::from_str(&bill(&["--json"])).unwrap();
    let of = |item: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["line_item"] == item).unwrap().clone();
        (row["quantity"].as_str().unwrap().to_owned(), row["cost_usd"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("files.ingress"), ("100000".into(), "0.000093132".into()));
    assert_eq!(of("files.ops.class_a"), ("2".into(), "0.001000000".into()));
    let csv = bill(&["--format", "csv", "--workspace", "default"]);
    let heading: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    assert!(heading.contains(&"BilledCost") && heading.contains(&"ChargePeriodStart"), "{csv}");
    assert!(csv.lines().skip(1).all(|line| line.split(',').count() == heading.len()), "{csv}");
    let table = bill(&[]);
    assert!(table.contains("files.ingress") && table.contains("0.000093132") && table.contains("####"), "{table}");
    let words = |item: &str| -> Vec<&str> {
        table.lines().find(|line| line.contains(item)).unwrap().split_whitespace().collect()
    };
    assert_eq!(words("files.ingress"), ["default", "files.ingress", "97.7", "KiB", "0.000093132"]);
    assert_eq!(words("files.ops.class_a")[2..4], ["2", "requests"]);
    assert!(!table.contains("files.egress"), "{table}");
    assert!(bill(&["--from", "yesterday"]).contains("files.ingress"));
    assert!(!bill(&["--to", "yesterday"]).contains("files.ingress"));
    assert_eq!(bill(&["--to", "86400", "--json"]), "[]");
    for words in [&["--from", "5", "--to", "5"][..], &["--from", "0"], &["--workspace", "nobody"]] {
        assert!(!run(&[&["usage", "--data-dir", &text], words].concat()).status.success(), "{words:?}");
    }
}

/// Begins an installation and stops its server.
fn begin(data: &Data) {
    let mut server = Program::start(&data.path());
    server.signal("TERM");
    server.wait();
}

#[test]
fn commands_work_without_a_server() {
    let data = Data::new();
    begin(&data);
    let key = output(&["keys", "create", "--quiet", "--data-dir", &data.text()]);
    assert!(key.starts_with("vk_") && key.len() == 39, "the secret alone");
    let server = Program::start(&data.path());
    assert_eq!(server.client(&key).send("GET", "/v1/files").unwrap().status, 200);
}

/// Every command on an existing installation, and its arguments.
const ON_AN_INSTALLATION: [&[&str]; 20] = [
    &["workspaces", "create", "x"],
    &["workspaces", "list"],
    &["workspaces", "archive", ID],
    &["workspaces", "purge", ID, "--yes"],
    &["workspaces", "expiry", "default"],
    &["keys", "create"],
    &["keys", "list"],
    &["keys", "rotate", "key_00VbjUjhHGglY7j08O6M3Oj9"],
    &["keys", "revoke", "key_00VbjUjhHGglY7j08O6M3Oj9"],
    &["limits", "get", "default"],
    &["limits", "set", "default", "max_files=1"],
    &["usage"],
    &["usage", "export"],
    &["audit", "list"],
    &["clock", "status"],
    &["compact"],
    &["stores", "confirm", "--yes"],
    &["fsck"],
    &["backup", "/proc/venna"],
    &["migrate", "--to-metadata-url", "postgres://127.0.0.1:1/x"],
];
const ID: &str = "ws_00VbjUjhHGglY7j08O6M3Oj9";

fn all_refuse(data_dir: &str, why: &str) {
    for command in ON_AN_INSTALLATION {
        let output = run(&[command, &["--data-dir", data_dir]].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && message.contains(why), "{command:?}: {message}");
    }
}

#[test]
fn no_command_begins_an_installation() {
    let data = Data::new();
    let text = data.text();
    let why = format!("there is no installation in {text}; start `venna serve` first");
    all_refuse(&text, &why);
    assert!(!data.path().exists(), "nothing is made");
    std::fs::create_dir(data.path()).unwrap();
    let database = data.path().join("venna.db");
    std::fs::write(&database, "").unwrap();
    all_refuse(&text, &why);
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 1, "nothing is made");
    rusqlite::Connection::open(&database).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
    all_refuse(&text, "the database holds no installation; start `venna serve` first");
}

#[test]
fn a_path_without_an_installation_is_told_from_one_that_cannot_be_looked_at() {
    let data = Data::new();
    let file = data.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("data");
    all_refuse(inside.to_str().unwrap(), "venna.db: Not a directory");
    if data.folder.path().metadata().unwrap().uid() != 0 {
        return;
    }
    begin(&data);
    std::fs::set_permissions(data.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = data.folder.path().join("venna");
    // A child that another test starts meanwhile would inherit a file that this process writes, and keep it from being
    // run.
    let copied = std::process::Command::new("cp").arg(env!("CARGO_BIN_EXE_venna")).arg(&program).status().unwrap();
    assert!(copied.success());
    let mut command = std::process::Command::new(program);
    let listed = command.args(["keys", "list", "--data-dir", &data.text()]).uid(54_321).gid(54_321).output().unwrap();
    let message = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(message.contains("venna.db: Permission denied"), "{message}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let data = Data::new();
    let text = data.text();
    begin(&data);
    for (arguments, part) in [
        (vec!["keys", "create", "--workspace", "nobody"], "there is no workspace \"nobody\""),
        (vec!["keys", "revoke", "key_1"], "is not a key id"),
        (vec!["keys", "revoke", "key_00VbjUjhHGglY7j08O6M3Oj9"], "there is no key"),
        (vec!["keys", "create", "--name", " padded "], "a name has 1 to 64 characters"),
        (vec!["workspaces", "expiry", "nobody"], "there is no workspace \"nobody\""),
        (vec!["audit", "list", "--workspace", "nobody"], "there is no workspace \"nobody\""),
        (vec!["workspaces", "create", "default"], "a workspace with this name exists"),
        (vec!["workspaces", "create", ""], "a name has 1 to 64 characters"),
        (vec!["workspaces", "create", "ws_00VbjUjhHGglY7j08O6M3Oj9"], "does not look like an id"),
    ] {
        let output = run(&[&arguments[..], &["--data-dir", &text]].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(message.contains(part), "{arguments:?}: {message}");
    }
}

#[test]
fn a_secret_that_cannot_be_shown_opens_nothing() {
    let data = Data::new();
    begin(&data);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let created = venna(&["keys", "create", "--quiet", "--data-dir", &data.text()]).stdout(full).output().unwrap();
    let message = String::from_utf8_lossy(&created.stderr).into_owned();
    assert!(created.status.code() == Some(1) && message.contains("the key was revoked"), "{message}");
    assert!(output(&["keys", "list", "--data-dir", &data.text()]).contains("revoked"));
}

#[test]
fn a_server_that_nobody_hears_runs_all_the_same() {
    let data = Data::new();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let arguments = ["serve", "--data-dir", &data.text(), "--listen", "127.0.0.1:0", "--admin-listen", "off"];
    let mut child = venna(&arguments).stdout(full()).stderr(full()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !data.path().join("first-key").exists() {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "it runs");
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it goes on running");
    drop(std::process::Command::new("kill").arg(child.id().to_string()).status());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
