//! What a workspace may have, and what a workspace or key may do: quotas, limits of size, rate and concurrency, and a
//! key that ends while it is in use.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use venna::clock::Clock;
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::limits::{Limit, LimitOwner};
use venna::model::purpose::Purpose;
use venna_testkit::server::rounds;
use venna_testkit::{Answer, Form, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;
const ORIGIN: Origin = Origin::COMMAND_LINE;

#[track_caller]
fn is_over_quota(answer: Answer) {
    assert_eq!(answer.headers.get("x-should-retry").map(|value| value.to_str().unwrap()), Some("false"));
    let error = answer.is_error(400, None, Some("storage_quota_exceeded"));
    assert!(error["message"].as_str().unwrap().starts_with("You have exceeded your file storage quota."), "{error}");
}

#[tokio::test]
async fn of_64_uploads_at_once_those_10_are_stored_that_fit() {
    let server = TestServer::with(&[("sweep_interval_seconds", "86400")], Clock::set_to(NOW_MS)).await;
    let (ada, _) = server.limited_user("ada", &[(Limit::StorageBytes, 10_009)]).await;
    // No commit may go over the quota, whatever is seen from outside.
    let is_over = "new.stored_bytes - coalesce((SELECT sum(size_bytes) FROM files WHERE workspace_id = new.id
                       AND expires_at <= (SELECT value FROM clock)), 0) > 10009";
    let sqlite = format!(
        "CREATE TRIGGER guard AFTER UPDATE ON workspaces WHEN {is_over} BEGIN SELECT RAISE(ABORT, 'over the quota'); END"
    );
    let postgres = format!(
        "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF {is_over} THEN RAISE 'over the quota'; END IF; RETURN NULL; END $$;
         CREATE TRIGGER guard AFTER UPDATE ON workspaces FOR EACH ROW EXECUTE FUNCTION guard()"
    );
    let database = server.database();
    database.execute("CREATE TABLE clock (value BIGINT)").unwrap();
    database.execute(&format!("INSERT INTO clock VALUES ({})", NOW_MS / 1000)).unwrap();
    database.execute(database.choose(&sqlite, &postgres)).unwrap();
    let brief = |form: Form| {
        let anchor = form.field("expires_after[anchor]", "created_at");
        anchor.field("expires_after[seconds]", "3600").field("purpose", "user_data").file("a", &[7; 1000])
    };
    for round in 0..rounds(200) {
        let answers = join_all((0..64).map(|_| ada.post(brief(Form::default())))).await;
        let (stored, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
        assert_eq!((stored.len(), refused.len()), (10, 54), "round {round}");
        refused.into_iter().for_each(is_over_quota);
        // Space is there again in the second of a delete or an expiry; nothing sweeps here.
        if round % 2 == 0 {
            for file in stored {
                ada.delete_file(&file.id()).await.is_ok();
            }
        } else {
            server.clock.set(server.clock.now_ms() + 3_600_000);
            database.execute(&format!("UPDATE clock SET value = {}", server.clock.now_seconds())).unwrap();
        }
    }
    let drop = ["DROP TRIGGER guard", "DROP TRIGGER guard ON workspaces"];
    database.execute(&format!("{}; DROP TABLE clock", database.choose(drop[0], drop[1]))).unwrap();
    server.close_unswept().await;
}

