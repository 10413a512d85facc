//! `Idempotency-Key`: a request that is repeated has one effect and one answer.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use venna::clock::Clock;
use venna_testkit::{Answer, Form, TestServer};

const NOW_MS: u64 = 1_795_374_000_000;
const KEY: &str = "idempotency-key";

fn file(content: &[u8]) -> Form {
    Form::default().field("purpose", "user_data").file("a.txt", content)
}

/// The same answer again, and said to be so.
#[track_caller]
fn is_replay(again: Answer, first: &Answer) {
    assert_eq!(again.headers.get("idempotent-replayed").map(|value| value.to_str().unwrap()), Some("true"));
    assert_eq!(again.headers["content-type"], "application/json");
    assert_eq!(again.is_ok().body, first.body);
}

#[track_caller]
fn is_reused(answer: Answer) {
    answer.is_error(400, Some("Idempotency-Key"), Some("idempotency_key_reused"));
}

#[tokio::test]
async fn a_repeated_file_is_made_once_whatever_its_size_and_what_became_of_it() {
    let server = TestServer::open().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    for (key, content) in [("small", vec![b'a'; 20]), ("large", vec![b'a'; 700_000])] {
        let first = ada.create_once(key, file(&content)).await;
        assert!(!first.headers.contains_key("idempotent-replayed"));
        is_replay(ada.create_once(key, file(&content)).await, &first);
        let other_order = Form::default().file("a.txt", &content).field("purpose", "user_data");
        is_replay(ada.create_once(key, other_order).await, &first);
        is_reused(ada.create_once(key, file(&content[1..])).await);
        is_reused(ada.create_once(key, Form::default().field("purpose", "evals").file("a.txt", &content)).await);
        is_reused(ada.create_once(key, Form::default().field("purpose", "user_data").file("b.txt", &content)).await);
        let brief = file(&content).field("expires_after[anchor]", "created_at").field("expires_after[seconds]", "3600");
        is_reused(ada.create_once(key, brief).await);
        assert_ne!(bob.create_once(key, file(&content)).await.id(), first.json()["id"].as_str().unwrap());
        ada.delete_file(first.json()["id"].as_str().unwrap()).await.is_ok();
        is_replay(ada.create_once(key, file(&content)).await, &first);
    }
    assert!(ada.list("").await.ids().is_empty());
    server.blobs_become(1).await;
    server.close().await;
}

#[tokio::test]
async fn every_step_of_an_upload_can_be_repeated() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let details = json!({"bytes": 7, "filename": "a", "mime_type": "text/plain", "purpose": "user_data"});
    let begun = ada.post_once("/v1/uploads", "begin", &details).await;
    is_replay(ada.post_once("/v1/uploads", "begin", &details).await, &begun);
    let mut other = details.clone();
    other["mime_type"] = "text/html".into();
    is_reused(ada.post_once("/v1/uploads", "begin", &other).await);
    let upload = begun.id();
    let part = ada.add_part_once(&upload, "part", b"content").await;
    is_replay(ada.add_part_once(&upload, "part", b"content").await, &part);
    is_reused(ada.add_part_once(&upload, "part", b"another").await);
    is_reused(ada.post_once("/v1/uploads", "part", &details).await);
    let complete = format!("/v1/uploads/{upload}/complete");
    let body = json!({"part_ids": [part.json()["id"]]});
    let completed = ada.post_once(&complete, "end", &body).await;
    is_replay(ada.post_once(&complete, "end", &body).await, &completed);
    is_reused(ada.post_once(&complete, "end", &json!({"part_ids": []})).await);
    is_replay(ada.add_part_once(&upload, "part", b"content").await, &part);
    is_reused(ada.add_part_once(&upload, "part", b"another").await);
    ada.add_part_once(&upload, "late", b"content").await.is_error(400, Some("upload_id"), None);
    assert_eq!(ada.list("").await.ids(), [completed.json()["file"]["id"].as_str().unwrap()]);

    let cancelled = ada.create_upload(1).await.id();
    let cancel = format!("/v1/uploads/{cancelled}/cancel");
    let first = ada.send(ada.keyed(&cancel, "stop")).await;
    is_replay(ada.send(ada.keyed(&cancel, "stop")).await, &first);
    server.blobs_become(1).await;
    server.close().await;
}

#[tokio::test]
async fn a_failure_leaves_the_key_free() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    ada.create_once("k", Form::default().field("purpose", "poetry").file("a.txt", b"a")).await.is_error(
        400,
        Some("purpose"),
        None,
    );
    let first = ada.create_once("k", file(b"a")).await.is_ok();
    is_replay(ada.create_once("k", file(b"a")).await, &first);
    for key in ["", &"k".repeat(256)] {
        ada.create_once(key, file(b"a")).await.is_error(400, Some("Idempotency-Key"), None);
    }
    let twice = ada.keyed("/v1/files", "k").header(KEY, "l").body("");
    ada.send(twice).await.is_error(400, Some("Idempotency-Key"), None);
    ada.send(ada.request(Method::GET, "/v1/files").header(KEY, "")).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn twins_have_one_effect() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    for round in 0..50 {
        let (key, content) = (format!("twins {round}"), vec![b'x'; 1 + round * 4_000]);
        let twins = join_all((0..8).map(|_| ada.create_once(&key, file(&content)))).await;
        assert_eq!(twins.iter().filter(|twin| !twin.headers.contains_key("idempotent-replayed")).count(), 1);
        assert!(twins.iter().all(|twin| twin.status == 200 && twin.body == twins[0].body), "round {round}");
    }
    assert_eq!(ada.list("").await.ids().len(), 50);
    server.close().await;
}

#[tokio::test]
async fn answers_are_given_again_for_a_day_and_after_a_restart() {
    let mut server = TestServer::with(&[("sweep_interval_seconds", "1")], Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    let first = ada.create_once("k", file(b"a")).await;
    server.restart().await;
    let ada = server.user_of(&ada.key);
    server.clock.set(NOW_MS + 86_399_999);
    is_replay(ada.create_once("k", file(b"a")).await, &first);
    server.clock.set(NOW_MS + 86_400_000);
    let second = ada.create_once("k", file(b"a")).await.id();
    assert_ne!(second, first.json()["id"].as_str().unwrap());
    server.close().await;
}
