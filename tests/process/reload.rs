//! SIGHUP on a real server: what it applies, what it refuses whole, and that requests go on meanwhile.

use super::export::with_a_past;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use venna_testkit::program::{Client, Data, Program, output, venna, wait_until};
use venna_testkit::receiver::{Manner, Receiver};

/// A server with a configuration file.
pub(super) struct Configured {
    pub(super) data: Data,
    pub(super) program: Program,
    /// The address of metrics and health.
    admin: String,
}

impl Configured {
    /// Starts a server with these lines in its file.
    pub(super) fn start(lines: &str) -> Self {
        let data = Data::new();
        Self::start_in(data, lines)
    }

    fn start_in(data: Data, lines: &str) -> Self {
        let (file, admin) = (file_of(&data), free_address());
        std::fs::write(&file, lines).unwrap();
        let mut command = venna(&["serve", "--admin-listen", &admin, "--config"]);
        command.arg(&file);
        let program = Program::spawn(command, &data.path());
        Self { data, program, admin }
    }

    pub(super) fn client(&self) -> Client {
        self.program.client(&self.data.first_key())
    }

    /// Replaces the lines of the file and reloads them. Returns what the server has logged about it.
    pub(super) fn reload(&self, lines: &str) -> String {
        std::fs::write(file_of(&self.data), lines).unwrap();
        self.signal()
    }

    /// Reloads, and returns what the server has logged about it.
    fn signal(&self) -> String {
        let log = || self.program.whole_log.lock().unwrap().clone();
        let before = log().len();
        self.program.signal("HUP");
        let is_over = |log: &str| log.contains("reload finished") || log.contains("reload refused");
        wait_until("the reload is over", || is_over(&log()[before..]));
        log()[before..].to_owned()
    }

    /// Returns the answer of the administrative listener.
    pub(super) fn told(&self, path: &str) -> String {
        let mut client = self.client();
        client.address = self.admin.parse().unwrap();
        let answer = client.send("GET", path).unwrap();
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body).unwrap()
    }
}

fn file_of(data: &Data) -> PathBuf {
    data.folder.path().join("venna.toml")
}

/// Returns an address that no server has.
pub(super) fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Returns the change that an event of the log tells, as `from -> to`.
fn change(log: &str, setting: &str) -> Option<String> {
    let events = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut events = events.filter(|event| event["message"] == "setting reloaded" && event["setting"] == setting);
    let event = events.next()?;
    assert!(events.next().is_none(), "one event for {setting}");
    let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
    Some(format!("{} -> {}", text("from"), text("to")))
}

#[test]
fn limits_hold_for_later_requests_and_no_request_fails() {
    let server = Configured::start("max_file_bytes = 1000000\n");
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let id = server.client().upload(b"0123456789", 500).unwrap().id();
                    assert_eq!(server.client().drain(&id).unwrap(), 500);
                    answered.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        for round in 0..10 {
            let large = 1000 + round;
            let log = server.reload(&format!(
                "max_file_bytes = {large}\ninline_max_bytes = {}\nmax_connections = {}\nmax_connections_per_address = {}\n\
                 max_concurrent_uploads = {}\nmax_concurrent_uploads_per_workspace = {}\nmax_concurrent_downloads = {}\n\
                 idle_timeout_seconds = {}\nheader_read_timeout_seconds = {}\nsend_stall_timeout_seconds = {}\n\
                 body_min_bytes_per_second = {}\nbody_window_seconds = {}\ndrain_timeout_seconds = {}\n\
                 scrub_max_mib_per_second = {}\nupload_ttl_seconds = {}\n",
                (round % 2) * 65_536,
                1000 + round,
                500 + round,
                90 + round,
                50 + round,
                60 + round,
                90 + round,
                20 + round,
                30 + round,
                10 + round,
                20 + round,
                5 + round,
                1 + round,
                900 + round
            ));
            assert!(log.contains("reload finished"), "{log}");
            assert_eq!(server.client().upload(b"x", large).unwrap().status, 200);
            assert_eq!(server.client().upload(b"x", large + 1).unwrap().status, 413);
            let begun = answered.load(Ordering::Relaxed);
            wait_until("requests go on", || answered.load(Ordering::Relaxed) > begun + 3);
        }
        done.store(true, Ordering::Relaxed);
    });
    let log = server.reload("max_file_bytes = 2000\nmax_failed_logins_per_minute = 1\n");
    assert_eq!(change(&log, "max_file_bytes").as_deref(), Some("1009 -> 2000"));
    let strangers = [0, 1].map(|_| server.client().with_key("vk_wrong").send("GET", "/v1/files").unwrap().status);
    assert_eq!(strangers, [401, 429]);
}

