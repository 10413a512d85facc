//! Completions and manual pages: the shell takes the script, and groff the pages.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use venna_testkit::program::{Data, output, report, run};

/// Runs a program of the machine; none where there is none.
fn have(command: &mut Command) -> Option<(String, String)> {
    let done = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            report(&format!("skipped: there is no {}", command.get_program().display()));
            return None;
        }
        done => done.unwrap(),
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some((text(done.stdout), text(done.stderr)))
}

#[test]
fn bash_completes_commands_and_flags() {
    let data = Data::new();
    let script = data.folder.path().join("venna.bash");
    std::fs::write(&script, output(&["completions", "bash"])).unwrap();
    let complete = |words: &[&str]| {
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let call = format!(
            "source {}; COMP_WORDS=({}); COMP_CWORD={}; _venna venna '{last}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.join(" "),
            words.len() - 1
        );
        have(Command::new("bash").args(["--norc", "-c", &call]))
    };
    let Some((commands, errors)) = complete(&["venna", "wor"]) else { return };
    assert_eq!((commands.as_str(), errors.as_str()), ("workspaces", ""));
    assert_eq!(complete(&["venna", "keys", "create", "--works"]).unwrap().0, "--workspace");
    assert_eq!(complete(&["venna", "completions", "f"]).unwrap().0, "fish");
    let complete = |words: &str| format!("complete -p venna | grep -q '{words}'");
    let registered = format!("source {}; {}", script.display(), complete("_venna"));
    have(Command::new("bash").args(["--norc", "-c", &registered])).unwrap();
}

#[test]
fn every_shell_accepts_its_script() {
    let data = Data::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = data.folder.path().join(shell);
        let text = output(&["completions", shell]);
        assert!(text.contains("workspaces") && text.contains("retention"), "{shell}");
        std::fs::write(&script, text).unwrap();
        if ["bash", "zsh", "fish"].contains(&shell) {
            have(Command::new(shell).arg("-n").arg(&script));
        }
    }
    assert_eq!(run(&["completions", "csh"]).status.code(), Some(2));
}

fn page(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_command_has_a_manual_page_without_warnings() {
    let data = Data::new();
    let folder = data.folder.path().join("man/man1");
    output(&["manual", folder.to_str().unwrap()]);
    let of = page(&folder, "venna.1");
    assert!(of.contains("venna\\-keys(1)") && of.contains("workspaces"), "{of}");
    assert!(page(&folder, "venna-keys-create.1").contains("NAME_OR_ID"));
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 40 && !files.iter().any(|file| file.ends_with("venna-help.1")), "{files:?}");
    for file in &files {
        let Some((text, warnings)) =
            have(Command::new("groff").args(["-man", "-wall", "-Tutf8", "-P-c", "-P-b", "-P-u"]).arg(file))
        else {
            return;
        };
        assert!(text.contains("SYNOPSIS") && warnings.is_empty(), "{}: {warnings}", file.display());
    }
    assert_eq!(run(&["manual", "/proc/venna"]).status.code(), Some(1));
}
