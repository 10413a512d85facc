//! A real Prometheus: its tool accepts rules and metrics, and its server raises and clears an alert.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use venna_testkit::bucket::Bucket;
use venna_testkit::bucket_proxy::{Fault, FaultProxy, Which};
use venna_testkit::program::Running;
use venna_testkit::{Rng, TestServer};

/// The time limit of a change that Prometheus is to notice.
const PATIENCE: Duration = Duration::from_mins(1);
/// The stall of the proxy before the bucket, which this test does not use.
const STALL: Duration = Duration::from_secs(1);

/// Returns whether a program of Debian's package `prometheus` is there; prints that `what` is skipped otherwise.
fn is_there(program: &str, what: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("SKIPPED: {what}: there is no {program} on this machine");
    }
    found
}

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus").join(file)
}

fn promtool(arguments: &[&str], file: &Path) {
    let output = Command::new("promtool").args(arguments).arg(file).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
}

#[test]
fn rules_and_configuration_are_valid_and_do_what_they_say() {
    if !is_there("promtool", "the rules of Prometheus") {
        return;
    }
    promtool(&["check", "config"], &deploy("prometheus.yml"));
    promtool(&["check", "rules"], &deploy("venna.rules.yml"));
    promtool(&["test", "rules"], &deploy("venna.rules.test.yml"));
}

#[tokio::test]
async fn the_metrics_follow_the_conventions() {
    if !is_there("promtool", "the conventions of metrics") {
        return;
    }
    let server = TestServer::with(&[("admin_listen", "127.0.0.1:0")], venna::clock::Clock::system()).await;
    let page = reqwest::get(format!("http://{}/metrics", server.admin_address().unwrap())).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), page.bytes().await.unwrap()).unwrap();
    let mut check = Command::new("promtool");
    check.args(["check", "metrics"]).stdin(std::fs::File::open(file.path()).unwrap());
    let output = check.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.close().await;
}

/// A Prometheus that scrapes one server every second, with rules whose alerts wait for a second.
struct Prometheus {
    _running: Running,
    url: String,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let rules = std::fs::read_to_string(deploy("venna.rules.yml")).unwrap();
        let hasty =
            |line: &str| if line.trim_start().starts_with("for: ") { "        for: 1s" } else { line }.to_owned();
        let rules: Vec<String> = rules.lines().map(hasty).collect();
        std::fs::write(folder.path().join("venna.rules.yml"), rules.join("\n")).unwrap();
        let config = std::fs::read_to_string(deploy("prometheus.yml")).unwrap();
        let config = config.replace("15s", "1s").replace("127.0.0.1:8081", target);
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let running = Running(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        Self { _running: running, url: format!("http://127.0.0.1:{port}/api/v1"), _folder: folder }
    }

    /// Returns the value of the only series of a query.
    async fn value(&self, query: &str) -> Option<f64> {
        let query = form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>();
        let answer = reqwest::get(format!("{}/query?query={query}", self.url)).await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// Waits until the value of a query is as wanted.
    async fn wait(&self, query: &str, wanted: Option<f64>) {
        let seen = async {
            while self.value(query).await != wanted {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, seen).await.is_ok(), "{query} is not {wanted:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_fires_while_the_bucket_is_down_and_clears_when_it_is_back() {
    if !is_there("prometheus", "an alert of a real Prometheus") {
        return;
    }
    let bucket = Bucket::open();
    let proxy = FaultProxy::before(bucket.address, STALL, Rng::of_test().0);
    let settings = [
        ("admin_listen", "127.0.0.1:0"),
        ("inline_max_bytes", "0"),
        ("blobs_timeout_seconds", "3"),
        ("sweep_interval_seconds", "1"),
    ];
    let mut server = TestServer::over(bucket, proxy.address, &settings).await;
    let ada = server.user("ada").await;
    let prometheus = Prometheus::start(&server.admin_address().unwrap().to_string());
    prometheus.wait(r#"up{job="venna"}"#, Some(1.0)).await;
    assert_eq!(ada.create_file("before.txt", b"before").await.status, 200);
    prometheus.wait(r#"sum(venna_http_requests_total{route="/v1/files",status="2xx"}) > bool 0"#, Some(1.0)).await;
    let firing = r#"ALERTS{alertname="VennaBucketDown",alertstate="firing"}"#;
    assert_eq!(prometheus.value(firing).await, None);

    proxy.fail_with(Which::All, Fault::Reset);
    while prometheus.value("venna_bucket_circuit_open").await != Some(1.0) {
        assert_eq!(ada.create_file("during.txt", b"during").await.status, 503);
    }
    prometheus.wait(firing, Some(1.0)).await;

    proxy.fail(0);
    while ada.create_file("after.txt", b"after").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    prometheus.wait(firing, None).await;
    server.forget_errors();
    server.close().await;
}
