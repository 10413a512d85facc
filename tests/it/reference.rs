//! The reference: what it says is what the server does. Every operation of the table of routes is described, and real
//! answers are valid against the document, with no member that it does not name.

use crate::matrix::{Ids, is_administrative, limit_spending, member, path, request};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use venna::clock::Clock;
use venna::http::catalogue::ErrorKind;
use venna::http::{Access, Route, routes};
use venna::model::api_key::{ApiKey, Opens};
use venna::model::audit::Origin;
use venna::model::ids::WorkspaceId;
use venna::model::scope::{Scope, Scopes};
use venna_testkit::{Answer, Form, TestServer, User};

const ORIGIN: Origin = Origin::COMMAND_LINE;

/// The schema, closed: a member that it does not name is an error, and so is one that it demands and that is missing.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        let schema = &document["components"]["schemas"][name];
        return if schema.is_object() { check(document, schema, value, at) } else { Err(format!("no {name}")) };
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let fits = options.iter().map(|option| check(document, option, value, at)).collect::<Vec<_>>();
        return fits.iter().find(|fit| fit.is_ok()).cloned().unwrap_or_else(|| Err(format!("{at}: {fits:?}")));
    }
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        other => return Err(format!("{at}: the schema has the type {other:?}")),
    };
    let is_constant = schema.get("const").is_none_or(|constant| constant == value);
    let is_listed = schema["enum"].as_array().is_none_or(|words| words.contains(value));
    let below = schema["minimum"].as_u64().is_some_and(|least| value.as_u64().is_none_or(|value| value < least));
    if !fits || !is_constant || !is_listed || below {
        return Err(format!("{at}: {value} is not {schema}"));
    }
    for (number, row) in value.as_array().into_iter().flatten().enumerate() {
        check(document, &schema["items"], row, &format!("{at}[{number}]"))?;
    }
    let Some(members) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        members.get(name).ok_or_else(|| format!("{at}: {name} is missing in {value}"))?;
    }
    if schema["additionalProperties"] == json!(true) {
        return Ok(());
    }
    for (name, member) in members {
        let schema = schema["properties"].get(name).ok_or_else(|| format!("{at}: {name} is not described"))?;
        check(document, schema, member, &format!("{at}.{name}"))?;
    }
    Ok(())
}

async fn document(actor: &User) -> Value {
    actor.send(actor.request(Method::GET, "/openapi.json")).await.is_ok().json()
}

/// What the document says of an answer of this status.
fn response<'a>(document: &'a Value, method: &str, path: &str, status: &str) -> &'a Value {
    let response = &document["paths"][path][method.to_ascii_lowercase()]["responses"][status];
    let Some(name) = response["$ref"].as_str() else { return response };
    &document["components"]["responses"][name.strip_prefix("#/components/responses/").unwrap()]
}

/// Returns the places where members that both objects have are in different orders, in inner objects, too.
fn other_orders(shown: &Value, real: &Value, at: &str, found: &mut Vec<String>) {
    for (one, other) in shown.as_array().into_iter().flatten().zip(real.as_array().into_iter().flatten()) {
        other_orders(one, other, at, found);
    }
    let (Some(shown), Some(real)) = (shown.as_object(), real.as_object()) else { return };
    let of_shown: Vec<&String> = shown.keys().filter(|name| real.contains_key(*name)).collect();
    let of_real: Vec<&String> = real.keys().filter(|name| shown.contains_key(*name)).collect();
    if of_shown != of_real {
        found.push(format!("{at}: {of_shown:?} is shown, {of_real:?} is answered"));
    }
    for name in of_shown {
        other_orders(&shown[name], &real[name], &format!("{at}.{name}"), found);
    }
}

/// An object with the properties of a schema, in their order, each with an object of its own, as far as the value has
/// them.
fn properties(document: &Value, schema: &Value, value: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        return properties(document, &document["components"]["schemas"][name], value);
    }
    if let Some(options) = schema["anyOf"].as_array() {
        return options
            .iter()
            .map(|option| properties(document, option, value))
            .find(Value::is_object)
            .unwrap_or_default();
    }
    if let Some(rows) = value.as_array() {
        return rows.iter().map(|row| properties(document, &schema["items"], row)).collect();
    }
    let (Some(described), Some(members)) = (schema["properties"].as_object(), value.as_object()) else {
        return Value::Null;
    };
    let there = described.iter().filter(|(name, _)| members.contains_key(*name));
    there.map(|(name, schema)| (name.clone(), properties(document, schema, &members[name]))).collect()
}