#[test]
fn a_request_keeps_the_limits_that_it_began_with() {
    let server = Configured::start("max_concurrent_uploads = 9\n");
    let client = server.client();
    let (head, tail) = (
        "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--b\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n0123456789",
        "0123456789\r\n--b--\r\n",
    );
    let answer = client.post("/v1/files", "multipart/form-data; boundary=b", head.len() + tail.len(), |socket| {
        std::io::Write::write_all(socket, head.as_bytes())?;
        wait_until("the upload has begun", || server.told("/metrics").contains("venna_uploads_in_flight 1"));
        server.reload("max_file_bytes = 15\nmax_concurrent_uploads = 1\n");
        assert_eq!(client.upload(b"x", 1).unwrap().status, 429, "the only place is taken");
        std::io::Write::write_all(socket, tail.as_bytes())
    });
    assert_eq!(answer.unwrap().json()["bytes"], 20);
    assert_eq!(client.upload(b"x", 20).unwrap().status, 413);
    assert_eq!(client.upload(b"x", 15).unwrap().status, 200);
}

#[test]
fn a_file_that_is_not_valid_changes_nothing_and_is_told_until_a_good_one() {
    let server = Configured::start("max_file_bytes = 1000\n");
    let refuse = |lines: &str, reason: &str| {
        let log = server.reload(lines);
        assert!(log.contains("reload refused") && log.contains(reason), "{log}");
        let ready = server.told("/readyz");
        assert!(ready.contains("everything stays as it was") && ready.contains(reason), "{ready}");
        assert_eq!(server.client().upload(b"x", 1001).unwrap().status, 413, "{reason}");
        assert_eq!(server.client().upload(b"x", 1000).unwrap().status, 200, "{reason}");
    };
    refuse("max_file_bytes = 2000\nmax_connections = 'lots'\n", "max_connections");
    refuse("max_file_bytes = 2000\nsweep_interval_seconds = 0\n", "sweep_interval_seconds");
    refuse("max_file_bytes = 2000\nblobs_redirect = true\n", "blobs_redirect needs blobs in a bucket");
    refuse(
        "max_file_bytes = 2000\nusage_sink_url = 'http://127.0.0.1:9'\nusage_sink_token_file = '/none/x'\n",
        "/none/x",
    );
    refuse("max_file_bytes = 2000\ntls_cert = '/none/chain.pem'\n", "tls_cert needs tls_key");
    refuse("max_file_bytes = 2000\n[[prices]]\n", "effective_from");
    std::fs::remove_file(file_of(&server.data)).unwrap();
    let log = server.signal();
    assert!(log.contains("reload refused") && log.contains("cannot be read"), "{log}");
    assert_eq!(server.client().upload(b"x", 1001).unwrap().status, 413);
    assert!(server.told("/metrics").contains("venna_reload_refusals_total{subject=\"settings\"} 7\n"));
    server.reload("max_file_bytes = 2000\n");
    assert_eq!(server.client().upload(b"x", 1001).unwrap().status, 200);
    assert!(server.told("/readyz").contains("\"warnings\":[]"), "{}", server.told("/readyz"));
}

#[test]
fn a_change_that_needs_a_restart_is_named_each_time_and_the_others_take_effect() {
    let server = Configured::start("sweep_interval_seconds = 60\n");
    let wanted = "sweep_interval_seconds = 30\npublic_url = 'https://files.example'\nmax_file_bytes = 9\n";
    for is_first in [true, false] {
        let log = server.reload(wanted);
        assert!(log.contains("changed settings need a restart"), "{log}");
        assert!(log.contains("\"settings\":\"public_url, sweep_interval_seconds\""), "{log}");
        assert_eq!(change(&log, "max_file_bytes").is_some(), is_first, "{log}");
    }
    assert_eq!(server.client().upload(b"x", 10).unwrap().status, 413);
    let log = server.reload("sweep_interval_seconds = 60\n");
    assert!(!log.contains("need a restart"), "{log}");
    let token = server.data.folder.path().join("token");
    std::fs::write(&token, "a-token").unwrap();
    let sink = format!("usage_sink_url = 'http://127.0.0.1:9'\nusage_sink_token_file = '{}'\n", token.display());
    let log = server.reload(&sink);
    assert!(log.contains("\"settings\":\"usage_sink_token_file, usage_sink_url\""), "{log}");
}

