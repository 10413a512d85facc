//! The media type of a File: as it is declared, or that of its name, and who gets content under it.

use reqwest::Method;
use serde_json::json;
use venna_testkit::{Answer, Form, TestServer, User};

const TEXT: &[u8] = b"a,b\n";

fn form(filename: &str, mime_type: &str) -> Form {
    Form::default().field("purpose", "user_data").typed_file("file", filename, mime_type, TEXT)
}

async fn mime_type(user: &User, filename: &str, declared: &str) -> String {
    let created = user.post(form(filename, declared)).await.is_ok().json();
    let retrieved = user.retrieve_file(created["id"].as_str().unwrap()).await.is_ok().json();
    assert_eq!(retrieved, created);
    assert_eq!(user.list("?limit=1").await.is_ok().json()["data"][0], created);
    created["mime_type"].as_str().unwrap().to_owned()
}

async fn download(user: &User, id: &str, accept: &str) -> Answer {
    user.send(user.request(Method::GET, &format!("/v1/files/{id}/content")).header("accept", accept)).await
}

#[tokio::test]
async fn a_file_has_the_type_that_it_was_sent_with_or_that_of_its_name() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    assert_eq!(mime_type(&ada, "a.csv", "Text/Tab-Separated-Values; charset=utf-8").await, "text/tab-separated-values");
    assert_eq!(mime_type(&ada, "a.csv", "application/octet-stream").await, "text/csv");
    assert_eq!(mime_type(&ada, "a.csv", "not a type").await, "text/csv");
    assert_eq!(mime_type(&ada, "a", "application/octet-stream").await, "application/octet-stream");
    server.close().await;
}

#[tokio::test]
async fn an_upload_passes_its_type_on() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    for (declared, mime_type) in
        [("application/pdf", "application/pdf"), ("pdf", "application/pdf"), ("of no kind", "text/csv")]
    {
        let body = json!({"bytes": TEXT.len(), "filename": "a.csv", "mime_type": declared, "purpose": "user_data"});
        let upload = ada.post_json("/v1/uploads", &body).await.id();
        let part = ada.add_part(&upload, TEXT).await.id();
        let completed = ada.complete_upload(&upload, &[&part]).await.is_ok().json();
        assert_eq!(completed["file"]["mime_type"], mime_type, "{declared}");
        assert_eq!(ada.retrieve_upload(&upload).await.is_ok().json()["file"], completed["file"]);
    }
    server.close().await;
}

#[tokio::test]
async fn content_is_octets_unless_a_client_names_a_type_that_no_browser_runs() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let table = ada.post(form("a.csv", "text/csv")).await.id();
    for (accept, content_type) in [
        ("text/csv", "text/csv"),
        ("application/json, text/csv;q=0.1", "text/csv"),
        ("*/*", "application/octet-stream"),
        ("text/*", "application/octet-stream"),
        ("text/csv;q=0", "application/octet-stream"),
        ("application/binary", "application/octet-stream"),
    ] {
        let answer = download(&ada, &table, accept).await;
        assert_eq!(answer.headers["content-type"], content_type, "{accept}");
        assert_eq!(answer.headers["vary"], "accept");
        answer.is_bytes(TEXT);
    }
    let link = ada.send(ada.request(Method::GET, &format!("/v1/files/{table}/url"))).await.is_ok().json();
    let linked = reqwest::get(link["url"].as_str().unwrap()).await.unwrap();
    assert!(!linked.headers().contains_key("vary"), "a link decides about its type itself");
    for (filename, mime_type) in [("a.html", "text/html"), ("a.svg", "image/svg+xml"), ("a", "application/xhtml+xml")] {
        let id = ada.post(form(filename, mime_type)).await.id();
        let answer = download(&ada, &id, mime_type).await;
        assert_eq!(answer.headers["content-type"], "application/octet-stream", "{mime_type}");
        assert!(!answer.headers.contains_key("vary"));
        answer.is_bytes(TEXT);
    }
    server.close().await;
}

#[tokio::test]
async fn another_type_under_a_key_is_another_request() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let first = ada.create_once("k", form("a.csv", "text/csv")).await.id();
    assert_eq!(ada.create_once("k", form("a.csv", "application/octet-stream")).await.id(), first);
    let other = ada.create_once("k", form("a.csv", "text/plain")).await;
    other.is_error(400, Some("Idempotency-Key"), Some("idempotency_key_reused"));
    server.close().await;
}
