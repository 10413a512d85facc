//! What a tool meets before it does anything: a base URL that is not quite right, a connection test, a key in a URL.

use reqwest::Method;
use serde_json::json;
use venna_testkit::TestServer;

#[tokio::test]
async fn a_wrong_base_url_is_told_the_right_path() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    for path in ["/files", "/v1/v1/files", "//v1/files", "/v1//files", "/v1/files/", "/openai/v1/files"] {
        let answer = ada.send(ada.request(Method::GET, path)).await;
        let message = answer.is_error(404, None, None)["message"].as_str().unwrap().to_owned();
        let hint = "Did you mean /v1/files? The base URL of a client ends with /v1, once";
        assert_eq!(message, format!("Invalid URL (GET {path}). {hint}"));
    }
    let message = ada.send(ada.request(Method::GET, "/v1/xyz")).await.is_error(404, None, None)["message"].clone();
    assert_eq!(message, "Invalid URL (GET /v1/xyz)");
    server.close().await;
}

#[tokio::test]
async fn a_connection_test_finds_no_models_with_a_good_key_alone() {
    let server = TestServer::open().await;
    for good in [server.user("ada").await, server.admin().await] {
        let answer = good.send(good.request(Method::GET, "/v1/models")).await.is_ok();
        assert_eq!(answer.json(), json!({"object": "list", "data": []}));
    }
    for bad in ["", "vk_wrong"] {
        let bad = server.user_of(bad);
        assert_eq!(bad.send(bad.request(Method::GET, "/v1/models")).await.status, 401);
    }
    server.close().await;
}

#[tokio::test]
async fn a_reader_may_bring_the_key_as_a_password() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.txt", b"abc").await.id();
    let path = format!("{}/v1/files/{id}/content", ada.url);
    let client = reqwest::Client::new();
    let ask = async |method: Method, url: &str, user: &str, password: Option<&str>| {
        client.request(method, url).basic_auth(user, password).send().await.unwrap().status().as_u16()
    };
    for (user, password) in
        [("key", Some(ada.key.as_str())), ("", Some(&ada.key)), (&ada.key, None), (&ada.key, Some(""))]
    {
        assert_eq!(ask(Method::GET, &path, user, password).await, 200, "{user}");
        assert_eq!(ask(Method::HEAD, &path, user, password).await, 200, "{user}");
    }
    for (user, password) in [("key", Some("vk_wrong")), ("", None), (&ada.key, Some("x"))] {
        assert_eq!(ask(Method::GET, &path, user, password).await, 401, "{user}");
    }
    let file = format!("{}/v1/files/{id}", ada.url);
    let refused = client.delete(&file).basic_auth("key", Some(&ada.key)).send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["www-authenticate"]),
        (401, &"Bearer realm=\"Venna Files\"".parse().unwrap())
    );
    assert!(refused.text().await.unwrap().contains("Basic authentication is for GET and HEAD only."));
    for value in ["Basic", "Basic ", "Basic !!!", "Basic AAAA", "Digest x"] {
        let answer = client.get(&file).header("authorization", value).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401, "{value}");
    }
    ada.retrieve_file(&id).await.is_ok();
    server.close().await;
}
