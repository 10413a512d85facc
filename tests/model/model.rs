//! The reference: what the server is to answer, from plain maps.
//!
//! It shares no code with the product, knows no HTTP beyond status, headers and JSON, and never waits: what the server
//! mints is told to it, and it says whether that may be.

use crate::world::{base64, hex, http_date};
use md5::Md5;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use venna::model::{idempotency, upload};

pub const UPLOAD_SECONDS: u64 = 3600;
/// The type that Uploads declare.
pub const UPLOAD_MIME_TYPE: &str = "text/plain";
pub const PURPOSES: [&str; 9] = [
    "assistants",
    "batch",
    "evals",
    "fine-tune",
    "user_data",
    "vision",
    "assistants_output",
    "batch_output",
    "fine-tune-results",
];
const UPLOADABLE: usize = 6;
const INLINE_BYTES: usize = 64 << 10;
const EXPIRES_AFTER: std::ops::RangeInclusive<u64> = 3600..=2_592_000;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub type Content = Arc<[u8]>;

/// An error as a client tells it from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal(pub u16, pub Option<&'static str>, pub Option<&'static str>);

pub type Verdict<T> = Result<T, Refusal>;

fn refuse<T>(status: u16, param: &'static str) -> Verdict<T> {
    Err(Refusal(status, Some(param), None))
}

/// What a client says of a File beside its bytes.
#[derive(Clone, Debug)]
pub struct Details {
    pub purpose: &'static str,
    pub filename: String,
    pub expires_after: Option<u64>,
}

/// The same fields have other names, and other errors, in a form and in JSON.
#[derive(Clone, Copy, PartialEq)]
pub enum Sent {
    Form,
    Json,
}

#[derive(Clone, Debug)]
pub struct File {
    pub details: Details,
    pub pieces: Vec<Content>,
    pub created_at: u64,
    pub expires_at: Option<u64>,
    pub etag: String,
    pub sha256: Option<Vec<u8>>,
    pub mime_type: &'static str,
    /// Where its bad lines are, if its purpose minds.
    pub bad_lines: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    Pending,
    Completed { file: String, parts: Vec<String> },
    Cancelled,
    Expired,
}

#[derive(Debug)]
pub struct Upload {
    pub id: String,
    pub details: Details,
    pub bytes: usize,
    pub created_at: u64,
    pub parts: Vec<Part>,
    pub status: Status,
}

#[derive(Clone, Debug)]
pub struct Part {
    pub id: String,
    pub created_at: u64,
    pub content: Content,
}

#[derive(Default)]
pub struct Workspace {
    pub files: BTreeMap<String, File>,
    pub uploads: Vec<Upload>,
}

pub struct Key {
    pub workspace: usize,
    pub revoked: bool,
    pub expires_at: Option<u64>,
}

