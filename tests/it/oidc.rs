//! Sign-in by OpenID Connect against a small provider: what it accepts, and the forgeries that it refuses.

use crate::console::{Browser, audit, cookie, send};
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use venna::clock::Clock;
use venna::model::audit::{Action, Origin};
use venna::model::ids::PersonId;
use venna_testkit::issuer::{CLIENT_ID, CLIENT_SECRET, Fault, Forgery, Issuer};
use venna_testkit::{Answer, Form, TestServer};

const NOW_MS: u64 = 1_795_374_000_000;
const NOW: u64 = NOW_MS / 1000;

const RULES: &str = r#"[
    {"claim": "groups", "value": "readers", "workspace": "research", "role": "reader"},
    {"claim": "groups", "value": "writers", "workspace": "research", "role": "writer"},
    {"claim": "realm_access.roles", "value": "lead", "workspace": "research", "role": "owner"},
    {"claim": "groups", "value": "others", "workspace": "default", "role": "reader"},
    {"claim": "groups", "value": "lost", "workspace": "no such workspace", "role": "reader"},
    {"claim": "email", "value": "root@a.example", "role": "administrator"}
]"#;

/// A server whose people sign in at a provider.
pub struct World {
    /// The server.
    pub server: TestServer,
    /// The provider.
    pub issuer: Issuer,
    /// The workspace of the rules.
    pub research: String,
    client: Client,
    _secret: tempfile::NamedTempFile,
}

/// A sign-in under way: the cookie of the browser, and what it took to the provider.
pub struct Attempt {
    cookie: String,
    query: BTreeMap<String, String>,
}

