//! The server as its administrators see it: health, work in the background, and the configuration without secrets.

use reqwest::Method;
use serde_json::{Value, json};
use venna::clock::Clock;
use venna_testkit::TestServer;

const NOW_MS: u64 = 1_795_374_000_000;

#[tokio::test]
async fn administrators_see_the_health_of_the_server() {
    let server = TestServer::at(NOW_MS).await;
    let admin = server.admin().await;
    server.clock.set(NOW_MS + 60_000);
    let shown = admin.send(admin.request(Method::GET, "/v1/organization/server")).await.is_ok().json();
    assert_eq!((&shown["object"], &shown["status"]), (&json!("organization.server"), &json!("ready")));
    assert_eq!((&shown["metadata"], &shown["blobs"]), (&json!("ok"), &json!("ok")));
    assert_eq!((&shown["started_at"], &shown["uptime_seconds"]), (&json!(NOW_MS / 1000), &json!(60)));
    assert_eq!((&shown["alerts"]["pending"], &shown["usage_export"]["refused"]), (&json!(0), &json!(0)));
    assert_eq!(shown["version"], env!("CARGO_PKG_VERSION"));
    server.close().await;
}

#[tokio::test]
async fn administrators_see_the_settings_in_force_and_no_secret() {
    let settings = [("usage_sink_url", "http://127.0.0.1:9/x"), ("session_idle_seconds", "600")];
    let server = TestServer::with(&settings, Clock::set_to(NOW_MS)).await;
    let admin = server.admin().await;
    let list = admin.send(admin.request(Method::GET, "/v1/organization/server/configuration")).await.is_ok().json();
    let of = |name: &str| -> Value {
        let found = list["data"].as_array().unwrap().iter().find(|setting| setting["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is shown")).clone()
    };
    let idle = of("session_idle_seconds");
    assert_eq!((&idle["value"], &idle["origin"]), (&json!("600"), &json!("flag --session-idle-seconds")));
    assert_eq!(of("session_max_seconds")["origin"], "default");
    assert_eq!(of("oidc_issuer")["value"], Value::Null);
    let url = of("metadata_url")["value"].as_str().unwrap_or_default().to_owned();
    assert!(!url.contains(":postgres@") && !url.contains("password="), "{url}");
    server.close().await;
}