#[tokio::test]
async fn members_are_shown_in_the_order_of_the_wire() {
    let place = Place::open().await;
    let document = document(&place.ada).await;
    let (mut found, mut compared) = (Vec::new(), 0);
    for route in routes() {
        let (name, asker) = (format!("{} {}", route.method, route.path), place.asker(&route));
        let ids = place.spare().await;
        let ids =
            if is_administrative(route.access) { ids } else { Ids { project: place.workspace.to_string(), ..ids } };
        let answer = asker.send(request(asker, &route, &ids)).await.is_ok();
        let media = &response(&document, route.method.as_str(), route.path, "200")["content"]["application/json"];
        if media.is_object() {
            other_orders(&media["example"], &answer.json(), &format!("the example of {name}"), &mut found);
            let described = properties(&document, &media["schema"], &answer.json());
            other_orders(&described, &answer.json(), &format!("the schema of {name}"), &mut found);
            compared += 1;
        }
    }
    assert!(found.is_empty() && compared > 30, "{compared} compared\n{}", found.join("\n"));
    place.server.close().await;
}

/// What the document says of an answer of this operation, and the answer held against it.
#[track_caller]
fn is_described(document: &Value, method: &str, path: &str, answer: &Answer) {
    let name = format!("{method} {path} {}", answer.status);
    let response = response(document, method, path, answer.status.as_str());
    let kind = answer.headers["content-type"].to_str().unwrap();
    let media = &response["content"][kind];
    assert!(media.is_object(), "{name} with {kind} is not described");
    match kind {
        "application/json" => check(document, &media["schema"], &answer.json(), &name).unwrap(),
        "application/jsonl" => {
            let text = String::from_utf8(answer.body.clone().unwrap()).unwrap();
            assert!(!text.is_empty(), "{name} has lines");
            for line in text.lines() {
                let line = serde_json::from_str(line).unwrap();
                check(document, &json!({"$ref": "#/components/schemas/LedgerLine"}), &line, &name).unwrap();
            }
        }
        _ => assert!(answer.body.is_ok()),
    }
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let known: BTreeSet<String> = routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let described = venna::http::reference::described().map(|(method, path)| format!("{method} {path}"));
    assert_eq!(described.collect::<BTreeSet<_>>(), known);
}

/// A workspace, somebody who may do everything in it, and somebody whose only scope opens no route.
struct Place {
    server: TestServer,
    admin: User,
    workspace: WorkspaceId,
    key: ApiKey,
    ada: User,
    nobody: User,
}

impl Place {
    async fn open() -> Self {
        let server = TestServer::with(&[("max_failed_logins_per_minute", "0")], Clock::system()).await;
        let installation = server.installation().await;
        let workspace = installation.workspaces.create("ada", ORIGIN).await.unwrap().id;
        let produce = Scopes::named([Scope::FilesProduce.name()].into_iter()).unwrap();
        let (_, secret) =
            installation.keys.issue(Opens::Workspace(workspace, produce), "no", None, ORIGIN).await.unwrap();
        let nobody = server.user_of(secret.expose());
        let all = Opens::Workspace(workspace, Scopes::DEFAULT);
        let (key, secret) = installation.keys.issue(all, "ada", None, ORIGIN).await.unwrap();
        let (ada, admin) = (server.user_of(secret.expose()), server.admin().await);
        Self { server, admin, workspace, key, ada, nobody }
    }

    /// Whoever may ask this route.
    fn asker(&self, route: &Route) -> &User {
        if is_administrative(route.access) { &self.admin } else { &self.ada }
    }

