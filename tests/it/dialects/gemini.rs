//! Gemini's dialect: sessions and their commands, one-shot uploads, chosen names, lists, and how a request chooses it.

use super::{key, message};
use crate::matrix::tenant;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use venna::clock::Clock;
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::dialect::Dialect;
use venna::model::limits::Limit;
use venna::model::purpose::Purpose;
use venna::model::scope::{Scope, Scopes};
use venna_testkit::{Answer, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;
const START: &str = "/gemini/upload/v1beta/files";

fn starting(user: &User, body: &Value) -> RequestBuilder {
    let request = user.request(Method::POST, START).header("x-goog-upload-protocol", "resumable");
    request.header("x-goog-upload-command", "start").json(&json!({ "file": body }))
}

/// A session of an upload, which is sent to without a key.
struct Session(String);

impl Session {
    async fn begin(user: &User, body: &Value) -> Self {
        let started = user.send(starting(user, body)).await.is_ok();
        assert_eq!(started.headers["x-goog-upload-status"], "active");
        assert!(started.headers.contains_key("x-goog-upload-chunk-granularity"));
        Self(started.headers["x-goog-upload-url"].to_str().unwrap().to_owned())
    }

    async fn send(&self, command: &str, offset: usize, bytes: &[u8]) -> Answer {
        let request = reqwest::Client::new().post(&self.0).header("x-goog-upload-command", command);
        Answer::of(request.header("x-goog-upload-offset", offset).body(bytes.to_vec()).send().await.unwrap()).await
    }

    async fn is_at(&self, status: &str, received: Option<&str>) {
        let answer = self.send("query", 0, b"").await.is_ok();
        assert_eq!(at(&answer), (Some(status), received));
    }

    async fn file(&self, command: &str, offset: usize, bytes: &[u8]) -> Value {
        let answer = self.send(command, offset, bytes).await.is_ok();
        assert_eq!(answer.headers["x-goog-upload-status"], "final");
        answer.json()["file"].clone()
    }
}

/// The status and the received bytes of an answer.
fn at(answer: &Answer) -> (Option<&str>, Option<&str>) {
    let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap());
    (header("x-goog-upload-status"), header("x-goog-upload-size-received"))
}

fn refused(answer: &Answer, status: u16, name: &str) {
    assert_eq!(answer.status, status, "{}", message(Dialect::Gemini, answer));
    assert_eq!(answer.json()["error"]["status"], name);
}

async fn get(user: &User, rest: &str) -> Answer {
    user.send(user.request(Method::GET, &format!("/gemini/v1beta/files{rest}"))).await
}

