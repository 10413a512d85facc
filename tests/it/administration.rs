//! What OpenAI's clients can say about projects, keys and limits, and what a repeated POST of an administrator does.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use venna::clock::Clock;
use venna_testkit::{Answer, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;
const PROJECTS: &str = "/v1/organization/projects";
const ADMIN_KEYS: &str = "/v1/organization/admin_api_keys";

struct World {
    server: TestServer,
    root: User,
    project: String,
}

impl World {
    async fn open() -> Self {
        Self::of(TestServer::at(NOW_MS).await).await
    }

    async fn of(server: TestServer) -> Self {
        let root = server.admin().await;
        let project = post(&root, PROJECTS, None, &json!({"name": "research"})).await.id();
        Self { server, root, project }
    }

    fn path(&self, rest: &str) -> String {
        format!("{PROJECTS}/{}{rest}", self.project)
    }

    async fn post(&self, rest: &str, body: &Value) -> Answer {
        post(&self.root, &self.path(rest), None, body).await
    }

    async fn post_once(&self, rest: &str, key: &str, body: &Value) -> Answer {
        post(&self.root, &self.path(rest), Some(key), body).await
    }

    async fn get(&self, rest: &str) -> Answer {
        get(&self.root, &self.path(rest)).await
    }

    async fn delete(&self, rest: &str) -> Answer {
        self.root.send(self.root.request(Method::DELETE, &self.path(rest))).await
    }

    /// How often something was done in the project, by the audit log.
    async fn times(&self, event: &str) -> usize {
        let path =
            format!("/v1/organization/audit_logs?limit=100&project_ids[]={}&event_types[]={event}", self.project);
        get(&self.root, &path).await.is_ok().ids().len()
    }
}

async fn post(actor: &User, path: &str, key: Option<&str>, body: &Value) -> Answer {
    let request = actor.request(Method::POST, path).json(body);
    actor.send(key.into_iter().fold(request, |request, key| request.header("idempotency-key", key))).await
}

async fn get(actor: &User, path: &str) -> Answer {
    actor.send(actor.request(Method::GET, path)).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotent-replayed")
}

#[tokio::test]
async fn a_service_account_is_a_key() {
    let world = World::open().await;
    let made = world.post("/service_accounts", &json!({"name": "ci", "expires_in_seconds": 3600})).await.is_ok().json();
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["object"], &made["role"]), (&json!("organization.project.service_account"), &json!("member")));
    assert_eq!(made["api_key"]["object"], "organization.project.service_account.api_key");
    assert_eq!((&made["api_key"]["id"], &made["api_key"]["expires_at"]), (&made["id"], &json!(NOW_MS / 1000 + 3600)));
    let ci = world.server.user_of(made["api_key"]["value"].as_str().unwrap());
    ci.create_file("a.txt", b"a").await.is_ok();
    let key = world.get(&format!("/api_keys/{id}")).await.is_ok().json();
    assert_eq!((&key["name"], &key["owner"]["service_account"]["id"]), (&json!("ci"), &json!(id)));
    let renamed =
        world.post(&format!("/service_accounts/{id}"), &json!({"name": "cd", "role": "member"})).await.is_ok();
    assert_eq!(renamed.json()["name"], "cd");
    assert_eq!(world.get("/service_accounts").await.is_ok().json()["data"], json!([renamed.json()]));
    for (body, param) in [
        (json!({"name": "x", "create_service_account_only": true}), Some("create_service_account_only")),
        (json!({"name": "x", "create_service_account_only": 1}), Some("create_service_account_only")),
        (json!({"name": ""}), Some("name")),
        (json!({"name": "x", "scopes": ["files.read"]}), None),
    ] {
        world.post("/service_accounts", &body).await.is_error(400, param, None);
    }
    let owner = world.post(&format!("/service_accounts/{id}"), &json!({"role": "owner"})).await;
    owner.is_error(400, Some("role"), None);
    assert_eq!(world.delete(&format!("/service_accounts/{id}")).await.is_ok().json()["deleted"], true);
    ci.list("").await.is_error(401, None, Some("invalid_api_key"));
    world.get(&format!("/service_accounts/{id}")).await.is_error(404, Some("service_account_id"), None);
    assert!(world.get("/service_accounts").await.is_ok().ids().is_empty());
    world.server.close().await;
}