#[tokio::test]
async fn a_pending_upload_has_its_place_and_gives_it_back() {
    let server = TestServer::at(NOW_MS).await;
    let (ada, _) = server.limited_user("ada", &[(Limit::StorageBytes, 100), (Limit::MaxFiles, 3)]).await;
    is_over_quota(ada.create_upload(101).await);
    let upload = ada.create_upload(60).await.id();
    is_over_quota(ada.create_upload(41).await);
    is_over_quota(ada.create_file("a", &[1; 41]).await);
    let file = ada.create_file("a", &[1; 40]).await.id();
    let part = ada.add_part(&upload, &[2; 60]).await.id();
    ada.complete_upload(&upload, &[&part]).await.is_ok();
    is_over_quota(ada.create_file("b", b"b").await);
    ada.delete_file(&file).await.is_ok();
    let cancelled = ada.create_upload(40).await.id();
    ada.cancel_upload(&cancelled).await.is_ok();
    ada.create_upload(40).await.is_ok();
    server.clock.set(NOW_MS + 3_600_000);
    let (second, third) = (ada.create_file("b", b"b").await.id(), ada.create_file("c", b"").await.id());
    is_over_quota(ada.create_file("d", b"").await);
    ada.delete_file(&second).await.is_ok();
    ada.delete_file(&third).await.is_ok();
    ada.create_file("d", &[4; 40]).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn a_quota_that_is_lowered_takes_nothing_away() {
    let server = TestServer::at(NOW_MS).await;
    let (ada, owner) = server.limited_user("ada", &[(Limit::StorageBytes, 100)]).await;
    let file = ada.create_file("a", &[1; 60]).await.id();
    let upload = ada.create_upload(40).await.id();
    let part = ada.add_part(&upload, &[2; 40]).await.id();
    let keyed = |key: &str| {
        let form = Form::default().field("purpose", "user_data").file("k", b"");
        let request = ada.request(Method::POST, "/v1/files").header("idempotency-key", key);
        ada.send(request.header("content-type", Form::content_type()).body(form.close()))
    };
    let first = keyed("once").await.is_ok().json();
    server.limit(owner, &[(Limit::StorageBytes, 50)]).await;
    is_over_quota(ada.complete_upload(&upload, &[&part]).await);
    is_over_quota(ada.create_file("b", b"").await);
    is_over_quota(keyed("twice").await);
    assert_eq!(keyed("once").await.is_ok().json(), first, "what was made is answered again");
    ada.download_file(&file).await.is_bytes(&[1; 60]);
    assert_eq!(ada.retrieve_upload(&upload).await.json()["status"], "pending", "it stays as it was");
    ada.delete_file(&file).await.is_ok();
    ada.complete_upload(&upload, &[&part]).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn what_cannot_fit_is_refused_before_its_body() {
    let server = TestServer::open().await;
    let (ada, _) = server.limited_user("ada", &[(Limit::StorageBytes, 1_000_000)]).await;
    let (address, key) = (server.address(), ada.key.clone());
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: {}\r\n",
            Form::content_type()
        );
        write!(socket, "{head}Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("storage_quota_exceeded"), "{answer}");
    server.close().await;
}

#[tokio::test]
async fn files_of_a_purpose_may_be_smaller_than_others() {
    let server = TestServer::open().await;
    let limits = [(Limit::FileBytes(Purpose::Vision), 1000), (Limit::FileBytes(Purpose::Evals), 100_000)];
    let (ada, _) = server.limited_user("ada", &limits).await;
    let form = |purpose: &str, size: usize| {
        [
            Form::default().field("purpose", purpose).file("a", &vec![1; size]),
            Form::default().file("a", &vec![1; size]).field("purpose", purpose),
        ]
    };
    for (purpose, limit) in [("vision", 1000), ("evals", 100_000)] {
        for form in form(purpose, limit) {
            ada.post(form).await.is_ok();
        }
        for form in form(purpose, limit + 1) {
            let error = ada.post(form).await.is_error(413, Some("file"), Some("file_too_large"));
            assert!(error["message"].as_str().unwrap().contains(&limit.to_string()), "{error}");
        }
        let upload = |bytes| json!({"bytes": bytes, "filename": "a", "mime_type": "x/y", "purpose": purpose});
        ada.post_json("/v1/uploads", &upload(limit)).await.is_ok();
        let refused = ada.post_json("/v1/uploads", &upload(limit + 1)).await;
        refused.is_error(400, Some("bytes"), Some("integer_above_max_value"));
    }
    ada.create_file("a", &vec![1; 200_000]).await.is_ok();
    server.close().await;
}

#[track_caller]
fn rate_headers(answer: &Answer) -> Vec<String> {
    let of = |what: &str| answer.headers[&format!("x-ratelimit-{what}-requests")].to_str().unwrap().to_owned();
    ["limit", "remaining", "reset"].map(of).to_vec()
}

#[tokio::test]
async fn requests_and_uploads_a_minute_are_limited() {
    let server = TestServer::open().await;
    let limits = [(Limit::RequestsPerMinute, 6), (Limit::UploadsPerMinute, 2)];
    let (ada, _) = server.limited_user("ada", &limits).await;
    let bob = server.user("bob").await;
    for remaining in [5, 4] {
        let stored = ada.create_file("a", b"a").await.is_ok();
        assert_eq!(rate_headers(&stored)[..2], ["6".to_owned(), remaining.to_string()]);
    }
    let refused = ada.create_file("a", b"a").await;
    assert_eq!(
        (&refused.headers["retry-after"], &refused.headers["x-should-retry"]),
        (&"30".parse().unwrap(), &"true".parse().unwrap())
    );
    let error = refused.is_error(429, None, Some("rate_limit_exceeded"));
    assert!(error["message"].as_str().unwrap().contains("uploads. Limit: 2 / min"), "{error}");
    for _ in 0..3 {
        ada.list("").await.is_ok();
    }
    let refused = ada.list("").await;
    assert_eq!(rate_headers(&refused)[..2], ["6", "0"]);
    assert_eq!(refused.headers["retry-after"], "10");
    refused.is_error(429, None, Some("rate_limit_exceeded"));
    let unlimited = bob.list("").await.is_ok();
    assert!(!unlimited.headers.contains_key("x-ratelimit-limit-requests"), "who has no limit is told of none");
    server.close().await;
}

#[tokio::test]
async fn a_key_may_be_tighter_than_its_workspace() {
    let server = TestServer::open().await;
    let (ada, _) = server.limited_user("ada", &[(Limit::RequestsPerMinute, 5)]).await;
    let keys = server.installation().await.keys;
    let known = keys.list().await.unwrap().pop().unwrap();
    let (key, secret) = keys.issue(known.opens, "tight", None, ORIGIN).await.unwrap();
    let tight = server.user_of(secret.expose());
    server.limit(LimitOwner::Key(key.id), &[(Limit::RequestsPerMinute, 1)]).await;
    assert_eq!(rate_headers(&tight.list("").await.is_ok())[..2], ["1", "0"], "the emptier bucket is shown");
    for _ in 0..3 {
        tight.list("").await.is_error(429, None, Some("rate_limit_exceeded"));
    }
    assert_eq!(rate_headers(&ada.list("").await.is_ok())[..2], ["5", "3"], "what was refused took nothing from others");
    server.close().await;
}

/// An upload that stands still in the middle, and what is still to be sent.
async fn begin_upload(server: &TestServer, actor: &User) -> (TcpStream, Vec<u8>) {
    let (key, address, pending) = (actor.key.clone(), server.address(), server.pending_blobs());
    let begun = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let body = Form::default().field("purpose", "vision").file("a.bin", &vec![1; 700_000]).close();
        write!(
            socket,
            "POST /v1/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
            Form::content_type(),
            body.len()
        )
        .unwrap();
        socket.write_all(&body[..600_000]).unwrap();
        (socket, body[600_000..].to_vec())
    });
    let begun = begun.await.unwrap();
    server.pending_blobs_become(pending + 1).await;
    begun
}

