//! A wrong setting stops the start and says which, what it was, who set it, and what would be valid.

use crate::program::{Data, output, run, venna};

#[test]
fn a_wrong_setting_stops_the_start() {
    for (flag, value) in [
        ("listen", "here"),
        ("admin-listen", "on"),
        ("metadata-url", "postgres://ada:hunter2@db/venna"),
        ("blobs-url", "s3://key:hunter2@bucket"),
        ("max-file-bytes", "8589934593"),
        ("max-connections", "0"),
        ("drain-timeout-seconds", "-1"),
        ("log-format", "xml"),
        ("log-level", "loud"),
        ("public-url", "ftp://x"),
        ("trusted-proxies", "10.0.0.0/33"),
        ("max-failed-logins-per-minute", "1000001"),
    ] {
        let output = run(&["serve", &format!("--{flag}"), value]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{flag}: {message}");
        for part in [flag.replace('-', "_"), format!("flag --{flag}"), "expected ".to_owned()] {
            assert!(message.contains(&part), "{message} names {part}");
        }
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn an_unknown_flag_is_a_mistake_of_the_command_line() {
    assert_eq!(run(&["serve", "--lissten", "x"]).status.code(), Some(2));
    assert_eq!(run(&["frobnicate"]).status.code(), Some(2));
}

#[test]
fn check_shows_what_is_in_force_and_where_it_comes_from() {
    let data = Data::new();
    let file = data.folder.path().join("venna.toml");
    std::fs::write(&file, "# ours\nmax_file_bytes = 1000\n").unwrap();
    let mut command = venna(&["check", "--json", "--listen", "127.0.0.1:9", "--config"]);
    let checked = command.arg(&file).env("VENNA_LOG_LEVEL", "warn").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let rows: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let row = |name: &str| rows.as_array().unwrap().iter().find(|row| row["setting"] == name).unwrap().clone();
    assert_eq!(
        (row("listen")["value"].as_str(), row("listen")["origin"].as_str()),
        (Some("127.0.0.1:9"), Some("flag --listen"))
    );
    assert_eq!(row("log_level")["origin"], "environment VENNA_LOG_LEVEL");
    assert_eq!(row("max_file_bytes")["origin"], format!("{}:2", file.display()));
    assert_eq!(row("drain_timeout_seconds")["origin"], "default");
    assert!(output(&["check"]).contains("ORIGIN"));
}

#[test]
fn check_refuses_what_serve_refuses() {
    let data = Data::new();
    let file = data.folder.path().join("venna.toml");
    std::fs::write(&file, "\nlisten_on = 'x'\n").unwrap();
    let checked = run(&["check", "--config", file.to_str().unwrap()]);
    let message = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(1));
    assert!(message.contains("listen_on") && message.contains(":2)"), "{message}");
}
