//! The same names stand in the page, in what a server shows, in the dashboard and in the rules.

use std::collections::BTreeSet;
use std::path::Path;
use venna::metrics::reference;
use venna_testkit::TestServer;

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Returns the names of the page, as they are exposed.
fn described() -> BTreeSet<String> {
    let page = reference();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(name, _)| name.to_owned()).collect()
}

/// Returns the metrics that a text names, without the suffixes of histograms.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'));
    let own = words.filter(|word| word.starts_with("venna_") || word.starts_with("process_"));
    own.map(|word| {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        of_histogram.unwrap_or(word).to_owned()
    })
    .collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    assert_eq!(named(&file("deploy/grafana/venna.json")), described());
}

#[test]
fn rules_name_metrics_that_exist_and_every_alert_is_explained() {
    let (rules, manual) = (file("deploy/prometheus/venna.rules.yml"), file("docs/operations.md"));
    let unknown: Vec<String> = named(&rules).difference(&described()).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let alerts: BTreeSet<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let explained = manual.lines().filter_map(|line| line.strip_prefix("| `Venna")?.split_once('`'));
    let explained: BTreeSet<String> = explained.map(|(name, _)| format!("Venna{name}")).collect();
    assert_eq!(alerts, explained.iter().map(String::as_str).collect());
    let tested = file("deploy/prometheus/venna.rules.test.yml");
    for alert in alerts {
        assert!(tested.contains(&format!("alertname: {alert}\n")), "{alert} has no test");
    }
}

#[tokio::test]
async fn a_server_shows_what_the_page_describes() {
    let server = TestServer::with(&[("admin_listen", "127.0.0.1:0")], venna::clock::Clock::system()).await;
    let zoe = server.user("zoe").await;
    let created = zoe.create_file("secret-name.txt", b"secret content").await.id();
    assert_eq!(zoe.download_file(&created).await.status, 200);
    assert_eq!(zoe.retrieve_file("file-none").await.status, 404);
    let url = format!("http://{}/metrics", server.admin_address().unwrap());
    let client = reqwest::Client::new();
    let plain = client.get(&url).send().await.unwrap();
    assert_eq!(plain.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let open = client.get(&url).header("accept", "application/openmetrics-text; version=1.0.0;q=0.6,*/*;q=0.1");
    let open = open.send().await.unwrap();
    assert_eq!(open.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let (plain, open) = (plain.text().await.unwrap(), open.text().await.unwrap());
    assert!(open.ends_with("# EOF\n"));
    for secret in [&created, "secret", "zoe", "file-none", "vk_"] {
        assert!(!plain.contains(secret), "{secret}");
    }
    let unknown: Vec<String> = named(&plain).difference(&described()).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for series in [
        r#"venna_http_requests_total{method="POST",route="/v1/files",status="2xx"}"#,
        r#"venna_http_requests_total{method="GET",route="/v1/files/{id}",status="4xx"}"#,
    ] {
        let value = plain.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<u64>().ok());
        assert!(value.is_some_and(|value| value > 0), "{series} in\n{plain}");
    }
    let api = format!("http://{}/metrics", server.address());
    assert_eq!(client.get(api).send().await.unwrap().status(), 404, "the API has no metrics");
    server.close().await;
}
