//! Servers and keys of `venna files`: flags, profiles, and the environment.

use super::stub::{Reply, Stub, file};
use super::{command, text};
use std::fs::{Permissions, create_dir_all, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// A key that no output may show.
const CANARY: &str = "sk-canary-0123456789abcdef";

fn stub() -> Stub {
    Stub::start(|request, _| match request.line.as_str() {
        "GET /v1/files/file-1" => Reply::Answer(200, "", file("file-1", "a.bin", 3)),
        _ => Reply::Answer(404, "", String::new()),
    })
}

fn write_profiles(home: &Path, text: &str, mode: u32) {
    let path = home.join(".config/venna/client.toml");
    create_dir_all(path.parent().unwrap()).unwrap();
    write(&path, text).unwrap();
    set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

/// Runs `get file-1` without a server or key in the environment.
fn get(home: &Path, change: impl FnOnce(&mut Command) -> &mut Command) -> Output {
    let mut command = command(([127, 0, 0, 1], 9).into(), "", home, &["get", "file-1"]);
    command.env_remove("VENNA_URL").env_remove("VENNA_API_KEY");
    change(&mut command);
    let output = command.output().unwrap();
    let shown = text(&output.stderr) + &text(&output.stdout);
    assert!(!shown.contains("canary"), "{shown}");
    output
}

#[test]
fn profiles_name_servers_and_keys() {
    let (stub, home) = (stub(), tempfile::tempdir().unwrap());
    let home = home.path();
    let profile = |name: &str| format!("[{name}]\nurl = \"http://{}\"\nkey = \"{CANARY}\"\n", stub.address);
    write_profiles(home, &(profile("default") + &profile("work") + "[bare]\nurl = \"http://127.0.0.1:9\"\n"), 0o600);
    assert!(get(home, |command| command).status.success(), "the default profile");
    assert!(get(home, |command| command.env("VENNA_PROFILE", "work")).status.success());
    assert!(get(home, |command| command.args(["--profile", "work"]).env("VENNA_URL", "http://x")).status.success());
    let elsewhere = get(home, |command| command.env("VENNA_URL", "http://127.0.0.1:9"));
    assert_eq!(elsewhere.status.code(), Some(2), "the environment names another server and no key");
    let bare = get(home, |command| command.args(["--profile", "bare"]).env("VENNA_API_KEY", CANARY));
    assert_eq!(bare.status.code(), Some(2), "a key of the environment is not for the server of a profile");
    let unknown = get(home, |command| command.args(["--profile", "home"]));
    assert!(unknown.status.code() == Some(2) && text(&unknown.stderr).contains("'home'"));
    let url = format!("http://{}", stub.address);
    assert!(get(home, |command| command.args(["--url", &url, "--key", CANARY])).status.success());
}

#[test]
fn a_file_of_profiles_is_for_its_user_only_and_its_errors_show_no_key() {
    let (stub, home) = (stub(), tempfile::tempdir().unwrap());
    let good = format!("[default]\nurl = \"http://{}\"\nkey = \"{CANARY}\"\n", stub.address);
    write_profiles(home.path(), &good, 0o640);
    let refused = get(home.path(), |command| command);
    assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains("chmod 600"));
    for wrong in
        [format!("\nkey = \"{CANARY}\"\n"), format!("[default]\nkeyy = \"{CANARY}\"\n"), format!("\nx {CANARY}")]
    {
        write_profiles(home.path(), &wrong, 0o600);
        let refused = get(home.path(), |command| command);
        assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains("in line "), "{refused:?}");
    }
}

#[test]
fn a_missing_server_or_key_is_an_invalid_command_line() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(get(home.path(), |command| command).status.code(), Some(2));
    assert_eq!(get(home.path(), |command| command.args(["--url", "http://x"])).status.code(), Some(2));
}

#[test]
fn a_file_that_is_too_long_is_refused_and_not_cut() {
    let (stub, home) = (stub(), tempfile::tempdir().unwrap());
    let long = "# x\n".repeat(20_000);
    write_profiles(home.path(), &format!("[default]\nurl = \"http://{}\"\nkey = \"k\"\n{long}", stub.address), 0o600);
    let refused = get(home.path(), |command| command);
    assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains("more than 65536 bytes"), "{refused:?}");
    let key = home.path().join("key");
    write(&key, "k".repeat(5000)).unwrap();
    let url = format!("http://{}", stub.address);
    let refused = get(home.path(), |command| command.args(["--url", &url, "--key-file"]).arg(&key));
    assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains("more than 4096 bytes"), "{refused:?}");
    assert!(stub.requests("GET").is_empty(), "no request has a cut key");
}