async fn end_upload((mut socket, rest): (TcpStream, Vec<u8>)) -> String {
    let ended = tokio::task::spawn_blocking(move || {
        socket.write_all(&rest).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    });
    ended.await.unwrap()
}

#[tokio::test]
async fn a_workspace_has_uploads_in_flight_of_its_own() {
    let server = TestServer::with(&[("max_concurrent_uploads_per_workspace", "2")], Clock::system()).await;
    let (ada, owner) = server.limited_user("ada", &[]).await;
    let bob = server.user("bob").await;
    let first = begin_upload(&server, &ada).await;
    ada.create_file("a", b"a").await.is_ok();
    server.limit(owner, &[(Limit::ConcurrentUploads, 1)]).await;
    let error = ada.create_file("a", b"a").await.is_error(429, None, Some("rate_limit_exceeded"));
    assert!(error["message"].as_str().unwrap().contains("in this project"), "{error}");
    bob.create_file("b", b"b").await.is_ok();
    server.limit(owner, &[(Limit::ConcurrentUploads, 5)]).await;
    ada.create_file("a", b"a").await.is_ok();
    let answer = end_upload(first).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.close().await;
}

#[tokio::test]
async fn an_upload_in_flight_ends_with_its_key() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let begun = begin_upload(&server, &ada).await;
    let admin = server.admin().await;
    let workspace = server.installation().await.workspaces.find("ada").await.unwrap().unwrap().id;
    let keys = format!("/v1/organization/projects/{workspace}/api_keys");
    let listed = admin.send(admin.request(Method::GET, &keys)).await.is_ok().json();
    let key = listed["data"][0]["id"].as_str().unwrap().to_owned();
    let deleted = admin.send(admin.request(Method::DELETE, &format!("{keys}/{key}"))).await.is_ok().json();
    assert_eq!(deleted, json!({"object": "organization.project.api_key.deleted", "id": key, "deleted": true}));
    ada.list("").await.is_error(401, None, Some("invalid_api_key"));
    let answer = end_upload(begun).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    server.blobs_become(0).await;
    server.close().await;
}

