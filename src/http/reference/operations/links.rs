//! The operations on signed links.

use super::admin::json_body;
use super::examples::{CREATED_AT, FILE, KEY, LINK, LINK_URL, page_of_one};
use super::parameters::{in_path, in_query, limit_within, or};
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum};
use crate::http::links::{DEFAULT_PAGE_LINKS, DEFAULT_URL_HOURS, PAGE_LINKS, URL_HOURS};
use crate::http::reference::ids::LINK_ID;
use crate::http::reference::route_doc::{EXTENSION, FILES, LINKS, RouteDoc, calls};
use crate::model::link::{DEFAULT_LINK_SECONDS, EXPIRED_LINK_KEPT_SECONDS};
use serde_json::{Value, json};
use venna_reference::{Answer, Operation, Parameter, Schema};

const OF_FILE: &str = "/v1/files/{id}/links";
const ALL: &str = "/v1/links";
const ONE: &str = "/v1/links/{id}";
const DAY_SECONDS: u64 = 86_400;

pub fn operations() -> Vec<RouteDoc> {
    vec![create(), list_of_file(), url(), create_upload(), list(), retrieve(), revoke(), revoke_all()]
}

fn file_id() -> Parameter {
    in_path("id", "The id of the File.", FILE)
}

fn link_id() -> Parameter {
    in_path("id", "The id of the link.", LINK)
}

fn page() -> Vec<Parameter> {
    vec![
        limit_within(&PAGE_LINKS, DEFAULT_PAGE_LINKS),
        or("desc", in_query("order", Schema::Words(vec!["asc", "desc"]), "The order by creation.")),
        in_query("after", LINK_ID, "Cursor: return links after this id."),
    ]
}

/// Describes a list of links.
fn listed(which: &str) -> String {
    let days = EXPIRED_LINK_KEPT_SECONDS / DAY_SECONDS;
    format!("Lists the links {which}, newest first, also dead ones of the last {days} days.")
}

fn link() -> Value {
    json!({
        "id": LINK, "object": "file.link", "kind": "download", "created_at": CREATED_AT,
        "expires_at": CREATED_AT + DEFAULT_LINK_SECONDS, "first_used_at": null, "revoked_at": null, "status": "active",
        "created_by": KEY, "file_id": FILE, "one_time": false, "content_type": null, "disposition": null,
        "filename": "notes.txt", "purpose": null, "max_bytes": null, "expires_after": null,
    })
}

/// Returns a link with these fields.
fn with(mut link: Value, fields: Value) -> Value {
    if let (Some(link), Value::Object(fields)) = (link.as_object_mut(), fields) {
        link.extend(fields);
    }
    link
}

/// Returns a new link with its URL and these fields.
fn created(fields: Value) -> Value {
    with(with(link(), json!({"url": LINK_URL})), fields)
}

fn create() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Makes a URL that opens the content of a File without a key, until it expires or is revoked. Only this \
             answer shows the URL. It is dead, too, when the File or the key that made it is."
                .into(),
        ],
        extension: EXTENSION,
        parameters: vec![file_id()],
        body: Some(json_body("CreateLinkRequest", false, json!({"expires_in": DEFAULT_LINK_SECONDS}))),
        answer: Answer::Json("CreatedLink", created(json!({}))),
        ..Operation::new(FILES, "createFileLink", "POST", OF_FILE, "Create link")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("create_file_link") }
}

fn create_upload() -> RouteDoc {
    let request = json!({"filename": "output.jsonl", "purpose": "user_data", "max_bytes": 104_857_600});
    let answered = json!({
        "kind": "upload", "file_id": null, "one_time": true, "filename": "output.jsonl", "purpose": "user_data",
        "max_bytes": 104_857_600,
    });
    let operation = Operation {
        about: vec![
            "Makes a URL that takes one `PUT` without a key: its body becomes a File with this name and purpose. Only \
             this answer shows the URL. The same bytes sent again get the first answer until the link expires, and for \
             a day at most."
                .into(),
        ],
        extension: EXTENSION,
        body: Some(json_body("CreateUploadLinkRequest", true, request)),
        answer: Answer::Json("CreatedLink", created(answered)),
        ..Operation::new(LINKS, "createUploadLink", "POST", "/v1/upload_links", "Create upload link")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("create_upload_link") }
}

fn list_of_file() -> RouteDoc {
    let operation = Operation {
        about: vec![listed("to a File")],
        extension: EXTENSION,
        parameters: [vec![file_id()], page()].concat(),
        answer: Answer::Json("LinkListResponse", page_of_one(&link())),
        ..Operation::new(FILES, "listFileLinks", "GET", OF_FILE, "List links of a file")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("list_file_links") }
}

fn url() -> RouteDoc {
    let whole = Schema::Whole(*URL_HOURS.start(), *URL_HOURS.end());
    let hours = or(DEFAULT_URL_HOURS.to_string(), in_query("expiry", whole, "The lifetime of the URL, in hours."));
    let operation = Operation {
        about: vec!["Makes a link to a File and returns its URL alone, as Mistral's API does.".into()],
        extension: EXTENSION,
        parameters: vec![file_id(), hours],
        answer: Answer::Json("LinkUrl", json!({"url": LINK_URL})),
        ..Operation::new(FILES, "retrieveFileUrl", "GET", "/v1/files/{id}/url", "Retrieve signed URL")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("retrieve_file_url") }
}

fn list() -> RouteDoc {
    let operation = Operation {
        about: vec![listed("of the project")],
        extension: EXTENSION,
        parameters: page(),
        answer: Answer::Json("LinkListResponse", page_of_one(&link())),
        ..Operation::new(LINKS, "listLinks", "GET", ALL, "List links")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("list_links") }
}

fn retrieve() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns a link and its status, without its URL.".into()],
        extension: EXTENSION,
        parameters: vec![link_id()],
        answer: Answer::Json("Link", link()),
        ..Operation::new(LINKS, "retrieveLink", "GET", ONE, "Retrieve link")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_link") }
}

fn revoke() -> RouteDoc {
    let revoked = with(link(), json!({"status": "revoked", "revoked_at": CREATED_AT + 60}));
    let operation = Operation {
        about: vec!["Revokes a link, and returns it. Every server refuses it in requests that begin later.".into()],
        extension: EXTENSION,
        parameters: vec![link_id()],
        answer: Answer::Json("Link", revoked),
        ..Operation::new(LINKS, "revokeLink", "POST", "/v1/links/{id}/revoke", "Revoke link")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("revoke_link") }
}

fn revoke_all() -> RouteDoc {
    let operation = Operation {
        about: vec!["Revokes the links that a key made, or all links of the project.".into()],
        extension: EXTENSION,
        body: Some(json_body("RevokeLinksRequest", true, json!({"api_key_id": KEY}))),
        answer: Answer::Json("LinkRevocation", json!({"object": "link.revocation", "revoked": 1})),
        ..Operation::new(LINKS, "revokeLinks", "POST", "/v1/links/revoke", "Revoke links")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("revoke_links") }
}