#[tokio::test]
async fn a_key_gets_other_scopes_and_another_end_at_the_next_request() {
    let world = World::open().await;
    let made = world.post("/api_keys", &json!({"name": "worker"})).await.is_ok().json();
    let (id, worker) = (made["id"].as_str().unwrap(), world.server.user_of(made["value"].as_str().unwrap()));
    worker.create_file("a.txt", b"a").await.is_ok();
    let update = |body: Value| {
        let path = world.path(&format!("/api_keys/{id}"));
        let root = &world.root;
        async move { post(root, &path, None, &body).await }
    };
    assert_eq!(update(json!({})).await.is_ok().json()["scopes"], made["scopes"], "nothing changes");
    let read = update(json!({"scopes": ["api.all.read"], "expires_in_seconds": 60})).await.is_ok().json();
    assert_eq!(read["scopes"], json!(["files.read", "usage.read"]));
    assert_eq!(read["expires_at"], json!(NOW_MS / 1000 + 60));
    assert!(read.get("value").is_none(), "the secret stays, and stays a secret");
    worker.create_file("a.txt", b"a").await.is_error(403, None, Some("insufficient_permissions"));
    worker.list("").await.is_ok();
    assert_eq!(update(json!({"scopes": []})).await.is_ok().json()["scopes"], made["scopes"], "all that a new key gets");
    worker.create_file("a.txt", b"a").await.is_ok();
    for (body, param, code) in [
        (json!({"scopes": ["api.model.read"]}), Some("scopes"), None),
        (json!({"expires_in_seconds": 0}), Some("expires_in_seconds"), Some("integer_below_min_value")),
        (json!({"name": "x"}), None, None),
    ] {
        update(body).await.is_error(400, param, code);
    }
    world.server.clock.set(NOW_MS + 60_000);
    update(json!({"expires_in_seconds": 60})).await.is_error(400, Some("api_key_id"), None);
    world.server.close().await;
}

#[tokio::test]
async fn what_openai_takes_for_a_project_is_taken_and_what_is_not_done_is_not_said() {
    let world = World::open().await;
    let placed = json!({"name": "eu", "geography": "EU", "residency": null, "external_key_id": "key-1"});
    let made = post(&world.root, PROJECTS, None, &placed).await.is_ok().json();
    assert_eq!((&made["residency"], &made["external_key_id"]), (&Value::Null, &Value::Null));
    let same = world.post("", &json!({"geography": "EU", "external_key_id": "key-1"})).await.is_ok();
    assert_eq!(same.json()["name"], "research");
    assert_eq!(world.times("project.updated").await, 0, "nothing changed");
    world.post("", &json!({"geography": 1})).await.is_error(400, Some("geography"), None);
    world.post("", &json!({"colour": "blue"})).await.is_error(400, None, None);
    let taken = post(&world.root, PROJECTS, None, &json!({"name": "eu"})).await.is_error(400, Some("name"), None);
    assert!(taken["message"].as_str().unwrap().contains("unique"), "{taken}");
    world.server.close().await;
}