impl World {
    /// Starts both, and makes the workspace of the rules.
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    async fn with(more: &[(&'static str, &str)]) -> Self {
        let issuer = Issuer::open();
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), format!("{CLIENT_SECRET}\n")).unwrap();
        let (url, file) = (issuer.url(), secret.path().display().to_string());
        let mut settings: Vec<(&'static str, &str)> = vec![
            ("oidc_issuer", &url),
            ("oidc_client_id", CLIENT_ID),
            ("oidc_client_secret_file", &file),
            ("oidc_rules", RULES),
        ];
        settings.extend(more);
        let server = TestServer::with(&settings, Clock::set_to(NOW_MS)).await;
        let installation = server.installation().await;
        let research = installation.workspaces.create("research", Origin::COMMAND_LINE).await.unwrap().id.to_string();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { server, issuer, research, client, _secret: secret }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    async fn begin_at(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// Begins a sign-in.
    pub async fn begin(&self) -> Attempt {
        self.begin_with("").await
    }

    async fn begin_with(&self, query: &str) -> Attempt {
        let response = self.begin_at(&format!("/console/sign-in/oidc{query}")).await;
        assert_eq!(response.status(), 303);
        let location = response.headers()["location"].to_str().unwrap();
        let (page, query) = location.split_once('?').unwrap();
        assert_eq!(page, format!("{}/authorize", self.issuer.url()));
        let query = query.split('&').map(|pair| pair.split_once('=').unwrap());
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Attempt { cookie: cookie(response.headers()), query }
    }

    /// Lets the provider accept a person.
    pub fn accept(&self, attempt: &Attempt, claims: &Value) -> String {
        let nonce = &attempt.query["nonce"];
        let claims = self.issuer.claims("ada", nonce, self.server.clock.now_seconds(), claims);
        let code = format!("code-of-{nonce}");
        self.issuer.state().codes.insert(code.clone(), claims);
        code
    }

    /// Comes back from the provider.
    pub async fn finish(&self, attempt: &Attempt, code: &str) -> Answer {
        self.finish_with(&attempt.cookie, &format!("code={code}&state={}", attempt.query["state"])).await
    }

    async fn finish_with(&self, cookie: &str, query: &str) -> Answer {
        let request = self.client.get(self.url(&format!("/console/sign-in/oidc/callback?{query}")));
        send(request.header("cookie", cookie)).await
    }

    /// Signs a person in.
    pub async fn sign_in(&self, claims: &Value) -> Browser {
        let attempt = self.begin().await;
        let code = self.accept(&attempt, claims);
        let answer = self.finish(&attempt, &code).await.is_ok();
        Browser::of(&self.url(""), &session_cookie(&answer.headers)).await
    }

    /// Signs a person in who has no access.
    async fn is_refused(&self, claims: &Value) -> Answer {
        let attempt = self.begin().await;
        let code = self.accept(&attempt, claims);
        self.finish(&attempt, &code).await
    }

    async fn reasons(&self) -> Vec<String> {
        let entries = audit(&self.server, &[Action::SignInRefused]).await;
        entries.iter().map(|entry| entry.details.as_ref().unwrap()["reason"].as_str().unwrap().to_owned()).collect()
    }

    async fn log_out(&self, token: &str) -> Answer {
        let body = format!("logout_token={token}");
        let request = self.client.post(self.url("/console/oidc/back-channel-logout")).body(body);
        send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }
}

fn session_cookie(headers: &HeaderMap) -> String {
    let lines = headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap());
    let session = lines.filter(|line| line.starts_with("venna_session=") && !line.contains("Max-Age=0"));
    session.map(|line| line.split(';').next().unwrap().to_owned()).next().expect("a session begins")
}

#[track_caller]
fn is_page(answer: &Answer, status: u16, said: &str) {
    let body = String::from_utf8_lossy(answer.body.as_ref().unwrap());
    assert_eq!(answer.status.as_u16(), status, "{body}");
    assert!(body.contains(said) && body.contains("Sign in again"), "{said}: {body}");
    assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let mut sets = answer.headers.get_all(SET_COOKIE).iter();
    assert!(sets.all(|line| !line.to_str().unwrap().starts_with("venna_session")));
}

#[tokio::test]
async fn a_person_signs_in_and_acts_under_a_name() {
    let world = World::open().await;
    let attempt = world.begin_with("?return_to=%2Fconsole%2Ffiles").await;
    let asked = &attempt.query;
    assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT_ID));
    assert_eq!((asked["code_challenge_method"].as_str(), asked["scope"].as_str()), ("S256", "openid+profile+email"));
    let claims =
        json!({"name": "Ada", "email": "ada@a.example", "email_verified": true, "groups": ["writers"], "sid": "s1"});
    let code = world.accept(&attempt, &claims);
    let answer = world.finish(&attempt, &code).await.is_ok();
    let page = String::from_utf8(answer.body.clone().unwrap()).unwrap();
    assert!(page.contains("http-equiv=\"refresh\" content=\"0; url=../../../console/files\""), "{page}");
    let exchange = world.issuer.state().exchanges[0].clone();
    assert_eq!(exchange["redirect_uri"], world.url("/console/sign-in/oidc/callback"));
    assert_eq!(exchange["grant_type"], "authorization_code");
    let here = Browser::of(&world.url(""), &session_cookie(&answer.headers)).await;
    let actor = &here.session["actor"];
    assert_eq!(
        (&actor["type"], &actor["name"], &actor["email"]),
        (&json!("person"), &json!("Ada"), &json!("ada@a.example"))
    );
    assert_eq!((&here.session["sign_in"]["oidc"], &here.session["role_administrator"]), (&json!(true), &json!(false)));
    let workspaces = json!([{"id": world.research, "name": "research", "role": "writer",
        "scopes": ["files.read", "files.write", "uploads.write", "usage.read"]}]);
    assert_eq!(here.session["workspaces"], workspaces);

    let form = Form::default().field("purpose", "user_data").file("a.txt", b"a").close();
    let upload = here.request(Method::POST, "/console/api/v1/files").header("content-type", Form::content_type());
    let id = send(upload.body(form)).await.id();
    here.delete(&format!("/console/api/v1/files/{id}")).await.is_ok();
    let person = actor["id"].as_str().unwrap();
    let log = audit(&world.server, &[Action::FileDeleted, Action::SignedIn, Action::PersonAdded]).await;
    assert!(log.iter().all(|entry| entry.origin.actor.to_string() == person), "{log:?}");
    assert_eq!(log.len(), 3);
    let admin = world.server.admin().await;
    let entries = admin.request(Method::GET, &format!("/v1/organization/audit_logs?actor_ids[]={person}"));
    let entries = admin.send(entries).await.is_ok().json();
    assert_eq!(entries["data"][0]["actor"]["session"]["user"]["id"], person);
    let found = async |path: &str| admin.send(admin.request(Method::GET, path)).await.is_ok().ids();
    let by_email = async |emails: &str| found(&format!("/v1/organization/audit_logs?{emails}&limit=100")).await.len();
    let entries = found(&format!("/v1/organization/audit_logs?actor_ids[]={person}&limit=100")).await.len();
    assert_eq!(by_email("actor_emails[]=ADA@a.example&actor_emails[]=bob@a.example").await, entries);
    assert_eq!(by_email("actor_emails[]=bob@a.example").await, 0);
    assert_eq!(by_email("actor_emails[]=ada@a.example&actor_ids[]=anonymous").await, 0, "filters are combined");
    let users = "/v1/organization/users?emails[]=Ada@A.example";
    assert_eq!(found(users).await, [person]);
    assert_eq!(found(&format!("{users}&after={person}")).await, [] as [String; 0]);
    let keys = format!("/v1/organization/projects/{}/api_keys", world.research);
    assert_eq!(admin.send(admin.request(Method::GET, &keys)).await.is_ok().ids(), [] as [String; 0]);
    assert_eq!(here.get("/console/api/v1/organization/projects").await.status.as_u16(), 403);
    world.server.close().await;
}

