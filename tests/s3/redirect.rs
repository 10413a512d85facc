//! Downloads that the server leaves to the bucket.

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::json;
use venna_testkit::bucket::Bucket;
use venna_testkit::program::venna;
use venna_testkit::server::eventually;
use venna_testkit::{TestServer, User};

/// A server that leaves downloads to its bucket.
async fn server() -> TestServer {
    let bucket = Bucket::open();
    let address = bucket.address;
    TestServer::over(bucket, address, &[("blobs_redirect", "true"), ("inline_max_bytes", "1000")]).await
}

/// An answer as it comes, wherever it points to.
async fn ask(ada: &User, method: Method, id: &str, header: Option<(&str, &str)>) -> Response {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client.request(method, format!("{}/v1/files/{id}/content", ada.url)).bearer_auth(&ada.key);
    header.into_iter().fold(request, |request, (name, value)| request.header(name, value)).send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn a_link_leads_to_the_bucket_unless_it_is_for_one_time() {
    let server = server().await;
    let ada = server.user("ada").await;
    let content = vec![7; 50_000];
    let id = ada.create_file("a.bin", &content).await.id();
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let open = async |wanted: serde_json::Value| {
        let made = ada.post_json(&format!("/v1/files/{id}/links"), &wanted).await.json();
        client.get(made["url"].as_str().unwrap()).send().await.unwrap()
    };
    let answer = open(json!({"disposition": "inline"})).await;
    assert_eq!((answer.status(), header(&answer, "referrer-policy")), (StatusCode::FOUND, "no-referrer"));
    let whole = reqwest::get(header(&answer, "location")).await.unwrap();
    assert_eq!(header(&whole, "content-disposition"), "inline; filename=\"a.bin\"");
    assert!(whole.bytes().await.unwrap() == content);
    let answer = open(json!({"one_time": true})).await;
    assert_eq!(answer.status(), StatusCode::OK, "a URL of the bucket could be used again");
    assert!(answer.bytes().await.unwrap() == content);
    server.close().await;
}

#[tokio::test]
async fn the_command_line_follows_to_the_bucket_and_goes_on_there() {
    let server = server().await;
    let ada = server.user("ada").await;
    let content: Vec<u8> = (0..500_000_u32).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let id = ada.create_file("a.bin", &content).await.id();
    let etag = header(&ask(&ada, Method::HEAD, &id, None).await, "etag").to_owned();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a.bin");
    let download = async || {
        let mut command = venna(&["files", "content", &id, "--force", "-o", target.to_str().unwrap()]);
        command.env("VENNA_URL", &ada.url).env("VENNA_API_KEY", &ada.key).env("HOME", folder.path());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let mut wrong = content.clone();
    wrong[5] = 99;
    // Nothing is there, a part, a part of another content, and a damaged part.
    for (there, etag, code) in [
        (None, "", 0),
        (Some(&content[..200_000]), etag.as_str(), 0),
        (Some(&wrong[..200_000]), "\"other\"", 0),
        (Some(&wrong[..200_000]), &etag, 1),
    ] {
        if let Some(there) = there {
            std::fs::write(folder.path().join("a.bin.part"), there).unwrap();
            std::fs::write(folder.path().join("a.bin.part.etag"), etag).unwrap();
        }
        let done = download().await;
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{told}");
        assert!(code == 1 || told.contains("checksum compared"), "{told}");
        assert!(std::fs::read(&target).unwrap() == content);
    }
    server.close().await;
}

#[tokio::test]
async fn a_download_leads_to_the_bucket_and_is_billed() {
    let server = server().await;
    let ada = server.user("ada").await;
    let content: Vec<u8> = (0..500_000_u32).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let id = ada.create_file("a b.bin", &content).await.id();
    let answer = ask(&ada, Method::GET, &id, None).await;
    assert_eq!((answer.status(), header(&answer, "cache-control")), (StatusCode::FOUND, "private, no-store"));
    let tag = header(&answer, "etag").to_owned();
    let url = header(&answer, "location").to_owned();
    let whole = reqwest::get(&url).await.unwrap();
    assert_eq!(
        (whole.status(), header(&whole, "content-type"), header(&whole, "content-disposition")),
        (StatusCode::OK, "application/octet-stream", "attachment; filename=\"a b.bin\"")
    );
    assert!(whole.bytes().await.unwrap() == content);
    let forged = reqwest::get(url.replace("attachment", "inline")).await.unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN, "what is signed cannot be changed");
    ada.download_file(&id).await.is_bytes(&content);
    ada.download_range(&id, "bytes=1000-1999").await.is_bytes(&content[1000..2000]);
    let part = ask(&ada, Method::GET, &id, Some(("range", "bytes=5-5"))).await;
    let part_url = header(&part, "location").to_owned();
    let unsigned = reqwest::get(&part_url).await.unwrap();
    // Garage answers 400 when a signed header is missing.
    let refused = [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST];
    assert!(refused.contains(&unsigned.status()), "a URL for a range does not open the whole: {}", unsigned.status());
    let other = Client::new().get(&part_url).header("range", "bytes=0-499999").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::FORBIDDEN);
    let same = Client::new().get(&part_url).header("range", "bytes=5-5").send().await.unwrap();
    assert_eq!(same.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(same.bytes().await.unwrap(), content[5..=5]);
    let database = server.database();
    let handed_out = || {
        let of =
            |column| database.number(&format!("SELECT coalesce(sum({column}), 0) FROM ledger WHERE fact = 'content'"));
        (of("bytes"), of("count"))
    };
    let expected = (500_000 + 500_000 + 1000 + 1, 4);
    eventually(|| handed_out() == expected, || format!("{:?} is billed, not {expected:?}", handed_out())).await;
    let head = ask(&ada, Method::HEAD, &id, None).await;
    assert_eq!(
        (head.status(), header(&head, "content-length"), header(&head, "etag")),
        (StatusCode::OK, "500000", &*tag)
    );
    let unchanged = ask(&ada, Method::GET, &id, Some(("if-none-match", &tag))).await;
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    let changed = ask(&ada, Method::GET, &id, Some(("if-match", "\"other\""))).await;
    assert_eq!(changed.status(), StatusCode::PRECONDITION_FAILED);
    let outside = ask(&ada, Method::GET, &id, Some(("range", "bytes=500000-"))).await;
    assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let bob = server.user("bob").await;
    assert_eq!(ask(&bob, Method::GET, &id, None).await.status(), StatusCode::NOT_FOUND);
    server.close().await;
}

#[tokio::test]
async fn what_is_not_one_blob_in_the_bucket_comes_from_the_server() {
    let server = server().await;
    let ada = server.user("ada").await;
    let small = ada.create_file("small.txt", b"small").await.id();
    let upload = json!({"bytes": 6, "filename": "parts.txt", "mime_type": "text/plain", "purpose": "user_data"});
    let upload = ada.send(ada.request(Method::POST, "/v1/uploads").json(&upload)).await.id();
    let mut parts = Vec::new();
    for content in [b"abc", b"def"] {
        let form = venna_testkit::Form::default().named_file("data", "blob", content);
        let request = ada.request(Method::POST, &format!("/v1/uploads/{upload}/parts"));
        let request = request.header("content-type", venna_testkit::Form::content_type()).body(form.close());
        parts.push(ada.send(request).await.id());
    }
    let complete = ada.request(Method::POST, &format!("/v1/uploads/{upload}/complete"));
    let completed = ada.send(complete.json(&json!({"part_ids": parts}))).await.is_ok().json();
    let of_parts = completed["file"]["id"].as_str().unwrap().to_owned();
    for (id, content) in [(small, &b"small"[..]), (of_parts, b"abcdef")] {
        let answer = ask(&ada, Method::GET, &id, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.bytes().await.unwrap(), content);
    }
    server.close().await;
}
