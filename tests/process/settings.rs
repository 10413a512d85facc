//! A wrong setting stops the start and says which, what it was, who set it, and what would be valid.

use venna_testkit::program::{Data, output, run, venna};

#[test]
fn a_wrong_setting_stops_the_start() {
    for (flag, value) in [
        ("listen", "here"),
        ("admin-listen", "on"),
        ("metadata-url", "mysql://ada:hunter2@db/venna"),
        ("blobs-url", "s3://key:hunter2@bucket"),
        ("max-file-bytes", "8589934593"),
        ("max-connections", "0"),
        ("drain-timeout-seconds", "-1"),
        ("log-format", "xml"),
        ("log-level", "loud"),
        ("public-url", "ftp://x"),
        ("usage-sink-url", "http://ada:hunter2@billing.example/"),
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

const PRICES: &str = r#"log_level = "warn"

[[prices]]
effective_from = "2026-12-01T00:00:00Z"
currency = "usd"
"files.storage" = { per = "gibibyte_hours", usd = "0.0000222", free_per_month = "744" }

[[prices]]
effective_from = "2027-01-01T00:00:00Z"
currency = "usd"
"files.storage" = { per = "gibibyte_hours", usd = "0" }
"files.ops.class_a" = { per = "requests", usd = "0.0000045" }
"#;

#[test]
fn a_wrong_price_stops_the_start_and_its_line_is_named() {
    let data = Data::new();
    let file = data.folder.path().join("venna.toml");
    for (right, wrong, line, part) in [
        ("files.storage", "files.store", 6, "\"files.storage\", \"files.ops.class_a\""),
        ("\"gibibyte_hours\", usd = \"0.0000222\"", "\"gibibytes\", usd = \"0.0000222\"", 6, "\"gibibyte_hours\""),
        ("free_per_month", "free", 6, "per, usd or free_per_month"),
        ("0.0000222", "0,0000222", 6, "a decimal number"),
        ("0.0000222", "-0.0000222", 6, "a decimal number"),
        ("\"744\"", "\"many\"", 6, "free_per_month = \"many\""),
        ("usd = \"0.0000222\", ", "", 6, "without usd"),
        ("per = \"requests\", ", "", 12, "without per"),
        ("2027-01-01T00:00:00Z", "2026-12-01T00:00:00Z", 9, "a time after 2026-12-01T00:00:00Z"),
        ("2027-01-01T00:00:00Z", "2026-11-01T00:00:00Z", 9, "a time after 2026-12-01T00:00:00Z"),
        ("2027-01-01T00:00:00Z", "2027-02-30T00:00:00Z", 9, "a full hour in UTC"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:30:00Z", 9, "a full hour in UTC"),
        ("\"files.storage\" = { per = \"gibibyte_hours\", usd = \"0\" }", "", 8, "usd = \"0\" } makes it free"),
        ("currency = \"usd\"", "currency = \"eur\"", 5, "expected \"usd\""),
    ] {
        let text = PRICES.replacen(right, wrong, 1);
        assert_ne!(text, PRICES, "{right}");
        std::fs::write(&file, text).unwrap();
        for command in ["serve", "check"] {
            let started = run(&[command, "--data-dir", &data.text(), "--config", file.to_str().unwrap()]);
            let message = String::from_utf8_lossy(&started.stderr).into_owned();
            assert_eq!(started.status.code(), Some(1), "{wrong}: {message}");
            for part in [part, &format!("{}:{line})", file.display()), "is not valid: expected"] {
                assert!(message.contains(part), "{command} with {wrong}: {message} names {part}");
            }
        }
    }
    assert!(!data.path().exists(), "nothing was begun");
}

#[test]
fn check_shows_the_prices_and_their_lines() {
    let data = Data::new();
    let file = data.folder.path().join("venna.toml");
    std::fs::write(&file, PRICES).unwrap();
    let rows = output(&["check", "--json", "--config", file.to_str().unwrap()]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&rows).unwrap();
    let prices = rows.iter().filter(|row| row["setting"] == "prices");
    let prices: Vec<_> =
        prices.map(|row| (row["value"].as_str().unwrap(), row["origin"].as_str().unwrap().to_owned())).collect();
    let origin = |line: usize| format!("{}:{line}", file.display());
    let expected = [
        ("2026-12-01T00:00:00Z files.storage 0.0000222 usd per gibibyte_hours, 744 free per month", origin(6)),
        ("2027-01-01T00:00:00Z files.ops.class_a 0.0000045 usd per requests", origin(12)),
        ("2027-01-01T00:00:00Z files.storage 0 usd per gibibyte_hours", origin(11)),
    ];
    assert_eq!(prices, expected);
}