#[tokio::test]
async fn memberships_follow_the_claims_of_each_sign_in() {
    let world = World::open().await;
    let roles = |browser: &Browser| {
        let of = |one: &Value| format!("{} {}", one["name"].as_str().unwrap(), one["role"].as_str().unwrap());
        let mut roles: Vec<_> = browser.session["workspaces"].as_array().unwrap().iter().map(of).collect();
        roles.sort_unstable();
        roles
    };
    let first = world.sign_in(&json!({"groups": ["readers", "writers"]})).await;
    assert_eq!(roles(&first), ["research writer"], "the highest role counts");
    let second = world.sign_in(&json!({"groups": "readers", "realm_access": {"roles": ["lead"]}})).await;
    assert_eq!(roles(&second), ["research owner"]);
    assert_eq!(first.session["actor"]["id"], second.session["actor"]["id"]);
    let third = world.sign_in(&json!({"groups": ["readers", "others"]})).await;
    assert_eq!(roles(&third), ["default reader", "research reader"]);
    third.get("/console/api/v1/files").await.is_error(400, Some("OpenAI-Project"), None);
    let list = third.bare(Method::GET, "/console/api/v1/files");
    send(list.header("openai-project", &world.research)).await.is_ok();
    third.get(&format!("/console/api/v1/files?project={}", world.research)).await.is_ok();
    for foreign in ["ws_000000000000000000000000", "x"] {
        let list = third.bare(Method::GET, "/console/api/v1/files").header("openai-project", foreign);
        send(list).await.is_error(403, None, Some("insufficient_permissions"));
    }
    let delete = third.request(Method::DELETE, "/console/api/v1/files/file-x");
    let delete = send(delete.header("openai-project", &world.research)).await;
    delete.is_error(403, None, Some("insufficient_permissions"));
    let refused = world.is_refused(&json!({"groups": ["lost"], "name": "<b>Ada</b>"})).await;
    is_page(&refused, 403, "&lt;b&gt;Ada&lt;/b&gt;");
    third.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    let changes = audit(&world.server, &[Action::PersonAdded, Action::PersonUpdated, Action::PersonRemoved]).await;
    assert_eq!(changes.len(), 6, "{changes:?}");
    world.server.close().await;
}

