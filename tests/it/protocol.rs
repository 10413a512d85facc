//! HTTP itself, by hand: what a request must have, and what belongs to every answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use venna::clock::Clock;
use venna_testkit::socket::{is_closed, next_byte};
use venna_testkit::{Form, TestServer};

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
    let server = TestServer::open().await;
    for (lines, status) in
        [("Host: a\r\n", "200"), ("", "400"), ("Host: a\r\nHost: b\r\n", "400"), ("Host: a\r\nhost: a\r\n", "400")]
    {
        let request = format!("GET /healthz HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        let answer = exchange(server.address(), request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{lines:?}: {answer}");
        assert_eq!(answer.contains(" Host header."), status == "400", "{answer}");
    }
    let answer = exchange(server.address(), "GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 400 "), "{answer}");
    server.close().await;
}

#[tokio::test]
async fn the_server_as_a_whole_says_which_methods_it_takes() {
    let server = TestServer::open().await;
    let answer = exchange(server.address(), "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(answer.contains("\r\nallow: GET, HEAD, POST, DELETE, OPTIONS\r\n"), "{answer}");
    server.close().await;
}

#[tokio::test]
async fn head_is_told_the_length_that_get_has() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.txt", b"abc").await.id();
    let of = |method: &str, path: &str, more: &str| {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nConnection: close\r\n{more}\r\n",
            ada.key
        );
        exchange(server.address(), request)
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
    server.close().await;
}

/// A connection on which one request was answered, and how it goes on.
fn idle_connection(address: SocketAddr) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = ask_again(&mut socket);
    (socket, head)
}

fn ask_again(socket: &mut TcpStream) -> String {
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let Some(byte) = next_byte(socket).unwrap() else { panic!("{}", String::from_utf8_lossy(&answer)) };
        answer.push(byte);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn an_idle_connection_is_kept_as_long_as_its_answers_say() {
    let settings = [("header_read_timeout_seconds", "1"), ("idle_timeout_seconds", "3")];
    let server = TestServer::with(&settings, Clock::system()).await;
    let address = server.address();
    tokio::task::spawn_blocking(move || {
        let (mut socket, head) = idle_connection(address);
        assert!(head.contains("\r\nconnection: keep-alive\r\nkeep-alive: timeout=3\r\n"), "{head}");
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(2500));
            ask_again(&mut socket);
        }
        let begun = Instant::now();
        assert_eq!(next_byte(&socket).unwrap(), None, "it is closed");
        assert!((3..6).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        let (mut half, _) = idle_connection(address);
        half.write_all(b"GET /v1/files HT").unwrap();
        let begun = Instant::now();
        assert!(is_closed(&half));
        assert!(begun.elapsed() < Duration::from_secs(3), "a head has its own time: {:?}", begun.elapsed());
    })
    .await
    .unwrap();
    for close in ["close", "TE, Close"] {
        let answer =
            exchange(address, format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: {close}\r\n\r\n")).await;
        assert!(!answer.contains("keep-alive"), "{answer}");
    }
    server.close().await;
}

#[tokio::test]
async fn an_early_refusal_arrives_although_the_client_would_upgrade() {
    let server = TestServer::open().await;
    for upgrade in ["", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"] {
        let mut request = format!(
            "POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Type: {}\r\nContent-Length: 8000000\r\n{upgrade}\r\n",
            Form::content_type()
        )
        .into_bytes();
        request.resize(request.len() + 8_000_000, b'x');
        let answer = exchange(server.address(), request).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{upgrade:?}: {answer}");
    }
    server.close().await;
}

/// A reader that moves is served to its end, also when it takes many times the limit.
#[tokio::test]
async fn a_slow_reader_gets_the_whole_answer() {
    const READ_BYTES: usize = 64 * 1024;
    let server = TestServer::with(&[("send_stall_timeout_seconds", "1")], Clock::system()).await;
    let ada = server.user("ada").await;
    let content: Vec<u8> = (0_usize..24 << 20).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let id = ada.create_file("a.bin", &content).await.is_ok().id();
    let (key, address) = (ada.key.clone(), server.address());
    let read = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, READ_BYTES).unwrap();
        let head = format!(
            "GET /v1/files/{id}/content HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        let (mut answer, mut piece) = (Vec::new(), vec![0; READ_BYTES]);
        for _ in 0..60 {
            std::thread::sleep(Duration::from_millis(100));
            socket.read_exact(&mut piece).unwrap();
            answer.extend_from_slice(&piece);
        }
        socket.read_to_end(&mut answer).unwrap();
        answer
    });
    let answer = read.await.unwrap();
    assert!(answer.ends_with(&content), "{} bytes", answer.len());
    server.close().await;
}

/// How the answer to a client of HTTP/1.0 ends, and what came of it.
async fn list_by_http_1_0(address: SocketAddr, key: String) -> (String, Result<(), std::io::ErrorKind>) {
    tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let head = format!("GET /v1/files?order=asc HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let end = socket.read_to_end(&mut answer).map(drop).map_err(|error| error.kind());
        (String::from_utf8(answer).unwrap(), end)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_long_list_that_breaks_off_does_not_look_whole_to_http_1_0() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let mut ids = Vec::new();
    for round in 0..14 {
        let names: Vec<String> = (0..50).map(|number| format!("{round}-{number}")).collect();
        let made = futures_util::future::join_all(names.iter().map(|name| ada.create_file(name, b"x"))).await;
        ids.extend(made.into_iter().map(venna_testkit::Answer::id));
    }
    ids.sort();
    let (answer, end) = list_by_http_1_0(server.address(), ada.key.clone()).await;
    assert!(answer.ends_with('}') && end.is_ok(), "{end:?}");
    let set = |purpose: &str| format!("UPDATE files SET purpose = '{purpose}' WHERE id = '{}'", ids[600]);
    server.database().execute(&set("nonsense")).unwrap();
    // A commit of the server ends the snapshots that do not see it yet.
    ada.create_file("later", b"x").await.is_ok();
    let (answer, end) = list_by_http_1_0(server.address(), ada.key.clone()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.0 200 "), "{answer}");
    assert_eq!(end, Err(std::io::ErrorKind::ConnectionReset));
    server.database().execute(&set("user_data")).unwrap();
    server.close().await;
}