#[tokio::test]
async fn the_limits_of_a_project_have_openais_names_too() {
    let world = World::open().await;
    let limits = world.get("/rate_limits").await.is_ok().json();
    assert_eq!(limits["data"][1]["id"], "rl-uploads");
    assert_eq!(limits["data"][1]["max_requests_per_1_minute"], 1_000_000_000, "no limit");
    let uploads = json!({"max_requests_per_1_minute": 2});
    let set = world.post("/rate_limits/rl-uploads", &uploads).await.is_ok().json();
    assert_eq!((&set["model"], &set["max_requests_per_1_minute"]), (&json!("uploads"), &json!(2)));
    assert_eq!(world.get("/limits").await.is_ok().json()["uploads_per_minute"], 2);
    world.post("/rate_limits/rl-gpt", &uploads).await.is_error(404, Some("rate_limit_id"), None);
    world.post("/rate_limits/rl-uploads", &json!({"max_tokens_per_1_minute": 5})).await.is_error(400, None, None);

    world.get("/spend_limit").await.is_error(404, Some("project_id"), None);
    world.delete("/spend_limit").await.is_error(404, Some("project_id"), None);
    let wanted = json!({"threshold_amount": 0, "currency": "USD", "interval": "month"});
    let spend = world.post("/spend_limit", &wanted).await.is_ok().json();
    assert_eq!((&spend["threshold_amount"], &spend["enforcement"]["status"]), (&json!(0), &json!("enforcing")));
    assert_eq!(world.get("/spend_limit").await.is_ok().json(), spend);
    assert_eq!(world.get("/limits").await.is_ok().json()["monthly_spend_cents"], 0);
    let value = world.post("/service_accounts", &json!({"name": "ci"})).await.is_ok().json();
    let ci = world.server.user_of(value["api_key"]["value"].as_str().unwrap());
    ci.create_file("a.txt", b"a").await.is_error(429, None, Some("project_spend_limit_exceeded"));
    for (wrong, param) in [("currency", "EUR"), ("interval", "year")] {
        let mut wanted = wanted.clone();
        wanted[wrong] = json!(param);
        world.post("/spend_limit", &wanted).await.is_error(400, Some(wrong), None);
    }
    assert_eq!(world.delete("/spend_limit").await.is_ok().json()["deleted"], true);
    ci.create_file("a.txt", b"a").await.is_ok();
    world.server.close().await;
}

#[tokio::test]
async fn keys_of_administrators_are_made_listed_and_revoked() {
    let world = World::open().await;
    world.server.clock.set(NOW_MS + 1000);
    let made = post(&world.root, ADMIN_KEYS, None, &json!({"name": "deploy"})).await.is_ok().json();
    let (id, deploy) = (made["id"].as_str().unwrap(), world.server.user_of(made["value"].as_str().unwrap()));
    assert!(made["value"].as_str().unwrap().starts_with("vka_"));
    get(&deploy, PROJECTS).await.is_ok();
    let all = get(&world.root, ADMIN_KEYS).await.is_ok();
    assert!(all.json()["data"].as_array().unwrap().iter().all(|key| key.get("value").is_none()));
    let (ascending, newest) = (all.ids(), get(&world.root, &format!("{ADMIN_KEYS}?order=desc&limit=1")).await.ids());
    assert_eq!((ascending.last().unwrap().as_str(), newest[0].as_str()), (id, id));
    let worker = world.post("/api_keys", &json!({"name": "worker"})).await.id();
    get(&world.root, &format!("{ADMIN_KEYS}/{worker}")).await.is_error(404, Some("key_id"), None);
    world.get(&format!("/api_keys/{id}")).await.is_error(404, Some("api_key_id"), None);
    let own = format!("{ADMIN_KEYS}/{id}");
    assert_eq!(deploy.send(deploy.request(Method::DELETE, &own)).await.is_ok().json()["deleted"], true);
    get(&deploy, PROJECTS).await.is_error(401, None, Some("invalid_api_key"));
    get(&world.root, &own).await.is_error(404, Some("key_id"), None);
    world.server.close().await;
}