async fn names(user: &User) -> Vec<String> {
    let page = get(user, "").await.is_ok().json();
    page["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_file_has_the_fields_of_gemini() {
    let server = TestServer::with(&[], Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    let session =
        Session::begin(&ada, &json!({"displayName": "d.txt", "mimeType": "text/x-d", "sizeBytes": "3"})).await;
    let made = session.file("upload, finalize", 0, b"abc").await;
    let id = made["name"].as_str().unwrap().strip_prefix("files/").unwrap();
    let uri = format!("http://{}/gemini/v1beta/files/{id}", server.address());
    let mut expected = json!({"name": format!("files/{id}"), "displayName": "d.txt", "mimeType": "text/x-d",
        "sizeBytes": "3", "createTime": "2026-11-22T19:00:00Z", "updateTime": "2026-11-22T19:00:00Z",
        "sha256Hash": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "uri": uri,
        "downloadUri": format!("{uri}:download?alt=media"), "state": "ACTIVE", "source": "UPLOADED"});
    assert_eq!(get(&ada, &format!("/{id}")).await.is_ok().json(), expected);
    assert_eq!(made, expected);
    get(&ada, &format!("/{id}:download?alt=media")).await.is_bytes(b"abc");
    let of_v1 = ada.send(ada.request(Method::GET, &format!("/gemini/v1/files/{id}"))).await.is_ok().json();
    for uri in ["uri", "downloadUri"] {
        expected[uri] = expected[uri].as_str().unwrap().replace("v1beta", "v1").into();
    }
    assert_eq!(of_v1, expected);
    let gone = ada.send(ada.request(Method::DELETE, &format!("/gemini/v1/files/{id}"))).await.is_ok().json();
    assert_eq!(gone, json!({}));
    refused(&get(&ada, &format!("/{id}")).await, 403, "PERMISSION_DENIED");
    server.close().await;
}

#[tokio::test]
async fn chunks_and_commands_may_be_repeated() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let session = Session::begin(&ada, &json!({"size_bytes": 10})).await;
    session.is_at("active", Some("0")).await;
    for _ in 0..2 {
        let answer = session.send("upload", 0, b"0123").await.is_ok();
        assert_eq!(at(&answer), (Some("active"), Some("4")));
        answer.is_bytes(b"");
    }
    // A part of these bytes is there, and only the others are added.
    assert_eq!(at(&session.send("upload", 2, b"2345").await.is_ok()), (Some("active"), Some("6")));
    let early = session.send("upload, finalize", 7, b"789").await;
    refused(&early, 400, "INVALID_ARGUMENT");
    assert_eq!(at(&early), (Some("active"), Some("6")));
    let short = session.send("finalize", 6, b"").await;
    refused(&short, 400, "INVALID_ARGUMENT");
    assert_eq!(at(&short), (Some("active"), Some("6")));
    let long = session.send("upload", 6, b"6789x").await;
    refused(&long, 400, "INVALID_ARGUMENT");
    assert_eq!(at(&long), (Some("active"), Some("6")));
    let made = session.file("upload, finalize", 6, b"6789").await;
    for (command, offset, bytes) in [("upload, finalize", 6, &b"6789"[..]), ("finalize", 10, b""), ("upload", 0, b"0")]
    {
        assert_eq!(session.file(command, offset, bytes).await, made);
    }
    session.is_at("final", Some("10")).await;
    refused(&session.send("cancel", 0, b"").await, 410, "FAILED_PRECONDITION");
    let id = made["name"].as_str().unwrap().strip_prefix("files/").unwrap();
    get(&ada, &format!("/{id}:download")).await.is_bytes(b"0123456789");
    assert_eq!(names(&ada).await.len(), 1);
    server.close().await;
}

#[tokio::test]
async fn a_file_may_be_empty_of_unknown_size_or_of_many_parts() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let empty = Session::begin(&ada, &json!({"sizeBytes": 0})).await.file("upload, finalize", 0, b"").await;
    assert_eq!(empty["sizeBytes"], "0");
    let session = Session::begin(&ada, &json!({})).await;
    session.send("upload", 0, b"abc").await.is_ok();
    let grown = session.file("upload, finalize", 3, b"de").await;
    assert_eq!((&grown["sizeBytes"], grown.get("sha256Hash")), (&json!("5"), None));
    let (small, _) = server.limited_user("small", &[(Limit::FileBytes(Purpose::UserData), 4)]).await;
    let session = Session::begin(&small, &json!({})).await;
    refused(&session.send("upload, finalize", 0, b"12345").await, 413, "INVALID_ARGUMENT");
    assert_eq!(session.file("upload, finalize", 0, b"1234").await["sizeBytes"], "4");
    // One chunk of more bytes than a part may have.
    let content: Vec<u8> = (0..(64 << 20) + 1_000_003_u32).map(|at| (at % 251) as u8).collect();
    let session = Session::begin(&ada, &json!({"sizeBytes": content.len()})).await;
    let large = session.file("upload, finalize", 0, &content).await;
    let id = large["name"].as_str().unwrap().strip_prefix("files/").unwrap();
    get(&ada, &format!("/{id}:download")).await.is_bytes(&content);
    server.close().await;
}

#[tokio::test]
async fn what_was_sent_at_once_by_two_requests_is_there_once() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let content = vec![7; 300_000];
    let session = Session::begin(&ada, &json!({})).await;
    let send = || session.send("upload, finalize", 0, &content);
    let answers = tokio::join!(send(), send(), send(), send());
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        let file = answer.is_ok().json()["file"].clone();
        assert_eq!(file["sizeBytes"], "300000");
    }
    assert_eq!(names(&ada).await.len(), 1);
    server.close().await;
}