#[test]
fn the_log_level_changes() {
    let server = Configured::start("");
    let logged = |text: &str| server.program.whole_log.lock().unwrap().contains(text);
    let ask = |method: &str| server.client().send(method, "/v1/files").unwrap();
    ask("GET");
    assert!(!logged("request finished"));
    let log = server.reload("log_level = 'debug'\n");
    assert_eq!(change(&log, "log_level").as_deref(), Some("info -> debug"));
    wait_until("a request is logged", || {
        ask("GET");
        logged("request finished")
    });
    let log = server.reload("log_level = 'warn'\nsweep_interval_seconds = 30\n");
    assert!(log.contains("need a restart"), "{log}");
    let refused = server.reload("log_level = 'nonsense'\n");
    assert!(refused.contains("reload refused"), "warnings are logged: {refused}");
    let before = server.program.whole_log.lock().unwrap().len();
    ask("GET");
    server.signal();
    let later = server.program.whole_log.lock().unwrap()[before..].to_owned();
    assert!(!later.contains("request finished") && !later.contains("INFO"), "{later}");
}

#[test]
fn prices_hold_from_the_next_request_on() {
    let prices = |usd: &str| {
        format!(
            "[[prices]]\neffective_from = '2020-01-01T00:00:00Z'\ncurrency = 'usd'\n\
             'files.ops.class_a' = {{ per = 'requests', usd = '{usd}' }}\n"
        )
    };
    let server = Configured::start(&prices("0"));
    output(&["limits", "set", "default", "monthly_spend_cents=100", "--data-dir", &server.data.text()]);
    let uploaded = || server.client().upload(b"x", 9).unwrap().status;
    assert_eq!(uploaded(), 200);
    let log = server.reload(&prices("500"));
    assert_eq!(change(&log, "prices").as_deref(), Some("- -> -"));
    wait_until("the first upload costs too much", || uploaded() == 429);
    let page = server.client().send("GET", "/docs/limits-and-billing.md").unwrap();
    assert!(String::from_utf8_lossy(&page.body).contains("500"), "the reference shows the new price");
    server.reload(&prices("0"));
    wait_until("it costs nothing again", || uploaded() == 200);
}

#[test]
fn a_sink_is_called_with_the_new_secret_which_is_never_logged() {
    let data = Data::new();
    with_a_past(&data);
    let token = data.folder.path().join("token");
    std::fs::write(&token, "first-token").unwrap();
    let lines = |url: &str| format!("usage_sink_url = '{url}'\nusage_sink_token_file = '{}'\n", token.display());
    let receiver = Receiver::open(Manner::Works, 1);
    let server = Configured::start_in(data, &lines(&format!("http://{}/", free_address())));
    std::fs::write(&token, "second-token").unwrap();
    let log = server.reload(&lines(&receiver.url()));
    assert_eq!(change(&log, "usage_sink_token_file").as_deref(), Some("- -> -"), "{log}");
    let of_receiver = |wanted: &str| {
        let state = receiver.state();
        state.attempts.iter().any(|attempt| attempt.headers["authorization"] == format!("Bearer {wanted}"))
    };
    wait_until("the receiver is called", || of_receiver("second-token"));
    assert!(!of_receiver("first-token"));
    assert!(!server.program.whole_log.lock().unwrap().contains("-token\""), "no token is logged");
}

#[test]
fn the_access_log_goes_on_in_another_file() {
    let data = Data::new();
    let path = |name: &str| data.folder.path().join(name);
    let (first, second) = (path("first.log"), path("second.log"));
    let lines = |file: &Path| format!("access_log = 'json'\naccess_log_file = '{}'\n", file.display());
    let server = Configured::start_in(data, &lines(&first));
    let count = |file: &Path| std::fs::read_to_string(file).unwrap_or_default().matches("/v1/files").count();
    server.client().send("GET", "/v1/files").unwrap();
    wait_until("the first file has the request", || count(&first) == 1);
    server.reload(&lines(&second));
    server.client().send("GET", "/v1/files").unwrap();
    wait_until("the second file has the next one", || count(&second) == 1);
    assert_eq!(count(&first), 1);
}
