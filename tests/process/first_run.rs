//! The first run on an empty data directory (README.md).

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;
use venna_testkit::program::{Data, Program, report, run, venna, wait_until};

#[test]
fn one_command_makes_a_server_a_workspace_and_a_key() {
    let data = Data::new();
    let mut server = Program::start(&data.path());
    let file = data.path().join("first-key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    assert!(
        secret.starts_with("vk_") && secret.len() == 40 && secret.ends_with('\n'),
        "the secret and a newline, nothing else"
    );
    let client = server.client(&data.first_key());
    let id = client.upload(b"hello", 5).unwrap().id();
    assert_eq!(client.send("GET", &format!("/v1/files/{id}/content")).unwrap().body, b"hello");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(client.with_key("").send("GET", path).unwrap().status, 200);
    }
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let server = Program::start(&data.path());
    assert_eq!(data.first_key(), secret.trim(), "a second run makes no other key");
    assert_eq!(server.client(secret.trim()).send("GET", &format!("/v1/files/{id}")).unwrap().status, 200);
}

#[test]
fn standard_output_that_is_no_terminal_gets_no_secret() {
    let data = Data::new();
    let arguments = ["serve", "--data-dir", &data.text(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let child = venna(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let file = data.path().join("first-key");
    wait_until("a key is made", || file.exists());
    std::thread::sleep(Duration::from_millis(500));
    drop(std::process::Command::new("kill").arg(child.id().to_string()).status());
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!shown.contains(&data.first_key()), "{shown}");
    assert!(shown.contains("first-key") && shown.contains("curl "), "{shown}");
    assert_eq!(shown.matches("listening on").count(), 1, "{shown}");
}

#[test]
fn a_second_server_on_the_data_directory_is_refused() {
    let data = Data::new();
    let first = Program::start(&data.path());
    let second = run(&["serve", "--data-dir", &data.text(), "--listen", "127.0.0.1:0", "--admin-listen", "off"]);
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1));
    assert!(message.contains("another server is running on the data directory"), "{message}");
    assert_eq!(first.client(&data.first_key()).send("GET", "/v1/files").unwrap().status, 200);
}

#[test]
fn a_second_server_on_the_same_stores_is_refused() {
    let (ours, theirs) = (Data::new(), Data::new());
    let first = Program::start(&ours.path());
    let database = format!("--metadata-url=sqlite:{}/venna.db", ours.text());
    let blobs = format!("--blobs-url=file:{}/blobs", ours.text());
    for (setting, part) in [(&database, "on the database"), (&blobs, "on the blobs")] {
        let second =
            run(&["serve", "--data-dir", &theirs.text(), "--listen", "127.0.0.1:0", "--admin-listen", "off", setting]);
        let message = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(second.status.code() == Some(1) && message.contains(part), "{message}");
    }
    drop(first);
}

#[test]
fn nobody_else_can_read_the_installation() {
    let data = Data::new();
    let _server = Program::start(&data.path());
    for (name, mode) in
        [("", 0o700), ("venna.db", 0o600), ("venna.db-wal", 0o600), ("blobs", 0o700), ("first-key", 0o600)]
    {
        let found = std::fs::metadata(data.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}: {found:o}");
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let (ours, theirs) = (Data::new(), Data::new());
    let first = Program::start(&theirs.path());
    let address = first.address.to_string();
    let second = run(&["serve", "--data-dir", &ours.text(), "--listen", &address, "--admin-listen", "off"]);
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1));
    assert!(message.contains(&address) && message.contains("listen"), "{message}");
}

#[test]
fn a_bootstrap_key_is_installed_however_often() {
    let data = Data::new();
    let key = "vk_00000000000000000000000000000000R6IX";
    let file = data.folder.path().join("key");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    for _ in 0..2 {
        let mut command = venna(&["serve", "--bootstrap-key-file"]);
        command.arg(&file);
        let mut server = Program::spawn(command, &data.path());
        assert_eq!(server.client(key).send("GET", "/v1/files").unwrap().status, 200);
        server.signal("INT");
        assert_eq!(server.wait(), Some(0));
    }
    assert!(!data.path().join("first-key").exists());
    std::fs::write(&file, "vk_mistyped").unwrap();
    let file = file.display().to_string();
    let refused = run(&["serve", "--data-dir", &data.text(), "--listen", "127.0.0.1:0", "--bootstrap-key-file", &file]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(message.contains("bootstrap_key_file") && !message.contains("mistyped"), "{message}");
}

#[test]
fn a_data_directory_that_cannot_keep_data_is_warned_of() {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        report("skipped: there is no /dev/shm to write to");
        return;
    };
    let server = Program::start(&folder.path().join("data"));
    assert!(server.log.iter().any(|line| line.contains("tmpfs")), "{:?}", server.log);
    let ready = server.client("").send("GET", "/readyz").unwrap().json();
    assert!(ready["warnings"][0].as_str().unwrap().contains("tmpfs"), "{ready}");
}