#[tokio::test]
async fn a_session_ends_when_it_is_cancelled_and_when_its_key_ends() {
    let server = TestServer::open().await;
    let ada = tenant(&server, "ada").await;
    let scopes = Opens::Workspace(ada.workspace, Scopes::named([Scope::FilesWrite.name()].into_iter()).unwrap());
    let keys = &server.installation().await.keys;
    let (brief, secret) = keys.issue(scopes, "brief", None, Origin::COMMAND_LINE).await.unwrap();
    let user = server.user_of(secret.expose());
    let cancelled = Session::begin(&user, &json!({"size_bytes": 3})).await;
    for _ in 0..2 {
        assert_eq!(at(&cancelled.send("cancel", 0, b"").await.is_ok()), (Some("cancelled"), None));
    }
    for command in ["upload", "upload, finalize", "finalize"] {
        let late = cancelled.send(command, 0, b"abc").await;
        refused(&late, 410, "FAILED_PRECONDITION");
        assert_eq!(at(&late), (Some("cancelled"), None));
    }
    cancelled.is_at("cancelled", None).await;
    let session = Session::begin(&user, &json!({"size_bytes": 3})).await;
    let forged = Session(format!("{}A", session.0));
    refused(&forged.send("upload, finalize", 0, b"abc").await, 403, "PERMISSION_DENIED");
    let (start, end) = session.0.rsplit_once('.').unwrap();
    let other = Session(format!("{}.{end}", start.replacen("upload_", "upload_0", 1)));
    refused(&other.send("query", 0, b"").await, 403, "PERMISSION_DENIED");
    refused(&session.send("start", 0, b"").await, 400, "INVALID_ARGUMENT");
    refused(&session.send("upload, cancel", 0, b"").await, 400, "INVALID_ARGUMENT");
    keys.revoke(brief.id, Origin::COMMAND_LINE).await.unwrap();
    refused(&session.send("upload, finalize", 0, b"abc").await, 403, "PERMISSION_DENIED");
    let owner = key(&server, Opens::Workspace(ada.workspace, Scopes::ALL)).await;
    assert_eq!(names(&owner).await.len(), 1, "the one that the tenant has from its beginning");
    server.close().await;
}

#[tokio::test]
async fn a_chosen_name_is_of_one_file_of_the_workspace() {
    let server = TestServer::open().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let body = json!({"name": "files/my-file-1"});
    let (first, second) = (Session::begin(&ada, &body).await, Session::begin(&ada, &body).await);
    let made = first.file("upload, finalize", 0, b"of ada").await;
    assert_eq!((&made["name"], &made["displayName"]), (&json!("files/my-file-1"), &json!("my-file-1")));
    let late = second.send("upload, finalize", 0, b"of another").await;
    refused(&late, 409, "ALREADY_EXISTS");
    assert_eq!(at(&late).0, Some("final"));
    refused(&ada.send(starting(&ada, &body)).await, 409, "ALREADY_EXISTS");
    Session::begin(&bob, &body).await.file("upload, finalize", 0, b"of bob").await;
    get(&ada, "/my-file-1:download").await.is_bytes(b"of ada");
    get(&bob, "/my-file-1:download").await.is_bytes(b"of bob");
    assert_eq!(names(&ada).await, ["files/my-file-1"]);
    let ids = ada.list("").await.is_ok().ids();
    ada.download_file(&ids[0]).await.is_bytes(b"of ada");
    ada.delete_file(&ids[0]).await.is_ok();
    refused(&get(&ada, "/my-file-1").await, 403, "PERMISSION_DENIED");
    // The name is free again, also for the session that was too late.
    assert_eq!(second.file("finalize", 0, b"").await["name"], "files/my-file-1");
    for name in ["files/A", "-a", "a-", &"x".repeat(41), &ids[0]] {
        refused(&ada.send(starting(&ada, &json!({ "name": name }))).await, 400, "INVALID_ARGUMENT");
    }
    server.close().await;
}

