//! What one client, one request or one moment may take.

use crate::house::{Form, House};
use reqwest::{Body, Method};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use venna::clock::Clock;

#[tokio::test]
async fn a_file_over_the_limit_is_refused_while_it_streams() {
    let house = House::with(&[("max_file_bytes", "1000000")], Clock::system()).await;
    let ada = house.visitor("ada").await;
    let form = |size| Form::default().field("purpose", "vision").file("a.bin", &vec![0; size]).close();
    let chunked = |body: Vec<u8>| {
        let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
            body.chunks(50_000).map(|chunk| Ok(chunk.to_vec())).collect();
        let request = ada.request(Method::POST, "/v1/files").header("content-type", Form::content_type());
        ada.send(request.body(Body::wrap_stream(futures_util::stream::iter(chunks))))
    };
    chunked(form(1_000_000)).await.is_ok();
    let error = chunked(form(1_000_001)).await.is_error(413, Some("file"), Some("file_too_large"));
    assert!(error["message"].as_str().unwrap().contains("1000000 bytes"));
    chunked(form(30_000_000)).await.is_error(413, Some("file"), Some("file_too_large"));
    house.blobs_become(1).await;
    house.close().await;
}

#[tokio::test]
async fn a_declared_size_over_the_limit_is_refused_before_the_body() {
    let house = House::with(&[("max_file_bytes", "1000000")], Clock::system()).await;
    let ada = house.visitor("ada").await;
    let answer =
        raw(house.address(), format!("{}Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", head(&ada.key)))
            .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    house.close().await;
}

#[tokio::test]
async fn a_silent_upload_ends_with_408_and_a_closed_connection() {
    let house = House::with(&[("body_window_seconds", "1")], Clock::system()).await;
    let ada = house.visitor("ada").await;
    let begun = Instant::now();
    let answer = raw(house.address(), format!("{}Content-Length: 500000\r\n\r\n--venna", head(&ada.key))).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
    assert!(answer.contains("x-should-retry: false"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(9));
    house.close().await;
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let house = House::with(&[("header_read_timeout_seconds", "1")], Clock::system()).await;
    assert_eq!(raw(house.address(), String::new()).await, "");
    raw(house.address(), "GET /v1/files HT".into()).await;
    house.close().await;
}

#[tokio::test]
async fn more_uploads_than_allowed_are_asked_to_wait() {
    let house = House::with(&[("max_concurrent_uploads", "1")], Clock::system()).await;
    let ada = house.visitor("ada").await;
    let (key, address) = (ada.key.clone(), house.address());
    let first = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let body = Form::default().field("purpose", "vision").file("a.bin", &vec![1; 700_000]).close();
        write!(socket, "{}Content-Length: {}\r\n\r\n", head(&key), body.len()).unwrap();
        socket.write_all(&body[..600_000]).unwrap();
        (socket, body)
    });
    let (mut socket, body) = first.await.unwrap();
    house.pending_blobs_become(1).await;
    let refused = ada.create_file("b.txt", b"b").await;
    assert_eq!(
        (&refused.headers["retry-after"], &refused.headers["x-should-retry"]),
        (&"1".parse().unwrap(), &"true".parse().unwrap())
    );
    refused.is_error(429, None, Some("rate_limit_exceeded"));
    tokio::task::spawn_blocking(move || {
        socket.write_all(&body[600_000..]).unwrap();
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    })
    .await
    .unwrap();
    ada.create_file("b.txt", b"b").await.is_ok();
    house.close().await;
}

#[tokio::test]
async fn more_connections_than_allowed_wait() {
    let house = House::with(&[("max_connections", "2"), ("header_read_timeout_seconds", "2")], Clock::system()).await;
    let ada = house.visitor("ada").await;
    let address = house.address();
    let idle: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
    let begun = Instant::now();
    ada.list("").await.is_ok();
    assert!(begun.elapsed() > Duration::from_millis(500), "the third waits for a place");
    drop(idle);
    house.close().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight() {
    let mut house = House::open().await;
    let ada = house.visitor("ada").await;
    let (key, address) = (ada.key.clone(), house.address());
    let body = Form::default().field("purpose", "vision").file("a.bin", &vec![1; 700_000]).close();
    let rest = body[600_000..].to_vec();
    let mut socket = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        write!(socket, "{}Content-Length: {}\r\n\r\n", head(&key), body.len()).unwrap();
        socket.write_all(&body[..600_000]).unwrap();
        socket
    })
    .await
    .unwrap();
    house.pending_blobs_become(1).await;
    let finished = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(300));
        assert!(TcpStream::connect(address).is_err(), "nothing more is accepted");
        socket.write_all(&rest).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    });
    house.restart().await;
    let answer = finished.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    house.close().await;
}

#[tokio::test]
async fn what_is_framed_in_two_ways_is_refused() {
    let house = House::open().await;
    let ada = house.visitor("ada").await;
    let list = |head: &str| {
        let head = format!("GET /v1/files HTTP/1.1\r\nAuthorization: Bearer {}\r\n{head}\r\n0\r\n\r\n", ada.key);
        raw(house.address(), head)
    };
    for head in [
        "Connection: close\r\n",
        "Host: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n",
        "Host: x\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n",
        "Host: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
    ] {
        let answer = list(head).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head:?}: {answer}");
    }
    for (first, second) in
        [("Content-Length: 5", "Transfer-Encoding: chunked"), ("Transfer-Encoding: chunked", "Content-Length: 5")]
    {
        let answer = list(&format!("Host: x\r\n{first}\r\n{second}\r\n")).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "answered once, and the connection closed: {answer}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_head_without_end_is_refused_at_its_limit() {
    let house = House::open().await;
    let endless = format!("GET /v1/files HTTP/1.1\r\nHost: x\r\nX-Long: {}", "a".repeat(80_000));
    let answer = raw(house.address(), endless).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    house.close().await;
}

fn head(key: &str) -> String {
    format!(
        "POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: {}\r\n",
        Form::content_type()
    )
}

/// Sends bytes and reads until the server closes.
async fn raw(address: SocketAddr, request: String) -> String {
    tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    })
    .await
    .unwrap()
}
