//! What one client, one request or one moment may take.

use reqwest::{Body, Method};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use venna::clock::Clock;
use venna_testkit::{Form, TestServer};

#[tokio::test]
async fn a_file_over_the_limit_is_refused_while_it_streams() {
    let server = TestServer::with(&[("max_file_bytes", "1000000")], Clock::system()).await;
    let ada = server.user("ada").await;
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
    server.blobs_become(1).await;
    server.close().await;
}

#[tokio::test]
async fn a_declared_size_over_the_limit_is_refused_before_the_body() {
    let server = TestServer::with(&[("max_file_bytes", "1000000")], Clock::system()).await;
    let ada = server.user("ada").await;
    let answer =
        raw(server.address(), format!("{}Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", head(&ada.key)))
            .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    server.close().await;
}

#[tokio::test]
async fn a_silent_upload_ends_with_408_and_a_closed_connection() {
    let server = TestServer::with(&[("body_window_seconds", "1")], Clock::system()).await;
    let ada = server.user("ada").await;
    let begun = Instant::now();
    let answer = raw(server.address(), format!("{}Content-Length: 500000\r\n\r\n--venna", head(&ada.key))).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
    assert!(answer.contains("x-should-retry: false"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(9));
    server.close().await;
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = TestServer::with(&[("header_read_timeout_seconds", "1")], Clock::system()).await;
    assert_eq!(raw(server.address(), String::new()).await, "");
    raw(server.address(), "GET /v1/files HT".into()).await;
    server.close().await;
}

#[tokio::test]
async fn more_uploads_than_allowed_are_asked_to_wait() {
    let server = TestServer::with(&[("max_concurrent_uploads", "1")], Clock::system()).await;
    let ada = server.user("ada").await;
    let (key, address) = (ada.key.clone(), server.address());
    let first = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let body = Form::default().field("purpose", "vision").file("a.bin", &vec![1; 700_000]).close();
        write!(socket, "{}Content-Length: {}\r\n\r\n", head(&key), body.len()).unwrap();
        socket.write_all(&body[..600_000]).unwrap();
        (socket, body)
    });
    let (mut socket, body) = first.await.unwrap();
    server.pending_blobs_become(1).await;
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
    server.close().await;
}

/// A connection from this address of the loopback, with what is sent on it at once.
async fn connect_from(server: &TestServer, from: &str, sent: &str) -> tokio::net::TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(server.address()).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    stream
}

/// What the server answers on a connection until it closes it; what came within five seconds if it does not.
async fn answer_on(mut stream: tokio::net::TcpStream) -> String {
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.ok();
    String::from_utf8(answer).unwrap()
}

const HEALTHY: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_further_connection_waits_while_all_are_busy() {
    let server = TestServer::with(&[("max_connections", "2"), ("body_window_seconds", "2")], Clock::system()).await;
    let [ada, bob, eve] = [server.user("ada").await, server.user("bob").await, server.user("eve").await];
    let slow = |key: &str| format!("{}Content-Length: 500000\r\n\r\n--venna", head(key));
    let busy = [
        connect_from(&server, "127.0.0.1", &slow(&ada.key)).await,
        connect_from(&server, "127.0.0.1", &slow(&bob.key)).await,
    ];
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    eve.list("").await.is_ok();
    assert!(begun.elapsed() > Duration::from_millis(500), "the third waits for a place");
    drop(busy);
    server.close().await;
}