#[tokio::test]
async fn a_project_sets_the_expiry_of_files_whose_clients_ask_for_none() {
    let world = World::open().await;
    let listed = world.get("/default_expiries").await.is_ok().json();
    let of = |list: &Value, purpose: &str| {
        list["data"].as_array().unwrap().iter().find(|one| one["purpose"] == purpose).unwrap().clone()
    };
    assert_eq!(of(&listed, "batch")["expires_after"], json!({"anchor": "created_at", "seconds": 2_592_000}));
    assert_eq!(of(&listed, "batch")["set_by_project"], false);
    assert_eq!(of(&listed, "assistants")["expires_after"], Value::Null);

    let hour = json!({"expires_after": {"anchor": "created_at", "seconds": 3600}});
    let set = world.post("/default_expiries/user_data", &hour).await.is_ok().json();
    assert_eq!((&set["expires_after"]["seconds"], &set["set_by_project"]), (&json!(3600), &json!(true)));
    let never = world.post("/default_expiries/batch", &json!({"expires_after": null})).await.is_ok().json();
    assert_eq!((&never["expires_after"], &never["set_by_project"]), (&Value::Null, &json!(true)));
    let listed = world.get("/default_expiries").await.is_ok().json();
    assert_eq!((of(&listed, "user_data"), of(&listed, "batch")), (set, never));
    let key = world.post("/api_keys", &json!({"name": "worker"})).await.is_ok().json();
    let worker = world.server.user_of(key["value"].as_str().unwrap());
    assert_eq!(worker.create_file("a.txt", b"a").await.is_ok().json()["expires_at"], NOW_MS / 1000 + 3600);

    let built_in = world.delete("/default_expiries/user_data").await.is_ok().json();
    assert_eq!((&built_in["expires_after"], &built_in["set_by_project"]), (&Value::Null, &json!(false)));
    assert_eq!(worker.create_file("b.txt", b"b").await.is_ok().json()["expires_at"], Value::Null);
    assert_eq!(world.times("project.updated").await, 3);

    world.post("/default_expiries/video", &hour).await.is_error(404, Some("purpose"), None);
    world.delete("/default_expiries/video").await.is_error(404, Some("purpose"), None);
    let after = |anchor: &str, seconds: u64| json!({"expires_after": {"anchor": anchor, "seconds": seconds}});
    let (below, above) = (Some("integer_below_min_value"), Some("integer_above_max_value"));
    for (body, param, code) in [
        (json!({}), "expires_after", None),
        (json!({"expires_after": 3600}), "expires_after", None),
        (after("now", 3600), "expires_after.anchor", None),
        (after("created_at", 3599), "expires_after.seconds", below),
        (after("created_at", 3_155_760_001), "expires_after.seconds", above),
    ] {
        world.post("/default_expiries/evals", &body).await.is_error(400, Some(param), code);
    }
    world.server.close().await;
}

