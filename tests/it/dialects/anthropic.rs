//! Anthropic's dialect: its shapes, its form, its lists, its errors, and how a request chooses it.

use super::{forms, key, message};
use crate::matrix::tenant;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use venna::clock::Clock;
use venna::model::api_key::Opens;
use venna::model::dialect::Dialect;
use venna::model::scope::Scopes;
use venna_testkit::server::eventually;
use venna_testkit::{Answer, Form, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;
const BETA: &str = "files-api-2025-04-14";

fn path(rest: &str) -> String {
    format!("/anthropic/v1/files{rest}")
}

fn posted(user: &User, form: Form) -> RequestBuilder {
    user.request(Method::POST, &path("")).header("content-type", Form::content_type()).body(form.close())
}

async fn upload(user: &User, form: Form) -> Answer {
    user.send(posted(user, form)).await
}

async fn get(user: &User, rest: &str) -> Answer {
    user.send(user.request(Method::GET, &path(rest))).await
}

async fn get_beta(user: &User, rest: &str, beta: &str) -> Answer {
    user.send(user.request(Method::GET, &path(rest)).header("anthropic-beta", beta)).await
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
}

/// Checks an error, and returns its code.
fn refused(answer: &Answer, status: u16, kind: &str) -> Option<String> {
    assert_eq!(answer.status, status);
    assert!(!message(Dialect::Anthropic, answer).is_empty());
    assert_eq!(answer.json()["error"]["type"], kind);
    answer.json()["error"]["details"]["error_code"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_file_has_the_shape_of_the_day_or_of_the_beta() {
    let server = TestServer::with(&[], Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    let form = || Form::default().field("expires_in_seconds", "7776000").file("dir/scan.pdf", b"%PDF");
    let made = upload(&ada, form()).await.is_ok();
    assert!(made.headers.contains_key("request-id"));
    let made = made.json();
    let expected = json!({"id": made["id"], "type": "file", "filename": "scan.pdf", "mime_type": "application/pdf",
        "size_bytes": 4, "created_at": "2026-11-22T19:00:00Z", "downloadable": true,
        "expires_at": "2027-02-20T19:00:00Z"});
    assert_eq!(made, expected);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("file_"));
    assert_eq!(get(&ada, &format!("/{id}")).await.is_ok().json(), expected);
    let old = get_beta(&ada, &format!("/{id}"), &format!("other, {BETA}")).await.is_ok().json();
    let mut without = expected;
    without.as_object_mut().unwrap().remove("expires_at");
    assert_eq!(old, without);
    let old = ada.send(posted(&ada, Form::default().file("a", b"")).header("anthropic-beta", BETA)).await.is_ok();
    assert_eq!(old.json().get("expires_at"), None);
    let lasting = upload(&ada, Form::default().file("a", b"")).await.is_ok().json();
    assert_eq!(lasting.get("expires_at"), Some(&Value::Null));
    let gone = ada.send(ada.request(Method::DELETE, &path(&format!("/{id}")))).await.is_ok().json();
    assert_eq!(gone, json!({"id": id, "type": "file_deleted"}));
    assert_eq!(refused(&get(&ada, &format!("/{id}")).await, 404, "not_found_error"), None);
    server.close().await;
}

#[tokio::test]
async fn a_part_without_a_name_is_a_file_and_what_is_not_valid_is_refused() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let boundary = Form::content_type();
    let boundary = boundary.split_once('=').unwrap().1;
    let head =
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"\r\nContent-Type: image/png\r\n\r\n");
    let body = [head.as_bytes(), b"png", format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    let request = ada.request(Method::POST, &path("")).header("content-type", Form::content_type()).body(body);
    let made = ada.send(request).await.is_ok().json();
    assert_eq!((&made["filename"], &made["mime_type"]), (&json!("unnamed.png"), &json!("image/png")));
    let file = |form: Form| form.file("a.txt", b"x");
    let long = "x".repeat(256);
    for (form, said) in [
        (Form::default(), "'file'"),
        (Form::default().field("file_name", "a"), "file_name"),
        (file(Form::default().field("purpose", "ocr")), "purpose"),
        (file(Form::default()).field("expires_in_seconds", "3599"), "expires_in_seconds"),
        (file(Form::default().field("expires_in_seconds", "7776001")), "expires_in_seconds"),
        (file(Form::default().field("expires_in_seconds", "soon")), "expires_in_seconds"),
        (file(file(Form::default())), "file"),
        (Form::default().file("a?.txt", b"x"), "'?'"),
        (Form::default().file("C:\\a", b"x"), "':'"),
        (Form::default().file(&long, b"x"), "256 characters"),
    ] {
        let answer = upload(&ada, form).await;
        assert_eq!(refused(&answer, 400, "invalid_request_error"), None);
        assert!(message(Dialect::Anthropic, &answer).contains(said), "{}", message(Dialect::Anthropic, &answer));
    }
    assert_eq!(ids(&get(&ada, "").await.json()).len(), 1, "nothing is left of what was refused");
    server.close().await;
}

#[tokio::test]
async fn lists_go_both_ways_and_by_ids() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let mut newest_first = Vec::new();
    for number in 0..7 {
        newest_first.insert(0, forms(&ada.create_file(&number.to_string(), b"x").await.id())[1].clone());
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = get(&ada, &query).await.is_ok().json();
        assert_eq!(page.as_object().unwrap().keys().collect::<Vec<_>>(), ["data", "next_page"]);
        seen.extend(ids(&page));
        let Some(next) = page["next_page"].as_str() else { break };
        query = format!("?limit=3&page={next}");
    }
    assert_eq!(seen, newest_first);
    let beta = async |query: &str| get_beta(&ada, query, BETA).await.is_ok().json();
    let first = beta("?limit=3").await;
    let (first_id, last_id) = (&newest_first[0], &newest_first[2]);
    let expected = json!({"data": first["data"], "has_more": true, "first_id": first_id, "last_id": last_id});
    assert_eq!((ids(&first).as_slice(), &first), (&newest_first[..3], &expected));
    let after = beta(&format!("?limit=100&after_id={last_id}")).await;
    assert_eq!((ids(&after).as_slice(), &after["has_more"]), (&newest_first[3..], &json!(false)));
    let before = beta(&format!("?limit=2&before_id={}", newest_first[5])).await;
    assert_eq!((ids(&before).as_slice(), &before["has_more"]), (&newest_first[3..5], &json!(true)));
    let both = get_beta(&ada, "?limit=3", "managed-agents-2026-04-01").await.is_ok().json();
    assert_eq!((&both["last_id"], both["next_page"].is_string()), (&json!(last_id), true));
    let some = format!("?ids%5B%5D={}&ids[]={}&ids[]=file_x", newest_first[6], newest_first[1]);
    let some = get(&ada, &some).await.is_ok().json();
    assert_eq!(
        (ids(&some), &some["next_page"]),
        (vec![newest_first[1].clone(), newest_first[6].clone()], &Value::Null)
    );
    assert_eq!(ids(&get(&ada, "?scope_id=sesn_1").await.json()), Vec::<String>::new());
    for wrong in ["?limit=0", "?page=x", "?after_id=x", &format!("?ids[]={first_id}&limit=1")] {
        assert_eq!(refused(&get(&ada, wrong).await, 400, "invalid_request_error"), None, "{wrong}");
    }
    server.close().await;
}

#[tokio::test]
async fn an_expired_file_is_told_from_one_that_never_was() {
    let server = TestServer::with(&[("sweep_interval_seconds", "1")], Clock::set_to(NOW_MS)).await;
    let ada = tenant(&server, "ada").await;
    let (ada, bob) = (key(&server, Opens::Workspace(ada.workspace, Scopes::ALL)).await, server.user("bob").await);
    let brief = upload(&ada, Form::default().field("expires_in_seconds", "3600").file("a", b"x")).await.id();
    let deleted = upload(&ada, Form::default().file("b", b"x")).await.id();
    ada.send(ada.request(Method::DELETE, &path(&format!("/{deleted}")))).await.is_ok();
    let code = async |user: &User, rest: String| refused(&get(user, &rest).await, 404, "not_found_error");
    server.clock.set(NOW_MS + 3_600_000);
    let expired = Some("file_expired".to_owned());
    for _ in 0..2 {
        assert_eq!(code(&ada, format!("/{brief}/content")).await, expired);
        assert_eq!(code(&ada, format!("/{brief}")).await, expired);
        assert_eq!(code(&ada, format!("/{deleted}/content")).await, None);
        assert_eq!(code(&bob, format!("/{brief}/content")).await, None);
        eventually(|| server.database().number("SELECT count(*) FROM files") == 1, || "the sweep".into()).await;
    }
    ada.download_file(&brief).await.is_not_found();
    server.clock.set(NOW_MS + 3_600_000 + 30 * 86_400_000);
    assert_eq!(code(&ada, format!("/{brief}")).await, None);
    server.close().await;
}

#[tokio::test]
async fn the_key_comes_in_either_header_and_the_workspace_may_be_named() {
    let server = TestServer::open().await;
    let ada = tenant(&server, "ada").await;
    let user = key(&server, Opens::Workspace(ada.workspace, Scopes::ALL)).await;
    let client = reqwest::Client::new();
    let of_header = |header: &str, value: &str, path: &str| {
        client.get(format!("http://{}{path}", server.address())).header(header, value)
    };
    let secret = user.key.as_str();
    for (request, status) in [
        (of_header("x-api-key", secret, &path("")), 200),
        (of_header("x-api-key", "vk_wrong", &path("")).bearer_auth(secret), 401),
        (of_header("x-api-key", secret, "/v1/files"), 401),
        (of_header("x-api-key", secret, "/v1/files").header("anthropic-version", "2023-06-01"), 200),
        (of_header("x-api-key", secret, "/v1/models").header("anthropic-version", "2023-06-01"), 401),
    ] {
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    let digits = ada.workspace.as_str().strip_prefix("ws_").unwrap();
    for (named, status) in [(format!("wrkspc_{digits}"), 200), (format!("ws_{digits}"), 200), ("wrkspc_1".into(), 403)]
    {
        let answer = user.send(user.request(Method::GET, &path("")).header("anthropic-workspace-id", named)).await;
        assert_eq!(answer.status, status);
    }
    server.close().await;
}

#[tokio::test]
async fn headers_of_the_dialect_choose_it_on_the_path_of_openais() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.txt", b"x").await.id();
    for header in ["anthropic-version", "anthropic-beta"] {
        let file = ada.request(Method::GET, &format!("/v1/files/{id}")).header(header, "2023-06-01");
        assert_eq!(ada.send(file).await.is_ok().json()["type"], "file");
    }
    let missing = ada.request(Method::GET, "/v1/files/file_0").header("anthropic-version", "2026-10-21");
    assert_eq!(refused(&ada.send(missing).await, 404, "not_found_error"), None);
    server.close().await;
}

#[tokio::test]
async fn uploads_are_not_downloadable_where_the_operator_says_so() {
    let server = TestServer::with(&[("anthropic_downloadable", "false")], Clock::system()).await;
    let opens = Opens::Workspace(tenant(&server, "ada").await.workspace, Scopes::ALL);
    let ada = key(&server, opens).await;
    let made = upload(&ada, Form::default().file("a.txt", b"x")).await.is_ok().json();
    assert_eq!(made["downloadable"], false);
    let content = get(&ada, &format!("/{}/content", made["id"].as_str().unwrap())).await;
    assert_eq!(refused(&content, 400, "invalid_request_error").as_deref(), Some("file_not_downloadable"));
    ada.download_file(made["id"].as_str().unwrap()).await.is_bytes(b"x");
    let output = ada.post(Form::default().field("purpose", "batch_output").file("o.jsonl", b"{}\n")).await.id();
    assert_eq!(get(&ada, &format!("/{output}")).await.json()["downloadable"], true);
    assert!(get(&ada, &format!("/{output}/content")).await.is_ok().body.is_ok());
    server.close().await;
}

#[tokio::test]
async fn a_lost_answer_is_given_again_under_a_key() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let request = || posted(&ada, Form::default().file("a", b"x")).header("idempotency-key", "k");
    let first = ada.send(request()).await.is_ok().json();
    let second = ada.send(request()).await.is_ok();
    assert!(second.headers.contains_key("idempotent-replayed"));
    assert_eq!(second.json(), first);
    server.close().await;
}
