//! HTTP itself, by hand: what a request must have, and what belongs to every answer.

use crate::house::House;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What the server sends until it closes the connection.
async fn exchange(address: SocketAddr, request: impl Into<Vec<u8>>) -> String {
    let request = request.into();
    tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(&request).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap()
}

fn length(answer: &str) -> Option<&str> {
    answer.lines().find_map(|line| line.strip_prefix("content-length: "))
}

#[tokio::test]
async fn a_request_has_one_host() {
    let house = House::open().await;
    for (lines, status) in
        [("Host: a\r\n", "200"), ("", "400"), ("Host: a\r\nHost: b\r\n", "400"), ("Host: a\r\nhost: a\r\n", "400")]
    {
        let request = format!("GET /healthz HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        let answer = exchange(house.address(), request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{lines:?}: {answer}");
        assert_eq!(answer.contains(" Host header."), status == "400", "{answer}");
    }
    let answer = exchange(house.address(), "GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 400 "), "{answer}");
    house.close().await;
}

#[tokio::test]
async fn the_server_as_a_whole_says_which_methods_it_takes() {
    let house = House::open().await;
    let answer = exchange(house.address(), "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(answer.contains("\r\nallow: GET, HEAD, POST, DELETE, OPTIONS\r\n"), "{answer}");
    house.close().await;
}

#[tokio::test]
async fn head_is_told_the_length_that_get_has() {
    let house = House::open().await;
    let ada = house.visitor("ada").await;
    let id = ada.create_file("a.txt", b"abc").await.id();
    let of = |method: &str, path: &str, more: &str| {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nConnection: close\r\n{more}\r\n",
            ada.key
        );
        exchange(house.address(), request)
    };
    let paths = ["/v1/nope", "/nope", "/v1/batches", "/v1/uploads", "/v1/files/x", "/docs/nope"];
    for path in
        paths.into_iter().map(str::to_owned).chain([format!("/v1/files/{id}"), format!("/v1/files/{id}/content")])
    {
        let (head, get) = (of("HEAD", &path, "").await, of("GET", &path, "").await);
        assert!(length(&get).is_some() && length(&head) == length(&get), "{path}: {head} {get}");
        assert!(head.ends_with("\r\n\r\n") && head[..13] == get[..13], "{path}: {head}");
    }
    let etag = ada.download_file(&id).await.headers["etag"].to_str().unwrap().to_owned();
    let page = of("HEAD", "/docs", "").await;
    let (page_etag, page_length) = (page.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap(), length(&page));
    let answer = of("HEAD", "/docs", &format!("If-None-Match: {page_etag}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 304 ") && length(&answer) == page_length, "{answer}");
    for method in ["HEAD", "GET"] {
        let path = format!("/v1/files/{id}/content");
        let answer = of(method, &path, &format!("If-None-Match: {etag}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 304 ") && [None, Some("3")].contains(&length(&answer)), "{answer}");
    }
    house.close().await;
}
