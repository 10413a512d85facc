//! The tenant matrix: every route of the table of routes, asked with every kind of key and id that must not open it. A
//! route without a request here fails the test, and so does one that answers a foreign id otherwise than one that never
//! existed.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use venna::clock::Clock;
use venna::http::{Access, Route, routes};
use venna::model::api_key::{ApiKey, Opens};
use venna::model::audit::Origin;
use venna::model::ids::{PersonId, WorkspaceId};
use venna::model::limits::{Limit, LimitOwner};
use venna::model::person::{Identity, Role};
use venna::model::scope::{Scope, Scopes};
use venna_testkit::{Answer, Form, TestServer, User};

const ORIGIN: Origin = Origin::COMMAND_LINE;
const NOW_MS: u64 = 1_795_374_000_000;

/// What a request may name.
#[derive(Clone)]
pub struct Ids {
    pub file: String,
    pub upload: String,
    pub part: String,
    pub link: String,
    pub project: String,
    pub key: String,
    pub admin_key: String,
    pub person: String,
}

impl Ids {
    /// Ids of things that never existed, right beside these: where an id is a position in a list, it is the same one.
    pub fn never(&self) -> Self {
        let beside = |id: &String| {
            let (body, last) = id.split_at(id.len() - 1);
            format!("{body}{}", if last == "0" { "1" } else { "0" })
        };
        Self {
            file: beside(&self.file),
            upload: beside(&self.upload),
            part: beside(&self.part),
            link: beside(&self.link),
            project: beside(&self.project),
            key: beside(&self.key),
            admin_key: beside(&self.admin_key),
            person: beside(&self.person),
        }
    }

    fn all(&self) -> [&str; 8] {
        [&self.file, &self.upload, &self.part, &self.link, &self.project, &self.key, &self.admin_key, &self.person]
    }
}

/// A workspace, what it has, and its keys.
pub struct Tenant {
    pub workspace: WorkspaceId,
    owner: User,
    pub ids: Ids,
}

struct World {
    server: TestServer,
    admin: User,
}

impl World {
    async fn open() -> Self {
        let server = TestServer::with(&[("max_failed_logins_per_minute", "0")], Clock::set_to(NOW_MS)).await;
        let (_, admin) = issue(&server, Opens::Administration, None).await;
        Self { server, admin }
    }

    async fn key(&self, opens: Opens, valid_seconds: Option<u64>) -> (ApiKey, User) {
        issue(&self.server, opens, valid_seconds).await
    }

    async fn tenant(&self, name: &str) -> Tenant {
        tenant(&self.server, name).await
    }

    /// Keys of a workspace, or of administrators, that open nothing any more, and texts that never did.
    async fn dead_keys(&self, opens: Opens) -> Vec<(&'static str, User)> {
        let keys = self.server.installation().await.keys;
        let (_, live) = self.key(opens, None).await;
        let mut mistyped = live.key.clone();
        mistyped.replace_range(mistyped.len() - 1.., if mistyped.ends_with('0') { "1" } else { "0" });
        let (revoked, revoked_holder) = self.key(opens, None).await;
        keys.revoke(revoked.id, ORIGIN).await.unwrap();
        let (_, expired) = self.key(opens, Some(1)).await;
        let (rotated, rotated_out) = self.key(opens, None).await;
        keys.rotate(rotated.id, 0, ORIGIN).await.unwrap();
        let mut dead = vec![
            ("malformed", self.server.user_of("vk_malformed")),
            ("bad checksum", self.server.user_of(&mistyped)),
            ("revoked", revoked_holder),
            ("expired", expired),
            ("rotated out", rotated_out),
        ];
        if opens.workspace().is_some() {
            let archived = self.server.installation().await.workspaces.create(&live.key[..20], ORIGIN).await.unwrap();
            let (_, holder) = self.key(Opens::Workspace(archived.id, Scopes::ALL), None).await;
            self.server.installation().await.workspaces.archive(archived.id, ORIGIN).await.unwrap();
            dead.push(("archived", holder));
        }
        self.server.clock.set(self.server.clock.now_ms() + 2000);
        dead
    }
}