/// Many requests are on their way when a key is revoked; none that begins after the answer to the revocation is
/// accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_under_load_from_the_very_next_request_on() {
    let server = TestServer::with(&[("max_failed_logins_per_minute", "0")], Clock::system()).await;
    for _ in 0..20 {
        let keys = server.installation().await.keys;
        let default = server.installation().await.workspaces.find("default").await.unwrap().unwrap();
        let opens = Opens::Workspace(default.id, venna::model::scope::Scopes::DEFAULT);
        let (key, secret) = keys.issue(opens, "brief", None, ORIGIN).await.unwrap();
        let ended = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let load: Vec<_> = (0..8)
            .map(|_| {
                let (brief, ended) = (server.user_of(secret.expose()), std::sync::Arc::clone(&ended));
                tokio::spawn(async move {
                    let mut accepted = 0;
                    loop {
                        let begins_late = ended.load(std::sync::atomic::Ordering::SeqCst);
                        match brief.list("").await.status.as_u16() {
                            200 => assert!(!begins_late, "a request was accepted that began after the revocation"),
                            status => {
                                assert_eq!(status, 401);
                                return accepted;
                            }
                        }
                        accepted += 1;
                    }
                })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        server.keys().revoke(key.id, ORIGIN).await.unwrap();
        ended.store(true, std::sync::atomic::Ordering::SeqCst);
        let mut accepted = 0;
        for worker in load {
            accepted += worker.await.unwrap();
        }
        assert!(accepted > 0);
    }
    server.close().await;
}

#[tokio::test]
async fn limits_are_set_and_seen_through_the_api() {
    let server = TestServer::at(NOW_MS).await;
    let (ada, admin) = (server.user("ada").await, server.admin().await);
    let workspace = server.installation().await.workspaces.find("ada").await.unwrap().unwrap().id;
    let path = format!("/v1/organization/projects/{workspace}/limits");
    let own = admin.post_json(&path, &json!({"storage_bytes": 100, "file_bytes": {"batch": 50}})).await.is_ok().json();
    assert_eq!((&own["storage_bytes"], &own["max_files"]), (&json!(100), &Value::Null));
    assert_eq!(own["file_bytes"], json!({"batch": 50}));
    ada.create_file("a", &[1; 30]).await.is_ok();
    ada.create_upload(20).await.is_ok();
    is_over_quota(ada.create_file("a", &[1; 51]).await);
    let seen = ada.send(ada.request(Method::GET, "/v1/organization/key")).await.is_ok().json();
    assert_eq!((&seen["type"], &seen["limits"]["storage_bytes"]), (&json!("workspace"), &json!(100)));
    let nothing = json!({"value": 0.0, "currency": "usd"});
    let stored = json!({"stored_bytes": 30, "stored_files": 1, "reserved_bytes": 20, "reserved_files": 1, "monthly_spend": nothing});
    assert_eq!(seen["usage"], stored);
    let changed = json!({"storage_bytes": null, "file_bytes": {"batch": null}});
    let cleared = admin.post_json(&path, &changed).await.is_ok().json();
    assert_eq!((&cleared["storage_bytes"], &cleared["file_bytes"]), (&Value::Null, &json!({})));
    ada.create_file("a", &[1; 51]).await.is_ok();
    for (body, param) in [
        (json!({"storage_bytes": -1}), Some("storage_bytes")),
        (json!({"requests_per_minute": 0}), Some("requests_per_minute")),
        (json!({"uploads_per_minute": "5"}), Some("uploads_per_minute")),
        (json!({"file_bytes": {"batch": 1.5}}), Some("batch")),
        (json!({"file_bytes": {"notes": 1}}), None),
        (json!({"storage": 1}), None),
    ] {
        let refused = admin.post_json(&path, &body).await;
        assert_eq!((refused.status.as_u16(), refused.json()["error"]["param"].as_str()), (400, param), "{body}");
    }
    let key = format!("/v1/organization/projects/{workspace}/api_keys");
    let key = admin.send(admin.request(Method::GET, &key)).await.is_ok().json()["data"][0]["id"].clone();
    let path = format!("/v1/organization/projects/{workspace}/api_keys/{}/limits", key.as_str().unwrap());
    let limits = admin.post_json(&path, &json!({"requests_per_minute": 1})).await.is_ok().json();
    assert_eq!((&limits["requests_per_minute"], limits.get("storage_bytes")), (&json!(1), None));
    admin.post_json(&path, &json!({"storage_bytes": 1})).await.is_error(400, None, None);
    ada.list("").await.is_ok();
    ada.list("").await.is_error(429, None, Some("rate_limit_exceeded"));
    server.close().await;
}
