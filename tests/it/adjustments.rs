//! Corrections of the bill: entered once, with a reason and whose decision it was, and visible wherever the bill is.

use reqwest::Method;
use serde_json::{Value, json};
use venna::clock::Clock;
use venna_testkit::{TestServer, User};

/// The beginning of an hour.
const NOW_MS: u64 = 1_795_374_000_000;
const NOW: u64 = NOW_MS / 1000;
const PRICES: &str = "[[prices]]
    effective_from = \"2026-01-01T00:00:00Z\"
    currency = \"usd\"
    \"files.ingress\" = { per = \"gibibytes\", usd = \"1\" }
    \"files.ops.class_a\" = { per = \"requests\", usd = \"0.5\" }";

struct Scene {
    server: TestServer,
    ada: User,
    admin: User,
    admin_id: String,
    project: String,
}

impl Scene {
    async fn open() -> Self {
        let server = TestServer::with_file(PRICES, Clock::set_to(NOW_MS)).await;
        let (ada, admin) = (server.user("ada").await, server.admin().await);
        let own = |actor: &User| actor.request(Method::GET, "/v1/organization/key");
        let project = ada.send(own(&ada)).await.is_ok().json()["project"]["id"].as_str().unwrap().to_owned();
        let admin_id = admin.send(own(&admin)).await.is_ok().id();
        Self { server, ada, admin, admin_id, project }
    }

    fn of(&self, item: &str, quantity: &Value, reason: &str) -> Value {
        json!({"project_id": self.project, "line_item": item, "quantity": quantity, "reason": reason})
    }
}

#[tokio::test]
async fn a_correction_stands_in_the_ledger_the_usage_the_costs_and_the_audit_log() {
    let scene = Scene::open().await;
    let (ada, admin) = (&scene.ada, &scene.admin);
    let file = ada.create_file("a", &[1; 1000]).await.id();
    scene.server.clock.set(NOW_MS + 5000);
    let mut body = scene.of("files.ingress", &json!(-400), "sent twice by a proxy");
    body["reverses"] = json!(format!("in:{file}"));
    let made = admin.adjust(Some("ticket 7"), &body).await.is_ok().json();
    let expected = json!({
        "object": "organization.usage.adjustment", "id": "adj:ticket 7", "created_at": NOW + 5, "project_id": scene.project,
        "api_key_id": null, "line_item": "files.ingress", "quantity": "-400", "quantity_unit": "bytes",
        "reason": "sent twice by a proxy", "reverses": format!("in:{file}"), "actor": scene.admin_id,
    });
    assert_eq!(made, expected);
    let byte_seconds = json!("9223372036854775807");
    for name in ["more", "most"] {
        admin.adjust(Some(name), &scene.of("files.storage", &byte_seconds, "a lost volume")).await.is_ok();
    }
    let lines = ada.adjustments().await;
    assert_eq!(lines.len(), 3, "{lines:?}");
    let said = |name: &str| lines[0][name].clone();
    assert_eq!(
        (said("event_id"), said("bytes"), said("note")),
        (json!("adj:ticket 7"), json!(-400), expected["reason"].clone())
    );
    assert_eq!((said("actor"), said("reverses")), (expected["actor"].clone(), expected["reverses"].clone()));
    assert_eq!(lines[0].get("dialect"), Some(&Value::Null));
    let usage = ada.results(&format!("usage/files?start_time={NOW}&bucket_width=1h")).await;
    assert_eq!(usage[0]["input_bytes"], 600);
    assert_eq!(usage[0]["byte_seconds"], (2 * i128::from(i64::MAX) + 5000).to_string(), "sums do not overflow");
    let costs = ada.results(&format!("costs?start_time={NOW}&line_items[]=files.ingress&group_by[]=line_item")).await;
    assert_eq!((&costs[0]["quantity"], &costs[0]["amount"]["value"]), (&json!(600.0), &json!(0.000_000_559)));
    let audit = admin.request(Method::GET, "/v1/organization/audit_logs?event_types[]=usage.adjustment.created");
    let audit = admin.send(audit).await.is_ok().json();
    assert_eq!(audit["data"].as_array().unwrap().len(), 3);
    let entry = &audit["data"][2]["usage.adjustment.created"];
    assert_eq!((&entry["id"], &entry["data"]["quantity"]), (&json!("adj:ticket 7"), &json!("-400")));
    scene.server.close().await;
}