/// A workspace with one of everything.
pub async fn tenant(server: &TestServer, name: &str) -> Tenant {
    let workspace = server.installation().await.workspaces.create(name, ORIGIN).await.unwrap().id;
    let (key, owner) = issue(server, Opens::Workspace(workspace, Scopes::DEFAULT), None).await;
    let file = owner.create_file("secret.txt", b"secret").await.id();
    let upload = owner.create_upload(4).await.id();
    let part = owner.add_part(&upload, b"part").await.id();
    let made = owner.request(Method::POST, &format!("/v1/files/{file}/links"));
    let link = owner.send(made).await.json()["id"].as_str().unwrap().to_owned();
    limit_spending(server, workspace).await;
    let (admin_key, _) = issue(server, Opens::Administration, None).await;
    let person = member(server, workspace, name).await.to_string();
    let (key, admin_key) = (key.id.to_string(), admin_key.id.to_string());
    let ids = Ids { file, upload, part, link, project: workspace.to_string(), key, admin_key, person };
    Tenant { workspace, owner, ids }
}

/// A person who is a member of a workspace.
pub async fn member(server: &TestServer, workspace: WorkspaceId, subject: &str) -> PersonId {
    let (name, email) = (Some(subject.to_owned()), Some(format!("{}@a.example", subject.len())));
    let identity = Identity { issuer: "https://a.example".into(), subject: subject.into(), name, email };
    let people = server.installation().await.people;
    let person = people.sign_in(identity, &[], ORIGIN).await.unwrap().0.id;
    let set = people.set_member(person, Some(workspace), Some(Role::Writer), ORIGIN, None).await.unwrap();
    assert!(set.made().unwrap().is_some());
    person
}

/// Gives a workspace a limit that can be retrieved and lifted, and that it does not reach.
pub async fn limit_spending(server: &TestServer, workspace: WorkspaceId) {
    let (owner, wanted) = (LimitOwner::Workspace(workspace), vec![(Limit::MonthlySpendCents, Some(100_000))]);
    assert!(server.installation().await.workspaces.set_limits(owner, wanted, ORIGIN).await.unwrap());
}

async fn issue(server: &TestServer, opens: Opens, valid_seconds: Option<u64>) -> (ApiKey, User) {
    let (key, secret) = server.installation().await.keys.issue(opens, "matrix", valid_seconds, ORIGIN).await.unwrap();
    (key, server.user_of(secret.expose()))
}

/// The path of this route with these ids in it.
pub fn path(route: &Route, ids: &Ids) -> String {
    let id = match route.path.split('/').nth(2) {
        Some("uploads") => &ids.upload,
        Some("links") => &ids.link,
        _ => &ids.file,
    };
    let path = route.path.replace("{id}", id).replace("{project_id}", &ids.project);
    let path = path.replace("{api_key_id}", &ids.key).replace("{service_account_id}", &ids.key);
    let path = path.replace("{user_id}", &ids.person);
    path.replace("{rate_limit_id}", "rl-uploads").replace("{purpose}", "evals").replace("{key_id}", &ids.admin_key)
}

