//! HTTP/2 in clear text: refusals, stalls, ends and floods. `VENNA_TEST_HTTP=2` runs the other tests over it, too.

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{Method, Request};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use venna::clock::Clock;
use venna_testkit::{Form, TestServer, User};

/// The time limit of what the server does at once.
const SOON: Duration = Duration::from_secs(20);
/// The stream window of a client that takes little, in bytes.
const SMALL_WINDOW_BYTES: u32 = 64 * 1024;

/// A connection, and the task that ends with it.
struct Connection {
    requests: SendRequest<Bytes>,
    ended: JoinHandle<Result<(), h2::Error>>,
}

impl Connection {
    async fn to(server: &TestServer) -> Self {
        let tcp = TcpStream::connect(server.address()).await.unwrap();
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(SMALL_WINDOW_BYTES).initial_connection_window_size(1 << 30);
        let (requests, connection) = builder.handshake(tcp).await.unwrap();
        Self { requests, ended: tokio::spawn(connection) }
    }

    async fn send(&self, request: Request<()>, has_body: bool) -> (ResponseFuture, SendStream<Bytes>) {
        let mut requests = self.requests.clone().ready().await.unwrap();
        requests.send_request(request, !has_body).unwrap()
    }

    async fn get(&self, user: &User, path: &str) -> ResponseFuture {
        self.send(request(user, Method::GET, path), false).await.0
    }

    async fn status(&self, user: &User, path: &str) -> u16 {
        let answer = timeout(SOON, self.get(user, path).await).await.expect("it is answered").unwrap();
        answer.status().as_u16()
    }
}

fn request(user: &User, method: Method, path: &str) -> Request<()> {
    let builder = Request::builder().method(method).uri(format!("{}{path}", user.url));
    let builder = builder.header("content-type", Form::content_type());
    builder.header("authorization", format!("Bearer {}", user.key)).body(()).unwrap()
}

/// Sends as the window allows, to the end or until the server resets the stream; returns the number of sent bytes.
async fn send_all(mut stream: SendStream<Bytes>, mut content: Bytes) -> usize {
    let mut sent_bytes = 0;
    while !content.is_empty() {
        stream.reserve_capacity(content.len());
        let Some(Ok(room)) = std::future::poll_fn(|context| stream.poll_capacity(context)).await else { break };
        let piece = content.split_to(room.min(content.len()));
        sent_bytes += piece.len();
        if stream.send_data(piece, content.is_empty()).is_err() {
            break;
        }
    }
    sent_bytes
}

async fn read_all(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut content = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        content.extend_from_slice(&piece);
        body.flow_control().release_capacity(piece.len())?;
    }
    Ok(content)
}

async fn large_file(user: &User, bytes: usize) -> (String, Vec<u8>) {
    let content: Vec<u8> = (0..bytes).map(|at| (at % 251).to_le_bytes()[0]).collect();
    (user.create_file("large.bin", &content).await.is_ok().id(), content)
}

fn form(bytes: usize) -> Bytes {
    Form::default().field("purpose", "user_data").file("a.bin", &vec![b'x'; bytes]).close().into()
}

#[tokio::test]
async fn requests_of_one_connection_are_answered_side_by_side() {
    let server = TestServer::on_blobs().await;
    let ada = server.user("ada").await;
    let connection = Connection::to(&server).await;
    let (answer, stream) = connection.send(request(&ada, Method::POST, "/v1/files"), true).await;
    let body = form(3_000_000);
    let mut first = stream;
    first.send_data(body.slice(..1000), false).unwrap();
    let (id, content) = large_file(&ada, 2_000_000).await;
    let mut download = connection.get(&ada, &format!("/v1/files/{id}/content")).await.await.unwrap().into_body();
    assert!(read_all(&mut download).await.unwrap() == content, "while the upload waits for its client");
    send_all(first, body.slice(1000..)).await;
    let mut created = answer.await.unwrap();
    assert_eq!((created.status().as_u16(), created.headers().get("connection")), (200, None));
    let created: serde_json::Value = serde_json::from_slice(&read_all(created.body_mut()).await.unwrap()).unwrap();
    assert_eq!(created["bytes"], 3_000_000);
    server.close().await;
}

#[tokio::test]
async fn an_early_refusal_arrives_and_the_connection_goes_on() {
    let server = TestServer::with(&[("max_file_bytes", "1000000")], Clock::system()).await;
    let ada = server.user("ada").await;
    let nobody = server.user_of("vk_malformed");
    let connection = Connection::to(&server).await;
    let body = form(30_000_000);
    for (user, status) in [(&nobody, 401), (&ada, 413)] {
        let (answer, stream) = connection.send(request(user, Method::POST, "/v1/files"), true).await;
        let sending = tokio::spawn(send_all(stream, body.clone()));
        let mut answer = timeout(SOON, answer).await.expect("before the end of the body").unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let error = read_all(answer.body_mut()).await.unwrap();
        assert!(error.starts_with(b"{"), "{}", String::from_utf8_lossy(&error));
        assert_eq!(timeout(SOON, sending).await.expect("the rest is discarded").unwrap(), body.len());
        assert_eq!(connection.status(&ada, "/v1/files").await, 200);
    }
    server.blobs_become(0).await;
    server.close().await;
}