#[tokio::test]
async fn one_workspace_has_half_of_all_requests_in_flight_and_its_gone_twins_have_none() {
    let server = TestServer::with(&[("max_connections", "8")], Clock::system()).await;
    let [ada, bob] = [server.user("ada").await, server.user("bob").await];
    let key = "Idempotency-Key: one\r\nContent-Length: 500000\r\n\r\n--venna";
    let first = connect_from(&server, "127.0.0.1", &format!("{}{key}", head(&ada.key))).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut twins = Vec::new();
    for _ in 0..3 {
        twins.push(connect_from(&server, "127.0.0.1", &format!("{}{key}", head(&ada.key))).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let refused = ada.list("").await;
    assert_eq!(refused.headers["retry-after"], "1");
    refused.is_error(429, None, Some("rate_limit_exceeded"));
    bob.list("").await.is_ok();
    drop(twins);
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..3 {
        ada.list("").await.is_ok();
    }
    drop(first);
    server.close().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_takes_the_downloads_of_its_workspace_alone() {
    let server = TestServer::with(&[("max_concurrent_downloads", "2")], Clock::system()).await;
    let [ada, bob] = [server.user("ada").await, server.user("bob").await];
    let large = ada.create_file("large.bin", &vec![1; 32 << 20]).await.id();
    let (of_ada, of_bob) = (vec![2; 700_000], vec![3; 700_000]);
    let id = ada.create_file("a.bin", &of_ada).await.id();
    let id_of_bob = bob.create_file("b.bin", &of_bob).await.id();
    let get = format!("GET /v1/files/{large}/content HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", ada.key);
    let stalled = connect_from(&server, "127.0.0.1", &get).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let waiting = ada.download_file(&id);
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut waiting).await.is_err(), "it waits for the other");
    bob.download_file(&id_of_bob).await.is_bytes(&of_bob);
    drop(stalled);
    waiting.await.is_bytes(&of_ada);
    server.close().await;
}

#[tokio::test]
async fn idle_connections_make_room_for_new_ones() {
    let server =
        TestServer::with(&[("max_connections", "16"), ("max_connections_per_address", "12")], Clock::system()).await;
    let mut idle = Vec::new();
    for number in 0..24 {
        let from = if number < 12 { "127.0.0.2" } else { "127.0.0.3" };
        idle.push(connect_from(&server, from, if number % 2 == 0 { "" } else { "GET /v1/files HT" }).await);
    }
    let mut healthy = Vec::new();
    for _ in 0..8 {
        healthy.push(connect_from(&server, "127.0.0.4", HEALTHY).await);
    }
    for stream in healthy {
        let answer = answer_on(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    drop(idle);
    server.close().await;
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let settings = [("max_connections_per_address", "2"), ("trusted_proxies", "127.0.0.9")];
    let server = TestServer::with(&settings, Clock::system()).await;
    let held = [connect_from(&server, "127.0.0.2", "").await, connect_from(&server, "127.0.0.2", "").await];
    let refused = answer_on(connect_from(&server, "127.0.0.2", HEALTHY).await).await;
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("retry-after: 1\r\n"), "{refused}");
    assert!(refused.contains("Too many connections") && refused.contains("rate_limit_exceeded"), "{refused}");
    assert!(refused.contains("access-control-allow-origin: *\r\n"), "{refused}");
    assert!(answer_on(connect_from(&server, "127.0.0.3", HEALTHY).await).await.starts_with("HTTP/1.1 200 "));
    let mut proxied = Vec::new();
    for _ in 0..5 {
        proxied.push(connect_from(&server, "127.0.0.9", "").await);
    }
    assert!(answer_on(connect_from(&server, "127.0.0.9", HEALTHY).await).await.starts_with("HTTP/1.1 200 "));
    drop(held);
    let again = || async {
        let answer = answer_on(connect_from(&server, "127.0.0.2", HEALTHY).await).await;
        answer.starts_with("HTTP/1.1 200 ")
    };
    for attempt in 0.. {
        if again().await {
            break;
        }
        assert!(attempt < 50, "a closed connection gives its place back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.close().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight() {
    let mut server = TestServer::open().await;
    let ada = server.user("ada").await;
    let (key, address) = (ada.key.clone(), server.address());
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
    server.pending_blobs_become(1).await;
    let finished = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(300));
        assert!(TcpStream::connect(address).is_err(), "nothing more is accepted");
        socket.write_all(&rest).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    });
    server.restart().await;
    let answer = finished.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.close().await;
}

#[tokio::test]
async fn what_is_framed_in_two_ways_is_refused() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let list = |head: &str| {
        let head = format!("GET /v1/files HTTP/1.1\r\nAuthorization: Bearer {}\r\n{head}\r\n0\r\n\r\n", ada.key);
        raw(server.address(), head)
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
    server.close().await;
}

#[tokio::test]
async fn a_head_without_end_is_refused_at_its_limit() {
    let server = TestServer::open().await;
    let endless = format!("GET /v1/files HTTP/1.1\r\nHost: x\r\nX-Long: {}", "a".repeat(80_000));
    let answer = raw(server.address(), endless).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    server.close().await;
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