    /// Things that there are.
    async fn ids(&self) -> Ids {
        let file = self.ada.create_file("a.txt", b"a").await.id();
        let upload = self.ada.create_upload(4).await.id();
        let part = self.ada.add_part(&upload, b"part").await.id();
        let made = self.ada.post_json(&format!("/v1/files/{file}/links"), &json!({})).await;
        let link = made.json()["id"].as_str().unwrap().to_owned();
        limit_spending(&self.server, self.workspace).await;
        let keys = self.server.installation().await.keys;
        let (admin_key, _) = keys.issue(Opens::Administration, "spare", None, ORIGIN).await.unwrap();
        let (key, admin_key) = (self.key.id.to_string(), admin_key.id.to_string());
        let person = member(&self.server, self.workspace, &file).await.to_string();
        Ids { file, upload, part, link, project: self.workspace.to_string(), key, admin_key, person }
    }

    /// The same with a project and a key that may change.
    async fn spare(&self) -> Ids {
        let (ids, installation) = (self.ids().await, self.server.installation().await);
        let workspace = installation.workspaces.create(&format!("spare {}", ids.file), ORIGIN).await.unwrap().id;
        let opens = Opens::Workspace(workspace, Scopes::DEFAULT);
        let (key, _) = installation.keys.issue(opens, "spare", None, ORIGIN).await.unwrap();
        limit_spending(&self.server, workspace).await;
        let person = member(&self.server, workspace, &format!("spare {}", ids.file)).await.to_string();
        Ids { project: workspace.to_string(), key: key.id.to_string(), person, ..ids }
    }

    /// The things of the examples, which there are not, in a project that there is where a key is named.
    fn of_examples(&self, route: &Route) -> Ids {
        let is_there = ["{api_key_id}", "{service_account_id}", "projects/{project_id}/users/{user_id}"]
            .iter()
            .any(|id| route.path.contains(id));
        let project = if is_there { self.workspace.to_string() } else { "ws_00VbjUjhHGglY7j08O6M3Oj9".to_owned() };
        Ids {
            file: "file-00VbjUjhHGglY7j08O6M3Oj9".into(),
            upload: "upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11".into(),
            part: "part_2f6b1a8e4a0c4d6f9b1f35d7c8e90a12".into(),
            link: "link_00VbjUjhHGglY7j08O6M3Oj9".into(),
            project,
            key: "key_00VbjUjhHGglY7j08O6M3Oj9".into(),
            admin_key: "key_00VbjV0eKQh2wXc7sT4uYb1m".into(),
            person: "user_00VbjUjhHGglY7j08O6M3Oj9".into(),
        }
    }
}

#[tokio::test]
async fn real_answers_are_what_the_document_says() {
    let place = Place::open().await;
    let document = document(&place.ada).await;
    for route in routes() {
        let (method, path, asker) = (route.method.as_str(), route.path, place.asker(&route));
        let ids = place.spare().await;
        let ids =
            if is_administrative(route.access) { ids } else { Ids { project: place.workspace.to_string(), ..ids } };
        let answer = asker.send(request(asker, &route, &ids)).await.is_ok();
        is_described(&document, method, path, &answer);
        if path.contains('{') {
            let missing = asker.send(request(asker, &route, &ids.never())).await;
            is_described(&document, method, path, &missing);
        }
    }
    place.server.close().await;
}

/// An error as the document shows it of an operation; nothing where it does not.
fn example<'a>(document: &'a Value, route: &Route, status: u16, name: &str) -> &'a Value {
    let response = response(document, route.method.as_str(), route.path, &status.to_string());
    &response["content"]["application/json"]["examples"][name]["value"]
}

