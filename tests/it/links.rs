//! Signed links: who may read by them, until when, and what refusals tell.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use venna::clock::Clock;
use venna::links::{LinkUse, Links, RefusedLink};
use venna::metadata::KeyChanges;
use venna::model::api_key::Opens;
use venna::model::audit::{Action, AuditQuery, Origin};
use venna::model::caller::Caller;
use venna::model::dialect::Dialect;
use venna::model::ids::RequestId;
use venna::model::limits::{Limit, LimitOwner};
use venna::model::link::NewLink;
use venna::model::scope::{Scope, Scopes};
use venna_testkit::{Form, Rng, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;
const CONTENT: &[u8] = b"0123456789";

async fn open() -> TestServer {
    TestServer::with(&[("max_failed_logins_per_minute", "0")], Clock::set_to(NOW_MS)).await
}

async fn link(user: &User, file: &str, body: Value) -> Value {
    let answer = user.send(user.request(Method::POST, &format!("/v1/files/{file}/links")).json(&body)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

async fn get_json(user: &User, path: &str) -> Value {
    user.send(user.request(Method::GET, path)).await.json()
}

async fn get(url: &str) -> Response {
    Client::new().get(url).send().await.unwrap()
}

/// An answer less what differs between any two answers, or tells whether a body was read.
async fn masked(answer: Response) -> (StatusCode, Vec<(String, String)>, String) {
    let status = answer.status();
    let varying = ["date", "x-request-id", "openai-processing-ms", "connection", "keep-alive"];
    let headers = answer.headers().iter().filter(|(name, _)| !varying.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (status, headers, answer.text().await.unwrap())
}

#[tokio::test]
async fn a_link_opens_one_file_without_a_key() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("page.html", CONTENT).await.id();
    let made = link(&user, &file, json!({"content_type": "text/plain", "disposition": "inline"})).await;
    assert_eq!((&made["object"], &made["status"]), (&json!("file.link"), &json!("active")));
    let url = made["url"].as_str().unwrap();
    let answer = get(url).await;
    assert_eq!(answer.status(), 200);
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-disposition", "inline; filename=\"page.html\""),
        ("cache-control", "private, no-store"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
    assert!(answer.headers().get("set-cookie").is_none());
    assert_eq!(answer.bytes().await.unwrap(), CONTENT);
    let part = Client::new().get(url).header("range", "bytes=2-4").send().await.unwrap();
    assert_eq!((part.status(), part.bytes().await.unwrap().as_ref()), (StatusCode::PARTIAL_CONTENT, &b"234"[..]));
    let head = Client::new().head(url).send().await.unwrap();
    assert_eq!((head.status(), head.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, "10"));
    let id = made["id"].as_str().unwrap();
    let shown = get_json(&user, &format!("/v1/links/{id}")).await;
    assert!(shown.get("url").is_none() && shown["first_used_at"] == json!(NOW_MS / 1000), "{shown}");
    let hour = get_json(&user, &format!("/v1/files/{file}/url?expiry=1")).await;
    let hour = hour["url"].as_str().unwrap();
    assert_eq!(get(hour).await.headers()["content-type"], "application/octet-stream");
    server.clock.set(NOW_MS + 3_599_000);
    assert_eq!(get(hour).await.status(), 200);
    server.clock.set(NOW_MS + 3_600_000);
    assert_eq!(get(hour).await.status(), 403, "an hour is over");
    server.close().await;
}

#[tokio::test]
async fn every_changed_bit_and_every_dead_link_has_the_same_refusal() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("a", CONTENT).await.id();
    let made = link(&user, &file, json!({})).await;
    let url = made["url"].as_str().unwrap();
    let (base, signed) = url.rsplit_once('/').unwrap();
    let forged = masked(get(&format!("{base}/x")).await).await;
    assert_eq!(forged.0, 403);
    assert!(forged.2.contains("link_refused"), "{}", forged.2);
    for at in 0..signed.len() {
        let mut bytes = signed.as_bytes().to_vec();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        if changed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            assert_eq!(masked(get(&format!("{base}/{changed}")).await).await, forged, "{changed}");
        }
    }
    let refused = async |link: &Value, case: &str| {
        assert_eq!(masked(get(link["url"].as_str().unwrap()).await).await, forged, "{case}");
    };
    let revoked = link(&user, &file, json!({})).await;
    let path = format!("/v1/links/{}/revoke", revoked["id"].as_str().unwrap());
    let answer = user.send(user.request(Method::POST, &path)).await.json();
    assert_eq!((&answer["status"], &answer["revoked_at"]), (&json!("revoked"), &json!(NOW_MS / 1000)));
    refused(&revoked, "revoked").await;
    let short = link(&user, &file, json!({"expires_in": 60})).await;
    server.clock.set(NOW_MS + 60_000);
    refused(&short, "expired").await;

    let installation = server.installation().await;
    let workspace = installation.workspaces.create("other", Origin::COMMAND_LINE).await.unwrap().id;
    let issue = async |scopes| {
        let opens = Opens::Workspace(workspace, scopes);
        installation.keys.issue(opens, "links", None, Origin::COMMAND_LINE).await.unwrap()
    };
    let (key, secret) = issue(Scopes::DEFAULT).await;
    let other = server.user_of(secret.expose());
    let foreign = other.send(other.request(Method::POST, &format!("/v1/files/{file}/links"))).await;
    assert_eq!(foreign.status, 404, "the file of another workspace");
    let theirs = other.create_file("b", CONTENT).await.id();
    let (of_key, of_file) = (link(&other, &theirs, json!({})).await, link(&user, &file, json!({})).await);
    installation.keys.revoke(key.id, Origin::COMMAND_LINE).await.unwrap();
    refused(&of_key, "of a revoked key").await;
    let (_, secret) =
        issue(Scopes::named([Scope::FilesRead.name(), Scope::FilesWrite.name()].into_iter()).unwrap()).await;
    let of_archived = link(&server.user_of(secret.expose()), &theirs, json!({})).await;
    installation.workspaces.archive(workspace, Origin::COMMAND_LINE).await.unwrap();
    refused(&of_archived, "of an archived workspace").await;
    user.delete_file(&file).await;
    refused(&of_file, "of a deleted file").await;
    refused(&made, "of a deleted file").await;
    server.close().await;
}

#[tokio::test]
async fn a_link_for_one_time_is_used_up_by_the_first_content() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("a", CONTENT).await.id();
    let made = link(&user, &file, json!({"one_time": true})).await;
    let url = made["url"].as_str().unwrap();
    for _ in 0..2 {
        assert_eq!(Client::new().head(url).send().await.unwrap().status(), 200, "HEAD does not count");
    }
    let etag = Client::new().head(url).send().await.unwrap().headers()["etag"].clone();
    assert_eq!(Client::new().get(url).header("if-none-match", etag).send().await.unwrap().status(), 304);
    let answers = futures_util::future::join_all((0..8).map(|_| get(url))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403, 403, 403, 403, 403, 403, 403]);
    let status = get_json(&user, &format!("/v1/links/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(status["status"], "used");
    server.close().await;
}

#[tokio::test]
async fn links_are_revoked_by_key_and_all_at_once() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("a", CONTENT).await.id();
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(link(&user, &file, json!({})).await);
    }
    let revoke = async |body: Value| {
        let answer = user.send(user.request(Method::POST, "/v1/links/revoke").json(&body)).await;
        (answer.status.as_u16(), answer.json()["revoked"].as_u64())
    };
    assert_eq!(revoke(json!({})).await.0, 400);
    assert_eq!(revoke(json!({"all": true, "api_key_id": made[0]["created_by"]})).await.0, 400);
    assert_eq!(revoke(json!({"api_key_id": "key_00VbjUjhHGglY7j08O6M3Oj9"})).await, (200, Some(0)));
    assert_eq!(get(made[0]["url"].as_str().unwrap()).await.status(), 200);
    assert_eq!(revoke(json!({"api_key_id": made[0]["created_by"]})).await, (200, Some(3)));
    for link in &made {
        assert_eq!(get(link["url"].as_str().unwrap()).await.status(), 403);
    }
    let last = link(&user, &file, json!({})).await;
    assert_eq!(revoke(json!({"all": true})).await, (200, Some(1)));
    assert_eq!(get(last["url"].as_str().unwrap()).await.status(), 403);
    let listed = get_json(&user, &format!("/v1/files/{file}/links?limit=2")).await;
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["has_more"]), (2, &json!(true)));
    assert_eq!((&listed["data"][0]["status"], &listed["data"][0]["filename"]), (&json!("revoked"), &json!("a")));
    user.send(user.request(Method::DELETE, &format!("/v1/files/{file}"))).await.is_ok();
    let listed = get_json(&user, "/v1/links?limit=1").await;
    assert_eq!((&listed["data"][0]["file_id"], &listed["data"][0]["filename"]), (&json!(file), &json!(null)));
    server.close().await;
}

