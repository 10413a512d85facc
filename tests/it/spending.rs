//! The monthly spend limit: what costs something is refused once it is reached, and all else goes on.

use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use venna::clock::Clock;
use venna::sinks::SigningSecret;
use venna_testkit::receiver::{Manner, Receiver};
use venna_testkit::server::eventually;
use venna_testkit::{Answer, Form, TestServer, User};

/// 2026-11-22T19:00:00Z: 8 days and 5 hours before December.
const NOW_MS: u64 = 1_795_374_000_000;
const UNTIL_DECEMBER: u64 = 709_200;
const PRICES: &str = "[[prices]]
    effective_from = \"2026-01-01T00:00:00Z\"
    currency = \"usd\"
    \"files.storage\" = { per = \"gibibyte_hours\", usd = \"1000\" }
    \"files.ops.class_a\" = { per = \"requests\", usd = \"0.25\" }";

struct Scene {
    server: TestServer,
    ada: User,
    admin: User,
    project: String,
}

impl Scene {
    async fn open(prices: &str) -> Self {
        let server = TestServer::with_file(prices, Clock::set_to(NOW_MS)).await;
        let (ada, admin) = (server.user("ada").await, server.admin().await);
        let project = server.installation().await.workspaces.find("ada").await.unwrap().unwrap().id.to_string();
        Self { server, ada, admin, project }
    }

    async fn limit(&self, cents: Value) -> Value {
        let path = format!("/v1/organization/projects/{}/limits", self.project);
        let body = json!({"monthly_spend_cents": cents});
        self.admin.send(self.admin.request(Method::POST, &path).json(&body)).await.is_ok().json()
    }

    /// A second later, so that what was spent is seen.
    fn pass(&self) {
        self.server.clock.set(self.server.clock.now_ms() + 1000);
    }
}

#[track_caller]
fn is_over_limit(answer: Answer, wait_seconds: u64) {
    assert_eq!(answer.headers["x-should-retry"], "false");
    assert_eq!(answer.headers["retry-after"], wait_seconds.to_string().as_str());
    let error = answer.is_error(429, None, Some("project_spend_limit_exceeded"));
    assert_eq!(error["type"], "insufficient_quota");
    assert!(error["message"].as_str().unwrap().contains("monthly spend limit of $1.00"), "{error}");
}

#[tokio::test]
async fn what_costs_something_is_refused_and_nothing_else() {
    let scene = Scene::open(PRICES).await;
    let ada = &scene.ada;
    let upload = ada.create_upload(4).await.id();
    let part = ada.add_part(&upload, b"part").await.id();
    let shown = scene.limit(json!(100)).await;
    assert_eq!((&shown["monthly_spend_cents"], &shown["usage"]["monthly_spend"]["value"]), (&json!(100), &json!(0.0)));
    let mut files = Vec::new();
    for _ in 0..4 {
        files.push(ada.create_file("a", b"").await.id());
        scene.pass();
    }
    let wait = UNTIL_DECEMBER - 4;
    is_over_limit(ada.create_file("a", b"").await, wait);
    is_over_limit(ada.create_upload(4).await, wait);
    is_over_limit(ada.add_part(&upload, b"more").await, wait);
    is_over_limit(ada.complete_upload(&upload, &[&part]).await, wait);
    // Asked before the list, which is billed as soon as it is counted.
    let own = ada.send(ada.request(Method::GET, "/v1/organization/key")).await.is_ok().json();
    assert_eq!(own["usage"]["monthly_spend"], json!({"value": 1.0, "currency": "usd"}));
    ada.list("").await.is_ok();
    ada.retrieve_file(&files[0]).await.is_ok();
    ada.download_file(&files[0]).await.is_bytes(b"");
    ada.delete_file(&files[0]).await.is_ok();
    ada.send(ada.request(Method::GET, &format!("/v1/uploads/{upload}"))).await.is_ok();
    scene.limit(json!(200)).await;
    ada.complete_upload(&upload, &[&part]).await.is_ok();
    scene.limit(Value::Null).await;
    ada.create_file("a", b"").await.is_ok();
    scene.server.close().await;
}

#[tokio::test]
async fn a_month_ends_at_its_second_and_storage_counts_while_it_lies_there() {
    let scene = Scene::open(PRICES).await;
    let ada = &scene.ada;
    scene.limit(json!(100)).await;
    ada.create_file("a", &vec![1; 1_000_000]).await.is_ok();
    scene.server.clock.set(NOW_MS + 2_800_000);
    ada.create_file("b", b"").await.is_ok();
    scene.server.clock.set(NOW_MS + 3_000_000);
    is_over_limit(ada.create_file("c", b"").await, UNTIL_DECEMBER - 3000);
    scene.server.clock.set(NOW_MS + UNTIL_DECEMBER * 1000 - 1000);
    is_over_limit(ada.create_file("c", b"").await, 1);
    scene.server.clock.set(NOW_MS + UNTIL_DECEMBER * 1000);
    ada.create_file("c", b"").await.is_ok();
    scene.server.close().await;
}