#[tokio::test]
async fn a_client_that_is_silent_after_a_refusal_is_told_to_stop() {
    let server = TestServer::open().await;
    let nobody = server.user_of("vk_malformed");
    let connection = Connection::to(&server).await;
    let (answer, mut stream) = connection.send(request(&nobody, Method::POST, "/v1/files"), true).await;
    stream.send_data(form(1000), false).unwrap();
    assert_eq!(answer.await.unwrap().status().as_u16(), 401);
    let told = std::future::poll_fn(|context| stream.poll_reset(context));
    assert_eq!(timeout(SOON, told).await.expect("it is told").unwrap(), Reason::NO_ERROR);
    server.close().await;
}

#[tokio::test]
async fn a_silent_upload_ends_with_408_and_the_connection_goes_on() {
    let server = TestServer::with(&[("body_window_seconds", "1")], Clock::system()).await;
    let ada = server.user("ada").await;
    let connection = Connection::to(&server).await;
    let (answer, mut stream) = connection.send(request(&ada, Method::POST, "/v1/files"), true).await;
    stream.send_data(Bytes::from_static(b"--venna"), false).unwrap();
    assert_eq!(timeout(SOON, answer).await.unwrap().unwrap().status().as_u16(), 408);
    assert_eq!(connection.status(&ada, "/v1/files").await, 200);
    server.close().await;
}

#[tokio::test]
async fn an_answer_that_its_client_leaves_is_reset_and_the_others_go_on() {
    let settings = [("send_stall_timeout_seconds", "1"), ("max_downloads_per_workspace", "1")];
    let server = TestServer::with(&settings, Clock::system()).await;
    let ada = server.user("ada").await;
    let (id, content) = large_file(&ada, 2_000_000).await;
    let path = format!("/v1/files/{id}/content");
    let connection = Connection::to(&server).await;
    let mut left = connection.get(&ada, &path).await.await.unwrap().into_body();
    for _ in 0..8 {
        assert_eq!(connection.status(&ada, "/v1/files").await, 200, "its window stops no other answer");
        sleep(Duration::from_millis(100)).await;
    }
    let error = timeout(SOON, read_all_unreleased(&mut left)).await.expect("it is reset").unwrap_err();
    assert_eq!(error.reason(), Some(Reason::CANCEL));
    let mut again = connection.get(&ada, &path).await.await.unwrap().into_body();
    assert!(read_all(&mut again).await.unwrap() == content, "the share of the download was given back");
    server.close().await;
}