#[tokio::test]
async fn the_errors_that_are_shown_are_those_that_are_answered() {
    let place = Place::open().await;
    let document = document(&place.ada).await;
    let keyless = place.server.user_of("vk_malformed");
    let (mut refused, mut missing) = (0, 0);
    for route in routes() {
        let (name, ids) = (format!("{} {}", route.method, route.path), place.of_examples(&route));
        let answer = keyless.send(request(&keyless, &route, &ids)).await;
        assert_eq!(answer.json(), *example(&document, &route, 401, "invalid_api_key"), "{name}");
        let shown = example(&document, &route, 403, "insufficient_permissions");
        assert_eq!(shown.is_object(), route.access != Access::AnyKey, "{name}");
        if shown.is_object() {
            let answer = place.nobody.send(request(&place.nobody, &route, &ids)).await;
            assert_eq!(answer.json(), *shown, "{name}");
            refused += 1;
        }
        let shown = example(&document, &route, 404, "not_found");
        assert!(shown.is_object() || !route.path.contains('{'), "{name}");
        if shown.is_object() {
            let asker = place.asker(&route);
            assert_eq!(asker.send(request(asker, &route, &ids)).await.json(), *shown, "{name}");
            missing += 1;
        }
    }
    assert!(refused > 25 && missing > 15, "{refused} refused, {missing} missing");
    place.server.close().await;
}

/// A request of this route that is wrong in the way that its example of 400 is about.
async fn wrong(place: &Place, route: &Route, document: &Value, ids: &Ids) -> RequestBuilder {
    let body = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()]["requestBody"];
    let schema = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
    let needs = document["components"]["schemas"][schema.rsplit('/').next().unwrap()]["required"].is_array();
    let asker = place.asker(route);
    let path = path(route, ids);
    match (route.method.as_str(), route.path) {
        ("POST", "/v1/uploads/{id}/cancel") => {
            let complete = place.ada.request(Method::POST, &path.replace("cancel", "complete"));
            place.ada.send(complete.json(&json!({"part_ids": [ids.part]}))).await.is_ok();
            asker.request(Method::POST, &path)
        }
        ("POST", "/v1/organization/projects/{project_id}/archive") => {
            let default = place.admin.send(place.admin.request(Method::GET, "/v1/organization/projects?limit=1")).await;
            asker.request(Method::POST, &path.replace(&ids.project, &default.ids()[0]))
        }
        ("POST", _) if body["content"]["multipart/form-data"].is_object() => {
            let form = Form::default().close();
            asker.request(Method::POST, &path).header("content-type", Form::content_type()).body(form)
        }
        // What lacks a field that must be there, or has one that is none.
        ("POST", _) => {
            asker.request(Method::POST, &path).json(&if needs { json!({}) } else { json!({"colour": "blue"}) })
        }
        (_, "/v1/organization/usage/files" | "/v1/organization/costs") => asker.request(Method::GET, &path),
        (_, "/v1/files/{id}/url") => asker.request(Method::GET, &format!("{path}?expiry=many")),
        _ => asker.request(Method::GET, &format!("{path}?limit=many")),
    }
}

#[tokio::test]
async fn the_bad_requests_that_are_shown_are_answered_so() {
    let place = Place::open().await;
    let document = document(&place.ada).await;
    let mut asked = 0;
    for route in routes() {
        let shown = example(&document, &route, 400, "invalid_request");
        if !shown.is_object() {
            continue;
        }
        let ids = place.ids().await;
        let request = wrong(&place, &route, &document, &ids).await;
        let answer = place.ada.send(request).await;
        let shown = shown.to_string().replace("upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11", &ids.upload);
        assert_eq!(answer.json().to_string(), shown, "{} {}", route.method, route.path);
        asked += 1;
    }
    assert!(asked > 15, "{asked} bad requests");
    place.server.close().await;
}

/// The sample body of each error of the catalogue, by its anchor.
async fn catalogue(place: &Place) -> BTreeMap<String, Value> {
    let page = place.ada.send(place.ada.request(Method::GET, "/docs/errors")).await.is_ok();
    let page = String::from_utf8(page.body.unwrap()).unwrap();
    let section = |text: &str| {
        let sample = text.split_once("data-language=\"json\"><code>").unwrap().1.split_once("</code>").unwrap().0;
        let sample = text_of(sample);
        (text.split('"').next().unwrap().to_owned(), serde_json::from_str(&sample).unwrap())
    };
    page.split("<h2 id=\"").skip(1).take(ErrorKind::ALL.len()).map(section).collect()
}

