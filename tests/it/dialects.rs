//! The dialects beside OpenAI's: which keys open their routes, what is of another workspace, and their errors.

use crate::matrix::tenant;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use venna::http::{Access, Route, dialect_routes};
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::dialect::Dialect;
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
        (Dialect::Mistral, "POST", "/v1/files") => {
            bare.header("content-type", Form::content_type()).body(Form::default().file("a.txt", b"a").close())
        }
        (_, "GET" | "DELETE", _) => bare,
        (_, method, path) => panic!("{method} {path} of {} is not in the matrix", dialect.name()),
    }
}

fn routes() -> impl Iterator<Item = (Dialect, Route)> {
    let of = |dialect| dialect_routes(dialect).into_iter().map(move |route| (dialect, route));
    Dialect::FOREIGN.into_iter().flat_map(of)
}

/// The message of an error, in the shape of its dialect.
fn message(dialect: Dialect, answer: &Answer) -> String {
    assert_eq!(answer.headers["content-type"], "application/json");
    let body = answer.json();
    let text = match dialect {
        Dialect::OpenAi => body["error"]["message"].as_str(),
        Dialect::Mistral => body["detail"].as_str().filter(|_| body.as_object().unwrap().len() == 1),
    };
    text.unwrap_or_else(|| panic!("{body}")).to_owned()
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
            assert_eq!((foreign.status.as_u16(), unknown.status.as_u16()), (404, 404), "{name}");
            let masked = |answer: &Answer, id: &str| message(dialect, answer).replace(id, "ID");
            assert_eq!(masked(&foreign, &ada.ids.file), masked(&unknown, &never), "{name}");
        } else if route.method == Method::GET {
            let listed = bob.send(request(&bob, dialect, &route, "")).await.is_ok();
            assert!(!String::from_utf8(listed.body.unwrap()).unwrap().contains(&ada.ids.file), "{name}");
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
    for dialect in Dialect::FOREIGN {
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
        assert_eq!((head.status.as_u16(), head.body.unwrap().len()), (404, 0));
    }
    server.close().await;
}

mod mistral {
    use super::*;

    async fn upload(user: &User, form: Form) -> Answer {
        let request = user.request(Method::POST, "/mistral/v1/files").header("content-type", Form::content_type());
        user.send(request.body(form.close())).await
    }

    async fn list(user: &User, query: &str) -> Value {
        user.send(user.request(Method::GET, &format!("/mistral/v1/files?{query}"))).await.is_ok().json()
    }

    #[tokio::test]
    async fn fields_come_in_any_order_and_later_ones_are_passed_over() {
        let server = TestServer::open().await;
        let ada = server.user("ada").await;
        let form = Form::default().file("scan.pdf", b"%PDF").field("expiry", "2").field("purpose", "ocr");
        let made = upload(&ada, form.field("visibility", "workspace").field("of_2030", "x")).await.is_ok().json();
        let created_at = made["created_at"].as_u64().unwrap();
        let expected = json!({"id": made["id"], "object": "file", "bytes": 4, "created_at": created_at,
            "filename": "scan.pdf", "purpose": "ocr", "sample_type": "instruct", "source": "upload",
            "mimetype": "application/pdf", "expires_at": created_at + 7200, "visibility": "workspace"});
        assert_eq!(made, expected);
        let plain = upload(&ada, Form::default().file("a", b"x")).await.is_ok().json();
        assert_eq!((&plain["purpose"], &plain["expires_at"]), (&json!("ocr"), &Value::Null));
        server.close().await;
    }

    #[tokio::test]
    async fn what_is_not_valid_is_422_and_leaves_nothing() {
        let server = TestServer::open().await;
        let ada = server.user("ada").await;
        let file = |form: Form| form.file("a.txt", b"x");
        for (form, said) in [
            (Form::default().field("purpose", "ocr"), "'file'"),
            (file(Form::default().field("purpose", "poetry")), "poetry"),
            (file(Form::default().field("purpose", "batch_output")), "batch_output"),
            (file(Form::default().field("purpose", "batch")), ".jsonl"),
            (file(Form::default().field("visibility", "user")), "visibility"),
            (file(Form::default().field("expiry", "0")), "expiry"),
            (file(Form::default()).field("expiry", "721"), "expiry"),
            (file(Form::default()).field("expiry", "soon"), "expiry"),
            (file(Form::default()).field("purpose", "ocr").field("purpose", "ocr"), "purpose"),
            (file(file(Form::default())), "file"),
        ] {
            let refused = upload(&ada, form).await;
            assert_eq!(refused.status, 422);
            let message = message(Dialect::Mistral, &refused);
            assert!(message.contains(said), "{message}");
        }
        assert_eq!(list(&ada, "").await["total"], 0);
        server.close().await;
    }

    #[tokio::test]
    async fn one_key_is_another_request_in_another_dialect() {
        let server = TestServer::open().await;
        let ada = server.user("ada").await;
        let form = || Form::default().field("purpose", "user_data").file("a", b"x");
        let made = ada.create_once("k", form()).await.id();
        let keyed = ada.keyed("/mistral/v1/files", "k").header("content-type", Form::content_type());
        let refused = ada.send(keyed.body(form().close())).await;
        assert_eq!(refused.status, 400);
        assert!(message(Dialect::Mistral, &refused).contains("Idempotency-Key"));
        let again = || ada.keyed("/mistral/v1/files", "other").header("content-type", Form::content_type());
        let first = ada.send(again().body(form().close())).await.is_ok().json();
        let second = ada.send(again().body(form().close())).await.is_ok();
        assert!(second.headers.contains_key("idempotent-replayed"));
        assert_eq!(second.json(), first);
        assert_eq!(list(&ada, "").await["data"][1]["id"], made);
        server.close().await;
    }

    #[tokio::test]
    async fn pages_meet_every_file_once_and_filters_count() {
        let server = TestServer::open().await;
        let ada = server.user("ada").await;
        for number in 0..1203 {
            let name = if number % 100 == 0 { format!("Hundred {number}.csv") } else { number.to_string() };
            ada.create_file(&name, b"x").await.id();
        }
        let mut seen = Vec::new();
        for page in 0..4 {
            let page = list(&ada, &format!("page={page}&page_size=400")).await;
            assert_eq!(page["total"], 1203);
            seen.extend(page["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(seen.len(), 1203);
        assert!(seen.is_sorted_by(|newer, older| newer > older));
        let hundreds = list(&ada, "search=hUNDRED&page_size=5&page=2").await;
        assert_eq!((hundreds["total"].as_u64(), hundreds["data"].as_array().unwrap().len()), (Some(13), 3));
        assert_eq!(list(&ada, "mimetypes=text%2Fcsv&include_total=false").await["total"], Value::Null);
        assert_eq!(list(&ada, "mimetypes=text%2Fcsv&mimetypes=image/png").await["total"], 13);
        server.close().await;
    }
}
