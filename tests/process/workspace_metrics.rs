//! The metrics of workspaces: off by default, and labelled with nothing but ids.

use super::reload::Configured;
use std::collections::BTreeSet;
use venna_testkit::program::{Client, output, wait_until};

const LABEL: &str = "workspace=\"";

/// Returns the labels of workspaces on the page of metrics.
fn labels(page: &str) -> BTreeSet<String> {
    let labels = page.lines().filter_map(|line| line.split_once(LABEL)?.1.split_once('"'));
    labels.map(|(label, _)| label.to_owned()).collect()
}

/// Creates a workspace with a name that nothing may show. Returns its id and a client.
fn workspace(server: &Configured, name: &str) -> (String, Client) {
    let data = server.data.text();
    output(&["workspaces", "create", name, "--data-dir", &data]);
    let key = output(&["keys", "create", "--workspace", name, "--quiet", "--data-dir", &data]);
    let rows: serde_json::Value =
        serde_json::from_str(&output(&["workspaces", "list", "--json", "--data-dir", &data])).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    (row["id"].as_str().unwrap().to_owned(), server.client().with_key(&key))
}

#[test]
fn no_workspace_is_a_label_by_default() {
    let server = Configured::start("");
    server.client().upload(b"x", 100).unwrap().id();
    let page = server.told("/metrics");
    assert!(page.contains("venna_http_requests_total") && labels(&page).is_empty(), "{page}");
}

#[test]
fn requests_bytes_and_storage_are_counted_by_id_until_the_workspace_is_archived() {
    let server = Configured::start("metrics_per_workspace = true\n");
    let (id, client) = workspace(&server, "canary-name");
    let file = client.upload(b"canary-content", 5000).unwrap().id();
    assert_eq!(client.drain(&file).unwrap(), 5000);
    assert_eq!(client.send("GET", "/v1/files/file-canary").unwrap().status, 404);
    assert_eq!(client.with_key("vk_canary").send("GET", "/v1/files").unwrap().status, 401);
    let value = |name: &str, more: &str| {
        let page = server.told("/metrics");
        let start = format!("venna_workspace_{name}{{{LABEL}{id}\"{more}}} ");
        page.lines().find_map(|line| line.strip_prefix(&start)?.parse::<u64>().ok())
    };
    assert_eq!(value("requests_total", ",status=\"2xx\""), Some(2));
    assert_eq!(value("requests_total", ",status=\"4xx\""), Some(1));
    assert!(value("request_body_bytes_total", "").unwrap() > 5000);
    let sent = value("response_body_bytes_total", "").unwrap();
    assert!((5000..10_000).contains(&sent), "{sent}");
    wait_until("storage is shown", || value("stored_bytes", "") == Some(5000));
    assert_eq!(value("stored_files", ""), Some(1));
    let page = server.told("/metrics");
    assert_eq!(
        labels(&page),
        BTreeSet::from([id.clone(), "other".to_owned()]),
        "the default workspace made no request"
    );
    for secret in ["canary", "vk_", "key_", &file, "a.bin"] {
        assert!(!page.contains(secret), "{secret}: {page}");
    }
    output(&["workspaces", "archive", "canary-name", "--data-dir", &server.data.text()]);
    wait_until("its series end", || !labels(&server.told("/metrics")).contains(&id));
}
