//! Whose the files are, and what the file system under them does.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use venna_testkit::program::{Data, Program, output, report, run, venna};

/// A user that is not root; nobody needs to have an account of this number.
const OTHER: u32 = 54_321;

fn is_root(data: &Data) -> bool {
    let is_root = data.folder.path().metadata().unwrap().uid() == 0;
    if !is_root {
        report("skipped: only root can give files to others");
    }
    is_root
}

fn refuses(arguments: &[&str], why: &str) {
    let done = run(arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success() && said.contains(why), "{arguments:?}: {said}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn root_makes_nothing_among_the_files_of_another_user() {
    let data = Data::new();
    if !is_root(&data) {
        return;
    }
    let text = data.text();
    drop(Program::start(&data.path()));
    assert!(run(&["keys", "list", "--data-dir", &text]).stderr.is_empty(), "what is there is root's already");

    chown(data.path().join("venna.db"), Some(OTHER), Some(OTHER)).unwrap();
    let before = names(&data.path());
    let backup = data.folder.path().join("backup").display().to_string();
    for command in
        [["keys", "list"].as_slice(), &["workspaces", "create", "x"], &["fsck"], &["upgrade"], &["backup", &backup]]
    {
        refuses(&[command, &["--data-dir", &text]].concat(), "sudo -u '#54321' venna");
    }
    let said = Program::try_spawn(venna(&["serve"]), &data.path()).err().expect("nor does a server start").join("\n");
    assert!(said.contains("belongs to user #54321"), "{said}");
    assert_eq!(names(&data.path()), before);
}

#[test]
fn only_a_server_begins_an_installation_as_root_in_a_folder_of_another_user() {
    let data = Data::new();
    if !is_root(&data) {
        return;
    }
    std::fs::create_dir(data.path()).unwrap();
    chown(data.path(), Some(OTHER), Some(OTHER)).unwrap();
    refuses(&["keys", "create", "--data-dir", &data.text()], "there is no installation");
    assert!(names(&data.path()).is_empty());
    let server = Program::start(&data.path());
    output(&["keys", "list", "--data-dir", &data.text()]);
    server.client(&data.first_key()).upload(b"a", 10).unwrap().id();
}

#[test]
fn root_tries_nothing_out_among_the_files_of_another_user() {
    let data = Data::new();
    if !is_root(&data) {
        return;
    }
    drop(Program::start(&data.path()));
    chown(data.path().join("venna.db"), Some(OTHER), Some(OTHER)).unwrap();
    let before = names(&data.path());
    refuses(&["check", "--data-dir", &data.text()], "FAILED  data directory: ");
    refuses(&["compact", "--data-dir", &data.text()], "belongs to user #54321");
    assert_eq!(names(&data.path()), before);
}

#[test]
fn a_folder_that_every_user_can_write_to_is_warned_of() {
    let data = Data::new();
    let mut server = Program::start(&data.path());
    assert!(!server.log.iter().any(|line| line.contains("every user")), "{:?}", server.log);
    server.signal("TERM");
    server.wait();
    let set_mode = |folder: &Path, mode| {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(&data.path(), 0o707);
    set_mode(&data.path().join("blobs"), 0o1777);
    let checked = run(&["check", "--data-dir", &data.text()]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    let text = data.text();
    let warning = format!("the folder {text} can be written to by every user of this machine (mode 0707)");
    assert_eq!((checked.status.code(), said.matches(&warning).count()), (Some(0), 1), "{said}");
    assert!(said.contains(&format!("the folder {text}/blobs can be written to by every user")), "{said}");
    let server = Program::start(&data.path());
    assert!(server.log.iter().any(|line| line.contains(&warning)), "{:?}", server.log);
}

#[test]
fn a_file_system_that_keeps_no_names_is_refused() {
    let data = Data::new();
    let log = data.folder.path().join("trace");
    let mut command = Command::new("strace");
    // What is renamed stays where it is, and nobody says so.
    command.args(["-D", "-f", "-qq", "-o"]).arg(&log).args([
        "-e",
        "trace=renameat2",
        "-e",
        "inject=renameat2:retval=0",
    ]);
    command.arg(env!("CARGO_BIN_EXE_venna")).arg("serve");
    let started = Program::try_spawn(command, &data.path());
    if !std::fs::read_to_string(&log).is_ok_and(|log| log.contains("(INJECTED)")) {
        report("skipped: strace injects nothing here");
        return;
    }
    let said = started.err().expect("it does not start").join("\n");
    assert!(said.contains("a renamed file lacks its content"), "{said}");
}

#[test]
fn a_file_system_that_was_not_tried_is_named() {
    let elsewhere = Path::new("/dev/shm");
    let check = |folder: &Path| {
        let done = run(&["check", "--data-dir", folder.to_str().unwrap()]);
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    assert!(check(Path::new("/proc/venna")).contains("lie on proc, on which power cuts were not tried"));
    if elsewhere.is_dir() {
        assert!(check(elsewhere).contains("lie on tmpfs, which may lose"));
    }
}