#[tokio::test]
async fn what_is_given_back_beyond_all_usage_is_a_negative_cost() {
    let scene = Scene::open().await;
    scene.ada.create_file("a", &[1; 10]).await.is_ok();
    scene.admin.adjust(None, &scene.of("files.ops.class_a", &json!("-5"), "goodwill")).await.is_ok();
    let costs = scene.ada.results(&format!("costs?start_time={NOW}&line_items[]=files.ops.class_a")).await;
    assert_eq!(costs[0]["amount"]["value"], json!(-2.0), "{costs:?}");
    scene.server.close().await;
}

#[tokio::test]
async fn a_repeated_correction_counts_once_and_another_of_its_name_is_refused() {
    let scene = Scene::open().await;
    let body = scene.of("files.egress", &json!(7), "late logs");
    let first = scene.admin.adjust(Some("k"), &body).await.is_ok();
    assert!(!first.headers.contains_key("idempotent-replayed"));
    scene.server.clock.set(NOW_MS + 9_000_000);
    let again = scene.admin.adjust(Some("k"), &body).await.is_ok();
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.json(), first.json());
    for (field, value) in [("quantity", json!(8)), ("reason", json!("other")), ("line_item", json!("files.ingress"))] {
        let mut other = body.clone();
        other[field] = value;
        scene.admin.adjust(Some("k"), &other).await.is_error(
            400,
            Some("Idempotency-Key"),
            Some("idempotency_key_reused"),
        );
    }
    for _ in 0..2 {
        scene.admin.adjust(None, &body).await.is_ok();
    }
    assert_eq!(scene.ada.adjustments().await.len(), 3, "without a name each request is one");
    scene.server.close().await;
}

#[tokio::test]
async fn a_correction_that_is_wrong_changes_nothing() {
    let scene = Scene::open().await;
    let bob = scene.server.user("bob").await;
    let foreign = bob.create_file("b", b"b").await.id();
    let own = scene.ada.create_file("a", b"a").await.id();
    let right = scene.of("files.egress", &json!(1), "why");
    let changed = |field: &str, value: Value| {
        let mut body = right.clone();
        body[field] = value;
        body
    };
    let never = "ws_00VbjUjhHGglY7j08O6M3Oj0";
    let installation = scene.server.installation().await;
    let bobs = installation.workspaces.find("bob").await.unwrap().unwrap().id;
    let bobs_key = installation.keys.list().await.unwrap().into_iter().find(|key| key.opens.workspace() == Some(bobs));
    let bobs_key = bobs_key.unwrap().id.to_string();
    for (body, status, param) in [
        (changed("quantity", json!(0)), 400, "quantity"),
        (changed("quantity", json!(1.5)), 400, "quantity"),
        (changed("quantity", json!("1e3")), 400, "quantity"),
        (changed("quantity", json!("9223372036854775808")), 400, "quantity"),
        (changed("quantity", Value::Null), 400, "quantity"),
        (changed("line_item", json!("files.ops")), 400, "line_item"),
        (changed("reason", json!("")), 400, "reason"),
        (changed("reason", json!("two\nlines")), 400, "reason"),
        (changed("project_id", json!(never)), 404, "project_id"),
        (changed("project_id", json!("default")), 404, "project_id"),
        (changed("api_key_id", json!(bobs_key)), 404, "api_key_id"),
        (changed("api_key_id", json!("key_1")), 404, "api_key_id"),
        (changed("reverses", json!(format!("in:{foreign}"))), 400, "reverses"),
        (changed("reverses", json!(format!("op:{own}"))), 400, "reverses"),
        (changed("reverses", json!(format!("st-:{own}"))), 400, "reverses"),
    ] {
        scene.admin.adjust(None, &body).await.is_error(status, Some(param), None);
    }
    scene.admin.adjust(None, &changed("other", json!(1))).await.is_error(400, None, None);
    scene.ada.adjust(None, &right).await.is_error(403, None, Some("insufficient_permissions"));
    assert_eq!(scene.ada.adjustments().await.len() + bob.adjustments().await.len(), 0);
    scene.server.close().await;
}