#[tokio::test]
async fn the_catalogue_shows_answers_as_they_are() {
    const LIMIT_BYTES: u64 = 1_048_576;
    let place = Place::open().await;
    let shown = catalogue(&place).await;
    let ada = &place.ada;
    let file = ada.create_file("a.txt", b"Hello, Files!\n").await.id();
    let get = |path: &str| ada.request(Method::GET, path);
    let post = |name: &str, key: &str| {
        let form = Form::default().field("purpose", "user_data").file(name, b"a").close();
        let request = ada.request(Method::POST, "/v1/files").header("content-type", Form::content_type());
        request.header("idempotency-key", key.to_owned()).body(form)
    };
    let poetry = Form::default().field("purpose", "poetry").file("a.txt", b"a").close();
    let poetry = ada.request(Method::POST, "/v1/files").header("content-type", Form::content_type()).body(poetry);
    ada.send(post("a.txt", "once")).await.is_ok();
    let content = format!("/v1/files/{file}/content");
    let keyless = reqwest::Client::new().get(format!("{}/v1/files", ada.url));
    let bad_key = reqwest::Client::new().get(format!("{}/v1/files", ada.url)).bearer_auth("vk_malformed");
    // HTTP/2 resets a request whose body is shorter than its length.
    let too_large = reqwest::Client::new().post(format!("{}/v1/files", ada.url)).bearer_auth(&ada.key);
    let too_large = too_large.header("content-type", Form::content_type());
    let too_large = too_large.header("content-length", "600000000").body(Vec::new());
    let asked = [
        ("invalid_request", poetry),
        ("integer_below_min_value", get("/v1/files?limit=0")),
        ("integer_above_max_value", get("/v1/files?limit=10001")),
        ("missing_key", keyless),
        ("invalid_api_key", bad_key),
        ("idempotency_key_reused", post("b.txt", "once")),
        ("insufficient_permissions", place.nobody.request(Method::DELETE, &format!("/v1/files/{file}"))),
        ("not_found", get("/v1/files/file-00VbjUjhHGglY7j08O6M3Oj9")),
        ("unknown_url", get("/v1/xyz")),
        ("method_not_supported", ada.request(Method::PUT, "/v1/files")),
        ("precondition_failed", get(&content).header("if-match", "\"another\"")),
        ("file_too_large", too_large),
        ("range_not_satisfiable", get(&content).header("range", "bytes=14-")),
        ("not_implemented", ada.request(Method::POST, "/v1/chat/completions")),
    ];
    for (name, request) in asked {
        assert_eq!(ada.send(request).await.json(), shown[name], "{name}");
    }
    let limits = format!("/v1/organization/projects/{}/limits", place.workspace);
    let set = |limits_of: Value| place.admin.request(Method::POST, &limits).json(&limits_of);
    place.admin.send(set(json!({"storage_bytes": LIMIT_BYTES}))).await.is_ok();
    let full = ada.create_file("big.bin", &vec![0; usize::try_from(LIMIT_BYTES).unwrap()]).await;
    assert_eq!(full.json(), shown["storage_quota_exceeded"]);
    place.admin.send(set(json!({"requests_per_minute": 1}))).await.is_ok();
    ada.list("").await.is_ok();
    let limited = ada.list("").await;
    let seconds = limited.headers["retry-after"].to_str().unwrap().to_owned();
    let message = limited.json()["error"]["message"].as_str().unwrap().replace(&format!("in {seconds}s"), "in 60s");
    assert_eq!(message, shown["rate_limit_exceeded"]["error"]["message"].as_str().unwrap());
    place.server.close().await;
}

