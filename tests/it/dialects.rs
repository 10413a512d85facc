//! The dialects beside OpenAI's: which keys open their routes, what is of another workspace, their errors, and that all
//! have the same Files.

mod anthropic;
mod gemini;
mod ledger;
mod mistral;

use crate::matrix::tenant;
use reqwest::{Method, RequestBuilder};
use venna::http::{Access, Route, dialect_routes};
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::dialect::Dialect;
use venna::model::ids::FileId;
use venna::model::scope::{Scope, Scopes};
use venna_testkit::{Answer, Form, TestServer, User};

const ORIGIN: Origin = Origin::COMMAND_LINE;

fn path(dialect: Dialect, route: &Route, id: &str) -> String {
    format!("/{}{}", dialect.name(), route.path.replace("{id}", id))
}

/// A request of a route that names this File.
fn request(user: &User, dialect: Dialect, route: &Route, id: &str) -> RequestBuilder {
    let bare = user.request(route.method.clone(), &path(dialect, route, id));
    match (dialect, route.method.as_str(), route.path) {
        (_, "POST", "/v1/files") => {
            bare.header("content-type", Form::content_type()).body(Form::default().file("a.txt", b"a").close())
        }
        (Dialect::Gemini, "POST", _) => bare.header("x-goog-upload-protocol", "resumable"),
        (_, "GET" | "DELETE", _) => bare,
        (_, method, path) => panic!("{method} {path} of {} is not in the matrix", dialect.name()),
    }
}

fn routes() -> impl Iterator<Item = (Dialect, Route)> {
    let of = |dialect| dialect_routes(dialect).into_iter().map(move |route| (dialect, route));
    Dialect::foreign().flat_map(of)
}

/// The message of an error, in the shape of its dialect.
fn message(dialect: Dialect, answer: &Answer) -> String {
    assert_eq!(answer.headers["content-type"], "application/json");
    let body = answer.json();
    let text = match dialect {
        Dialect::OpenAi => body["error"]["message"].as_str(),
        Dialect::Mistral => body["detail"].as_str().filter(|_| body.as_object().unwrap().len() == 1),
        Dialect::Anthropic => {
            let request_id = answer.headers["request-id"].to_str().unwrap();
            assert_eq!((body["type"].as_str(), body["request_id"].as_str()), (Some("error"), Some(request_id)));
            body["error"]["message"].as_str().filter(|_| body["error"]["type"].as_str().is_some())
        }
        Dialect::Gemini => {
            assert_eq!(body["error"]["code"], answer.status.as_u16());
            body["error"]["message"].as_str().filter(|_| body["error"]["status"].as_str().is_some())
        }
    };
    text.unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// The status of a File that the workspace does not have.
const fn missing(dialect: Dialect) -> u16 {
    match dialect {
        Dialect::Gemini => 403,
        Dialect::OpenAi | Dialect::Mistral | Dialect::Anthropic => 404,
    }
}

/// The forms in which the dialects write an id.
fn forms(id: &str) -> [String; 3] {
    let id = FileId::of_any_dialect(id).unwrap();
    [id.to_string(), id.underscored(), id.in_lower_case()]
}

async fn key(server: &TestServer, opens: Opens) -> User {
    let (_, secret) = server.installation().await.keys.issue(opens, "dialects", None, ORIGIN).await.unwrap();
    server.user_of(secret.expose())
}

#[tokio::test]
async fn every_route_of_every_dialect_takes_the_keys_that_it_says() {
    let server = TestServer::open().await;
    let ada = tenant(&server, "ada").await;
    let (stranger, admin) = (server.user_of("vk_nothing"), key(&server, Opens::Administration).await);
    for (dialect, route) in routes() {
        let Access::Scope(scope) = route.access else { panic!("{route:?} needs a scope") };
        let others = Scopes::named(Scope::ALL.into_iter().filter(|other| *other != scope).map(Scope::name)).unwrap();
        let narrow = key(&server, Opens::Workspace(ada.workspace, others)).await;
        for (user, status) in [(&stranger, 401), (&narrow, 403), (&admin, 403)] {
            let answer = user.send(request(user, dialect, &route, &ada.ids.file)).await;
            assert_eq!(answer.status, status, "{} {}", route.method, path(dialect, &route, "ID"));
            assert!(!message(dialect, &answer).is_empty());
        }
    }
    server.close().await;
}

#[tokio::test]
async fn a_foreign_file_is_one_that_never_existed_in_every_dialect() {
    let server = TestServer::open().await;
    let (ada, bob) = (tenant(&server, "ada").await, tenant(&server, "bob").await);
    let bob = key(&server, Opens::Workspace(bob.workspace, Scopes::ALL)).await;
    let never = ada.ids.never().file;
    for (dialect, route) in routes() {
        let name = format!("{} {}", route.method, path(dialect, &route, "ID"));
        if route.path.contains("{id}") {
            let foreign = bob.send(request(&bob, dialect, &route, &ada.ids.file)).await;
            let unknown = bob.send(request(&bob, dialect, &route, &never)).await;
            let status = missing(dialect);
            assert_eq!((foreign.status.as_u16(), unknown.status.as_u16()), (status, status), "{name}");
            let masked = |answer: &Answer, id: &str| message(dialect, answer).replace(id, "ID");
            assert_eq!(masked(&foreign, &ada.ids.file), masked(&unknown, &never), "{name}");
        } else if route.method == Method::GET {
            let listed = bob.send(request(&bob, dialect, &route, "")).await.is_ok();
            let listed = String::from_utf8(listed.body.unwrap()).unwrap();
            for form in forms(&ada.ids.file) {
                assert!(!listed.contains(&form), "{name}");
            }
        }
    }
    let kept = key(&server, Opens::Workspace(ada.workspace, Scopes::ALL)).await;
    kept.download_file(&ada.ids.file).await.is_bytes(b"secret");
    server.close().await;
}

#[tokio::test]
async fn what_has_no_route_is_refused_in_the_dialect() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let stranger = server.user_of("vk_nothing");
    for dialect in Dialect::foreign() {
        let base = dialect.name();
        for (user, method, path, status) in [
            (&ada, Method::GET, format!("/{base}/v1/nothing"), 404),
            (&ada, Method::PUT, format!("/{base}/v1/files"), 405),
            (&stranger, Method::GET, format!("/{base}/v1/nothing"), 401),
            (&stranger, Method::GET, format!("/{base}"), 401),
        ] {
            let answer = user.send(user.request(method, &path)).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(!message(dialect, &answer).contains("Did you mean"), "no hint leads to another dialect");
        }
        let head = ada.send(ada.request(Method::HEAD, &format!("/{base}/v1/files/file-0"))).await;
        assert_eq!((head.status.as_u16(), head.body.unwrap().len()), (missing(dialect), 0));
    }
    server.close().await;
}

