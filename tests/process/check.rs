//! `venna check`: it tries out the stores, says what a server lacks, and leaves nothing behind.

use std::process::{Command, Output};
use venna_testkit::bucket::Bucket;
use venna_testkit::postgres::Database;
use venna_testkit::program::{Data, Program, venna};

const PASSWORD: &str = "hunter2";

fn told(output: &Output) -> (Option<i32>, String) {
    let said = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(!said.contains(PASSWORD), "{said}");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn check(settings: &[&str]) -> (Option<i32>, String) {
    told(&venna(&[&["check"], settings].concat()).output().unwrap())
}

fn has_lines(checked: &(Option<i32>, String), code: i32, begins: &[&str]) {
    assert_eq!(checked.0, Some(code), "{}", checked.1);
    for begin in begins {
        assert!(checked.1.lines().any(|line| line.starts_with(begin)), "{begin}: {}", checked.1);
    }
}

#[test]
fn what_a_first_start_needs_is_tried_and_nothing_is_made() {
    let data = Data::new();
    let text = data.text();
    let missing = format!("OK      metadata: SQLite database {text}/venna.db is not there yet");
    let folder = format!("OK      blobs: folder {text}/blobs is not there yet");
    has_lines(&check(&["--data-dir", &text]), 0, &["OK      settings: valid", &missing, &folder]);
    assert!(!data.path().exists());
    let nowhere = ["--data-dir", "/proc/venna"];
    has_lines(
        &check(&nowhere),
        1,
        &["FAILED  data directory: cannot write to /proc", "FAILED  metadata", "FAILED  blobs"],
    );
    let offline = check(&[&nowhere[..], &["--offline"]].concat());
    has_lines(&offline, 0, &["OK      settings: valid"]);
    assert!(!offline.1.contains("metadata:"), "{}", offline.1);
}

#[test]
fn the_stores_of_a_running_server_are_tried_and_left_as_they_are() {
    let data = Data::new();
    let text = data.text();
    let server = Program::start_on_blobs(&data.path());
    server.client(&data.first_key()).upload(b"a", 10).unwrap().id();
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(data.path().join("blobs")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let settings = ["--data-dir", &text];
    let database = format!("OK      metadata: SQLite database {text}/venna.db, schema ");
    has_lines(&check(&settings), 0, &[&database, "OK      blobs: folder "]);
    assert_eq!(names(), before);
    let database = rusqlite::Connection::open(data.path().join("venna.db")).unwrap();
    let newest = "FROM schema_migrations WHERE number = (SELECT max(number) FROM schema_migrations)";
    database.execute(&format!("DELETE {newest}"), []).unwrap();
    let older = check(&settings);
    assert!(older.0 == Some(0) && older.1.contains("which `venna serve` migrates to"), "{}", older.1);
    database.execute("INSERT INTO schema_migrations VALUES (9999, 'of tomorrow', x'00', 0)", []).unwrap();
    let newer = check(&settings);
    assert!(newer.0 == Some(1) && newer.1.contains("the database is at schema 9999"), "{}", newer.1);
    let elsewhere = check(&["--data-dir", &text, "--blobs-url", "file:/proc"]);
    has_lines(&elsewhere, 1, &["FAILED  blobs: cannot use the blob store /proc: "]);
}

#[test]
fn effective_values_are_shown_whatever_sets_them() {
    let data = Data::new();
    let text = data.text();
    let checked = venna(&["check", "--offline", "--data-dir", &text]).output().unwrap();
    let table = String::from_utf8(checked.stdout).unwrap();
    let value = |setting: &str| {
        let line = table.lines().find(|line| line.split_whitespace().next() == Some(setting)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(value("metadata_url"), format!("sqlite:{text}/venna.db"));
    assert_eq!(value("blobs_url"), format!("file:{text}/blobs"));
    assert_eq!((value("inline_max_bytes"), value("delete_delay_seconds")), ("65536".to_owned(), "0".to_owned()));
    assert_eq!((value("tls_cert"), value("public_url")), ("none".to_owned(), "http://127.0.0.1:8080".to_owned()));
    assert!(table.lines().skip(1).all(|line| line.split_whitespace().nth(1) != Some("-")), "{table}");
}

#[test]
fn files_that_settings_name_are_read() {
    let data = Data::new();
    let file = data.folder.path().join("file");
    std::fs::write(&file, "vk_mistyped").unwrap();
    let file = file.display().to_string();
    for (settings, line) in [
        (vec!["--bootstrap-key-file", &*file], "FAILED  bootstrap key: bootstrap_key_file"),
        (vec!["--tls-cert", &file, "--tls-key", &file], "FAILED  tls: "),
        (vec!["--usage-sink-url", "http://x/", "--usage-sink-secret-file", &file], "FAILED  usage sink: "),
        (
            vec!["--alert-sink-url", "http://x/"],
            "FAILED  alert sink: alert_sink_url is set, and alert_sink_secret_file",
        ),
        (vec!["--blobs-redirect", "true"], "FAILED  settings: blobs_redirect needs blobs in a bucket"),
    ] {
        let checked = check(&[&["--offline", "--data-dir", &data.text()], settings.as_slice()].concat());
        has_lines(&checked, 1, &[line]);
        assert!(!checked.1.contains("mistyped"), "{}", checked.1);
    }
}

#[test]
fn permissions_and_the_clock_of_postgresql_are_checked() {
    let Some(database) = Database::fresh("venna check on PostgreSQL") else { return };
    let data = Data::new();
    let role = format!("venna_check_{}", std::process::id());
    database.run(&format!("CREATE ROLE {role} LOGIN"));
    let url = database.url.clone();
    let theirs = url.replace("venna@", &format!("{role}:{PASSWORD}@"));
    let check_as = |url: &str| check(&["--data-dir", &data.text(), "--metadata-url", url]);
    let fresh = check_as(&url);
    has_lines(&fresh, 0, &["OK      metadata: PostgreSQL ", "OK      clock: that of PostgreSQL is "]);
    assert!(fresh.1.contains("no installation yet; `venna serve` begins one"), "{}", fresh.1);
    let refused =
        "FAILED  metadata: cannot open the metadata store of metadata_url: permission denied for schema public";
    has_lines(&check_as(&theirs), 1, &[refused]);
    assert_eq!(database.rows("SELECT 1 FROM pg_class WHERE relname LIKE 'venna%'").len(), 0, "nothing is left");
    drop(Program::spawn(venna(&["serve", "--metadata-url", &url]), &data.path()));
    assert!(check_as(&url).1.contains(", schema "));
    database.run(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"));
    let lacking = check_as(&theirs);
    let expected = format!("user {role} lacks SELECT, INSERT, UPDATE or DELETE on its tables answers, api_keys");
    assert!(lacking.0 == Some(1) && lacking.1.contains(&expected), "{}", lacking.1);
    database.run("REVOKE USAGE ON SCHEMA public FROM PUBLIC");
    let listed = venna(&["keys", "list", "--data-dir", &data.text(), "--metadata-url", &theirs]).output().unwrap();
    let hidden = told(&listed);
    let expected = format!("the database cannot be used: user {role} lacks USAGE on its schema public");
    assert!(hidden.0 == Some(1) && hidden.1.contains(&expected), "{}", hidden.1);
    database.run(&format!("ALTER ROLE {role} SET default_transaction_read_only = on"));
    assert!(check_as(&theirs).1.contains("it takes no writes: it is a standby, or read-only"));
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    has_lines(&check_as("postgres://x@127.0.0.1:1/x"), 1, &["FAILED  metadata: cannot open", "OK      blobs: "]);
    let offline = ["--data-dir", &data.text(), "--metadata-url", "postgres://x@127.0.0.1:1/x", "--offline"];
    has_lines(&check(&offline), 0, &["OK      settings: valid"]);
}

#[test]
fn a_bucket_is_written_to_and_left_as_it_was() {
    let (data, bucket) = (Data::new(), Bucket::open());
    let command = |variables: Vec<(String, String)>| -> Command {
        let mut command = venna(&["check", "--data-dir", &data.text(), "--blobs-url", &bucket.url("a")]);
        command.envs(variables);
        command
    };
    let mut right = command(bucket.variables(bucket.address));
    let checked = told(&right.output().unwrap());
    has_lines(&checked, 0, &["OK      blobs: s3://", "OK      clock: that of the bucket is "]);
    assert!(bucket.objects("").is_empty() && bucket.unfinished() == (Vec::new(), Vec::new()));
    let mut wrong = command(bucket.variables(bucket.address));
    let refused = told(&wrong.env("AWS_SECRET_ACCESS_KEY", PASSWORD).output().unwrap());
    has_lines(&refused, 1, &["FAILED  blobs: cannot use the blob store s3://"]);
    assert!(refused.1.contains("SignatureDoesNotMatch"), "{}", refused.1);
}