#[tokio::test]
async fn pages_need_no_key_answer_head_and_are_kept_by_caches() {
    let server = TestServer::open().await;
    let reader = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", server.address());
    for path in [
        "/docs",
        "/docs.md",
        "/docs/create-file",
        "/docs/create-file.md",
        "/docs/types.d.ts",
        "/openapi.json",
        "/llms.txt",
        "/llms-full.txt",
    ] {
        let answer = reader.get(url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(
            policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe") && !policy.contains("http"),
            "{policy}"
        );
        let (etag, length) = (answer.headers()["etag"].clone(), answer.headers()["content-length"].clone());
        assert_eq!(answer.bytes().await.unwrap().len().to_string(), length.to_str().unwrap(), "{path}");
        let head = reader.head(url(path)).send().await.unwrap();
        assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &length), "{path}");
        let again = reader.get(url(path)).header("if-none-match", &etag).send().await.unwrap();
        assert_eq!((again.status().as_u16(), again.headers()["etag"].clone()), (304, etag), "{path}");
    }
    let plain = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let moved = plain.get(url("/docs/")).send().await.unwrap();
    assert_eq!((moved.status().as_u16(), moved.headers()["location"].to_str().unwrap()), (308, "../docs"));
    let post = reader.post(url("/docs")).send().await.unwrap();
    assert_eq!((post.status().as_u16(), post.headers()["allow"].to_str().unwrap()), (405, "GET,HEAD"));
    server.close().await;
}

#[tokio::test]
async fn an_unknown_page_is_a_page_for_browsers_and_an_envelope_for_clients() {
    let server = TestServer::open().await;
    let reader = reqwest::Client::new();
    for path in ["/docs/nothing", "/nothing/at/all", "/assets/0000000000000000/design.css"] {
        let url = format!("http://{}{path}", server.address());
        let page = reader.get(&url).header("accept", "text/html,*/*").send().await.unwrap();
        assert_eq!(
            (page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
        let text = page.text().await.unwrap();
        let root = "../".repeat(path.matches('/').count() - 1);
        assert!(text.contains("There is no such page") && text.contains(&format!("href=\"{root}docs\"")), "{text}");
        let envelope = reader.get(&url).send().await.unwrap();
        assert_eq!(envelope.status(), 404);
        let body: Value = envelope.json().await.unwrap();
        assert_eq!(body["error"]["message"], format!("Invalid URL (GET {path})"));
    }
    // The API is for programs: it answers a browser like every client.
    let api = reader.get(format!("http://{}/v1/nothing", server.address())).header("accept", "text/html");
    assert_eq!(api.send().await.unwrap().headers()["content-type"], "application/json");
    server.close().await;
}

#[tokio::test]
async fn the_root_is_a_page_for_browsers_and_json_for_programs() {
    let server = TestServer::open().await;
    let reader = reqwest::Client::new();
    let (origin, url) = (format!("http://{}", server.address()), format!("http://{}/", server.address()));
    let page = reader.get(&url).header("accept", "text/html,*/*").send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(page.headers()["vary"].to_str().unwrap().contains("accept"));
    let page = page.text().await.unwrap();
    for said in ["href=\"docs\"", "first-key", &format!("{origin}/v1</code>")] {
        assert!(page.contains(said), "{said}");
    }
    let summary: Value = reader.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(summary["api"], format!("{origin}/v1"));
    for name in ["docs", "openapi", "llms"] {
        let linked = reader.get(summary[name].as_str().unwrap()).send().await.unwrap();
        assert_eq!(linked.status(), 200, "{name}");
    }
    server.close().await;
}

#[tokio::test]
async fn files_of_the_design_are_compressed_and_kept_for_ever() {
    let server = TestServer::open().await;
    let reader = reqwest::Client::new();
    let get = |path: &str| reader.get(format!("http://{}{path}", server.address()));
    let page = get("/docs").send().await.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let page = page.text().await.unwrap();
    let folders: BTreeSet<&str> = page
        .split("\"./")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|path| path.starts_with("assets/"))
        .collect();
    assert!(folders.len() >= 5, "{folders:?}");
    for path in folders {
        let plain = get(&format!("/{path}")).send().await.unwrap();
        assert_eq!(
            (plain.status().as_u16(), &plain.headers()["cache-control"]),
            (200, &"public, max-age=31536000, immutable".parse().unwrap()),
            "{path}"
        );
        let packed = get(&format!("/{path}")).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(packed.headers()["vary"], "accept-encoding");
        let plain = (plain.headers()["etag"].clone(), plain.bytes().await.unwrap());
        if plain.1.len() >= 1024 {
            assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
            assert_ne!(packed.headers()["etag"], plain.0, "{path}: the tag of another form is another one");
            let etag = packed.headers()["etag"].clone();
            assert!(packed.bytes().await.unwrap().len() < plain.1.len(), "{path}");
            let again = get(&format!("/{path}")).header("accept-encoding", "gzip").header("if-none-match", etag);
            assert_eq!(again.send().await.unwrap().status(), 304, "{path}");
        }
    }
    server.close().await;
}

#[tokio::test]
async fn reading_is_neither_limited_nor_billed() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let ledger = || server.database().number("SELECT count(*) FROM ledger");
    let before = ledger();
    for _ in 0..50 {
        ada.send(ada.request(Method::GET, "/docs")).await.is_ok();
    }
    assert_eq!(ledger(), before);
    server.close().await;
}

