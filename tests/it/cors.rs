//! Pages of other origins: what their browsers ask before a request, and what they let them read of an answer.

use reqwest::Method;
use venna::clock::Clock;
use venna_testkit::{Answer, TestServer, User};

const PAGE: &str = "https://app.example";

async fn preflight(actor: &User, path: &str, origin: &str) -> Answer {
    let request = reqwest::Client::new()
        .request(Method::OPTIONS, format!("{}{path}", actor.url))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-stainless-lang");
    actor.send(request).await
}

async fn get(actor: &User, path: &str, origin: &str) -> Answer {
    actor.send(actor.request(Method::GET, path).header("origin", origin)).await
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.headers.get("access-control-allow-origin").map(|origin| origin.to_str().unwrap())
}

#[tokio::test]
async fn a_preflight_needs_no_key_and_allows_what_the_sdks_send() {
    let server = TestServer::open().await;
    let nobody = server.user_of("");
    for path in ["/v1", "/v1/files", "/v1/files/file-x/content", "/v1/uploads", "/v1/nothing"] {
        let answer = preflight(&nobody, path, PAGE).await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (204, Some("*")), "{path}");
        assert_eq!(answer.headers["access-control-allow-methods"], "GET, HEAD, POST, DELETE");
        let headers = answer.headers["access-control-allow-headers"].to_str().unwrap();
        for header in ["authorization", "content-type", "idempotency-key", "range", "if-match", "x-stainless-lang"] {
            assert!(headers.split(", ").any(|allowed| allowed == header), "{header}: {headers}");
        }
        assert_eq!(answer.headers["access-control-max-age"], "7200");
        assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        assert_eq!(answer.body.unwrap(), b"");
    }
    server.close().await;
}

#[tokio::test]
async fn every_answer_under_v1_may_be_read_by_pages_and_nothing_else_may() {
    let server = TestServer::open().await;
    let [ada, mallory] = [server.user("ada").await, server.user_of("vk_wrong")];
    let id = ada.create_file("a.txt", b"abc").await.id();
    for (actor, path, status) in [
        (&ada, "/v1/files".to_owned(), 200),
        (&ada, format!("/v1/files/{id}/content"), 200),
        (&ada, "/v1/files?limit=0".to_owned(), 400),
        (&mallory, "/v1/files".to_owned(), 401),
        (&ada, "/v1/organization/projects".to_owned(), 403),
        (&ada, "/v1/nothing".to_owned(), 404),
        (&ada, "/v1/files/file-nope".to_owned(), 404),
    ] {
        let answer = get(actor, &path, PAGE).await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (status, Some("*")), "{path}");
        let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
        for header in ["x-request-id", "etag", "content-range", "content-disposition", "retry-after"] {
            assert!(exposed.split(", ").any(|name| name == header), "{header}: {exposed}");
        }
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    assert_eq!(allowed(&ada.list("").await), Some("*"), "as OpenAI, also without an Origin");
    let wrong_method = ada.send(ada.request(Method::PUT, "/v1/files")).await;
    assert_eq!((wrong_method.status.as_u16(), allowed(&wrong_method)), (405, Some("*")));
    for path in ["/healthz", "/openapi.json", "/docs", "/v1x"] {
        assert_eq!(allowed(&get(&ada, path, PAGE).await), None, "{path}");
        assert_eq!(allowed(&preflight(&ada, path, PAGE).await), None, "{path}");
    }
    server.close().await;
}

#[tokio::test]
async fn a_list_of_origins_lets_only_theirs_in() {
    let server =
        TestServer::with(&[("cors_origins", "https://App.example, http://localhost:3000")], Clock::system()).await;
    let ada = server.user("ada").await;
    for origin in [PAGE, "http://localhost:3000"] {
        for answer in [preflight(&ada, "/v1/files", origin).await, get(&ada, "/v1/files", origin).await] {
            assert_eq!((allowed(&answer), &answer.headers["vary"]), (Some(origin), &"origin".parse().unwrap()));
        }
    }
    for origin in ["https://evil.example", "http://app.example", "https://app.example.evil", "null"] {
        let answer = preflight(&ada, "/v1/files", origin).await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (401, None), "{origin}");
        let answer = get(&ada, "/v1/files", origin).await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (200, None), "{origin}");
        assert_eq!(answer.headers["vary"], "origin");
    }
    server.close().await;
}

#[tokio::test]
async fn off_says_nothing_to_pages() {
    let server = TestServer::with(&[("cors_origins", "off")], Clock::system()).await;
    let ada = server.user("ada").await;
    let answer = preflight(&ada, "/v1/files", PAGE).await;
    assert_eq!((answer.status.as_u16(), allowed(&answer)), (401, None));
    let answer = get(&ada, "/v1/files", PAGE).await;
    assert!(allowed(&answer).is_none() && !answer.headers.contains_key("vary"));
    server.close().await;
}