/// Reads without opening the window again.
async fn read_all_unreleased(body: &mut RecvStream) -> Result<(), h2::Error> {
    while let Some(piece) = body.data().await {
        piece?;
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_reader_gets_the_whole_answer() {
    let server = TestServer::with(&[("send_stall_timeout_seconds", "1")], Clock::system()).await;
    let ada = server.user("ada").await;
    let (id, content) = large_file(&ada, 2_000_000).await;
    let connection = Connection::to(&server).await;
    let mut body = connection.get(&ada, &format!("/v1/files/{id}/content")).await.await.unwrap().into_body();
    let mut received = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        sleep(Duration::from_millis(20)).await;
        received.extend_from_slice(&piece);
        body.flow_control().release_capacity(piece.len()).unwrap();
    }
    assert!(received == content, "{} bytes", received.len());
    server.close().await;
}

#[tokio::test]
async fn an_idle_connection_ends_with_an_announcement_at_its_limit() {
    let settings = [("header_read_timeout_seconds", "1"), ("idle_timeout_seconds", "3")];
    let server = TestServer::with(&settings, Clock::system()).await;
    let ada = server.user("ada").await;
    let connection = Connection::to(&server).await;
    assert_eq!(connection.status(&ada, "/v1/files").await, 200);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(connection.status(&ada, "/v1/files").await, 200, "the limit of heads is not that of idle connections");
    let begun = Instant::now();
    timeout(SOON, connection.ended).await.expect("it ends").unwrap().expect("GOAWAY without an error");
    assert!(begun.elapsed() >= Duration::from_millis(2900), "{:?}", begun.elapsed());
    server.close().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight_and_takes_nothing_more() {
    let mut server = TestServer::on_blobs().await;
    let ada = server.user("ada").await;
    let (busy, idle) = (Connection::to(&server).await, Connection::to(&server).await);
    assert_eq!(idle.status(&ada, "/v1/files").await, 200);
    let (answer, mut stream) = busy.send(request(&ada, Method::POST, "/v1/files"), true).await;
    let body = form(700_000);
    let rest = body.slice(60_000..);
    stream.send_data(body.slice(..60_000), false).unwrap();
    server.pending_blobs_become(1).await;
    let finished = tokio::spawn(async move {
        timeout(SOON, idle.ended).await.expect("the idle connection ends at once").unwrap().unwrap();
        send_all(stream, rest).await;
        answer.await.unwrap().status().as_u16()
    });
    server.restart().await;
    assert_eq!(finished.await.unwrap(), 200);
    server.close().await;
}

#[tokio::test]
async fn a_connection_has_a_hundred_requests_at_a_time() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let connection = Connection::to(&server).await;
    assert_eq!(connection.status(&ada, "/v1/files").await, 200);
    assert_eq!(connection.requests.current_max_send_streams(), 100);
    server.close().await;
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let connection = Connection::to(&server).await;
    let mut long = request(&ada, Method::GET, "/v1/files");
    long.headers_mut().insert("x-long", "a".repeat(80_000).parse().unwrap());
    let answer = connection.send(long, false).await.0;
    assert_eq!(timeout(SOON, answer).await.unwrap().unwrap().status().as_u16(), 431);
    assert_eq!(connection.status(&ada, "/v1/files").await, 200);
    server.close().await;
}

/// A request that names two hosts could be another one for a proxy (RFC 9113, section 8.3.1).
#[tokio::test]
async fn a_request_has_one_host() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let connection = Connection::to(&server).await;
    let mut two = request(&ada, Method::GET, "/v1/files");
    two.headers_mut().insert("host", "other.example".parse().unwrap());
    assert_eq!(connection.send(two, false).await.0.await.unwrap().status().as_u16(), 400);
    server.close().await;
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The number of times that a flooding client writes.
const MAX_FLOOD: u32 = 10_000_000;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends frames without end, and reads what the server answers; returns the types of its frames once it has closed.
async fn flood(address: SocketAddr, next: impl FnMut(u32) -> Vec<u8> + Send + 'static) -> Vec<u8> {
    let flooding = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let mut reader = socket.try_clone().unwrap();
        let answers = std::thread::spawn(move || {
            let mut kinds = Vec::new();
            let mut head = [0; 9];
            while reader.read_exact(&mut head).is_ok() {
                let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
                if reader.read_exact(&mut vec![0; length]).is_err() {
                    break;
                }
                kinds.push(head[3]);
            }
            kinds
        });
        socket.write_all(PREFACE).unwrap();
        socket.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        let is_closed = (0..MAX_FLOOD).map(next).any(|frames| socket.write_all(&frames).is_err());
        assert!(is_closed, "the server takes all of it");
        answers.join().unwrap()
    });
    timeout(Duration::from_mins(2), flooding).await.expect("the server closes").unwrap()
}

/// `GET /healthz` by indexed and literal fields (RFC 7541, section 6).
fn health() -> Vec<u8> {
    let path = b"\x04\x08/healthz".as_slice();
    [b"\x82\x86".as_slice(), path, b"\x01\x01a"].concat()
}

#[tokio::test]
async fn a_client_that_floods_a_connection_loses_it_and_the_others_do_not() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let bystander = Connection::to(&server).await;
    let stream = |number: u32| 2 * (number % (1 << 29)) + 1;
    let rapid_reset = move |number| {
        let begun = frame(HEADERS, END_HEADERS | END_STREAM, stream(number), &health());
        [begun, frame(RST_STREAM, 0, stream(number), &[0, 0, 0, 8])].concat()
    };
    let pings = |_| frame(PING, 0, 0, &[0; 8]).repeat(64);
    let settings = |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]).repeat(64);
    let continuations = |number| match number {
        0 => frame(HEADERS, END_STREAM, 1, &health()),
        _ => frame(CONTINUATION, 0, 1, &[b"\x00\x03x-y\x7f".as_slice(), &[b'a'; 127]].concat()),
    };
    let empty_data = |number| match number {
        0 => frame(HEADERS, END_HEADERS, 1, &[b"\x83\x86\x04\x09/v1/files\x01\x01a".as_slice()].concat()),
        _ => frame(0, 0, 1, &[]).repeat(64),
    };
    for (name, answers) in [
        ("rapid reset", flood(server.address(), rapid_reset).await),
        ("pings", flood(server.address(), pings).await),
        ("settings", flood(server.address(), settings).await),
        ("continuations", flood(server.address(), continuations).await),
        ("empty data", flood(server.address(), empty_data).await),
    ] {
        assert!(answers.contains(&GOAWAY), "{name}: {:?}", answers.last_chunk::<9>());
        assert_eq!(bystander.status(&ada, "/v1/files").await, 200, "{name}");
    }
    server.close().await;
}
