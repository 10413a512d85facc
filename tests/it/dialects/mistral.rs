//! Mistral's dialect: its form, its errors, its pages.

use super::message;
use reqwest::Method;
use serde_json::{Value, json};
use venna::model::dialect::Dialect;
use venna_testkit::{Answer, Form, TestServer, User};

async fn upload(user: &User, form: Form) -> Answer {
    let request = user.request(Method::POST, "/mistral/v1/files").header("content-type", Form::content_type());
    user.send(request.body(form.close())).await
}

async fn list(user: &User, query: &str) -> Value {
    user.send(user.request(Method::GET, &format!("/mistral/v1/files?{query}"))).await.is_ok().json()
}

#[tokio::test]
async fn fields_come_in_any_order_and_later_ones_are_passed_over() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let form = Form::default().file("scan.pdf", b"%PDF").field("expiry", "2").field("purpose", "ocr");
    let made = upload(&ada, form.field("visibility", "workspace").field("of_2030", "x")).await.is_ok().json();
    let created_at = made["created_at"].as_u64().unwrap();
    let expected = json!({"id": made["id"], "object": "file", "bytes": 4, "created_at": created_at,
        "filename": "scan.pdf", "purpose": "ocr", "sample_type": "instruct", "source": "upload",
        "mimetype": "application/pdf", "expires_at": created_at + 7200, "visibility": "workspace"});
    assert_eq!(made, expected);
    let plain = upload(&ada, Form::default().file("a", b"x")).await.is_ok().json();
    assert_eq!((&plain["purpose"], &plain["expires_at"]), (&json!("ocr"), &Value::Null));
    server.close().await;
}

#[tokio::test]
async fn what_is_not_valid_is_422_and_leaves_nothing() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let file = |form: Form| form.file("a.txt", b"x");
    for (form, said) in [
        (Form::default().field("purpose", "ocr"), "'file'"),
        (file(Form::default().field("purpose", "poetry")), "poetry"),
        (file(Form::default().field("purpose", "batch_output")), "batch_output"),
        (file(Form::default().field("purpose", "batch")), ".jsonl"),
        (file(Form::default().field("visibility", "user")), "visibility"),
        (file(Form::default().field("expiry", "0")), "expiry"),
        (file(Form::default()).field("expiry", "721"), "expiry"),
        (file(Form::default()).field("expiry", "soon"), "expiry"),
        (file(Form::default()).field("purpose", "ocr").field("purpose", "ocr"), "purpose"),
        (file(file(Form::default())), "file"),
    ] {
        let refused = upload(&ada, form).await;
        assert_eq!(refused.status, 422);
        let message = message(Dialect::Mistral, &refused);
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(list(&ada, "").await["total"], 0);
    server.close().await;
}

#[tokio::test]
async fn one_key_is_another_request_in_another_dialect() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let form = || Form::default().field("purpose", "user_data").file("a", b"x");
    let made = ada.create_once("k", form()).await.id();
    let keyed = ada.keyed("/mistral/v1/files", "k").header("content-type", Form::content_type());
    let refused = ada.send(keyed.body(form().close())).await;
    assert_eq!(refused.status, 400);
    assert!(message(Dialect::Mistral, &refused).contains("Idempotency-Key"));
    let again = || ada.keyed("/mistral/v1/files", "other").header("content-type", Form::content_type());
    let first = ada.send(again().body(form().close())).await.is_ok().json();
    let second = ada.send(again().body(form().close())).await.is_ok();
    assert!(second.headers.contains_key("idempotent-replayed"));
    assert_eq!(second.json(), first);
    assert_eq!(list(&ada, "").await["data"][1]["id"], made);
    server.close().await;
}

#[tokio::test]
async fn pages_meet_every_file_once_and_filters_count() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    for number in 0..1203 {
        let name = if number % 100 == 0 { format!("Hundred {number}.csv") } else { number.to_string() };
        ada.create_file(&name, b"x").await.id();
    }
    let mut seen = Vec::new();
    for page in 0..4 {
        let page = list(&ada, &format!("page={page}&page_size=400")).await;
        assert_eq!(page["total"], 1203);
        seen.extend(page["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen.len(), 1203);
    assert!(seen.is_sorted_by(|newer, older| newer > older));
    let hundreds = list(&ada, "search=hUNDRED&page_size=5&page=2").await;
    assert_eq!((hundreds["total"].as_u64(), hundreds["data"].as_array().unwrap().len()), (Some(13), 3));
    assert_eq!(list(&ada, "mimetypes=text%2Fcsv&include_total=false").await["total"], Value::Null);
    assert_eq!(list(&ada, "mimetypes=text%2Fcsv&mimetypes=image/png").await["total"], 13);
    server.close().await;
}