#[derive(Debug)]
pub struct Query {
    pub purpose: Option<&'static str>,
    pub limit: usize,
    pub ascending: bool,
    pub after: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub enum Range {
    Between(usize, usize),
    From(usize),
    Last(usize),
}

#[derive(Clone, Debug)]
pub enum Condition {
    Match(String),
    NoneMatch(String),
    ModifiedSince(u64),
    UnmodifiedSince(u64),
    Range(String),
}

/// Content as it is served: the status, which bytes, and the headers that tell about them.
pub type Served = (u16, std::ops::Range<usize>, Vec<(&'static str, String)>);

#[derive(Default)]
pub struct Model {
    pub now_ms: u64,
    pub workspaces: Vec<Workspace>,
    pub keys: Vec<Key>,
    /// What was answered under the keys of a workspace.
    pub answers: BTreeMap<(usize, String), Answered>,
    newest: BTreeMap<usize, (String, u64)>,
}

/// A request that succeeded under an `Idempotency-Key`.
#[derive(Clone)]
pub struct Answered {
    pub details: Details,
    pub content: Content,
    answer: Value,
    at: u64,
}

impl Model {
    pub fn at(now_ms: u64) -> Self {
        Self { now_ms, ..Self::default() }
    }

    pub fn now(&self) -> u64 {
        self.now_ms / 1000
    }

    pub fn authorise(&self, key: usize) -> Verdict<usize> {
        let Key { workspace, revoked, expires_at } = &self.keys[key];
        let expired = expires_at.is_some_and(|at| at <= self.now());
        if *revoked || expired { Err(Refusal(401, None, Some("invalid_api_key"))) } else { Ok(*workspace) }
    }

    pub fn create_file(&mut self, at: usize, details: &Details, content: &Content, minted: &str) -> Verdict<Value> {
        let kept = details.check(Sent::Form)?;
        let sha256 = Sha256::digest(content).to_vec();
        self.add_file(at, kept, vec![Arc::clone(content)], &hex(&sha256), Some(sha256), minted);
        Ok(self.workspaces[at].files[minted].object(minted))
    }

    /// What a creation under a key is answered, and whether it was answered before.
    pub fn create_once(
        &mut self,
        at: usize,
        key: &str,
        details: &Details,
        content: &Content,
        minted: &str,
    ) -> (Verdict<Value>, bool) {
        let kept = match details.check(Sent::Form) {
            Ok(kept) => kept,
            Err(refusal) => return (Err(refusal), false),
        };
        let (name, now) = ((at, key.to_owned()), self.now());
        if let Some(known) = self.answers.get(&name) {
            let is_same = format!("{kept:?}") == format!("{:?}", known.details) && known.content == *content;
            let reused = Refusal(400, Some("Idempotency-Key"), Some("idempotency_key_reused"));
            return (if is_same { Ok(known.answer.clone()) } else { Err(reused) }, is_same);
        }
        let made = self.create_file(at, details, content, minted);
        if let Ok(answer) = &made {
            let answered = Answered { details: kept, content: Arc::clone(content), answer: answer.clone(), at: now };
            self.answers.insert(name, answered);
        }
        (made, false)
    }

    fn add_file(
        &mut self,
        at: usize,
        details: Details,
        pieces: Vec<Content>,
        tag: &str,
        sha256: Option<Vec<u8>>,
        minted: &str,
    ) {
        let created_at = self.mint(at, minted) / 1000;
        let life = details.expires_after.or((details.purpose == "batch").then_some(*EXPIRES_AFTER.end()));
        let expires_at = life.map(|seconds| created_at + seconds);
        let pieces_are_parts = tag.contains('-');
        let whole = (pieces.len() == 1 && !pieces_are_parts).then(|| Arc::clone(&pieces[0]));
        let bad_lines = whole.and_then(|content| bad_lines(details.purpose, &content));
        let mime_type = if pieces_are_parts { UPLOAD_MIME_TYPE } else { mime_type(&details.filename) };
        let etag = format!("\"{tag}\"");
        let file = File { details, pieces, created_at, expires_at, etag, sha256, mime_type, bad_lines };
        self.workspaces[at].files.insert(minted.to_owned(), file);
    }

    /// Ids grow, and their milliseconds are the clock's, or those of the newest id when the clock stands behind it; a
    /// millisecond that is full makes room by one more. PostgreSQL counts for each workspace by itself.
    fn mint(&mut self, at: usize, id: &str) -> u64 {
        let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte).expect("an id has base62 digits") as u64;
        let ms = id.as_bytes()[5..14].iter().fold(0, |value, byte| value * 62 + digit(*byte));
        let counted = if venna_testkit::server::wants_postgres() { at } else { 0 };
        let (newest_id, newest_ms) = self.newest.entry(counted).or_default();
        assert!(id.len() == 29 && id.starts_with("file-") && *id > **newest_id, "{id} after {newest_id}");
        let full = *newest_ms >= self.now_ms && ms == *newest_ms + 1;
        assert!(full || ms == self.now_ms.max(*newest_ms), "{id} is of {ms}, not of {}", self.now_ms);
        (*newest_id, *newest_ms) = (id.to_owned(), ms);
        ms
    }

    /// The Files that a workspace sees, in the order of creation.
    pub fn files(&self, at: usize) -> impl DoubleEndedIterator<Item = (&String, &File)> {
        let now = self.now();
        self.workspaces[at].files.iter().filter(move |(_, file)| file.expires_at.is_none_or(|at| at > now))
    }

    pub fn file(&self, at: usize, id: &str) -> Verdict<&File> {
        let file = self.workspaces[at].files.get(id);
        file.filter(|file| file.expires_at.is_none_or(|at| at > self.now())).map_or_else(|| refuse(404, "id"), Ok)
    }

    pub fn delete(&mut self, at: usize, id: &str) -> Verdict<Value> {
        self.file(at, id)?;
        self.workspaces[at].files.remove(id);
        Ok(json!({"object": "file", "deleted": true, "id": id}))
    }

    pub fn list(&self, at: usize, query: &Query) -> Verdict<Value> {
        match query.limit {
            0 => return Err(Refusal(400, Some("limit"), Some("integer_below_min_value"))),
            10_001.. => return Err(Refusal(400, Some("limit"), Some("integer_above_max_value"))),
            _ if query.after.as_ref().is_some_and(|id| id.len() != 29) => return refuse(400, "after"),
            _ => {}
        }
        let wanted = |(id, file): &(&String, &File)| {
            let behind = query.after.as_ref().is_none_or(|after| (*id > after) == query.ascending && *id != after);
            behind && query.purpose.is_none_or(|purpose| purpose == file.details.purpose)
        };
        let mut found: Vec<_> = self.files(at).filter(wanted).map(|(id, file)| file.object(id)).collect();
        if !query.ascending {
            found.reverse();
        }
        Ok(page(found, query.limit))
    }

    pub fn open(&self, at: usize, id: &str, range: Option<Range>, condition: Option<&Condition>) -> Verdict<Served> {
        let file = self.file(at, id)?;
        let failed = || Err(Refusal(412, None, Some("precondition_failed")));
        let mut headers = vec![("etag", file.etag.clone()), ("last-modified", http_date(file.created_at))];
        let mut range = range;
        match condition {
            Some(Condition::Match(tag)) if tag != "*" && *tag != file.etag => return failed(),
            Some(Condition::UnmodifiedSince(at)) if file.created_at > *at => return failed(),
            Some(Condition::NoneMatch(tag)) if tag == "*" || tag.trim_start_matches("W/") == file.etag => {
                return Ok((304, 0..0, headers));
            }
            Some(Condition::ModifiedSince(at)) if file.created_at <= *at => return Ok((304, 0..0, headers)),
            Some(Condition::Range(tag)) if *tag != file.etag => range = None,
            _ => {}
        }
        if let Some(sha256) = &file.sha256 {
            headers.push(("repr-digest", format!("sha-256=:{}:", base64(sha256))));
        }
        let size = file.bytes();
        match range.map(|range| range.of(size)) {
            None => Ok((200, 0..size, headers)),
            Some(part) if part.is_empty() && !(size == 0 && matches!(range, Some(Range::Last(1..)))) => {
                Err(Refusal(416, None, Some("range_not_satisfiable")))
            }
            Some(part) if part.is_empty() => Ok((200, 0..0, headers)),
            Some(part) => {
                headers.push(("content-range", format!("bytes {}-{}/{size}", part.start, part.end - 1)));
                Ok((206, part, headers))
            }
        }
    }

    pub fn create_upload(&mut self, at: usize, details: &Details, bytes: usize, minted: &str) -> Verdict<Value> {
        let details = details.check(Sent::Json)?;
        let (id, created_at) = (minted.to_owned(), self.now());
        assert!(minted.starts_with(&format!("upload_{created_at:08x}")), "{minted} is of {created_at}");
        let upload = Upload { id, details, bytes, created_at, parts: Vec::new(), status: Status::Pending };
        self.workspaces[at].uploads.push(upload);
        self.upload(at, minted)
    }

    pub fn upload(&self, at: usize, id: &str) -> Verdict<Value> {
        let upload = self.find_upload(at, id)?;
        let Details { purpose, filename, .. } = &upload.details;
        let mut object = json!({"object": "upload", "id": id, "bytes": upload.bytes, "created_at": upload.created_at,
            "filename": filename, "purpose": purpose, "expires_at": upload.expires_at()});
        object["status"] = match upload.status_at(self.now()) {
            Status::Pending => "pending".into(),
            Status::Cancelled => "cancelled".into(),
            Status::Expired => "expired".into(),
            Status::Completed { file: id, .. } => {
                if let Ok(file) = self.file(at, &id) {
                    object["file"] = file.object(&id);
                }
                "completed".into()
            }
        };
        Ok(object)
    }

    pub fn find_upload(&self, at: usize, id: &str) -> Verdict<&Upload> {
        let found = self.workspaces[at].uploads.iter().find(|upload| upload.id == id);
        found.map_or_else(|| refuse(404, "upload_id"), Ok)
    }

    fn pending(&mut self, at: usize, id: &str) -> Verdict<&mut Upload> {
        let now = self.now();
        let found = self.workspaces[at].uploads.iter_mut().find(|upload| upload.id == id);
        let upload = found.map_or_else(|| refuse(404, "upload_id"), Ok)?;
        if upload.status_at(now) == Status::Pending { Ok(upload) } else { refuse(400, "upload_id") }
    }

    pub fn add_part(&mut self, at: usize, id: &str, content: &Content, minted: &str) -> Verdict<Value> {
        let created_at = self.now();
        let upload = self.pending(at, id)?;
        assert!(minted.starts_with(&format!("part_{created_at:08x}")), "{minted} is of {created_at}");
        let part = Part { id: minted.to_owned(), created_at, content: Arc::clone(content) };
        upload.parts.push(part.clone());
        Ok(part.object(id))
    }

    /// A part that is not there is the position before the first.
    pub fn list_parts(&self, at: usize, id: &str, limit: usize, after: Option<&str>) -> Verdict<Value> {
        let upload = self.find_upload(at, id)?;
        if upload.status_at(self.now()) != Status::Pending {
            return Ok(page(Vec::new(), limit));
        }
        let place = |id: &str| upload.parts.iter().position(|part| part.id == id);
        let behind = match after.map(place) {
            None => 0,
            Some(Some(place)) => place + 1,
            Some(None) => return refuse(400, "after"),
        };
        Ok(page(upload.parts[behind..].iter().map(|part| part.object(id)).collect(), limit))
    }

    pub fn complete(
        &mut self,
        at: usize,
        id: &str,
        parts: &[String],
        md5: Option<&str>,
        minted: &str,
    ) -> Verdict<Value> {
        let well_formed = |id: &String| id.len() == "part_".len() + 32;
        if !parts.iter().all(well_formed) {
            return refuse(400, "part_ids");
        }
        let upload = self.find_upload(at, id)?;
        if matches!(&upload.status, Status::Completed { parts: named, .. } if named == parts) {
            return self.upload(at, id);
        }
        let upload = self.pending(at, id)?;
        let chosen = upload.choose(parts).map_or_else(|| refuse(400, "part_ids"), Ok)?;
        let whole = md5.map(|_| chosen.concat());
        if whole.as_ref().is_some_and(|whole| md5 != Some(&hex(&Md5::digest(whole)))) {
            return refuse(400, "md5");
        }
        upload.parts.clear();
        upload.status = Status::Completed { file: minted.to_owned(), parts: parts.to_vec() };
        let details = upload.details.clone();
        self.add_parts(at, details, chosen, whole.map(|whole| Sha256::digest(whole).to_vec()), minted);
        self.upload(at, id)
    }

    /// A File of chunks that arrived in order.
    pub fn create_of_chunks(&mut self, at: usize, details: &Details, chunks: Vec<Content>, minted: &str) {
        let kept = details.check(Sent::Form).unwrap();
        let sha256 = (chunks.len() == 1).then(|| Sha256::digest(&*chunks[0]).to_vec());
        self.add_parts(at, kept, chunks, sha256, minted);
    }

    fn add_parts(&mut self, at: usize, details: Details, parts: Vec<Content>, sha256: Option<Vec<u8>>, minted: &str) {
        let digests = parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(Sha256::digest(&**part)));
        let tag = format!("{}-{}", hex(&digests.finalize()), parts.len());
        self.add_file(at, details, parts, &tag, sha256, minted);
    }

    pub fn cancel(&mut self, at: usize, id: &str) -> Verdict<Value> {
        if self.find_upload(at, id)?.status != Status::Cancelled {
            let upload = self.pending(at, id)?;
            upload.status = Status::Cancelled;
            upload.parts.clear();
        }
        self.upload(at, id)
    }

    /// What has expired stays gone, even when the clock is set back.
    pub fn settle(&mut self) {
        let now = self.now();
        for workspace in &mut self.workspaces {
            workspace.files.retain(|_, file| file.expires_at.is_none_or(|at| at > now));
            for upload in workspace.uploads.iter_mut().filter(|upload| upload.status_at(now) == Status::Expired) {
                upload.status = Status::Expired;
                upload.parts.clear();
            }
        }
    }

    /// The server forgets ended Uploads whenever it sweeps, so nobody is asked about those that it may have forgotten.
    /// Forgets what the sweeper removes for good: it does not come back when the clock goes back.
    pub fn forget_what_is_old(&mut self) {
        let now = self.now();
        self.answers.retain(|_, answered| answered.at + idempotency::REMEMBERED_SECONDS > now);
        for workspace in &mut self.workspaces {
            workspace.uploads.retain(|upload| upload.expires_at() + upload::REMEMBERED_SECONDS > now);
        }
    }

    /// Everything that lies in the folder of blobs once the sweeper is done.
    pub fn blobs(&self) -> Vec<Content> {
        let of = |workspace: &Workspace| {
            let files = workspace.files.values().filter(|file| !file.is_inline()).flat_map(|file| file.pieces.clone());
            let parts = workspace.uploads.iter().flat_map(|upload| &upload.parts).map(|part| Arc::clone(&part.content));
            files.chain(parts).collect::<Vec<_>>()
        };
        self.workspaces.iter().flat_map(of).collect()
    }
}

impl Details {
    /// What is kept of them, or the first thing that is wrong.
    fn check(&self, sent: Sent) -> Verdict<Self> {
        let json = sent == Sent::Json;
        let filename = &self.filename;
        if filename.is_empty() || filename.chars().count() > 255 {
            return refuse(400, if json { "filename" } else { "file" });
        }
        if !PURPOSES[..UPLOADABLE].contains(&self.purpose) {
            return refuse(400, "purpose");
        }
        match self.expires_after.filter(|seconds| !EXPIRES_AFTER.contains(seconds)) {
            Some(..3600) if json => {
                return Err(Refusal(400, Some("expires_after.seconds"), Some("integer_below_min_value")));
            }
            Some(_) if json => {
                return Err(Refusal(400, Some("expires_after.seconds"), Some("integer_above_max_value")));
            }
            Some(_) => return refuse(400, "expires_after[seconds]"),
            None => {}
        }
        if self.purpose == "batch" && filename.rsplit_once('.').is_some_and(|(_, ending)| ending != "jsonl") {
            return Err(Refusal(400, None, None));
        }
        Ok(Self { filename: filename.to_owned(), ..self.clone() })
    }
}

impl File {
    /// Small ones that came as a whole are kept without a blob; only those have a plain digest as their tag.
    fn is_inline(&self) -> bool {
        self.bytes() <= INLINE_BYTES && !self.etag.contains('-')
    }

    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    pub fn object(&self, id: &str) -> Value {
        let Details { purpose, filename, .. } = &self.details;
        let mut object = json!({"object": "file", "id": id, "purpose": purpose, "filename": filename,
            "bytes": self.bytes(), "created_at": self.created_at, "expires_at": self.expires_at,
            "status": if self.bad_lines.is_some() { "error" } else { "processed" }, "status_details": self.bad_lines,
            "mime_type": self.mime_type});
        if let Some(sha256) = &self.sha256 {
            object["sha256"] = hex(sha256).into();
        }
        object
    }
}

/// The type of the extensions that the walk's names have.
fn mime_type(filename: &str) -> &'static str {
    match filename.rsplit_once('.') {
        Some((_, "jsonl")) => "application/jsonl",
        Some((_, "txt")) => "text/plain",
        Some((_, "pdf")) => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// The places of the first twenty lines that a file of this purpose may not have; no place in a file without lines or
/// in another encoding.
fn bad_lines(purpose: &str, content: &[u8]) -> Option<String> {
    if purpose != "batch" && purpose != "fine-tune" {
        return None;
    }
    let is_blank = |line: &[u8]| line.trim_ascii().is_empty();
    if is_blank(content) || is_of_another_encoding(content) {
        return Some(String::new());
    }
    let (mut seen, mut at, mut bad) = (BTreeSet::new(), 0, Vec::new());
    for (place, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let is_good = match serde_json::from_slice(line) {
            Ok(Value::Object(object)) if purpose == "batch" => {
                let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
                let whole = text("method").is_some()
                    && text("url").is_some()
                    && object.get("body").is_some_and(Value::is_object);
                text("custom_id").is_some_and(|id| whole && seen.insert(id))
            }
            Ok(Value::Object(_)) => true,
            _ => false,
        };
        if !is_good && !is_blank(line) {
            bad.push(format!("line {} (byte {at})", place + 1));
        }
        at += line.len() + 1;
    }
    let more = if bad.len() > 20 { " and more" } else { "" };
    bad.truncate(20);
    (!bad.is_empty()).then(|| bad.join(" ") + more)
}

/// Whether the first bytes are those of UTF-16, UTF-32 or a compressed file.
fn is_of_another_encoding(content: &[u8]) -> bool {
    let marks: [&[u8]; 5] = [&[0xFF, 0xFE], &[0xFE, 0xFF], &[0x1F, 0x8B], b"PK\x03\x04", &[0x28, 0xB5, 0x2F, 0xFD]];
    let wide = match *content {
        [first, second] => (first == 0) != (second == 0),
        [0, 0, a, b, ..] => (a == 0 && b > 0) || (a, b) == (0xFE, 0xFF),
        [a, b, c, d, ..] => (a > 0 && (b, d) == (0, 0)) || ((a, c) == (0, 0) && b > 0 && d > 0),
        _ => false,
    };
    wide || marks.iter().any(|mark| content.starts_with(mark))
}

/// Of what the server says of bad lines, where they are.
pub fn places_of_bad_lines(said: &str) -> String {
    let places = said.match_indices("line ").filter_map(|(at, _)| {
        let words: Vec<&str> = said[at..].split([' ', ')']).take(4).collect();
        (words.get(2) == Some(&"(byte")).then(|| format!("line {} (byte {})", words[1], words[3]))
    });
    places.collect::<Vec<_>>().join(" ") + if said.ends_with("; and more.") { " and more" } else { "" }
}

impl Upload {
    pub fn expires_at(&self) -> u64 {
        self.created_at + UPLOAD_SECONDS
    }

    pub fn status_at(&self, now: u64) -> Status {
        let expired = self.status == Status::Pending && self.expires_at() <= now;
        if expired { Status::Expired } else { self.status.clone() }
    }

    /// The contents of these parts, if each is there, once, and they add up.
    fn choose(&self, ids: &[String]) -> Option<Vec<Content>> {
        let once: BTreeSet<&String> = ids.iter().collect();
        let content = |id: &String| self.parts.iter().find(|part| part.id == *id).map(|part| Arc::clone(&part.content));
        let chosen: Vec<Content> = ids.iter().map(content).collect::<Option<_>>()?;
        let bytes: usize = chosen.iter().map(|content| content.len()).sum();
        (once.len() == ids.len() && bytes == self.bytes).then_some(chosen)
    }
}

impl Part {
    fn object(&self, upload: &str) -> Value {
        json!({
            "object": "upload.part", "id": self.id, "created_at": self.created_at, "upload_id": upload,
            "bytes": self.content.len(), "sha256": hex(&Sha256::digest(&self.content)),
        })
    }
}

impl Range {
    fn of(self, size: usize) -> std::ops::Range<usize> {
        match self {
            Self::Between(first, last) => first.min(size)..(last + 1).min(size),
            Self::From(first) => first.min(size)..size,
            Self::Last(count) => size.saturating_sub(count)..size,
        }
    }
}

fn page(mut found: Vec<Value>, limit: usize) -> Value {
    let has_more = found.len() > limit;
    found.truncate(limit);
    let id = |object: Option<&Value>| object.map_or(Value::Null, |object| object["id"].clone());
    let (first_id, last_id) = (id(found.first()), id(found.last()));
    json!({"object": "list", "first_id": first_id, "last_id": last_id, "has_more": has_more, "data": found})
}
