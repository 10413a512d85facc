//! `venna files` against a running server.

mod continued;
mod faults;
mod hostile;
mod kills;
mod moves;
mod other_apis;
mod profiles;
mod selection;
mod stub;
mod sync;
mod terminal;

use crate::trace::{CALLS, calls, can_trace, come_in_order};
use sha2::{Digest, Sha256};
use std::fs::{create_dir_all, read, write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use stub::{Reply, Stub};
use venna_testkit::program::{Data, Program, report, venna};

fn files(server: &Program, key: &str, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    command(server.address, key, home.path(), arguments).output().unwrap()
}

/// Returns the command `venna files` for a server and a key, with its state and configuration below `home`.
fn command(address: SocketAddr, key: &str, home: &Path, arguments: &[&str]) -> Command {
    client(address, key, home, &[&["files"], arguments].concat())
}

/// Returns a command of the client, such as `import`, for a server and a key.
fn client(address: SocketAddr, key: &str, home: &Path, words: &[&str]) -> Command {
    let mut command = venna(words);
    command.env("VENNA_URL", format!("http://{address}")).env("VENNA_API_KEY", key);
    command.env("HOME", home).env_remove("XDG_STATE_HOME").env_remove("XDG_CONFIG_HOME");
    command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL");
    command
}

/// Returns the files that `venna files` keeps about uploads.
fn state(home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.join(".local/state/venna/uploads")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn files_go_up_and_come_back_the_same() {
    let (data, server) = started();
    let key = data.first_key();
    let folder = data.folder.path().join("tree");
    create_dir_all(folder.join("below")).unwrap();
    let large: Vec<u8> = (0..3_000_001_u32).map(|number| number.to_le_bytes()[0]).collect();
    write(folder.join("a.bin"), &large).unwrap();
    write(folder.join("below/empty.txt"), b"").unwrap();
    let folder = folder.display().to_string();
    let sent = files(&server, &key, &["upload", &folder, "--purpose", "user_data", "--expires", "7d", "--json"]);
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    let sent: Vec<serde_json::Value> =
        text(&sent.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sent.len(), 2);
    let large_file = sent.iter().find(|file| file["filename"] == "a.bin").unwrap();
    let id = large_file["id"].as_str().unwrap();
    assert!(large_file["expires_at"].as_u64().unwrap() - large_file["created_at"].as_u64().unwrap() == 7 * 86_400);

    let listed = files(&server, &key, &["list", "--all", "--json"]);
    assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&listed.stdout).unwrap().len(), 2);
    let table = text(&files(&server, &key, &["get", id]).stdout);
    assert!(table.contains("a.bin") && table.contains("2.9 MiB") && !table.contains('\u{1b}'), "{table}");

    let target = data.folder.path().join("back.bin");
    let output = target.display().to_string();
    let received = files(&server, &key, &["content", id, "-o", &output]);
    assert!(received.status.success() && text(&received.stderr).contains("checksum compared"));
    assert_eq!(read(&target).unwrap(), large);
    let again = files(&server, &key, &["content", id, "-o", &output]);
    assert!(again.status.code() == Some(1) && text(&again.stderr).contains("--force"));
    assert_eq!(files(&server, &key, &["content", id, "-o", "-"]).stdout, large);

    assert!(files(&server, &key, &["delete", id]).status.success());
    let missing = files(&server, &key, &["get", id]);
    assert!(missing.status.code() == Some(1) && text(&missing.stderr).contains("No such File object"));
}

#[test]
fn an_interrupted_download_goes_on_and_a_damaged_one_is_refused() {
    let (data, server) = started();
    let key = data.first_key();
    let content = b"0123456789".repeat(100_000);
    let source = data.folder.path().join("source");
    write(&source, &content).unwrap();
    let sent = files(&server, &key, &["upload", source.to_str().unwrap(), "--purpose", "user_data", "--json"]);
    let file: serde_json::Value = serde_json::from_slice(&sent.stdout).unwrap();
    let (id, etag) = (file["id"].as_str().unwrap(), format!("\"{}\"", file["sha256"].as_str().unwrap()));
    let target = data.folder.path().join("target");
    let (part, kept) = (data.folder.path().join("target.part"), data.folder.path().join("target.part.etag"));
    for (half, code) in [(content[..500_000].to_vec(), 0), (vec![b'x'; 500_000], 1)] {
        write(&part, half).unwrap();
        write(&kept, &etag).unwrap();
        let done = files(&server, &key, &["content", id, "--force", "-o", target.to_str().unwrap()]);
        assert_eq!(done.status.code(), Some(code), "the received bytes were kept: {}", text(&done.stderr));
        assert_eq!(read(&target).unwrap(), content, "a damaged download replaces no file");
    }
}

