//! The operations of a walk in the dialects beside OpenAI's: the same Files, in the objects of each dialect.

use crate::model::{Content, Details, File, Refusal, UPLOAD_MIME_TYPE, Verdict, places_of_bad_lines};
use crate::steps::{content, some_file, somebody};
use crate::world::{WORKSPACES, World};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use venna::model::ids::FileId;
use venna_testkit::{Answer, Form};

#[derive(Clone, Copy, Debug)]
enum Dialect {
    Mistral,
    Anthropic,
    Gemini,
}

const HOUR_SECONDS: u64 = 3600;
const DIALECTS: [Dialect; 3] = [Dialect::Mistral, Dialect::Anthropic, Dialect::Gemini];
const NAMES: [&str; 4] = ["a.txt", "b.jsonl", "c", "\u{e9}t\u{e9}.pdf"];

impl Dialect {
    fn path(self, rest: &str) -> String {
        match self {
            Self::Mistral => format!("/mistral/v1/files{rest}"),
            Self::Anthropic => format!("/anthropic/v1/files{rest}"),
            Self::Gemini => format!("/gemini/v1/files{}", rest.replace("/content", ":download")),
        }
    }

    /// The id as the dialect writes it.
    fn id(self, id: &str) -> String {
        match self {
            Self::Mistral => id.to_owned(),
            Self::Anthropic => id.replacen("file-", "file_", 1),
            // What is no id of any dialect is sent as it is.
            Self::Gemini => FileId::of_any_dialect(id).map_or_else(|_| id.to_owned(), FileId::in_lower_case),
        }
    }

    fn object(self, id: &str, file: &File) -> Value {
        let (bytes, Details { purpose, filename, .. }) = (file.bytes(), &file.details);
        match self {
            Self::Mistral => {
                let (name, sample_type) = match *purpose {
                    "user_data" => ("ocr", "instruct"),
                    "evals" => ("agentic_safety", "instruct"),
                    "batch" => ("batch", "batch_request"),
                    "batch_output" => ("batch_output", "batch_result"),
                    other => (other, "instruct"),
                };
                let is_made_here = ["assistants_output", "batch_output", "fine-tune-results"].contains(purpose);
                json!({"id": id, "object": "file", "bytes": bytes, "created_at": file.created_at,
                    "filename": filename, "purpose": name, "sample_type": sample_type,
                    "source": if is_made_here { "mistral" } else { "upload" }, "mimetype": file.mime_type,
                    "expires_at": file.expires_at, "visibility": "workspace"})
            }
            Self::Anthropic => {
                json!({"id": self.id(id), "type": "file", "filename": filename, "mime_type": file.mime_type,
                    "size_bytes": bytes, "created_at": time(file.created_at), "downloadable": true,
                    "expires_at": file.expires_at.map(time)})
            }
            Self::Gemini => {
                let is_made_here = ["assistants_output", "batch_output", "fine-tune-results"].contains(purpose);
                let mut object = json!({"name": format!("files/{}", self.id(id)), "displayName": filename,
                    "mimeType": file.mime_type, "sizeBytes": bytes.to_string(), "createTime": time(file.created_at),
                    "updateTime": time(file.created_at), "state": "ACTIVE",
                    "source": if is_made_here { "GENERATED" } else { "UPLOADED" }});
                if let Some(expires_at) = file.expires_at {
                    object["expirationTime"] = time(expires_at).into();
                }
                if let Some(sha256) = &file.sha256 {
                    object["sha256Hash"] = STANDARD.encode(sha256).into();
                }
                if let Some(lines) = &file.bad_lines {
                    object["state"] = "FAILED".into();
                    object["error"] = json!({"code": 3, "message": lines});
                }
                object
            }
        }
    }

    fn deleted(self, id: &str) -> Value {
        match self {
            Self::Mistral => json!({"object": "file", "deleted": true, "id": id}),
            Self::Anthropic => json!({"id": self.id(id), "type": "file_deleted"}),
            Self::Gemini => json!({}),
        }
    }

    /// Compares an answer; of an error, its status and the shape of its body.
    #[track_caller]
    fn must_be(self, answer: &Answer, expected: &Verdict<Value>) {
        let missing = |refusal: &Refusal| if matches!(self, Self::Gemini) { 403 } else { refusal.0 };
        let status = expected.as_ref().map_or_else(missing, |_| 200);
        let said = without_uris(answer.json());
        assert_eq!(answer.status, status, "{said}");
        match (self, expected) {
            (_, Ok(value)) => assert_eq!(said, *value),
            (Self::Mistral, Err(_)) => assert!(said["detail"].is_string(), "{said}"),
            (Self::Anthropic, Err(_)) => assert_eq!(said["error"]["type"], "not_found_error", "{said}"),
            (Self::Gemini, Err(_)) => assert_eq!(said["error"]["status"], "PERMISSION_DENIED", "{said}"),
        }
    }
}