/// A request of this route that names these things.
pub fn request(actor: &User, route: &Route, ids: &Ids) -> RequestBuilder {
    let bare = actor.request(route.method.clone(), &path(route, ids));
    let form = |form: Form| bare.try_clone().unwrap().header("content-type", Form::content_type()).body(form.close());
    match (route.method.as_str(), route.path) {
        ("GET", "/v1/organization/usage/files" | "/v1/organization/costs") => {
            actor.request(Method::GET, &format!("{}?start_time={}", route.path, NOW_MS / 1000))
        }
        ("POST", "/v1/files") => form(Form::default().field("purpose", "user_data").file("a.txt", b"a")),
        ("POST", "/v1/uploads") => {
            bare.json(&json!({"bytes": 4, "filename": "a", "mime_type": "text/plain", "purpose": "user_data"}))
        }
        ("POST", "/v1/uploads/{id}/parts") => form(Form::default().named_file("data", "blob", b"more")),
        ("POST", "/v1/upload_links") => bare.json(&json!({"filename": "a", "purpose": "user_data"})),
        ("POST", "/v1/links/revoke") => bare.json(&json!({"all": true})),
        ("POST", "/v1/uploads/{id}/complete") => bare.json(&json!({"part_ids": [ids.part]})),
        ("POST", "/v1/organization/projects" | "/v1/organization/projects/{project_id}") => {
            bare.json(&json!({"name": format!("project of {}", &ids.project[10..])}))
        }
        (
            "POST",
            "/v1/organization/projects/{project_id}/api_keys"
            | "/v1/organization/projects/{project_id}/service_accounts"
            | "/v1/organization/projects/{project_id}/service_accounts/{service_account_id}"
            | "/v1/organization/admin_api_keys",
        ) => bare.json(&json!({"name": "another"})),
        ("POST", "/v1/organization/projects/{project_id}/api_keys/{api_key_id}") => {
            bare.json(&json!({"expires_in_seconds": 86_400}))
        }
        ("POST", "/v1/organization/projects/{project_id}/rate_limits/{rate_limit_id}") => {
            bare.json(&json!({"max_requests_per_1_minute": 100_000}))
        }
        ("POST", "/v1/organization/projects/{project_id}/default_expiries/{purpose}") => {
            bare.json(&json!({"expires_after": null}))
        }
        ("POST", "/v1/organization/projects/{project_id}/spend_limit") => {
            bare.json(&json!({"threshold_amount": 100_000, "currency": "USD", "interval": "month"}))
        }
        ("POST", "/v1/organization/projects/{project_id}/users") => {
            bare.json(&json!({"user_id": ids.person, "role": "reader"}))
        }
        ("POST", "/v1/organization/users/{user_id}" | "/v1/organization/projects/{project_id}/users/{user_id}") => {
            bare.json(&json!({"role": "reader"}))
        }
        ("POST", "/v1/organization/usage/adjustments") => bare
            .json(&json!({"project_id": ids.project, "line_item": "files.egress", "quantity": 1, "reason": "matrix"})),
        ("POST", path) if path.ends_with("/limits") => bare.json(&json!({"requests_per_minute": 100_000})),
        ("GET" | "DELETE", _)
        | (
            "POST",
            "/v1/uploads/{id}/cancel"
            | "/v1/files/{id}/links"
            | "/v1/links/{id}/revoke"
            | "/v1/organization/projects/{project_id}/archive"
            | "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/rotate",
        ) => bare,
        (method, path) => panic!("{method} {path} is not in the matrix: say here how it is asked"),
    }
}

/// Requests that name a thing of another in the query or the body, by a caller who may make them.
fn elsewhere(actor: &User, route: &Route, own: &Ids, foreign: &Ids) -> Option<RequestBuilder> {
    let after = |id: &str| actor.request(Method::GET, &format!("{}?after={id}", path(route, own)));
    match (route.method.as_str(), route.path) {
        ("GET", "/v1/organization/usage/files" | "/v1/organization/costs") => {
            let filter = format!("project_ids[]={}&api_key_ids[]={}", foreign.project, foreign.key);
            Some(actor.request(Method::GET, &format!("{}?start_time={}&{filter}", route.path, NOW_MS / 1000)))
        }
        ("POST", "/v1/organization/usage/adjustments") => {
            let named = json!({"project_id": own.project, "api_key_id": foreign.key, "line_item": "files.egress"});
            let mut body = named;
            (body["quantity"], body["reason"]) = (json!(1), json!("matrix"));
            Some(actor.request(Method::POST, route.path).json(&body))
        }
        ("GET", "/v1/files") => Some(after(&foreign.file)),
        ("GET", "/v1/links" | "/v1/files/{id}/links") => Some(after(&foreign.link)),
        ("GET", "/v1/uploads/{id}/parts") => Some(after(&foreign.part)),
        ("GET", "/v1/organization/projects") => Some(after(&foreign.project)),
        (
            "GET",
            "/v1/organization/projects/{project_id}/api_keys"
            | "/v1/organization/projects/{project_id}/service_accounts",
        ) => Some(after(&foreign.key)),
        ("POST", "/v1/uploads/{id}/complete") => {
            Some(request(actor, route, &Ids { part: foreign.part.clone(), ..own.clone() }))
        }
        ("GET", "/v1/organization/projects/{project_id}/users") => Some(after(&foreign.person)),
        (_, "/v1/organization/projects/{project_id}/users/{user_id}") => {
            Some(request(actor, route, &Ids { person: foreign.person.clone(), ..own.clone() }))
        }
        (_, "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits")
        | (
            "GET" | "POST" | "DELETE",
            "/v1/organization/projects/{project_id}/api_keys/{api_key_id}"
            | "/v1/organization/projects/{project_id}/service_accounts/{service_account_id}",
        )
        | ("POST", "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/rotate") => {
            Some(request(actor, route, &Ids { key: foreign.key.clone(), ..own.clone() }))
        }
        _ => None,
    }
}