#[test]
fn a_download_survives_a_power_cut_once_it_is_told() {
    if !can_trace() {
        report("skipped: strace cannot trace here");
        return;
    }
    let stub = Stub::start(|_, _| Reply::Answer(200, "", "content".into()));
    let home = tempfile::tempdir().unwrap();
    let (log, folder) = (home.path().join("trace"), home.path().join("back"));
    let target = format!("{}/a.txt", folder.display());
    create_dir_all(&folder).unwrap();
    for replaced in [&[][..], &["--force"]] {
        let words = [&["content", "file-1", "-o", &target], replaced].concat();
        let plain = command(stub.address, "vk_test", home.path(), &words);
        let mut traced = Command::new("strace");
        traced.args(["-f", "-y", "-qq", "-s", "200", "-e", &format!("trace={CALLS}"), "-o"]).arg(&log);
        traced.arg(plain.get_program()).args(plain.get_args());
        traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let done = traced.output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let calls = calls(&text(&read(&log).unwrap()));
        let synced_folder = format!("{}>", folder.display());
        let steps: [(&str, &[&str]); 4] = [
            ("fsync", &["sync(", "a.txt.part>"]),
            ("rename", &["rename", "a.txt.part"]),
            ("fsync of the folder", &["sync(", &synced_folder]),
            ("the step", &["write(2", "a.txt"]),
        ];
        come_in_order(&calls, &steps);
    }
}

#[test]
fn the_help_of_a_command_is_whole() {
    for (words, sentence) in [
        (&["files", "upload"][..], "A file of more than 64 MiB is sent in parts."),
        (&["files", "sync"], "Symbolic links are left out."),
        (&["export"], "A content is at `files/ID/NAME`."),
        (&["import"], "Names, purposes and expiries are kept."),
        (&["check"], "Exit code 1 means that a check failed."),
        (&["serve"], "SIGHUP reads the configuration again"),
        (&["compact"], "The disk needs free space"),
        (&["migrate"], "The source is not changed"),
    ] {
        let help = text(&venna(&[words, &["--help"]].concat()).output().unwrap().stdout);
        assert!(help.contains(sentence), "{words:?}: {help}");
    }
}

/// The size of a part, in bytes.
const PART_BYTES: usize = 64 << 20;
/// The size of a file of two parts, in bytes.
const TWO_PARTS_BYTES: usize = PART_BYTES + 5;

#[test]
fn a_file_of_parts_is_compared_as_it_goes_up_and_as_it_comes_back() {
    let (data, server) = started();
    let key = data.first_key();
    let content: Vec<u8> = (0..TWO_PARTS_BYTES).map(|at| at.to_le_bytes()[at % 3]).collect();
    let source = data.folder.path().join("source");
    write(&source, &content).unwrap();
    let sent = files(&server, &key, &["upload", source.to_str().unwrap(), "--purpose", "user_data", "--json"]);
    let file: serde_json::Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert!(file["sha256"].is_null(), "its parts were compared, and the server read nothing again: {file}");
    let id = file["id"].as_str().unwrap();
    let target = data.folder.path().join("target");
    let arguments = ["content", id, "--force", "-o", target.to_str().unwrap()];
    let received = files(&server, &key, &arguments);
    assert!(text(&received.stderr).contains("checksum compared"), "{}", text(&received.stderr));
    assert!(read(&target).unwrap() == content);
    let of_parts = content.chunks(PART_BYTES).fold(Sha256::new(), |all, part| all.chain_update(Sha256::digest(part)));
    let etag = format!("\"{}-2\"", base16ct::lower::encode_string(&of_parts.finalize()));
    for (byte, code) in [(content[7], 0), (!content[7], 1)] {
        let mut half = content[..TWO_PARTS_BYTES / 2].to_vec();
        half[7] = byte;
        write(data.folder.path().join("target.part"), half).unwrap();
        write(data.folder.path().join("target.part.etag"), &etag).unwrap();
        let done = files(&server, &key, &arguments);
        assert_eq!(done.status.code(), Some(code), "what was received is hashed in parts: {}", text(&done.stderr));
    }
}

#[test]
fn a_refused_key_has_an_exit_code_of_its_own_and_is_not_shown() {
    let (_data, server) = started();
    let refused = files(&server, "sk-canary-0123456789abcdef", &["list"]);
    assert_eq!(refused.status.code(), Some(4));
    let shown = text(&refused.stderr) + &text(&refused.stdout);
    assert!(shown.contains("401") && shown.contains("request ") && !shown.contains("canary"), "{shown}");
    assert_eq!(files(&server, "", &["list"]).status.code(), Some(2));
}

fn started() -> (Data, Program) {
    let data = Data::new();
    let server = Program::start(&data.path());
    (data, server)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