/// Checks the URIs of Gemini's Files, whose host is that of the test, and takes them away; of their errors, leaves the
/// places of bad lines.
fn without_uris(mut said: Value) -> Value {
    if let Some(files) = said.get_mut("files").and_then(Value::as_array_mut) {
        for file in files {
            *file = without_uris(file.take());
        }
    }
    let is_file = said.get("uri").is_some();
    if let Some(Value::String(uri)) = said.as_object_mut().and_then(|object| object.remove("uri")) {
        assert!(uri.ends_with(&format!("/gemini/v1/{}", said["name"].as_str().unwrap())), "{uri}");
        assert_eq!(said.as_object_mut().unwrap().remove("downloadUri").unwrap(), format!("{uri}:download?alt=media"));
    }
    if let Some(message) = said.pointer_mut("/error/message").filter(|_| is_file) {
        *message = places_of_bad_lines(message.as_str().unwrap()).into();
    }
    said
}

fn time(seconds: u64) -> String {
    let time = DateTime::from_timestamp(i64::try_from(seconds).unwrap(), 0).unwrap();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn some_dialect(world: &mut World) -> Dialect {
    *world.rng.pick(&DIALECTS).unwrap()
}

pub fn create(world: &mut World) {
    let (at, dialect, content) = (somebody(world), some_dialect(world), content(world));
    if matches!(dialect, Dialect::Gemini) {
        return create_in_session(world, at, &content);
    }
    let filename = (*world.rng.pick(&NAMES).unwrap()).to_owned();
    let hours = world.rng.chance(35).then(|| 1 + world.rng.within(0..720) as u64);
    world.note(|| format!("{} creates {filename} of {} bytes with {dialect:?}", WORKSPACES[at], content.len()));
    let mut form = Form::default();
    if let Some(hours) = hours {
        form = match dialect {
            Dialect::Mistral => form.field("expiry", &hours.to_string()),
            Dialect::Anthropic => form.field("expires_in_seconds", &(hours * HOUR_SECONDS).to_string()),
            Dialect::Gemini => unreachable!("it has no form"),
        };
    }
    let body = form.file(&filename, &content).close();
    let request = world.request(at, Method::POST, &dialect.path("")).header("content-type", Form::content_type());
    let answer = world.send(request.body(body));
    let id = answer.json()["id"].as_str().unwrap().replacen("file_", "file-", 1);
    let expires_after = hours.map(|hours| hours * HOUR_SECONDS);
    world.model.create_file(at, &Details { purpose: "user_data", filename, expires_after }, &content, &id).unwrap();
    dialect.must_be(&answer, &Ok(dialect.object(&id, world.model.file(at, &id).unwrap())));
    world.ever.push(id);
}

/// An upload of Gemini, with chunks and commands that are repeated now and then.
fn create_in_session(world: &mut World, at: usize, content: &Content) {
    let filename = (*world.rng.pick(&NAMES).unwrap()).to_owned();
    let cut = world.rng.within(0..content.len() + 1);
    let (first, second) = content.split_at(cut);
    let chunks: Vec<Content> =
        [first, second].into_iter().filter(|chunk| !chunk.is_empty()).map(Content::from).collect();
    world.note(|| format!("{} creates {filename} of {cut} and {} bytes with Gemini", WORKSPACES[at], second.len()));
    let mut described = json!({"displayName": filename, "mimeType": UPLOAD_MIME_TYPE});
    if world.rng.chance(50) {
        described["sizeBytes"] = content.len().to_string().into();
    }
    let start = world.request(at, Method::POST, "/gemini/upload/v1/files").json(&json!({ "file": described }));
    let started = world.send(start.header("x-goog-upload-protocol", "resumable")).is_ok();
    let url = started.headers["x-goog-upload-url"].to_str().unwrap();
    let session = url[url.find("/gemini/").unwrap()..].to_owned();
    let send = |world: &mut World, command: &'static str, offset: usize, chunk: &[u8]| {
        let request = world.request(at, Method::PUT, &session).header("x-goog-upload-command", command);
        world.send(request.header("x-goog-upload-offset", offset).body(chunk.to_vec())).is_ok()
    };
    let mut offset = 0;
    for chunk in &chunks {
        for _ in 0..=usize::from(world.rng.chance(20)) {
            assert_eq!(send(world, "upload", offset, chunk).headers["x-goog-upload-status"], "active");
        }
        offset += chunk.len();
    }
    let made = send(world, "finalize", offset, b"").json()["file"].clone();
    if world.rng.chance(20) {
        assert_eq!(send(world, "upload, finalize", 0, content).json()["file"], made);
    }
    let id = FileId::of_any_dialect(made["name"].as_str().unwrap()).unwrap().to_string();
    let details = Details { purpose: "user_data", filename, expires_after: None };
    world.model.create_of_chunks(at, &details, chunks, &id);
    let object = Dialect::Gemini.object(&id, world.model.file(at, &id).unwrap());
    let answer = world.get(at, &Dialect::Gemini.path(&format!("/{}", Dialect::Gemini.id(&id))));
    Dialect::Gemini.must_be(&answer, &Ok(object));
    world.ever.push(id);
}