async fn upload_link(user: &User, body: Value) -> Value {
    let answer = user.send(user.request(Method::POST, "/v1/upload_links").json(&body)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

async fn send(url: &Value, body: &'static [u8]) -> Response {
    Client::new().put(url.as_str().unwrap()).body(body).send().await.unwrap()
}

#[tokio::test]
async fn a_link_makes_one_file_without_a_key() {
    let server = open().await;
    let user = server.user("links").await;
    let wanted = json!({
        "filename": "out.jsonl", "purpose": "user_data", "max_bytes": 10,
        "expires_after": {"anchor": "created_at", "seconds": 7200},
    });
    let made = upload_link(&user, wanted).await;
    assert_eq!((&made["kind"], &made["file_id"], &made["max_bytes"]), (&json!("upload"), &json!(null), &json!(10)));
    let forged = masked(get(&format!("http://{}/links/x", server.address())).await).await;
    assert_eq!(masked(get(made["url"].as_str().unwrap()).await).await, forged, "it opens nothing");

    let too_large = send(&made["url"], b"0123456789a").await;
    assert_eq!(too_large.status(), 413);
    let chunked =
        reqwest::Body::wrap_stream(futures_util::stream::iter([(); 2].map(|()| Ok::<_, std::io::Error>(CONTENT))));
    let too_large = Client::new().put(made["url"].as_str().unwrap()).body(chunked).send().await.unwrap();
    assert_eq!(too_large.status(), 413, "without a length");
    assert_eq!(get_json(&user, "/v1/files").await["data"], json!([]), "nothing is stored");
    server.blobs_become(0).await;

    let file: Value = send(&made["url"], CONTENT).await.json().await.unwrap();
    let id = file["id"].as_str().unwrap();
    assert_eq!((&file["filename"], &file["bytes"]), (&json!("out.jsonl"), &json!(10)));
    assert_eq!(file["expires_at"].as_u64().unwrap() - file["created_at"].as_u64().unwrap(), 7200);
    assert_eq!(user.download_file(id).await.body.unwrap(), CONTENT);
    let again = send(&made["url"], CONTENT).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true", "a client whose connection broke sends again");
    assert_eq!(again.json::<Value>().await.unwrap(), file);
    assert_eq!(masked(send(&made["url"], b"other").await).await, forged, "it is used up");
    let shown = get_json(&user, &format!("/v1/links/{}", made["id"].as_str().unwrap())).await;
    assert_eq!((&shown["status"], &shown["file_id"]), (&json!("used"), &json!(id)));
    let listed = get_json(&user, &format!("/v1/files/{id}/links")).await;
    assert_eq!(listed["data"][0]["id"], made["id"], "the link is one of its File");
    assert_eq!(get_json(&user, "/v1/files").await["data"].as_array().unwrap().len(), 1);
    server.clock.set(NOW_MS + 86_400_000);
    assert_eq!(masked(send(&made["url"], CONTENT).await).await, forged, "it has expired");
    server.close().await;
}

#[tokio::test]
async fn uploads_by_links_have_the_limits_of_their_key() {
    let server = open().await;
    let user = server.user("links").await;
    let plain = || json!({"filename": "a", "purpose": "user_data"});
    let forged = masked(get(&format!("http://{}/links/x", server.address())).await).await;
    let refused = async |link: &Value, case: &str| {
        assert_eq!(masked(send(&link["url"], CONTENT).await).await, forged, "{case}");
    };
    for (wrong, param) in [
        (json!({"purpose": "user_data"}), "filename"),
        (json!({"filename": "a"}), "purpose"),
        (json!({"filename": "a", "purpose": "batch_output"}), "purpose"),
        (json!({"filename": "a", "purpose": "user_data", "max_bytes": 0}), "max_bytes"),
        (json!({"filename": "a", "purpose": "user_data", "expires_in": 59}), "expires_in"),
    ] {
        let answer = user.send(user.request(Method::POST, "/v1/upload_links").json(&wrong)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["param"]), (400, &json!(param)), "{wrong}");
    }
    let named = json!({"filename": "a.txt", "purpose": "batch"});
    assert_eq!(user.send(user.request(Method::POST, "/v1/upload_links").json(&named)).await.status, 400);
    let download = user.create_file("a", CONTENT).await.id();
    refused(&link(&user, &download, json!({})).await, "a PUT by a download").await;
    let encoded = upload_link(&user, plain()).await;
    let encoded = Client::new().put(encoded["url"].as_str().unwrap()).header("content-encoding", "gzip").body("x");
    assert_eq!(encoded.send().await.unwrap().status(), 415);

    let installation = server.installation().await;
    let workspace = installation.workspaces.create("other", Origin::COMMAND_LINE).await.unwrap().id;
    let issue = async |scopes| {
        let opens = Opens::Workspace(workspace, scopes);
        installation.keys.issue(opens, "links", None, Origin::COMMAND_LINE).await.unwrap()
    };
    let (key, secret) = issue(Scopes::DEFAULT).await;
    let other = server.user_of(secret.expose());
    let (_, reader) = issue(Scopes::named([Scope::FilesRead.name()].into_iter()).unwrap()).await;
    let reader = server.user_of(reader.expose());
    let denied = reader.send(reader.request(Method::POST, "/v1/upload_links").json(&plain())).await;
    assert_eq!(denied.status, 403, "it cannot write");
    let (first, second) = (upload_link(&other, plain()).await, upload_link(&other, plain()).await);
    let path = format!("/v1/links/{}/revoke", second["id"].as_str().unwrap());
    assert_eq!(user.send(user.request(Method::POST, &path)).await.status, 404, "of another project");
    assert_eq!(other.send(other.request(Method::POST, &path)).await.is_ok().json()["status"], "revoked");
    refused(&second, "revoked").await;
    let limits = [(Limit::StorageBytes, 9), (Limit::RequestsPerMinute, 100)];
    server.limit(LimitOwner::Workspace(workspace), &limits).await;
    let full = send(&first["url"], CONTENT).await;
    assert_eq!(full.headers()["x-ratelimit-limit-requests"], "100", "errors tell the rate, too");
    assert_eq!(full.status(), 400, "{}", full.text().await.unwrap());
    assert_eq!(send(&first["url"], b"012345678").await.status(), 200, "a refusal does not use the link up");
    let third = upload_link(&other, plain()).await;
    installation.keys.revoke(key.id, Origin::COMMAND_LINE).await.unwrap();
    refused(&third, "of a revoked key").await;
    server.close().await;
}

#[tokio::test]
async fn a_page_may_send_by_a_link_where_its_origin_is_allowed() {
    let settings = [("cors_origins", "https://a.example"), ("max_failed_logins_per_minute", "0")];
    let server = TestServer::with(&settings, Clock::set_to(NOW_MS)).await;
    let user = server.user("links").await;
    let made = upload_link(&user, json!({"filename": "a", "purpose": "user_data"})).await;
    let preflight = Client::new()
        .request(Method::OPTIONS, made["url"].as_str().unwrap())
        .header("origin", "https://a.example")
        .header("access-control-request-method", "PUT");
    let allowed = preflight.send().await.unwrap();
    assert_eq!(allowed.status(), 204);
    assert!(allowed.headers()["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    let sent = Client::new().put(made["url"].as_str().unwrap()).header("origin", "https://a.example").body(CONTENT);
    assert_eq!(sent.send().await.unwrap().headers()["access-control-allow-origin"], "https://a.example");
    server.close().await;
}

/// Opens the links of the server's store as another server does.
async fn other_server(server: &TestServer) -> Links {
    Links::open_store(server.installation().await.rows(), server.clock.clone()).await.unwrap()
}

#[tokio::test]
async fn keys_rotate_without_a_link_that_some_server_refuses() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("a", CONTENT).await.id();
    let week = json!({"expires_in": 604_800});
    let (first, second) = (other_server(&server).await, other_server(&server).await);
    let last = link(&user, &file, week.clone()).await;
    let signed = |link: &Value| link["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let version = |link: &Value| signed(link).split('.').nth(1).unwrap().to_owned();
    server.clock.set(NOW_MS + 7 * 86_400_000 - 1000);
    first.refresh_keys().await.unwrap();
    let old = link(&user, &file, week.clone()).await;
    server.clock.set(NOW_MS + 7 * 86_400_000);
    first.refresh_keys().await.unwrap();
    assert!(matches!(first.open(&signed(&last), LinkUse::Download).await, Err(RefusedLink::Dead)), "it has expired");
    for links in [&first, &second] {
        assert!(links.open(&signed(&old), LinkUse::Download).await.is_ok(), "an old key verifies");
    }
    assert_eq!(version(&link(&user, &file, week).await), "1", "other servers may not know the new key yet");
    server.clock.set(NOW_MS + 7 * 86_400_000 + 600_000);
    let workspace = server.installation().await.workspaces.find("links").await.unwrap().unwrap().id;
    let found = first.find(workspace, old["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    let (key, request, dialect) = (found.key, RequestId::new([7; 16]), Dialect::OpenAi);
    let caller = Caller { workspace, key, person: None, request, dialect, address: None };
    let new = NewLink { grant: found.grant, valid_seconds: 60 };
    let signed_by_new = first.create(caller, new).await.unwrap().unwrap().signed;
    assert_eq!(signed_by_new.split('.').nth(1), Some("2"));
    second.refresh_keys().await.unwrap();
    assert!(second.open(&signed_by_new, LinkUse::Download).await.is_ok());
    server.close().await;
}

#[tokio::test]
async fn a_server_that_was_stopped_for_weeks_ends_no_link_early() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("a", CONTENT).await.id();
    // No server was there to make a key meanwhile, so that the old one signs once more.
    let day = |days: u64| NOW_MS + days * 86_400_000;
    server.clock.set(day(14));
    let started = other_server(&server).await;
    let made = link(&user, &file, json!({"expires_in": 604_800})).await;
    let signed = made["url"].as_str().unwrap().rsplit('/').next().unwrap();
    server.clock.set(day(21) - 1000);
    started.refresh_keys().await.unwrap();
    assert!(started.open(signed, LinkUse::Download).await.is_ok());
    server.clock.set(day(23));
    started.refresh_keys().await.unwrap();
    assert!(matches!(started.open(signed, LinkUse::Download).await, Err(RefusedLink::Forged)), "its key is deleted");
    server.close().await;
}

#[tokio::test]
async fn a_hundred_thousand_random_signatures_are_refused_without_a_look_up() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("a", CONTENT).await.id();
    let made = link(&user, &file, json!({})).await;
    let (base, signed) = made["url"].as_str().unwrap().rsplit_once('/').unwrap();
    let prefix = signed.rsplit_once('.').unwrap().0;
    let (links, mut random) = (other_server(&server).await, Rng::new(22));
    let mut invented = || {
        let bytes: Vec<u8> = (0..4).flat_map(|_| random.number().to_be_bytes()).collect();
        format!("{prefix}.{}", URL_SAFE_NO_PAD.encode(bytes))
    };
    for _ in 0..100_000 {
        let refused = links.open(&invented(), LinkUse::Download).await;
        assert!(matches!(refused, Err(RefusedLink::Forged)), "the store was asked: {refused:?}");
    }
    let forged = masked(get(&format!("{base}/x")).await).await;
    for _ in 0..500 {
        assert_eq!(masked(get(&format!("{base}/{}", invented())).await).await, forged);
    }
    server.close().await;
}

/// The facts of the ledger about contents: `(line item, bytes, count)`, summed.
async fn billed(user: &User, item: &str) -> (i64, i64) {
    let lines = user.ledger("").await;
    let of = |name: &str| {
        lines.iter().filter(|line| line["line_item"] == item).map(|line| line[name].as_i64().unwrap()).sum()
    };
    (of("bytes"), of("count"))
}

#[tokio::test]
async fn reads_and_uploads_by_links_are_billed_to_the_key_of_the_link() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("a", CONTENT).await.id();
    let made = link(&user, &file, json!({})).await;
    let sent = upload_link(&user, json!({"filename": "b", "purpose": "user_data"})).await;
    let before = billed(&user, "files.ingress").await;
    for _ in 0..2 {
        assert_eq!(send(&sent["url"], CONTENT).await.status(), 200);
    }
    assert_eq!(billed(&user, "files.ingress").await.0 - before.0, 10, "a repetition costs nothing");
    let created = user.ledger("").await.into_iter().rfind(|line| line["kind"] == "create").unwrap();
    assert_eq!(created["api_key_id"], sent["created_by"]);
    for _ in 0..3 {
        assert_eq!(get(made["url"].as_str().unwrap()).await.bytes().await.unwrap(), CONTENT);
    }
    assert_eq!(get(sent["url"].as_str().unwrap()).await.status(), 403);
    let mut egress = (0, 0);
    for _ in 0..200 {
        egress = billed(&user, "files.egress").await;
        if egress.0 >= 30 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(egress.0, 30, "a refusal costs nothing");
    server.close().await;
}

#[tokio::test]
async fn a_link_ends_with_its_file_its_key_and_the_right_of_its_key() {
    let server = open().await;
    let forged = masked(get(&format!("http://{}/links/x", server.address())).await).await;
    let refused = async |link: &Value, case: &str| {
        assert_eq!(masked(get(link["url"].as_str().unwrap()).await).await, forged, "{case}");
    };
    let installation = server.installation().await;
    let workspace = installation.workspaces.create("ends", Origin::COMMAND_LINE).await.unwrap().id;
    let issue = async |valid_seconds| {
        let opens = Opens::Workspace(workspace, Scopes::DEFAULT);
        installation.keys.issue(opens, "links", valid_seconds, Origin::COMMAND_LINE).await.unwrap()
    };
    let (lasting, secret) = issue(None).await;
    let (_, brief) = issue(Some(86_400)).await;
    let (user, brief) = (server.user_of(secret.expose()), server.user_of(brief.expose()));
    let week = json!({"expires_in": 604_800});
    let form = Form::default().field("purpose", "user_data").field("expires_after[anchor]", "created_at");
    let form = form.field("expires_after[seconds]", "3600").file("a", CONTENT);
    let (expiring, kept) = (user.post(form).await.id(), user.create_file("b", CONTENT).await.id());
    let of_file = link(&user, &expiring, week.clone()).await;
    let (of_brief, of_lasting) = (link(&brief, &kept, week.clone()).await, link(&user, &kept, week).await);
    let upload = upload_link(&user, json!({"filename": "c", "purpose": "user_data", "expires_in": 604_800})).await;
    assert_eq!(send(&upload["url"], CONTENT).await.status(), 200);
    assert_eq!(get(of_file["url"].as_str().unwrap()).await.status(), 200);
    server.clock.set(NOW_MS + 3_600_000);
    refused(&of_file, "of an expired file").await;
    assert_eq!(get(of_brief["url"].as_str().unwrap()).await.status(), 200);
    assert_eq!(send(&upload["url"], CONTENT).await.status(), 200, "it is remembered");
    server.clock.set(NOW_MS + 86_400_000);
    refused(&of_brief, "of an expired key").await;
    assert_eq!(masked(send(&upload["url"], CONTENT).await).await, forged, "it is forgotten after a day");
    assert_eq!(get(of_lasting["url"].as_str().unwrap()).await.status(), 200);
    let scopes = Scopes::named([Scope::FilesWrite.name()].into_iter());
    let changes = KeyChanges { name: None, scopes: Some(scopes.unwrap()), valid_seconds: None };
    installation.keys.update_once(lasting.id, changes, Origin::COMMAND_LINE, None).await.unwrap();
    refused(&of_lasting, "of a key that may not read any more").await;
    server.close().await;
}

#[tokio::test]
async fn the_audit_log_knows_of_links_and_has_no_signature() {
    let server = open().await;
    let user = server.user("links").await;
    let file = user.create_file("a", CONTENT).await.id();
    let made = link(&user, &file, json!({})).await;
    for _ in 0..3 {
        assert_eq!(get(made["url"].as_str().unwrap()).await.bytes().await.unwrap(), CONTENT);
    }
    let sent = upload_link(&user, json!({"filename": "b", "purpose": "user_data"})).await;
    send(&sent["url"], CONTENT).await;
    let installation = server.installation().await;
    let query = AuditQuery { limit: 20, ..AuditQuery::default() };
    let log = installation.audit_log.list(query).await.unwrap().rows;
    let of = |link: &Value, action| {
        log.iter().filter(|entry| entry.object == link["id"].as_str().unwrap() && entry.action == action).count()
    };
    for made in [&made, &sent] {
        assert_eq!((of(made, Action::LinkCreated), of(made, Action::LinkUsed)), (1, 1), "{made}");
    }
    let log = format!("{log:?}");
    for made in [&made, &sent] {
        let signature = made["url"].as_str().unwrap().rsplit('.').next().unwrap();
        assert!(!log.contains(signature), "the log has no signature");
    }
    server.close().await;
}

#[tokio::test]
async fn wrong_signatures_count_as_failed_logins() {
    let server = TestServer::with(&[("max_failed_logins_per_minute", "3")], Clock::set_to(NOW_MS)).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(get(&format!("http://{}/links/x", server.address())).await.status().as_u16());
    }
    assert_eq!(statuses, [403, 403, 403, 429, 429]);
    server.close().await;
}