/// The base path of a dialect; none for OpenAI's.
fn base(dialect: Dialect) -> String {
    match dialect {
        Dialect::OpenAi => String::new(),
        Dialect::Mistral | Dialect::Anthropic | Dialect::Gemini => format!("/{}", dialect.name()),
    }
}

/// Uploads a file in a dialect. Returns its id there.
async fn upload_in(user: &User, dialect: Dialect, content: &[u8]) -> String {
    let form = Form::default().file("a.txt", content);
    match dialect {
        Dialect::OpenAi => user.post(form.field("purpose", "user_data")).await.id(),
        Dialect::Mistral | Dialect::Anthropic => {
            let path = format!("{}/v1/files", base(dialect));
            let request = user.request(Method::POST, &path).header("content-type", Form::content_type());
            user.send(request.body(form.close())).await.id()
        }
        Dialect::Gemini => {
            let request = user.request(Method::POST, "/gemini/upload/v1/files").header("x-goog-upload-protocol", "raw");
            let made = user.send(request.body(content.to_vec())).await.is_ok().json();
            made["file"]["name"].as_str().unwrap().strip_prefix("files/").unwrap().to_owned()
        }
    }
}

fn content_in(dialect: Dialect, id: &str) -> String {
    let end = if dialect == Dialect::Gemini { ":download" } else { "/content" };
    format!("{}/v1/files/{id}{end}", base(dialect))
}

#[tokio::test]
async fn a_file_of_each_dialect_is_read_in_each() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let dialects = Dialect::ALL;
    let long = vec![0; 300_000];
    for (written, content) in dialects.iter().zip([&b"of the first"[..], b"of the second", b"", &long]) {
        let id = upload_in(&ada, *written, content).await;
        for read in &dialects {
            for form in forms(&id).into_iter().chain([id.clone()]) {
                let read = ada.request(Method::GET, &content_in(*read, &form));
                ada.send(read).await.is_bytes(content);
            }
        }
    }
    server.close().await;
}