/// An answer less what names the thing that was asked for.
fn masked(answer: &Answer, ids: &Ids) -> (u16, Vec<(String, String)>, String) {
    let (status, headers, mut body) = answer.comparable();
    for id in ids.all() {
        body = body.replace(id, "ID");
    }
    (status, headers, body)
}

/// Returns whether a route takes admin keys alone among keys.
pub const fn is_administrative(access: Access) -> bool {
    matches!(access, Access::Admin | Access::AdminOrOwner)
}

fn scope_of(access: Access) -> Option<Scope> {
    match access {
        Access::Scope(scope) | Access::AdminOr(scope) => Some(scope),
        Access::Admin | Access::AdminOrOwner | Access::AnyKey => None,
    }
}

#[tokio::test]
async fn every_route_takes_only_the_keys_that_it_says() {
    let world = World::open().await;
    let ada = world.tenant("ada").await;
    let everything = Opens::Workspace(ada.workspace, Scopes::ALL);
    let dead_of_workspace = world.dead_keys(everything).await;
    let dead_of_admins = world.dead_keys(Opens::Administration).await;
    let (_, all_scopes) = world.key(everything, None).await;
    let mut asked = 0;
    for route in routes() {
        let name = format!("{} {}", route.method, route.path);
        let stranger = reqwest::Client::new();
        let bare = request(&all_scopes, &route, &ada.ids).build().unwrap();
        let mut nobody = stranger.request(route.method.clone(), bare.url().clone());
        for (header, value) in bare.headers().iter().filter(|(header, _)| *header != "authorization") {
            nobody = nobody.header(header, value);
        }
        world.admin.send(nobody).await.is_error(401, None, None);
        let dead = if is_administrative(route.access) { &dead_of_admins } else { &dead_of_workspace };
        for (case, holder) in dead {
            let answer = holder.send(request(holder, &route, &ada.ids)).await;
            assert_eq!(answer.status, 401, "{name} with a key that is {case}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"Venna Files\"", "{name}, {case}");
            answer.is_error(401, None, Some("invalid_api_key"));
        }
        asked += dead.len() + 1;
        if let Some(scope) = scope_of(route.access) {
            let others = Scope::ALL.into_iter().filter(|other| *other != scope).map(Scope::name);
            let opens = Opens::Workspace(ada.workspace, Scopes::named(others).unwrap());
            let (_, narrow) = world.key(opens, None).await;
            let refused = narrow.send(request(&narrow, &route, &ada.ids)).await;
            assert_eq!(refused.status, 403, "{name} without {scope}");
            let error = refused.is_error(403, None, Some("insufficient_permissions"));
            assert!(error["message"].as_str().unwrap().contains(scope.name()), "{name}: {error}");
            if matches!(route.access, Access::Scope(_)) {
                let admin = world.admin.send(request(&world.admin, &route, &ada.ids)).await;
                assert_eq!(admin.status, 403, "{name} with an admin key");
                admin.is_error(403, None, Some("insufficient_permissions"));
            }
            asked += 2;
        }
        if is_administrative(route.access) {
            let refused = all_scopes.send(request(&all_scopes, &route, &ada.ids)).await;
            assert_eq!(refused.status, 403, "{name} with a workspace key");
            refused.is_error(403, None, Some("insufficient_permissions"));
            asked += 1;
        }
    }
    assert!(asked > 5 * routes().len());
    ada.owner.download_file(&ada.ids.file).await.is_bytes(b"secret");
    assert_eq!(ada.owner.retrieve_upload(&ada.ids.upload).await.json()["status"], "pending");
    world.server.close().await;
}