pub fn retrieve(world: &mut World) {
    let (at, dialect) = (somebody(world), some_dialect(world));
    let id = some_file(world, at);
    let answer = send(world, at, Method::GET, dialect, &id, "");
    let expected = world.model.file(at, &id).map(|file| {
        let mut object = dialect.object(&id, file);
        if matches!(dialect, Dialect::Mistral) {
            object["deleted"] = false.into();
        }
        object
    });
    dialect.must_be(&answer, &expected);
}

pub fn download(world: &mut World) {
    let (at, dialect) = (somebody(world), some_dialect(world));
    let id = some_file(world, at);
    let answer = send(world, at, Method::GET, dialect, &id, "/content");
    match world.model.file(at, &id) {
        Ok(file) => assert!(answer.is_ok().body.unwrap() == file.pieces.concat(), "the content is what was uploaded"),
        Err(refusal) => dialect.must_be(&answer, &Err(refusal)),
    }
}

pub fn delete(world: &mut World) {
    let (at, dialect) = (somebody(world), some_dialect(world));
    let id = some_file(world, at);
    let answer = send(world, at, Method::DELETE, dialect, &id, "");
    let expected = world.model.delete(at, &id).map(|_| dialect.deleted(&id));
    dialect.must_be(&answer, &expected);
}

/// A request for a File, whose id has the form of either dialect.
fn send(world: &mut World, at: usize, method: Method, dialect: Dialect, id: &str, rest: &str) -> Answer {
    let written = some_dialect(world).id(id);
    world.note(|| format!("{} {method}s {written}{rest} with {dialect:?}", WORKSPACES[at]));
    let request: RequestBuilder = world.request(at, method, &dialect.path(&format!("/{written}{rest}")));
    world.send(request)
}

pub fn list(world: &mut World) {
    let (at, dialect, limit) = (somebody(world), some_dialect(world), world.rng.within(1..30));
    let newest_first: Vec<(String, Value)> =
        world.model.files(at).rev().map(|(id, file)| (id.clone(), dialect.object(id, file))).collect();
    let page = world.rng.within(0..newest_first.len() / limit + 1);
    let (before, behind) = newest_first.split_at(page * limit);
    let data: Vec<&Value> = behind.iter().take(limit).map(|(_, object)| object).collect();
    let (query, expected) = match dialect {
        Dialect::Mistral => {
            let expected = json!({"object": "list", "data": data, "total": newest_first.len()});
            (format!("?page={page}&page_size={limit}"), expected)
        }
        Dialect::Anthropic => {
            let token = |(id, _): &(String, Value)| id.replacen("file-", "page_", 1);
            let next = behind.get(limit - 1).filter(|_| behind.len() > limit).map(token);
            let page = before.last().map(|last| format!("&page={}", token(last))).unwrap_or_default();
            (format!("?limit={limit}{page}"), json!({"data": data, "next_page": next}))
        }
        Dialect::Gemini => {
            let token = |(_, object): &(String, Value)| object["name"].as_str().unwrap().replacen("files/", "", 1);
            let next = behind.get(limit - 1).filter(|_| behind.len() > limit).map(token);
            let page = before.last().map(|last| format!("&pageToken={}", token(last))).unwrap_or_default();
            let mut expected = json!({ "files": data });
            if let Some(next) = next {
                expected["nextPageToken"] = next.into();
            }
            (format!("?pageSize={limit}{page}"), expected)
        }
    };
    world.note(|| format!("{} lists {query} with {dialect:?}", WORKSPACES[at]));
    let answer = world.get(at, &dialect.path(&query));
    dialect.must_be(&answer, &Ok(expected));
}
