//! The sessions of the console: sign-in by key, the API by cookie, and requests that other sites forge.

use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use venna::clock::Clock;
use venna::model::api_key::Opens;
use venna::model::audit::{Action, AuditQuery, Entry, Origin};
use venna::model::ids::KeyId;
use venna_testkit::{Answer, Form, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;

/// A browser with the session of a page of the console.
pub struct Browser {
    client: reqwest::Client,
    url: String,
    /// The cookie, as `Cookie` has it.
    pub cookie: String,
    /// The token of the session.
    pub token: String,
    /// The session at the sign-in.
    pub session: Value,
}

impl Browser {
    /// Signs in with the key of a user.
    pub async fn sign_in(user: &User) -> Self {
        let answer = sign_in(user, &user.key).await.is_ok();
        let session = answer.json()["session"].clone();
        let token = session["csrf_token"].as_str().unwrap().to_owned();
        let cookie = cookie(&answer.headers);
        Self { client: reqwest::Client::new(), url: user.url.clone(), cookie, token, session }
    }

    /// Returns the browser of a session.
    pub async fn of(url: &str, cookie: &str) -> Self {
        let client = reqwest::Client::new();
        let session =
            send(client.get(format!("{url}/console/api/session")).header("cookie", cookie)).await.is_ok().json();
        let token = session["csrf_token"].as_str().unwrap().to_owned();
        Self { client, url: url.to_owned(), cookie: cookie.to_owned(), token, session }
    }

    /// Begins a request as a page of the console sends it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("x-csrf-token", &self.token).header("origin", &self.url)
    }

    /// Begins a request with the cookie alone.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("cookie", &self.cookie)
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.bare(Method::GET, path)).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    fn id(&self) -> &str {
        self.session["id"].as_str().unwrap()
    }
}

/// Sends a request and reads the whole answer.
pub async fn send(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await.unwrap()).await
}

async fn sign_in(user: &User, key: &str) -> Answer {
    let request = reqwest::Client::new().post(format!("{}/console/api/sign-in", user.url));
    send(request.header("origin", &user.url).json(&json!({"key": key}))).await
}