#[tokio::test]
async fn claims_of_the_userinfo_endpoint_count_if_they_are_of_the_same_subject() {
    let world = World::open().await;
    world.issuer.state().userinfo = Some(json!({"sub": "ada", "groups": ["writers"], "iss": "x"}));
    assert_eq!(world.sign_in(&json!({})).await.session["workspaces"][0]["role"], "writer");
    world.issuer.state().userinfo = Some(json!({"sub": "bob", "groups": ["writers"]}));
    is_page(&world.is_refused(&json!({})).await, 403, "does not name its subject");
    world.server.close().await;
}

#[tokio::test]
async fn forged_tokens_begin_no_session() {
    let world = World::open().await;
    let good = json!({"groups": ["writers"]});
    let mut refused = 0;
    for (forgery, reason) in [
        (Forgery::AlgorithmNone, "token_signature_invalid"),
        (Forgery::PublicKeyAsSecret, "token_signature_invalid"),
        (Forgery::OtherKey, "token_signature_invalid"),
        (Forgery::Changed, "token_signature_invalid"),
    ] {
        world.issuer.state().forgery = forgery;
        is_page(&world.is_refused(&good).await, 403, "signature of the token is not valid");
        assert_eq!(world.reasons().await[0], reason, "{forgery:?}");
        refused += 1;
    }
    world.issuer.state().forgery = Forgery::None;
    for (claims, reason) in [
        (json!({"aud": "another"}), "token_audience_wrong"),
        (json!({"aud": [CLIENT_ID, "another"]}), "token_audience_wrong"),
        (json!({"azp": "another"}), "token_audience_wrong"),
        (json!({"aud": null}), "token_audience_wrong"),
        (json!({"iss": "https://evil.example"}), "token_issuer_wrong"),
        (json!({"exp": NOW - 61}), "token_expired"),
        (json!({"exp": null}), "token_expired"),
        (json!({"iat": NOW + 61}), "token_expired"),
        (json!({"nbf": NOW + 61}), "token_expired"),
        (json!({"nonce": "another"}), "token_nonce_wrong"),
        (json!({"nonce": null}), "token_nonce_wrong"),
        (json!({"sub": ""}), "token_subject_wrong"),
        (json!({"sub": "x".repeat(256)}), "token_subject_wrong"),
    ] {
        let mut all = good.clone();
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        is_page(&world.is_refused(&all).await, 403, "not valid");
        assert_eq!(world.reasons().await[0], reason, "{claims}");
        refused += 1;
    }
    for (claims, what) in [
        (json!({"exp": NOW - 59, "iat": NOW + 59, "nbf": NOW + 59}), "clocks may differ"),
        (json!({"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}), "several audiences"),
    ] {
        let mut all = good.clone();
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        assert_eq!(world.sign_in(&all).await.session["workspaces"][0]["role"], "writer", "{what}");
    }
    assert_eq!(world.reasons().await.len(), refused);
    world.server.close().await;
}

#[tokio::test]
async fn a_state_belongs_to_one_browser_and_a_code_to_one_attempt() {
    let world = World::open().await;
    let (mine, other) = (world.begin().await, world.begin().await);
    let code = world.accept(&mine, &json!({"groups": ["writers"]}));
    let state = &mine.query["state"];
    is_page(&world.finish_with(&other.cookie, &format!("code={code}&state={state}")).await, 400, "does not belong");
    is_page(&world.finish_with("x=1", &format!("code={code}&state={state}")).await, 400, "has begun no sign-in");
    is_page(&world.finish_with("venna_sign_in=x", &format!("code={code}&state={state}")).await, 400, "has begun");
    is_page(&world.finish_with(&mine.cookie, &format!("code={code}")).await, 400, "does not belong");
    is_page(&world.finish_with(&mine.cookie, &format!("state={state}")).await, 400, "does not belong");
    let denied = format!("error=access_denied&error_description=%3Cscript%3E&state={state}");
    let denied = world.finish_with(&mine.cookie, &denied).await;
    is_page(&denied, 403, "access_denied");
    let body = String::from_utf8(denied.body.unwrap()).unwrap();
    assert!(!body.contains("<script>alert") && !body.contains("%3Cscript"), "{body}");
    let foreign = format!("code={code}&state={state}&iss=https%3A%2F%2Fevil.example");
    is_page(&world.finish_with(&mine.cookie, &foreign).await, 403, "another issuer");
    world.finish(&mine, &code).await.is_ok();
    is_page(&world.finish(&mine, &code).await, 403, "invalid_grant");
    let stolen = world.accept(&mine, &json!({"groups": ["writers"]}));
    is_page(&world.finish(&other, &stolen).await, 403, "another sign-in");
    world.server.close().await;
}

#[tokio::test]
async fn a_sign_in_leads_to_pages_of_the_console_only() {
    let world = World::open().await;
    for (return_to, target) in [
        ("%2Fconsole%2Fkeys%3Fx%3D1", "console/keys?x=1"),
        ("https%3A%2F%2Fevil.example", "console"),
        ("%2F%2Fevil.example", "console"),
        ("%2Fconsole%2F..%2Fdocs", "console"),
        ("%2Fconsole%40evil.example", "console"),
        ("javascript%3Aalert(1)", "console"),
    ] {
        let attempt = world.begin_with(&format!("?return_to={return_to}")).await;
        let code = world.accept(&attempt, &json!({"groups": ["writers"]}));
        let page = String::from_utf8(world.finish(&attempt, &code).await.is_ok().body.unwrap()).unwrap();
        assert!(page.contains(&format!("content=\"0; url=../../../{target}\"")), "{return_to}: {page}");
    }
    world.server.close().await;
}

#[tokio::test]
async fn a_rotated_key_is_fetched_and_a_flood_of_unknown_ones_is_not() {
    let world = World::open().await;
    world.sign_in(&json!({"groups": ["writers"]})).await;
    let fetched = || world.issuer.state().requests.iter().filter(|path| *path == "/jwks").count();
    assert_eq!(fetched(), 1);
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    world.issuer.rotate_key("two");
    world.sign_in(&json!({"groups": ["writers"]})).await;
    assert_eq!(fetched(), 2);
    for number in 0..5 {
        world.issuer.rotate_key(&format!("unpublished {number}"));
        is_page(&world.is_refused(&json!({"groups": ["writers"]})).await, 403, "unknown key");
    }
    assert_eq!(fetched(), 2, "within the pause");
    world.server.close().await;
}

#[tokio::test]
async fn a_provider_that_fails_gives_a_page_and_keys_still_work() {
    let world = World::open().await;
    for fault in [Fault::Down, Fault::Long, Fault::Redirects] {
        world.issuer.state().fault = fault;
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        let answer = Answer::of(world.begin_at("/console/sign-in/oidc").await).await;
        is_page(&answer, 503, "does not answer");
        let begun = world.issuer.state().requests.len();
        is_page(&Answer::of(world.begin_at("/console/sign-in/oidc").await).await, 503, "does not answer");
        assert_eq!(world.issuer.state().requests.len(), begun, "{fault:?}: it is not asked again at once");
        let ada = world.server.user(match fault {
            Fault::Down => "down",
            Fault::Long => "long",
            _ => "redirects",
        });
        Browser::sign_in(&ada.await).await;
    }
    assert!(world.reasons().await.iter().all(|reason| reason == "provider_failed"));
    world.server.close().await;
}

#[tokio::test]
async fn the_provider_ends_sessions() {
    let world = World::open().await;
    let sign_in = async |sid: &str| world.sign_in(&json!({"groups": ["writers"], "sid": sid})).await;
    let (one, two, three) = (sign_in("s1").await, sign_in("s2").await, sign_in("s3").await);
    let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let token = |claims: Value| {
        let mut all = json!({"iss": world.issuer.url(), "aud": CLIENT_ID, "iat": NOW, "exp": NOW + 120, "jti": "j1",
            "events": events, "sub": "ada"});
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        world.issuer.sign(&all)
    };
    for (claims, what) in [
        (json!({"nonce": "n"}), "a nonce"),
        (json!({"events": {}}), "no event"),
        (json!({"aud": "another"}), "another client"),
        (json!({"iss": "https://evil.example"}), "another issuer"),
        (json!({"iat": NOW - 601}), "too old"),
        (json!({"exp": NOW - 61}), "expired"),
        (json!({"sub": null}), "nobody"),
        (json!({"jti": null}), "no id"),
    ] {
        let refused = world.log_out(&token(claims)).await;
        assert_eq!(refused.headers["cache-control"], "no-store");
        let error = refused.is_error(400, Some("logout_token"), None);
        assert!(error["message"].as_str().unwrap().contains("logout_token"), "{what}");
    }
    world.log_out("").await.is_error(400, Some("logout_token"), None);
    world.log_out("x.y.z").await.is_error(400, Some("logout_token"), None);
    world.issuer.state().forgery = Forgery::OtherKey;
    let forged = token(json!({}));
    world.issuer.state().forgery = Forgery::None;
    world.log_out(&forged).await.is_error(400, Some("logout_token"), None);
    one.get("/console/api/session").await.is_ok();
    assert_eq!(world.log_out(&token(json!({"sub": null, "sid": "s1"}))).await.status, 200);
    one.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    assert_eq!(world.log_out(&token(json!({"sub": "nobody"}))).await.status, 200);
    assert_eq!(world.log_out(&token(json!({"sid": "another"}))).await.status, 200);
    two.get("/console/api/session").await.is_ok();
    assert_eq!(world.log_out(&token(json!({}))).await.status, 200);
    for ended in [&two, &three] {
        ended.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    }
    let ended = audit(&world.server, &[Action::SignedOut]).await;
    assert_eq!(ended.len(), 3);
    world.server.close().await;
}

#[tokio::test]
async fn the_cookie_of_an_attempt_is_lax_and_short_lived() {
    let world = World::with(&[("public_url", "https://files.example/venna")]).await;
    let response = world.begin_at("/console/sign-in/oidc").await;
    let set = response.headers()[SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("venna_sign_in="), "{set}");
    assert!(set.ends_with("; Max-Age=900; Path=/venna/console/sign-in; HttpOnly; SameSite=Lax; Secure"), "{set}");
    let location = response.headers()["location"].to_str().unwrap();
    let callback = "redirect_uri=https%3A%2F%2Ffiles.example%2Fvenna%2Fconsole%2Fsign-in%2Foidc%2Fcallback";
    assert!(location.contains(callback), "{location}");
    world.server.close().await;
}

#[tokio::test]
async fn without_a_provider_there_is_a_page() {
    let server = TestServer::open().await;
    for path in ["/console/sign-in/oidc", "/console/sign-in/oidc/callback?code=x&state=y"] {
        let answer = send(Client::new().get(format!("http://{}{path}", server.address()))).await;
        is_page(&answer, 404, "Sign in with a key");
    }
    let request = Client::new().post(format!("http://{}/console/oidc/back-channel-logout", server.address()));
    send(request.body("logout_token=x")).await.is_error(404, None, None);
    server.close().await;
}

#[tokio::test]
async fn a_person_who_is_deleted_is_signed_out() {
    let world = World::open().await;
    let here = world.sign_in(&json!({"groups": ["writers"]})).await;
    let person: PersonId = here.session["actor"]["id"].as_str().unwrap().parse().unwrap();
    let people = world.server.installation().await.people;
    assert!(people.delete(person, Origin::COMMAND_LINE).await.unwrap());
    here.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    assert!(!people.delete(person, Origin::COMMAND_LINE).await.unwrap());
    world.server.close().await;
}