#[tokio::test]
async fn one_request_may_bring_the_file() {
    let server = TestServer::open().await;
    let (ada, _) = server.limited_user("ada", &[(Limit::StorageBytes, 100)]).await;
    let post = |protocol: &'static str, content_type: &'static str, body: &'static str| {
        let request = ada.request(Method::POST, START).header("x-goog-upload-protocol", protocol);
        ada.send(request.header("content-type", content_type).body(body))
    };
    let raw = post("raw", "text/plain", "raw").await.is_ok().json()["file"].clone();
    assert_eq!((&raw["displayName"], &raw["mimeType"]), (&json!("unnamed.txt"), &json!("text/plain")));
    let related = "--X\r\nContent-Type: application/json\r\n\r\n{\"file\": {\"displayName\": \"r\"}}\r\n\
                   --X\r\nContent-Type: image/png\r\n\r\npng\r\n--X--\r\n";
    let made = post("multipart", "multipart/related; boundary=X", related).await.is_ok().json()["file"].clone();
    assert_eq!(
        (&made["displayName"], &made["mimeType"], &made["sizeBytes"]),
        (&json!("r"), &json!("image/png"), &json!("3"))
    );
    let form = "--X\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"file\": {\"name\": \"files/f\"}}\r\n\
                --X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.pdf\"\r\n\r\npdf\r\n--X--\r\n";
    let made = post("multipart", "multipart/form-data; boundary=X", form).await.is_ok().json()["file"].clone();
    assert_eq!(
        (&made["name"], &made["displayName"], &made["mimeType"]),
        (&json!("files/f"), &json!("f.pdf"), &json!("application/pdf"))
    );
    for (protocol, content_type, body) in [
        (
            "raw",
            "text/plain",
            "more bytes than the workspace may have, which are a hundred; this text has more than that, as one sees",
        ),
        ("multipart", "multipart/related; boundary=X", "--X\r\n\r\n{}\r\n--X--\r\n"),
        ("multipart", "multipart/related; boundary=X", "--X\r\n\r\n[]\r\n--X\r\n\r\na\r\n--X--\r\n"),
        ("multipart", "multipart/related; boundary=X", "--X\r\n\r\n{}\r\n--X\r\n\r\nended early"),
        ("multipart", "application/json", "{}"),
        ("other", "text/plain", "x"),
    ] {
        let answer = post(protocol, content_type, body).await;
        assert!((400..=429).contains(&answer.status.as_u16()), "{} {body}", answer.status);
        assert!(!message(Dialect::Gemini, &answer).is_empty());
    }
    assert_eq!(names(&ada).await.len(), 3);
    // Nothing is reserved for what was refused: all that is left may be used.
    let rest = ada.request(Method::POST, START).header("x-goog-upload-protocol", "raw").body(vec![b'x'; 91]);
    ada.send(rest).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn a_request_shows_that_it_is_of_gemini() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let made = ada.create_file("a.txt", b"abc").await.id();
    let secret = ada.request(Method::GET, "/").build().unwrap().headers()["authorization"].to_str().unwrap().to_owned();
    let secret = secret.strip_prefix("Bearer ").unwrap();
    let client = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", server.address());
    for request in [
        client.get(url("/v1/files")).header("x-goog-api-key", secret),
        client.get(url("/v1beta/files")).header("x-goog-api-key", secret),
        client.get(url(&format!("/v1/files?key={secret}&pageSize=1"))),
        client.get(url(&format!("/v1beta/files?key={secret}"))),
        client.get(url("/gemini/v1/files")).bearer_auth(secret),
    ] {
        let page = Answer::of(request.send().await.unwrap()).await.is_ok().json();
        assert_eq!(page["files"][0]["displayName"], "a.txt", "{page}");
    }
    let start = client.post(url(&format!("/upload/v1/files?key={secret}"))).header("x-goog-upload-command", "start");
    let started = Answer::of(start.send().await.unwrap()).await.is_ok();
    assert!(started.headers["x-goog-upload-url"].to_str().unwrap().starts_with(&url("/gemini/upload/v1/sessions/")));
    let wrong = Answer::of(client.get(url("/v1beta/files?key=vk_wrong")).send().await.unwrap()).await;
    refused(&wrong, 401, "UNAUTHENTICATED");
    let unknown =
        Answer::of(client.post(url(&format!("/v1beta/files:register?key={secret}"))).send().await.unwrap()).await;
    refused(&unknown, 404, "NOT_FOUND");
    assert_eq!(ada.retrieve_file(&made).await.is_ok().json()["object"], "file", "this one is of OpenAI's clients");
    server.close().await;
}

#[tokio::test]
async fn a_list_goes_on_by_its_token() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        ada.create_file(name, b"x").await.is_ok();
        made.insert(0, name);
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = get(&ada, &format!("?pageSize=1{token}")).await.is_ok().json();
        let files = page["files"].as_array().unwrap();
        seen.extend(files.iter().map(|file| file["displayName"].as_str().unwrap().to_owned()));
        match page["nextPageToken"].as_str() {
            Some(next) => token = format!("&pageToken={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    refused(&get(&ada, "?pageToken=x").await, 400, "INVALID_ARGUMENT");
    server.close().await;
}