#[tokio::test]
async fn every_post_of_an_administrator_can_be_repeated() {
    let world = World::open().await;
    let worker = world.post("/api_keys", &json!({"name": "worker"})).await.id();
    let posts = [
        ("", json!({"name": "renamed"})),
        ("/api_keys", json!({"name": "a"})),
        ("/service_accounts", json!({"name": "b"})),
        (&*format!("/api_keys/{worker}"), json!({"expires_in_seconds": 86_400})),
        (&*format!("/api_keys/{worker}/rotate"), json!({"overlap_seconds": 0})),
        (&*format!("/service_accounts/{worker}"), json!({"name": "c"})),
        (&*format!("/api_keys/{worker}/limits"), json!({"requests_per_minute": 600})),
        ("/limits", json!({"storage_bytes": 1_000_000})),
        ("/rate_limits/rl-requests", json!({"max_requests_per_1_minute": 600})),
        ("/spend_limit", json!({"threshold_amount": 5, "currency": "USD", "interval": "month"})),
        ("/default_expiries/evals", json!({"expires_after": null})),
        ("/archive", json!({})),
    ];
    for (number, (rest, body)) in posts.iter().enumerate() {
        let key = format!("key {number}");
        let first = world.post_once(rest, &key, body).await.is_ok();
        assert!(!is_replayed(&first), "{rest}");
        let again = world.post_once(rest, &key, body).await.is_ok();
        assert!(is_replayed(&again), "{rest}");
        assert_eq!(
            (&again.body, &again.headers["content-type"]),
            (&first.body, &first.headers["content-type"]),
            "{rest}"
        );
        if *rest != "/archive" {
            let other = world.post_once(rest, &key, &json!({"name": "another"})).await;
            assert!(other.status == 400, "{rest}: {:?}", other.body);
        }
    }
    for (event, times) in [
        ("project.updated", 2),
        ("api_key.created", 3),
        ("api_key.updated", 3),
        ("rate_limit.updated", 4),
        ("project.archived", 1),
    ] {
        assert_eq!(world.times(event).await, times, "{event}");
    }
    let first = post(&world.root, PROJECTS, Some("p"), &json!({"name": "one", "geography": null})).await.is_ok();
    let reordered = world.root.request(Method::POST, PROJECTS).header("idempotency-key", "p");
    let reordered = reordered.body("{ \"geography\":null,\n\"name\":\"one\" }");
    assert_eq!(world.root.send(reordered).await.is_ok().body, first.body, "the same request in another spelling");
    let other = post(&world.root, PROJECTS, Some("p"), &json!({"name": "two"})).await;
    other.is_error(400, Some("Idempotency-Key"), Some("idempotency_key_reused"));
    world.server.clock.set(NOW_MS + 86_400_000);
    post(&world.root, PROJECTS, Some("p"), &json!({"name": "two"})).await.is_ok();
    world.server.close().await;
}

#[tokio::test]
async fn a_secret_is_shown_again_to_whoever_asked_and_lies_nowhere() {
    let world = World::open().await;
    let first = world.post_once("/service_accounts", "k", &json!({"name": "ci"})).await.is_ok();
    let secret = first.json()["api_key"]["value"].as_str().unwrap().to_owned();
    let again = world.post_once("/service_accounts", "k", &json!({"name": "ci"})).await.is_ok();
    assert_eq!(again.json()["api_key"]["value"], json!(secret));
    world.server.user_of(&secret).list("").await.is_ok();
    let rows = world.server.database();
    let kept = rows.texts(rows.choose(
        "SELECT hex(answer) FROM answers WHERE key = 'k'",
        "SELECT encode(answer, 'hex') FROM answers WHERE key = 'k'",
    ));
    let hex = |text: &str| text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let kept = kept[0].to_lowercase();
    assert!(kept.contains(&hex("\"name\":\"ci\"")) && !kept.contains(&hex(&secret[3..13])), "{kept}");
    let other = world.server.admin().await;
    let asked = post(&other, &world.path("/service_accounts"), Some("k"), &json!({"name": "ci"})).await;
    asked.is_error(400, Some("Idempotency-Key"), Some("idempotency_key_reused"));
    let fresh = world.post_once("/service_accounts", "l", &json!({"name": "ci"})).await.is_ok();
    assert_ne!(fresh.json()["api_key"]["value"], json!(secret), "another key, another secret");
    world.server.close().await;
}

#[tokio::test]
async fn of_many_at_once_one_makes_a_key_and_all_are_told_of_it() {
    let world = World::of(TestServer::with(&[], Clock::system()).await).await;
    let body = json!({"name": "ci"});
    let twins = join_all((0..12).map(|_| world.post_once("/service_accounts", "k", &body))).await;
    let answers: HashSet<_> = twins.iter().map(|twin| twin.body.clone().unwrap()).collect();
    assert_eq!(twins.iter().filter(|twin| !is_replayed(twin)).count(), 1);
    assert!(twins.iter().all(|twin| twin.status == 200) && answers.len() == 1, "{answers:?}");
    assert_eq!(world.get("/service_accounts").await.is_ok().ids().len(), 1);
    assert_eq!(world.times("api_key.created").await, 1);
    world.server.close().await;
}