/// Returns the first cookie of an answer, as `Cookie` has it.
pub fn cookie(headers: &HeaderMap) -> String {
    headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// Returns the entries of these actions, newest first.
pub async fn audit(server: &TestServer, actions: &[Action]) -> Vec<Entry> {
    let log = server.installation().await.audit_log;
    let query = AuditQuery { actions: Some(actions.to_vec()), limit: 100, ..AuditQuery::default() };
    log.list(query).await.unwrap().rows
}

#[tokio::test]
async fn a_key_begins_a_session_that_opens_what_the_key_opens() {
    let server = TestServer::at(NOW_MS).await;
    let ada = server.user("ada").await;
    let answer = sign_in(&ada, &ada.key).await.is_ok();
    let set = answer.headers[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.ends_with("; Max-Age=604800; Path=/console; HttpOnly; SameSite=Strict"), "{set}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let ada_here = Browser::sign_in(&ada).await;
    let session = &ada_here.session;
    assert_eq!((&session["object"], &session["actor"]["type"]), (&json!("console.session"), &json!("key")));
    assert_eq!((&session["role_administrator"], &session["sign_in"]["oidc"]), (&json!(false), &json!(false)));
    assert_eq!(session["workspaces"][0]["name"], "ada");
    assert_eq!(session["workspaces"][0]["role"], "writer");
    let scopes = json!(["files.read", "files.write", "uploads.write", "usage.read"]);
    assert_eq!(session["workspaces"][0]["scopes"], scopes);
    assert_eq!(session["created_at"], NOW_MS / 1000);
    assert_eq!(session["expires_at"], NOW_MS / 1000 + 604_800);
    assert_eq!(session["idle_expires_at"], NOW_MS / 1000 + 28_800);
    assert_eq!(ada_here.get("/console/api/session").await.is_ok().json(), *session);

    let form = || Form::default().field("purpose", "user_data").file("a.txt", b"0123456789");
    let upload = ada_here.request(Method::POST, "/console/api/v1/files");
    let upload = upload.header("content-type", Form::content_type()).body(form().close());
    let id = send(upload).await.id();
    let path = format!("/console/api/v1/files/{id}");
    assert_eq!(ada.retrieve_file(&id).await.is_ok().json(), ada_here.get(&path).await.is_ok().json());
    let content = format!("{path}/content");
    ada_here.get(&content).await.is_bytes(b"0123456789");
    let part = send(ada_here.bare(Method::GET, &content).header("range", "bytes=2-4")).await;
    assert_eq!((part.status.as_u16(), &part.headers["content-range"]), (206, &"bytes 2-4/10".parse().unwrap()));
    part.is_bytes(b"234");
    let head = send(ada_here.bare(Method::HEAD, &content)).await;
    assert_eq!((head.status.as_u16(), &head.headers["content-length"]), (200, &"10".parse().unwrap()));
    for name in ["access-control-allow-origin", "access-control-expose-headers"] {
        assert!(head.headers.get(name).is_none(), "{name}");
    }
    let body = json!({"bytes": 3, "filename": "b", "mime_type": "text/plain", "purpose": "user_data"});
    let upload = ada_here.post("/console/api/v1/uploads", &body).await.id();
    let form = Form::default().named_file("data", "blob", b"abc");
    let request = ada_here.request(Method::POST, &format!("/console/api/v1/uploads/{upload}/parts"));
    let part = send(request.header("content-type", Form::content_type()).body(form.close())).await.id();
    let complete = format!("/console/api/v1/uploads/{upload}/complete");
    ada_here.post(&complete, &json!({"part_ids": [part]})).await.is_ok();
    ada_here.delete(&path).await.is_ok();
    ada_here.get(&path).await.is_not_found();
    let error = ada_here.get("/console/api/v1/xyz").await.is_error(404, None, None);
    assert_eq!(error["message"], "Invalid URL (GET /v1/xyz)");
    ada_here.get("/console/api/v1/organization/projects").await.is_error(403, None, Some("insufficient_permissions"));
    let deleted = audit(&server, &[Action::FileDeleted]).await;
    assert_eq!(deleted[0].origin.actor.to_string(), session["actor"]["id"].as_str().unwrap());
    server.close().await;
}

#[tokio::test]
async fn an_administrator_makes_keys_and_shows_them_once() {
    let server = TestServer::open().await;
    let (admin, ada) = (server.admin().await, server.user("ada").await);
    let admin_here = Browser::sign_in(&admin).await;
    assert_eq!(admin_here.session["role_administrator"], true);
    assert_eq!(admin_here.session["workspaces"], json!([]));
    let ada_session = Browser::sign_in(&ada).await.session;
    let project = ada_session["workspaces"][0]["id"].as_str().unwrap();
    let path = format!("/console/api/v1/organization/projects/{project}/service_accounts");
    let make = || {
        let request = admin_here.request(Method::POST, &path).header("idempotency-key", "once");
        send(request.json(&json!({"name": "robot"})))
    };
    let (first, again) = (make().await.is_ok(), make().await.is_ok());
    assert_eq!(first.json(), again.json());
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let key = first.json()["api_key"]["value"].as_str().unwrap().to_owned();
    server.user_of(&key).list("").await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn a_cookie_means_nothing_outside_of_the_console() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let here = Browser::sign_in(&ada).await;
    for path in ["/v1/files", "/v1/organization/key", "/v1/xyz", "/console/api/v1x/files"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = send(here.request(method.clone(), path)).await;
            assert!([401, 404].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.status);
        }
    }
    send(here.bare(Method::GET, "/v1/files")).await.is_error(401, None, None);
    let with_key = ada.request(Method::GET, "/console/api/v1/files");
    ada.send(with_key).await.is_error(401, None, Some("session_expired"));
    server.close().await;
}

#[tokio::test]
async fn forged_requests_change_nothing() {
    let server = TestServer::open().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (here, of_bob) = (Browser::sign_in(&ada).await, Browser::sign_in(&bob).await);
    let path = "/console/api/v1/files";
    let forms: [(&str, &[(&str, &str)]); 7] = [
        ("no token", &[("origin", &here.url)]),
        ("another token", &[("origin", &here.url), ("x-csrf-token", &of_bob.token)]),
        ("two tokens", &[("origin", &here.url), ("x-csrf-token", &here.token), ("x-csrf-token", &here.token)]),
        ("no origin", &[("x-csrf-token", &here.token)]),
        ("another origin", &[("x-csrf-token", &here.token), ("origin", "http://evil.example")]),
        ("a hidden origin", &[("x-csrf-token", &here.token), ("origin", "null")]),
        ("another site", &[("x-csrf-token", &here.token), ("origin", &here.url), ("sec-fetch-site", "cross-site")]),
    ];
    for (what, headers) in forms {
        for (method, path) in [
            (Method::POST, path),
            (Method::DELETE, "/console/api/v1/files/file-x"),
            (Method::POST, "/console/api/sign-out"),
            (Method::DELETE, "/console/api/sessions/sess_x"),
            (Method::PUT, path),
        ] {
            let request =
                headers.iter().fold(here.bare(method.clone(), path), |all, (name, value)| all.header(*name, *value));
            let form = Form::default().field("purpose", "user_data").file("a.txt", b"a").close();
            let answer = send(request.header("content-type", Form::content_type()).body(form)).await;
            let error = answer.is_error(403, None, Some("csrf_token_invalid"));
            assert!(error["message"].as_str().unwrap().contains("Reload"), "{what}: {method} {path}");
        }
    }
    let sign_in = reqwest::Client::new().post(format!("{}/console/api/sign-in", ada.url));
    let foreign = sign_in.header("origin", "http://evil.example").json(&json!({"key": ada.key}));
    send(foreign).await.is_error(403, None, Some("csrf_token_invalid"));
    assert_eq!(ada.list("").await.is_ok().ids().len(), 0);
    here.get("/console/api/session").await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn a_session_ends_with_its_key_its_workspace_and_its_sign_out() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let (first, second) = (Browser::sign_in(&ada).await, Browser::sign_in(&ada).await);
    let gone = first.post("/console/api/sign-out", &json!({})).await;
    assert_eq!(gone.status.as_u16(), 204);
    assert!(gone.headers[SET_COOKIE].to_str().unwrap().starts_with("venna_session=; Max-Age=0; Path=/console"));
    let refused = first.get("/console/api/v1/files").await;
    assert!(refused.headers[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    refused.is_error(401, None, Some("session_expired"));
    second.get("/console/api/v1/files").await.is_ok();
    let key: KeyId = second.session["actor"]["id"].as_str().unwrap().parse().unwrap();
    server.keys().revoke(key, Origin::COMMAND_LINE).await.unwrap().unwrap();
    second.get("/console/api/v1/files").await.is_error(401, None, Some("session_expired"));
    assert_eq!(server.database().number("SELECT count(*) FROM sessions"), 0);

    let bob = server.user("bob").await;
    let here = Browser::sign_in(&bob).await;
    let workspace = here.session["workspaces"][0]["id"].as_str().unwrap().parse().unwrap();
    server.installation().await.workspaces.archive(workspace, Origin::COMMAND_LINE).await.unwrap();
    server.keys().forget();
    here.get("/console/api/session").await.is_error(401, None, Some("session_expired"));

    let carol = server.user("carol").await;
    let here = Browser::sign_in(&carol).await;
    let key: KeyId = here.session["actor"]["id"].as_str().unwrap().parse().unwrap();
    server.keys().rotate(key, 0, Origin::COMMAND_LINE).await.unwrap();
    here.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    server.close().await;
}

#[tokio::test]
async fn a_session_ends_at_its_limits_and_its_row_is_swept() {
    let settings = [("session_idle_seconds", "600"), ("session_max_seconds", "1500"), ("sweep_interval_seconds", "1")];
    let server = TestServer::with(&settings, Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    let (used, idle) = (Browser::sign_in(&ada).await, Browser::sign_in(&ada).await);
    let ends_at = || {
        let sql = format!("SELECT ends_at - {} FROM sessions WHERE id = '{}'", NOW_MS / 1000, used.id());
        server.database().number(&sql)
    };
    server.clock.set(NOW_MS + 500_000);
    used.get("/console/api/v1/files").await.is_ok();
    venna_testkit::server::eventually(|| ends_at() == 1100, || format!("it ends at {}", ends_at())).await;
    server.clock.set(NOW_MS + 600_000);
    idle.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    used.get("/console/api/session").await.is_ok();
    server.clock.set(NOW_MS + 1_050_000);
    used.get("/console/api/session").await.is_ok();
    venna_testkit::server::eventually(|| ends_at() == 1500, || format!("it ends at {}", ends_at())).await;
    server.clock.set(NOW_MS + 1_500_000);
    used.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    server.clock.set(NOW_MS + 1_500_000 + 86_400_000);
    let left = || server.database().number("SELECT count(*) FROM sessions");
    venna_testkit::server::eventually(|| left() == 0, || format!("{} sessions are left", left())).await;
    server.close().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = TestServer::open().await;
    let (ada, bob, admin) = (server.user("ada").await, server.user("bob").await, server.admin().await);
    let (one, two) = (Browser::sign_in(&ada).await, Browser::sign_in(&ada).await);
    let (of_bob, of_admin) = (Browser::sign_in(&bob).await, Browser::sign_in(&admin).await);
    let list = two.get("/console/api/sessions").await.is_ok();
    assert_eq!(list.ids(), [two.id(), one.id()]);
    assert_eq!((&list.json()["data"][0]["current"], &list.json()["data"][1]["current"]), (&json!(true), &json!(false)));
    assert_eq!(list.json()["data"][1]["ip_address"], "127.0.0.1");
    let page = two.get(&format!("/console/api/sessions?limit=1&after={}", two.id())).await.is_ok();
    assert_eq!((page.ids(), &page.json()["has_more"]), (vec![one.id().to_owned()], &json!(false)));
    two.get("/console/api/sessions?limit=0").await.is_error(400, Some("limit"), Some("integer_below_min_value"));
    two.get("/console/api/sessions?after=x").await.is_error(404, Some("after"), None);
    two.get("/console/api/sessions?all=true").await.is_error(403, None, Some("insufficient_permissions"));
    let all = of_admin.get("/console/api/sessions?all=true").await.is_ok().ids();
    assert_eq!(all, [of_admin.id(), of_bob.id(), two.id(), one.id()]);
    let end = |browser: &Browser, id: &str| {
        let request = browser.request(Method::DELETE, &format!("/console/api/sessions/{id}"));
        send(request)
    };
    end(&of_bob, one.id()).await.is_not_found();
    end(&of_bob, "sess_x").await.is_not_found();
    assert_eq!(end(&two, one.id()).await.status.as_u16(), 204);
    one.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    assert_eq!(end(&of_admin, of_bob.id()).await.status.as_u16(), 204);
    of_bob.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    let ended = audit(&server, &[Action::SignedOut]).await;
    assert_eq!((ended[0].object.as_str(), ended[1].object.as_str()), (of_bob.id(), one.id()));
    assert_eq!(ended[0].origin.actor.to_string(), of_admin.session["actor"]["id"].as_str().unwrap());
    assert_eq!(ended[0].details, Some(json!({"actor": of_bob.session["actor"]["id"]})));
    let own = end(&two, two.id()).await;
    assert!(own.headers[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    server.close().await;
}

#[tokio::test]
async fn failed_sign_ins_are_counted_limited_and_recorded() {
    let server = TestServer::with(&[("max_failed_logins_per_minute", "3")], Clock::system()).await;
    let ada = server.user("ada").await;
    let mistyped = ada.key.replace("vk_", "vk_x");
    sign_in(&ada, "").await.is_error(401, None, Some("invalid_api_key"));
    sign_in(&ada, &mistyped).await.is_error(401, None, Some("invalid_api_key"));
    let forged = format!("venna_session={}", "A".repeat(43));
    let request = reqwest::Client::new().get(format!("{}/console/api/session", ada.url)).header("cookie", &forged);
    send(request).await.is_error(401, None, Some("session_expired"));
    let limited = sign_in(&ada, &mistyped).await;
    assert!(limited.headers.contains_key("retry-after"));
    limited.is_error(429, None, Some("rate_limit_exceeded"));
    sign_in(&ada, &ada.key).await.is_ok();
    let refused = audit(&server, &[Action::SignInRefused]).await;
    let reasons: Vec<_> = refused.iter().map(|entry| entry.details.as_ref().unwrap()["reason"].clone()).collect();
    assert_eq!(reasons, ["key_refused", "unknown_session", "key_refused", "key_refused"]);
    assert!(refused.iter().all(|entry| entry.origin.actor.to_string() == "anonymous"));
    assert!(refused.iter().all(|entry| entry.origin.address.is_some() && entry.origin.request.is_some()));
    let signed_in = audit(&server, &[Action::SignedIn]).await;
    assert_eq!(signed_in[0].details, Some(json!({"sign_in": "key"})));
    server.close().await;
}

#[tokio::test]
async fn a_bad_sign_in_says_what_is_wrong() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let post = |body: String| {
        let request = reqwest::Client::new().post(format!("{}/console/api/sign-in", ada.url));
        send(request.header("sec-fetch-site", "same-origin").body(body))
    };
    post("{}".to_owned()).await.is_error(400, Some("key"), None);
    post("key=vk_x".to_owned()).await.is_error(400, None, None);
    post(json!({"key": ada.key, "colour": "blue"}).to_string()).await.is_error(400, None, None);
    post(json!({"key": "x".repeat(5000)}).to_string()).await.is_error(400, None, None);
    let ways = reqwest::Client::new().get(format!("{}/console/api/sign-in", ada.url));
    assert_eq!(send(ways).await.is_ok().json(), json!({"object": "console.sign_in", "key": true, "oidc": false}));
    send(reqwest::Client::new().get(format!("{}/console/api/session", ada.url))).await.is_error(
        401,
        None,
        Some("session_expired"),
    );
    server.close().await;
}

#[tokio::test]
async fn a_new_sign_in_replaces_the_session_of_the_browser() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let before = Browser::sign_in(&ada).await;
    let request =
        reqwest::Client::new().post(format!("{}/console/api/sign-in", ada.url)).header("cookie", &before.cookie);
    send(request.header("origin", &ada.url).json(&json!({"key": ada.key}))).await.is_ok();
    before.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    server.close().await;
}

#[tokio::test]
async fn the_cookie_follows_the_public_url() {
    let settings = [("public_url", "https://files.example/venna")];
    let server = TestServer::with(&settings, Clock::system()).await;
    let ada = server.user("ada").await;
    let request = reqwest::Client::new().post(format!("{}/console/api/sign-in", ada.url));
    let request = request.header("host", "files.example").header("origin", "https://files.example");
    let answer = send(request.json(&json!({"key": ada.key}))).await.is_ok();
    let set = answer.headers[SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Secure-venna_session="), "{set}");
    assert!(set.ends_with("; Path=/venna/console; HttpOnly; SameSite=Strict; Secure"), "{set}");
    let cookie = cookie(&answer.headers);
    let list = reqwest::Client::new().get(format!("{}/console/api/v1/files", ada.url)).header("cookie", &cookie);
    send(list).await.is_ok();
    let plain = cookie.replace("__Secure-", "");
    let list = reqwest::Client::new().get(format!("{}/console/api/v1/files", ada.url)).header("cookie", plain);
    send(list).await.is_error(401, None, Some("session_expired"));
    server.close().await;
}

#[tokio::test]
async fn an_admin_key_opens_no_files_by_a_session_either() {
    let server = TestServer::open().await;
    let installation = server.installation().await;
    let (_, secret) = installation.keys.issue(Opens::Administration, "x", None, Origin::COMMAND_LINE).await.unwrap();
    let here = Browser::sign_in(&server.user_of(secret.expose())).await;
    here.get("/console/api/v1/files").await.is_error(403, None, Some("insufficient_permissions"));
    here.get("/console/api/v1/organization/projects").await.is_ok();
    server.close().await;
}