#[tokio::test]
async fn what_was_done_is_answered_again_and_only_one_workspace_is_stopped() {
    let scene = Scene::open(PRICES).await;
    let (ada, bob) = (&scene.ada, scene.server.user("bob").await);
    scene.limit(json!(100)).await;
    let keyed = |actor: &User, key: &str| {
        let form = Form::default().field("purpose", "user_data").file("k", b"once");
        let request = actor.request(Method::POST, "/v1/files").header("idempotency-key", key.to_owned());
        request.header("content-type", Form::content_type()).body(form.close())
    };
    let first = ada.send(keyed(ada, "first")).await.is_ok().json();
    for _ in 0..3 {
        ada.create_file("a", b"").await.is_ok();
    }
    scene.pass();
    is_over_limit(ada.send(keyed(ada, "second")).await, UNTIL_DECEMBER - 1);
    let again = ada.send(keyed(ada, "first")).await.is_ok();
    assert_eq!((again.headers["idempotent-replayed"].to_str().unwrap(), again.json()), ("true", first));
    bob.create_file("b", b"").await.is_ok();
    scene.server.close().await;
}

#[tokio::test]
async fn somebody_is_told_once_of_each_share_in_each_month_and_of_a_new_limit() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (receiver, folder) = (Receiver::open(Manner::Forgets(30), 7), tempfile::tempdir().unwrap());
    let secret = folder.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let sink = format!("alert_sink_url = {:?}\nalert_sink_secret_file = {secret:?}\n{PRICES}", receiver.url());
    let mut scene = Scene::open(&sink).await;
    let spend = async |scene: &Scene, files: usize| {
        for _ in 0..files {
            scene.ada.create_file("a", b"").await.is_ok();
        }
        scene.server.clock.set(scene.server.clock.now_ms() + 60_000);
    };
    let told = async |count: usize| {
        eventually(|| receiver.state().events.len() == count, || format!("{count}: {:?}", receiver.state().events))
            .await;
    };
    scene.limit(json!(100)).await;
    spend(&scene, 3).await;
    spend(&scene, 1).await;
    told(2).await;
    scene.limit(json!(130)).await;
    spend(&scene, 1).await;
    told(3).await;
    scene.server.restart().await;
    scene.ada = scene.server.user_of(&scene.ada.key);
    scene.server.clock.set(NOW_MS + UNTIL_DECEMBER * 1000);
    spend(&scene, 4).await;
    spend(&scene, 1).await;
    told(4).await;
    let alert = |month: &str, limit: u64, share: u8| format!("spend:{}:{month}:{limit}:{share}", scene.project);
    let expected =
        [alert("2026-11", 100, 80), alert("2026-11", 100, 100), alert("2026-11", 130, 80), alert("2026-12", 130, 80)];
    {
        let state = receiver.state();
        assert_eq!(state.events.keys().cloned().collect::<BTreeSet<_>>(), BTreeSet::from(expected.clone()));
        assert_eq!(state.problems, [] as [String; 0]);
        let event = &state.events[&expected[2]];
        assert_eq!((&event["object"], &event["type"]), (&json!("event"), &json!("project.spend_alert")));
        let data = json!({
            "project_id": scene.project, "month": "2026-11", "threshold_percent": 80, "monthly_spend_cents": 130,
            "monthly_spend": {"value": 1.25, "currency": "usd"},
        });
        assert_eq!(event["data"], data);
        for sent in &state.attempts {
            let (id, at) = (&sent.headers["webhook-id"], sent.headers["webhook-timestamp"].parse().unwrap());
            let signature = SigningSecret::parse(SECRET).unwrap().sign(id, at, &sent.body);
            assert_eq!(
                (&sent.headers["webhook-signature"], &sent.headers["content-type"][..]),
                (&signature, "application/json")
            );
        }
    }
    scene.server.close().await;
}

#[tokio::test]
async fn without_prices_only_a_limit_of_nothing_stops_anything() {
    let scene = Scene::open("").await;
    scene.limit(json!(1)).await;
    scene.ada.create_file("a", &[1; 1000]).await.is_ok();
    scene.limit(json!(0)).await;
    let error = scene.ada.create_file("b", b"").await.is_error(429, None, Some("project_spend_limit_exceeded"));
    assert!(error["message"].as_str().unwrap().contains("$0.00"), "{error}");
    scene.server.close().await;
}
