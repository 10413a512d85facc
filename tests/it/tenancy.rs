//! Nothing under `/v1` answers without a key, and what is not there says so. What each route makes of keys and ids of
//! others is the [matrix](crate::matrix).

use reqwest::Method;
use venna_testkit::{Form, TestServer};

#[tokio::test]
async fn nothing_answers_without_a_key() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.txt", b"a").await.id();
    let paths = [
        "/v1/files",
        &format!("/v1/files/{id}"),
        &format!("/v1/files/{id}/content"),
        "/v1/chat/completions",
        "/v1/xyz",
        "/v1",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let stranger = server.user_of("");
            let answer = stranger.send(stranger.request(method.clone(), path)).await;
            assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"Venna Files\"", "{method} {path}");
            answer.is_error(401, None, None);
            let mistyped = server.user_of(&ada.key.replace("vk_", "vk_x"));
            mistyped.send(mistyped.request(method, path)).await.is_error(401, None, Some("invalid_api_key"));
        }
    }
    server.close().await;
}

#[tokio::test]
async fn a_key_in_any_other_place_or_scheme_is_no_key() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let client = reqwest::Client::new();
    let url = format!("{}/v1/files", ada.url);
    for authorization in [format!("Basic {}", ada.key), ada.key.clone(), "Bearer".to_owned(), "Bearer  ".to_owned()] {
        ada.send(client.get(&url).header("authorization", authorization)).await.is_error(401, None, None);
    }
    ada.send(client.get(format!("{url}?api_key={}", ada.key))).await.is_error(401, None, None);
    ada.send(client.get(&url).header("authorization", format!("bearer {}", ada.key))).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let error = ada.send(ada.request(Method::GET, "/v1/xyz")).await.is_error(404, None, None);
    assert_eq!(error["message"], "Invalid URL (GET /v1/xyz)");
    let answer = ada.send(ada.request(Method::POST, "/v1/chat/completions")).await;
    assert_eq!(answer.headers["x-should-retry"], "false");
    let error = answer.is_error(501, None, Some("not_implemented"));
    assert_eq!(error["message"], "Endpoint 'POST /v1/chat/completions' is not implemented yet on Venna gateway");
    assert_eq!(error["type"], "not_implemented");
    let answer = ada.send(ada.request(Method::PUT, "/v1/files")).await;
    assert_eq!(answer.headers["allow"], "GET,HEAD,POST");
    answer.is_error(405, None, Some("method_not_supported"));
    let answer = ada.post(Form::default().field("purpose", "vision")).await;
    assert_eq!(answer.is_error(400, None, None)["message"], "'file' is a required property");
    ada.retrieve_file("fake_id").await.is_not_found();
    ada.retrieve_file("file-%FF%00").await.is_not_found();
    server.close().await;
}