#[tokio::test]
async fn a_foreign_id_answers_like_one_that_never_existed_on_every_route() {
    let world = World::open().await;
    let (ada, bob) = (world.tenant("ada").await, world.tenant("bob").await);
    let never = ada.ids.never();
    let mut compared = 0;
    for route in routes() {
        let name = format!("{} {}", route.method, route.path);
        let asker = if is_administrative(route.access) { &world.admin } else { &bob.owner };
        if route.path.contains("{id}") {
            let mut methods = vec![route.method.clone()];
            methods.extend((route.method == Method::GET).then_some(Method::HEAD));
            for method in methods {
                let asked = |ids| on_path(asker, &method, &route, ids);
                let foreign = masked(&asker.send(asked(&ada.ids)).await, &ada.ids);
                let unknown = masked(&asker.send(asked(&never)).await, &never);
                assert_eq!(foreign, unknown, "{name}");
                assert_eq!(foreign.0, 404, "{name}");
                compared += 1;
            }
        }
        let requests = (elsewhere(asker, &route, &bob.ids, &ada.ids), elsewhere(asker, &route, &bob.ids, &never));
        if let (Some(foreign), Some(unknown)) = requests {
            let foreign = masked(&asker.send(foreign).await, &ada.ids);
            let unknown = masked(&asker.send(unknown).await, &never);
            // To an administrator every project is known; only its keys are looked for in one.
            if route.path != "/v1/organization/projects" {
                assert_eq!(foreign, unknown, "{name}, an id in the query or the body");
            }
            compared += 1;
        }
        if !is_administrative(route.access) && route.method == Method::GET && !route.path.contains("{id}") {
            let answer = bob.owner.send(request(&bob.owner, &route, &bob.ids)).await.is_ok();
            let body = String::from_utf8(answer.body.unwrap()).unwrap();
            assert!(ada.ids.all().iter().all(|id| !body.contains(id)), "{name} shows what is another's: {body}");
        }
    }
    assert!(compared >= 15, "{compared}");
    for tenant in [&ada, &bob] {
        tenant.owner.download_file(&tenant.ids.file).await.is_bytes(b"secret");
        assert_eq!(tenant.owner.retrieve_upload(&tenant.ids.upload).await.json()["status"], "pending");
    }
    world.server.close().await;
}

/// A request of this route, or what `HEAD` asks of it.
fn on_path(actor: &User, method: &Method, route: &Route, ids: &Ids) -> RequestBuilder {
    if *method == Method::HEAD { actor.request(Method::HEAD, &path(route, ids)) } else { request(actor, route, ids) }
}

/// The requests of the matrix are good ones: whoever may make them is answered 200.
#[tokio::test]
async fn every_route_answers_its_rightful_caller() {
    let world = World::open().await;
    for (number, route) in routes().into_iter().enumerate() {
        let tenant = world.tenant(&format!("tenant {number}")).await;
        let asker = if is_administrative(route.access) { &world.admin } else { &tenant.owner };
        let answer = asker.send(request(asker, &route, &tenant.ids)).await;
        assert_eq!(answer.status, 200, "{} {}: {:?}", route.method, route.path, answer.body);
    }
    world.server.close().await;
}

/// Which keys the product says that each route takes.
#[test]
fn the_scopes_are_those_of_the_product() {
    for route in routes() {
        let expected = match (route.method.as_str(), route.path) {
            // Who may read may let others read.
            (_, "/v1/files/{id}/links") | ("GET", "/v1/links" | "/v1/links/{id}") => Access::Scope(Scope::FilesRead),
            (_, path) if path.starts_with("/v1/links") || path == "/v1/upload_links" => {
                Access::Scope(Scope::FilesWrite)
            }
            ("GET", path) if path.starts_with("/v1/files") => Access::Scope(Scope::FilesRead),
            (_, path) if path.starts_with("/v1/files") => Access::Scope(Scope::FilesWrite),
            (_, path) if path.starts_with("/v1/uploads") => Access::Scope(Scope::UploadsWrite),
            (_, "/v1/models" | "/v1/organization/key") => Access::AnyKey,
            ("GET", path) if path.starts_with("/v1/organization/usage/") || path == "/v1/organization/costs" => {
                Access::AdminOr(Scope::UsageRead)
            }
            (method, path) if is_of_owner(method, path) => Access::AdminOrOwner,
            _ => Access::Admin,
        };
        assert_eq!(route.access, expected, "{} {}", route.method, route.path);
    }
}

/// The routes of the owner of a project: everything with its keys, members and default expiries, and read its limits.
fn is_of_owner(method: &str, path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/v1/organization/projects/{project_id}") else { return false };
    let is_limit = rest.ends_with("/limits") || rest.starts_with("/rate_limits") || rest == "/spend_limit";
    match rest.split('/').nth(1) {
        None => method == "GET",
        Some("api_keys" | "service_accounts" | "users" | "default_expiries") if !is_limit => true,
        Some(_) => is_limit && method == "GET",
    }
}