/// All pages, by way of the list of contents.
async fn pages(server: &TestServer) -> Vec<(String, String)> {
    let reader = reqwest::Client::new();
    let get = |path: String| {
        let request = reader.get(format!("http://{}{path}", server.address()));
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    let overview = get("/docs".to_owned()).await;
    let contents = overview.split_once("<nav").unwrap().1.split_once("</nav>").unwrap().0;
    let mut found = Vec::new();
    for link in contents.split("href=\"./").skip(1) {
        let path = format!("/{}", link.split('"').next().unwrap());
        found.push((path.clone(), get(path).await));
    }
    found
}

#[tokio::test]
async fn pages_are_light_lead_nowhere_else_and_hold_the_definitions_whole() {
    const MAX_PAGE_BYTES: usize = 150_000;
    let server = TestServer::open().await;
    let origin = format!("http://{}", server.address());
    let all = pages(&server).await;
    assert_eq!(all.len(), routes().len() + 17);
    let known: BTreeSet<&str> = all.iter().map(|(path, _)| &**path).collect();
    for (path, html) in &all {
        assert!(html.len() <= MAX_PAGE_BYTES, "{path} has {} bytes", html.len());
        for (attribute, target) in html.split('"').zip(html.split('"').skip(1)) {
            if attribute.ends_with("src=") || attribute.ends_with("href=") {
                let root = if path == "/docs" { "./" } else { "../" };
                assert!(target.starts_with(root) || target.starts_with('#'), "{path} leads to {target}");
                let there = format!("/{}", target.strip_prefix(root).unwrap_or_default());
                let page = there.split('#').next().unwrap();
                let is_file =
                    there == "/" || there.starts_with("/assets/") || page.contains('.') || there.starts_with("/llms");
                assert!(target.starts_with('#') || is_file || known.contains(page), "{path} leads to {target}");
                let is_here = target.starts_with('#').then(|| html.contains(&format!("id=\"{}\"", &target[1..])));
                assert!(is_here.unwrap_or(true), "{path} has no {target}");
            }
        }
        assert!(html.matches("<h1").count() == 1, "{path} has one title");
        assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick"), "{path}");
    }
    let create = &all.iter().find(|(path, _)| path == "/docs/create-file").unwrap().1;
    let types = text_of(create);
    assert!(types.contains("\n  file: File | Blob;\n") && create.contains(&format!("{origin}/v1/files")));
    let order = [
        "<h1>",
        "class=\"endpoint\"",
        "data-action=\"try\"",
        "id=\"authorization\"",
        "id=\"header-parameters\"",
        "id=\"request-body\"",
        "id=\"samples\"",
        "id=\"responses\"",
        "id=\"examples\"",
        "id=\"errors\"",
        "id=\"types\"",
    ];
    let places: Vec<_> = order.map(|mark| create.find(mark).unwrap_or_else(|| panic!("{mark}"))).to_vec();
    assert!(places.is_sorted(), "{places:?}");
    let errors = &all.iter().find(|(path, _)| path == "/docs/errors").unwrap().1;
    let codes: BTreeSet<_> = ErrorKind::ALL.iter().filter_map(|kind| kind.entry().code).collect();
    let on_page: BTreeSet<_> = errors.split("<h2 id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(codes.is_subset(&on_page), "{codes:?} and {on_page:?}");
    assert_eq!(on_page.len(), ErrorKind::ALL.len());
    server.close().await;
}

/// The ids of a page.
fn ids_of(html: &str) -> Vec<&str> {
    html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn every_member_has_an_anchor_and_no_page_has_an_id_twice() {
    let server = TestServer::open().await;
    let all = pages(&server).await;
    for (path, html) in &all {
        let (ids, mut once) = (ids_of(html), BTreeSet::new());
        let twice: Vec<_> = ids.into_iter().filter(|id| !once.insert(*id)).collect();
        assert!(twice.is_empty(), "{path} has {twice:?} twice");
        let members: Vec<_> = once.iter().filter(|id| id.contains('.')).collect();
        assert_eq!(members.len(), html.matches("<div class=\"field-head\">").count(), "{path}");
        for id in members {
            assert!(html.contains(&format!("class=\"anchor\" href=\"#{id}\"")), "{path} has no link to {id}");
        }
    }
    for (path, id) in [
        ("/docs/list-files", "query.limit"),
        ("/docs/list-files", "response.data.id"),
        ("/docs/retrieve-file", "path.id"),
        ("/docs/create-file", "header.Idempotency-Key"),
        ("/docs/create-upload", "body.expires_after.seconds"),
        ("/docs/list-audit-logs", "query.effective_at.gte"),
    ] {
        let html = &all.iter().find(|(page, _)| page == path).unwrap().1;
        assert!(ids_of(html).contains(&id), "{path} has no {id}");
    }
    server.close().await;
}

#[tokio::test]
async fn every_page_leads_on_and_says_its_version() {
    let server = TestServer::open().await;
    let all = pages(&server).await;
    for ((path, html), (next, html_of_next)) in all.iter().zip(all.iter().skip(1)) {
        let link = |from: &str, rel: &str, to: &str| {
            let root = if from == "/docs" { "./" } else { "../" };
            format!("rel=\"{rel}\" href=\"{root}{}\"", &to[1..])
        };
        assert!(html.contains(&link(path, "next", next)), "{path} does not lead to {next}");
        assert!(html_of_next.contains(&link(next, "prev", path)), "{next} does not lead to {path}");
    }
    for (path, html) in &all {
        let footer = html.split_once("<footer").unwrap().1;
        let version = format!("docs/changes\">Version {}</a>", env!("CARGO_PKG_VERSION"));
        for said in ["openapi.json\"", "llms.txt\"", &version] {
            assert!(footer.contains(said), "{path} does not say {said}");
        }
    }
    let changes = &all.iter().find(|(path, _)| path == "/docs/changes").unwrap().1;
    assert!(changes.contains("<h1>Changes</h1>") && changes.contains("href=\"../docs/links\""), "{changes}");
    server.close().await;
}

/// The text of a page without its elements.
fn text_of(html: &str) -> String {
    let pieces = html.split('<').enumerate();
    let text: String =
        pieces.map(|(at, piece)| if at == 0 { piece } else { piece.split_once('>').unwrap().1 }).collect();
    text.replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
}

#[tokio::test]
async fn pages_work_below_the_path_of_a_proxy() {
    let server = TestServer::with(&[("public_url", "https://files.example/store")], Clock::system()).await;
    for (path, html) in &pages(&server).await {
        for target in
            html.split("href=\"").chain(html.split("src=\"")).skip(1).filter_map(|rest| rest.split('"').next())
        {
            assert!(!target.starts_with('/'), "{path} asks for {target} at the root of the proxy");
        }
    }
    let reader = reqwest::Client::new();
    let markdown = reader.get(format!("http://{}/docs/create-file.md", server.address()));
    let markdown = markdown.send().await.unwrap().text().await.unwrap();
    assert!(markdown.contains("](https://files.example/store/docs/errors#"), "{markdown}");
    assert!(markdown.contains("https://files.example/store/v1/files"), "{markdown}");
    server.close().await;
}

#[test]
fn scopes_are_in_the_document() {
    let document = venna::http::reference::openapi("http://127.0.0.1:8080");
    let scopes = &document["paths"]["/v1/files"]["post"]["x-required-scopes"];
    assert_eq!(*scopes, json!([Scope::FilesWrite.name()]));
    assert_eq!(document["servers"][0]["url"], "http://127.0.0.1:8080");
}
