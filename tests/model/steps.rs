//! The operations of a walk: each rolls what it does, notes it, does it over HTTP, and compares the answer.

use crate::dialects;
use crate::model::{Condition, Content, Details, PURPOSES, Part, Query, Range, Status, UPLOAD_MIME_TYPE, Upload};
use crate::world::{Compare, WORKSPACES, World, base64, hex, http_date, random_content};
use md5::{Digest, Md5};
use reqwest::{Body, Method, RequestBuilder};
use serde_json::json;
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use venna_testkit::Form;
use venna_testkit::server::eventually;

type Operation = fn(&mut World);

const WEIGHTS: [(usize, &str, Operation); 28] = [
    (150, "create", create),
    (40, "create once", create_once),
    (70, "list", list),
    (15, "page through", page_through),
    (60, "retrieve", retrieve),
    (60, "download", download),
    (110, "download a range", download_range),
    (70, "download on a condition", download_on_condition),
    (80, "delete", delete),
    (60, "create in a dialect", dialects::create),
    (40, "list in a dialect", dialects::list),
    (40, "retrieve in a dialect", dialects::retrieve),
    (40, "download in a dialect", dialects::download),
    (30, "delete in a dialect", dialects::delete),
    (20, "delete twice", delete_twice),
    (50, "create an upload", create_upload),
    (120, "add a part", add_part),
    (30, "retrieve an upload", retrieve_upload),
    (30, "list parts", list_parts),
    (80, "complete", complete),
    (15, "complete again", complete_again),
    (15, "cancel", cancel),
    (25, "move the clock", move_clock),
    (10, "use some key", use_some_key),
    (6, "change a key", change_key),
    (4, "compare everything", compare_everything),
    (3, "restart", restart),
    (6, "crash", crash),
];
const STEPS_BETWEEN_COMPARISONS: usize = 400;
const NEVER_A_FILE: &str = "file-00VbjUjhHGglY7j08O6M3Oj0";
const NEVER_AN_UPLOAD: &str = "upload_6a6b6c6deeeeeeeeeeeeeeeeeeeeeeee";
const NEVER_A_PART: &str = "part_6a6b6c6deeeeeeeeeeeeeeeeeeeeeeee";
const HOUR_MS: u64 = 3_600_000;
const DAY_SECONDS: usize = 86_400;
const MOST_BYTES: usize = 600 << 10;
/// Parts of the same length can be mistaken for each other.
const EQUAL_BYTES: usize = 1000;
const BLOCK_BYTES: usize = 256 << 10;

pub fn step(world: &mut World, number: usize) {
    let all: usize = WEIGHTS.iter().map(|(weight, ..)| weight).sum();
    let mut rest = world.rng.within(0..all);
    let chosen = WEIGHTS.iter().find(|(weight, ..)| {
        let here = rest < *weight;
        rest = rest.saturating_sub(*weight);
        here
    });
    let (_, kind, operation) = chosen.unwrap();
    world.begin(format!("{number}: {kind}"));
    world.count(kind);
    operation(world);
    if number % STEPS_BETWEEN_COMPARISONS == STEPS_BETWEEN_COMPARISONS - 1 {
        compare_everything(world);
    }
}

fn create(world: &mut World) {
    let (at, details, mut content) = (somebody(world), details(world), content(world));
    if ["batch", "fine-tune"].contains(&details.purpose) && world.rng.chance(80) {
        content = lines(world);
    }
    let file_first = world.rng.chance(30);
    create_of(world, at, &details, &content, file_first);
}

fn create_of(world: &mut World, at: usize, details: &Details, content: &Content, file_first: bool) -> String {
    world.note(|| format!("{} creates {details:?} of {} bytes", WORKSPACES[at], content.len()));
    let answer = world.send(creation(world, at, details, content, file_first));
    let id = answer.minted();
    answer.must_be(&world.model.create_file(at, details, content, &id));
    if !id.is_empty() {
        world.ever.push(id.clone());
    }
    id
}

/// A creation under one of a few keys, often the one that was made under it before.
fn create_once(world: &mut World) {
    let (at, mut details, mut content) = (somebody(world), details(world), content(world));
    let key = format!("key {}", world.rng.within(0..5));
    let before = world.model.answers.get(&(at, key.clone())).cloned();
    if let Some(before) = before.filter(|_| world.rng.chance(70)) {
        details = before.details;
        content = if world.rng.chance(90) { before.content } else { content };
    }
    world.note(|| format!("{} creates {details:?} of {} bytes under {key}", WORKSPACES[at], content.len()));
    let file_first = world.rng.chance(30);
    let request = creation(world, at, &details, &content, file_first).header("idempotency-key", &key);
    let answer = world.send(request);
    let (id, is_replay) = (answer.minted(), answer.headers.contains_key("idempotent-replayed"));
    let (expected, replays) = world.model.create_once(at, &key, &details, &content, &id);
    assert_eq!(is_replay, replays, "{expected:?}");
    answer.must_be(&expected);
    if !id.is_empty() && !is_replay {
        world.ever.push(id);
    }
}

fn creation(world: &World, at: usize, details: &Details, content: &[u8], file_first: bool) -> RequestBuilder {
    let file = |form: Form| form.file(&details.filename, content);
    let mut form = if file_first { file(Form::default()) } else { Form::default() }.field("purpose", details.purpose);
    if let Some(seconds) = details.expires_after {
        form = form.field("expires_after[anchor]", "created_at");
        form = form.field("expires_after[seconds]", &seconds.to_string());
    }
    let form = if file_first { form } else { file(form) };
    world.request(at, Method::POST, "/v1/files").header("content-type", Form::content_type()).body(form.close())
}

fn list(world: &mut World) {
    let at = somebody(world);
    let purpose = world.rng.chance(40).then(|| *world.rng.pick(&PURPOSES).unwrap());
    let limit = *world.rng.pick(&[1, 2, 3, 5, 10, 20, 20, 100, 10_000, 0, 10_001]).unwrap();
    let after = world.rng.chance(60).then(|| some_file(world, at));
    let ascending = world.rng.chance(50);
    list_of(world, at, &Query { purpose, limit, ascending, after });
}

/// The last id of the page, if the list goes on behind it.
fn list_of(world: &mut World, at: usize, query: &Query) -> Option<String> {
    world.note(|| format!("{} lists {query:?}", WORKSPACES[at]));
    let Query { purpose, limit, ascending, after } = query;
    let mut path = format!("/v1/files?limit={limit}&order={}", if *ascending { "asc" } else { "desc" });
    if let Some(purpose) = purpose {
        path += &format!("&purpose={purpose}");
    }
    if let Some(after) = after {
        path += &format!("&after={after}");
    }
    let expected = world.model.list(at, query);
    world.get(at, &path).must_be(&expected);
    let page = expected.ok().filter(|page| page["has_more"] == true)?;
    Some(page["last_id"].as_str().unwrap().to_owned())
}

/// Now and then the File at the cursor is deleted while somebody pages past it.
fn page_through(world: &mut World) {
    let (at, ascending, limit) = (somebody(world), world.rng.chance(50), world.rng.within(1..40));
    let mut after = None;
    loop {
        after = list_of(world, at, &Query { purpose: None, limit, ascending, after });
        match &after {
            Some(id) if world.rng.chance(10) => delete_of(world, at, id),
            Some(_) => {}
            None => return,
        }
    }
}

fn retrieve(world: &mut World) {
    let at = somebody(world);
    let id = some_file(world, at);
    retrieve_of(world, at, &id);
}

fn retrieve_of(world: &mut World, at: usize, id: &str) {
    world.note(|| format!("{} retrieves {id}", WORKSPACES[at]));
    let expected = world.model.file(at, id).map(|file| file.object(id));
    world.get(at, &format!("/v1/files/{id}")).must_be(&expected);
}

fn download(world: &mut World) {
    let at = somebody(world);
    let id = some_file(world, at);
    download_of(world, at, &id, None, None);
}

fn download_range(world: &mut World) {
    let at = somebody(world);
    let id = some_file(world, at);
    let range = range(world, at, &id);
    download_of(world, at, &id, Some(range), None);
}

fn download_on_condition(world: &mut World) {
    let at = somebody(world);
    let (id, other) = (some_file(world, at), some_file(world, at));
    let found =
        |id: &str| world.model.file(at, id).map_or_else(|_| ("\"x\"".into(), 0), |f| (f.etag.clone(), f.created_at));
    let ((own, created_at), (foreign, _)) = (found(&id), found(&other));
    let weak = format!("W/{own}");
    let tag = world.rng.pick(&[own.clone(), own, foreign, weak, "*".into()]).unwrap().clone();
    let since = created_at + world.rng.within(0..3) as u64 - u64::from(created_at > 0);
    let condition = match world.rng.within(0..5) {
        0 => Condition::Match(tag),
        1 => Condition::NoneMatch(tag),
        2 => Condition::ModifiedSince(since),
        3 => Condition::UnmodifiedSince(since),
        _ => Condition::Range(tag),
    };
    let range = world.rng.chance(50).then(|| range(world, at, &id));
    download_of(world, at, &id, range, Some(&condition));
}

fn download_of(world: &mut World, at: usize, id: &str, range: Option<Range>, condition: Option<&Condition>) {
    world.note(|| format!("{} downloads {id}, {range:?}, {condition:?}", WORKSPACES[at]));
    let mut request = world.request(at, Method::GET, &format!("/v1/files/{id}/content"));
    request = match range {
        Some(Range::Between(first, last)) => request.header("range", format!("bytes={first}-{last}")),
        Some(Range::From(first)) => request.header("range", format!("bytes={first}-")),
        Some(Range::Last(count)) => request.header("range", format!("bytes=-{count}")),
        None => request,
    };
    request = match condition {
        Some(Condition::Match(tag)) => request.header("if-match", tag),
        Some(Condition::NoneMatch(tag)) => request.header("if-none-match", tag),
        Some(Condition::ModifiedSince(at)) => request.header("if-modified-since", http_date(*at)),
        Some(Condition::UnmodifiedSince(at)) => request.header("if-unmodified-since", http_date(*at)),
        Some(Condition::Range(tag)) => request.header("if-range", tag),
        None => request,
    };
    let answer = world.send(request);
    match world.model.open(at, id, range, condition) {
        Err(_) if answer.status == 416 => {
            let size = world.model.file(at, id).unwrap().bytes();
            assert_eq!(answer.headers["content-range"], format!("bytes */{size}"));
            drop(answer.is_error(416, None, Some("range_not_satisfiable")));
        }
        Err(refusal) => answer.must_be(&Err(refusal)),
        Ok((status, part, headers)) => {
            let sent = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            let told = ["etag", "last-modified", "repr-digest", "content-range"];
            let told: Vec<_> = told.into_iter().filter_map(|name| Some((name, sent(name)?))).collect();
            assert_eq!((answer.status.as_u16(), told), (status, headers));
            let whole = world.model.file(at, id).unwrap().pieces.concat();
            assert!(answer.body.unwrap() == whole[part], "the content is what was uploaded");
        }
    }
}

fn delete(world: &mut World) {
    let at = somebody(world);
    let id = some_file(world, at);
    delete_of(world, at, &id);
}

fn delete_twice(world: &mut World) {
    let at = somebody(world);
    let id = some_file(world, at);
    delete_of(world, at, &id);
    delete_of(world, at, &id);
}

fn delete_of(world: &mut World, at: usize, id: &str) {
    world.note(|| format!("{} deletes {id}", WORKSPACES[at]));
    let answer = world.send(world.request(at, Method::DELETE, &format!("/v1/files/{id}")));
    answer.must_be(&world.model.delete(at, id));
}

fn create_upload(world: &mut World) {
    let (at, details) = (somebody(world), details(world));
    let bytes = match world.rng.within(0..20) {
        0 => 0,
        1..7 => world.rng.within(1..4) * EQUAL_BYTES,
        _ => size(world) + size(world),
    };
    world.note(|| format!("{} creates an upload of {bytes} bytes, {details:?}", WORKSPACES[at]));
    let mut body = json!({"bytes": bytes, "filename": details.filename, "mime_type": UPLOAD_MIME_TYPE, "purpose": details.purpose});
    if let Some(seconds) = details.expires_after {
        body["expires_after"] = json!({"anchor": "created_at", "seconds": seconds});
    }
    let answer = world.send(world.request(at, Method::POST, "/v1/uploads").json(&body));
    let id = answer.minted();
    answer.must_be(&world.model.create_upload(at, &details, bytes, &id));
}

fn add_part(world: &mut World) {
    let at = somebody(world);
    let id = some_upload(world, at);
    let upload = world.model.find_upload(at, &id);
    let have: usize = upload.iter().flat_map(|upload| &upload.parts).map(|part| part.content.len()).sum();
    let missing = upload.map_or(0, |upload| upload.bytes.saturating_sub(have)).min(MOST_BYTES);
    let size = match world.rng.within(0..10) {
        _ if missing > 0 && missing.is_multiple_of(EQUAL_BYTES) => EQUAL_BYTES,
        0..5 if missing > 0 => missing,
        5..7 if missing > 0 => missing / 2,
        7..9 if missing > 0 => world.rng.within(0..missing),
        _ => size(world).min(5000),
    };
    let content = random_content(&mut world.rng, size);
    add_part_of(world, at, &id, &content);
}

fn add_part_of(world: &mut World, at: usize, id: &str, content: &Content) {
    world.note(|| format!("{} adds a part of {} bytes to {id}", WORKSPACES[at], content.len()));
    let answer = world.send(part(world, at, id, content));
    let minted = answer.minted();
    answer.must_be(&world.model.add_part(at, id, content, &minted));
}

fn part(world: &World, at: usize, id: &str, content: &[u8]) -> RequestBuilder {
    let form = Form::default().named_file("data", "blob", content).close();
    let request = world.request(at, Method::POST, &format!("/v1/uploads/{id}/parts"));
    request.header("content-type", Form::content_type()).body(form)
}

fn retrieve_upload(world: &mut World) {
    let at = somebody(world);
    let id = some_upload(world, at);
    retrieve_upload_of(world, at, &id);
}

fn retrieve_upload_of(world: &mut World, at: usize, id: &str) {
    world.note(|| format!("{} retrieves {id}", WORKSPACES[at]));
    let expected = world.model.upload(at, id);
    world.get(at, &format!("/v1/uploads/{id}")).must_be(&expected);
}

fn list_parts(world: &mut World) {
    let at = somebody(world);
    let id = some_upload(world, at);
    let limit = *world.rng.pick(&[1, 2, 3, 10_000]).unwrap();
    let listed: Vec<String> = parts_of(world, at, &id).into_iter().map(|part| part.id).collect();
    let after = if world.rng.chance(50) { world.rng.pick(&listed).cloned() } else { None };
    list_parts_of(world, at, &id, limit, after.as_deref());
}

/// The parts of an Upload that has expired are listed until the sweeper takes them.
fn list_parts_of(world: &mut World, at: usize, id: &str, limit: usize, after: Option<&str>) {
    world.note(|| format!("{} lists {limit} parts of {id} after {after:?}", WORKSPACES[at]));
    let after_query = after.map(|after| format!("&after={after}")).unwrap_or_default();
    let answer = world.get(at, &format!("/v1/uploads/{id}/parts?limit={limit}{after_query}"));
    let expected = world.model.list_parts(at, id, limit, after);
    answer.must_be(&expected);
}

fn complete(world: &mut World) {
    let at = somebody(world);
    let some = some_upload(world, at);
    let id = if world.rng.chance(60) { full_upload(world, at).unwrap_or(some) } else { some };
    let mut chosen = fitting_parts(world, at, &id);
    let place = world.rng.within(0..chosen.len() + 1);
    match world.rng.within(0..16) {
        0..4 => world.rng.shuffle(&mut chosen),
        4 if !chosen.is_empty() => drop(chosen.pop()),
        5 if !chosen.is_empty() => chosen = with_one_repeated(world, at, &id, chosen),
        6 => chosen = with_a_foreign_one(world, at, &id, chosen),
        7 => chosen.insert(place, NEVER_A_PART.into()),
        8 => chosen.insert(place, "part_1".into()),
        _ => {}
    }
    let md5 = match world.rng.within(0..10) {
        0..3 => Some(md5_of(world, at, &id, &chosen)),
        3 => Some([7; 16]),
        _ => None,
    };
    let in_base64 = world.rng.chance(50);
    complete_of(world, at, &id, &chosen, md5, in_base64);
}

/// One part twice, where there is one that would add up.
fn with_one_repeated(world: &World, at: usize, id: &str, mut chosen: Vec<String>) -> Vec<String> {
    let parts = parts_of(world, at, id);
    let declared = world.model.find_upload(at, id).map_or(0, |upload| upload.bytes);
    let half = parts.iter().find(|part| part.content.len() * 2 == declared);
    let nothing = parts.iter().find(|part| part.content.is_empty() && chosen.contains(&part.id));
    match (half, nothing) {
        (Some(half), _) => vec![half.id.clone(); 2],
        (None, part) => {
            chosen.push(part.map_or_else(|| chosen[0].clone(), |part| part.id.clone()));
            chosen
        }
    }
}

/// A part of another Upload, in place of one that is as long, where there is one.
fn with_a_foreign_one(world: &World, at: usize, id: &str, mut chosen: Vec<String>) -> Vec<String> {
    let own = parts_of(world, at, id);
    let others = world.model.workspaces.iter().flat_map(|workspace| &workspace.uploads).filter(|other| other.id != id);
    let mut others = others.flat_map(|other| &other.parts);
    let length = |id: &String| own.iter().find(|part| part.id == *id).map(|part| part.content.len());
    let twin = others.find_map(|part| {
        let place = chosen.iter().position(|id| length(id) == Some(part.content.len()))?;
        Some((place, part.id.clone()))
    });
    match twin {
        Some((place, foreign)) => chosen[place] = foreign,
        None => chosen.extend(others.next().map(|part| part.id.clone())),
    }
    chosen
}

fn complete_of(world: &mut World, at: usize, id: &str, parts: &[String], md5: Option<[u8; 16]>, in_base64: bool) {
    world.note(|| format!("{} completes {id} with {parts:?}, {md5:?}", WORKSPACES[at]));
    let text = md5.map(|md5| if in_base64 { base64(&md5) } else { hex(&md5).to_uppercase() });
    let body = json!({"part_ids": parts, "md5": text});
    let answer = world.send(world.request(at, Method::POST, &format!("/v1/uploads/{id}/complete")).json(&body));
    let minted = if answer.status == 200 { answer.json()["file"]["id"].as_str().map(str::to_owned) } else { None };
    let minted = minted.unwrap_or_default();
    let md5 = md5.map(|md5| hex(&md5));
    let expected = world.model.complete(at, id, parts, md5.as_deref(), &minted);
    world.count(&format!("complete: {}", answer.status.as_u16()));
    answer.must_be(&expected);
    if !minted.is_empty() && !world.ever.contains(&minted) {
        world.ever.push(minted);
    }
}

/// Once more with the same parts, which changes nothing, or with others, which is refused.
fn complete_again(world: &mut World) {
    let at = somebody(world);
    let completed = world.model.workspaces[at].uploads.iter().filter_map(|upload| match &upload.status {
        Status::Completed { parts, .. } => Some((upload.id.clone(), parts.clone())),
        _ => None,
    });
    let completed: Vec<_> = completed.collect();
    let Some((id, mut parts)) = world.rng.pick(&completed).cloned() else { return };
    if world.rng.chance(30) {
        world.rng.shuffle(&mut parts);
    }
    let md5 = world.rng.chance(20).then_some([7; 16]);
    complete_of(world, at, &id, &parts, md5, true);
}

fn cancel(world: &mut World) {
    let at = somebody(world);
    let id = some_upload(world, at);
    cancel_of(world, at, &id);
}

fn cancel_of(world: &mut World, at: usize, id: &str) {
    world.note(|| format!("{} cancels {id}", WORKSPACES[at]));
    let answer = world.send(world.request(at, Method::POST, &format!("/v1/uploads/{id}/cancel")));
    answer.must_be(&world.model.cancel(at, id));
}

fn move_clock(world: &mut World) {
    let now = world.model.now_ms;
    match world.rng.within(0..10) {
        0..4 => {
            let ahead_ms = world.rng.within(0..600_000) as u64;
            set_clock(world, now + ahead_ms);
        }
        4..6 => stand_at_an_expiry(world, 0),
        6..9 => stand_at_an_expiry(world, 1),
        _ => {
            settle(world);
            set_clock(world, now - HOUR_MS);
        }
    }
}

fn set_clock(world: &mut World, now_ms: u64) {
    world.note(|| format!("the clock is set to {now_ms}"));
    world.set_clock(now_ms);
}

/// Stands at the second at which something ends, or so many milliseconds before, and looks at it.
fn stand_at_an_expiry(world: &mut World, before_ms: u64) {
    let keys = world.model.keys.iter().enumerate().filter(|(_, key)| !key.revoked);
    let mut ends: Vec<_> = keys.filter_map(|(key, of)| Some((of.expires_at?, key, String::new()))).collect();
    for at in 0..WORKSPACES.len() {
        ends.extend(world.model.files(at).filter_map(|(id, file)| Some((file.expires_at?, at, id.clone()))));
        let uploads = world.model.workspaces[at].uploads.iter().filter(|upload| upload.status == Status::Pending);
        ends.extend(uploads.map(|upload| (upload.expires_at(), at, upload.id.clone())));
    }
    ends.retain(|(second, ..)| second * 1000 > world.model.now_ms + before_ms);
    ends.sort();
    let soonest = ends.first().cloned();
    let chosen = if world.rng.chance(5) { world.rng.pick(&ends).cloned() } else { soonest };
    let Some((second, at, id)) = chosen else { return };
    set_clock(world, second * 1000 - before_ms);
    if id.is_empty() {
        use_key(world, at);
    } else if id.starts_with("file-") {
        retrieve_of(world, at, &id);
        list_of(world, at, &Query { purpose: None, limit: 10_000, ascending: true, after: None });
        download_of(world, at, &id, None, None);
    } else {
        retrieve_upload_of(world, at, &id);
        add_part_of(world, at, &id, &Arc::from(*b"late"));
    }
}

fn use_some_key(world: &mut World) {
    let key = world.rng.within(0..world.keys.len());
    use_key(world, key);
}

fn use_key(world: &mut World, key: usize) {
    world.note(|| format!("key {key} is used"));
    let opened = world.model.authorise(key);
    let query = Query { purpose: None, limit: 2, ascending: false, after: None };
    let expected = opened.and_then(|at| world.model.list(at, &query));
    let url = format!("{}/v1/files?limit=2", world.actors[0].url);
    let secret = world.keys[key].1.clone();
    let mut holder = world.server.user_of(&secret);
    holder.url = url;
    world.wait(holder.send(holder.request(Method::GET, ""))).must_be(&expected);
}

/// A key that ends by itself, or a new one in place of the one in use.
fn change_key(world: &mut World) {
    let at = somebody(world);
    let brief = world.rng.chance(50).then(|| world.rng.within(1..DAY_SECONDS) as u64);
    world.note(|| format!("{} gets a key for {brief:?} seconds", WORKSPACES[at]));
    let new = world.issue(at, brief);
    use_key(world, new);
    if brief.is_none() {
        let old = std::mem::replace(&mut world.held[at], new);
        world.revoke(old);
        world.actors[at].key.clone_from(&world.keys[new].1);
        use_key(world, old);
    }
}

fn restart(world: &mut World) {
    world.restart();
    let at = somebody(world);
    compare_workspace(world, at);
}

/// What is in flight when the server dies is whole afterwards, or not there at all, and there if it was acknowledged.
/// Each kind ends in the same state however it went, so that a walk that is repeated goes the same way.
fn crash(world: &mut World) {
    match world.rng.within(0..5) {
        0 => crash_in_half_a_file(world),
        1 => crash_in_a_creation(world),
        2 => crash_in_a_part(world),
        3 => crash_in_a_completion(world),
        _ => crash_in_a_deletion(world),
    }
    let at = somebody(world);
    compare_workspace(world, at);
}

/// Whether an answer came within a few milliseconds; then the server dies.
fn die_during(world: &mut World, request: RequestBuilder) -> bool {
    let patience = Duration::from_millis(world.rng.within(0..12) as u64);
    world.note(|| format!("the server dies after {patience:?}"));
    let answer = world.wait(async { tokio::time::timeout(patience, request.send()).await });
    world.crash();
    let acknowledged = answer.is_ok_and(|answer| answer.is_ok());
    world.count(&format!("crash: acknowledged {acknowledged}"));
    acknowledged
}

fn crash_in_half_a_file(world: &mut World) {
    let at = somebody(world);
    world.note(|| "the server dies in half a file".into());
    let details = Details { purpose: "vision", filename: "half".into(), expires_after: None };
    settle(world);
    let whole = Form::default()
        .field("purpose", details.purpose)
        .file("half", &random_content(&mut world.rng, 700_000))
        .close();
    let half = futures_util::stream::iter([Ok::<_, std::io::Error>(whole[..600_000].to_vec())]);
    let body = Body::wrap_stream(futures_util::StreamExt::chain(half, futures_util::stream::pending()));
    let request = world.request(at, Method::POST, "/v1/files").header("content-type", Form::content_type()).body(body);
    let before = world.server.pending_blobs();
    world.wait(async {
        let begun = eventually(|| world.server.pending_blobs() > before, || "the server begins to write".into());
        tokio::select! { _ = request.send() => panic!("half a file is answered"), () = begun => {} }
    });
    world.crash();
    settle(world);
}

fn crash_in_a_creation(world: &mut World) {
    let (at, content) = (somebody(world), content(world));
    let details = Details { purpose: "evals", filename: "in flight".into(), expires_after: None };
    let request = creation(world, at, &details, &content, false);
    let acknowledged = die_during(world, request);
    let newest = world.get(at, "/v1/files?limit=1").json()["first_id"].as_str().map(str::to_owned);
    let made = newest.filter(|id| world.model.file(at, id).is_err());
    assert!(made.is_some() || !acknowledged, "what was acknowledged is there");
    if let Some(id) = made {
        world.model.create_file(at, &details, &content, &id).unwrap();
        retrieve_of(world, at, &id);
        download_of(world, at, &id, None, None);
        delete_of(world, at, &id);
    }
    create_of(world, at, &details, &content, false);
}

fn crash_in_a_part(world: &mut World) {
    let (at, content) = (somebody(world), content(world));
    let Some(id) = pending_upload(world, at) else { return };
    let request = part(world, at, &id, &content);
    let acknowledged = die_during(world, request);
    let listed = world.get(at, &format!("/v1/uploads/{id}/parts")).json()["data"].as_array().unwrap().clone();
    let known = parts_of(world, at, &id);
    assert!(listed.len() > known.len() || !acknowledged, "what was acknowledged is there");
    if let Some(part) = listed.get(known.len()) {
        let sha256 = hex(&Sha256::digest(&content));
        assert_eq!((part["bytes"].as_u64(), part["sha256"].as_str()), (Some(content.len() as u64), Some(&*sha256)));
        world.model.add_part(at, &id, &content, part["id"].as_str().unwrap()).unwrap();
    }
    list_parts_of(world, at, &id, 10_000, None);
    cancel_of(world, at, &id);
}

fn crash_in_a_completion(world: &mut World) {
    let at = somebody(world);
    let Some(id) = pending_upload(world, at) else { return };
    let parts = fitting_parts(world, at, &id);
    let body = json!({"part_ids": parts});
    let request = world.request(at, Method::POST, &format!("/v1/uploads/{id}/complete")).json(&body);
    die_during(world, request);
    complete_of(world, at, &id, &parts, None, false);
}

fn crash_in_a_deletion(world: &mut World) {
    let at = somebody(world);
    let ids: Vec<String> = world.model.files(at).map(|(id, _)| id.clone()).collect();
    let Some(id) = world.rng.pick(&ids).cloned() else { return };
    let request = world.request(at, Method::DELETE, &format!("/v1/files/{id}"));
    let acknowledged = die_during(world, request);
    let gone = world.get(at, &format!("/v1/files/{id}")).status == 404;
    assert!(gone || !acknowledged, "what was acknowledged is gone");
    if gone { drop(world.model.delete(at, &id)) } else { delete_of(world, at, &id) }
}

/// Every list, object and content, and every blob on disk.
pub fn compare_everything(world: &mut World) {
    settle(world);
    (0..WORKSPACES.len()).for_each(|at| compare_workspace(world, at));
    let mut expected: Vec<String> = world.model.blobs().iter().map(|content| hex(&Sha256::digest(content))).collect();
    let paths = world.server.blobs();
    let mut found: Vec<String> = paths.iter().map(|path| hex(&Sha256::digest(world.server.read_blob(path)))).collect();
    expected.sort();
    found.sort();
    assert!(found == expected, "{} blobs on disk are the {} of files and parts", found.len(), expected.len());
}

fn compare_workspace(world: &mut World, at: usize) {
    list_of(world, at, &Query { purpose: None, limit: 10_000, ascending: true, after: None });
    let files: Vec<String> = world.model.files(at).map(|(id, _)| id.clone()).collect();
    for id in files {
        download_of(world, at, &id, None, None);
    }
    let uploads: Vec<String> = world.model.workspaces[at].uploads.iter().map(|upload| upload.id.clone()).collect();
    for id in uploads {
        retrieve_upload_of(world, at, &id);
        list_parts_of(world, at, &id, 10_000, None);
    }
}

/// A deletion asks for a sweep; once it is done, nothing is left of what has expired.
fn settle(world: &mut World) {
    world.outlive_the_dead();
    let details = Details { purpose: "evals", filename: "swept".into(), expires_after: None };
    let id = create_of(world, 0, &details, &Arc::from(*b"swept"), false);
    delete_of(world, 0, &id);
    world.wait(world.server.is_swept());
    world.model.settle();
}

pub fn somebody(world: &mut World) -> usize {
    world.rng.within(0..WORKSPACES.len())
}

/// The id of a File of this workspace; now and then one that is gone, foreign, never was, or is none at all.
pub fn some_file(world: &mut World, at: usize) -> String {
    let chance = world.rng.within(0..100);
    let of = if (80..90).contains(&chance) { somebody(world) } else { at };
    let live: Vec<String> = world.model.files(of).map(|(id, _)| id.clone()).collect();
    let chosen = match chance {
        0..70 | 80..90 => world.rng.pick(&live),
        70..80 => world.rng.pick(&world.ever),
        90..95 => None,
        _ => return (*world.rng.pick(&["fake_id", "file-", "file-0123456789"]).unwrap()).into(),
    };
    chosen.cloned().unwrap_or_else(|| NEVER_A_FILE.into())
}

/// The id of a pending Upload of this workspace; now and then one that is over, foreign, or never was.
fn some_upload(world: &mut World, at: usize) -> String {
    let chance = world.rng.within(0..100);
    let of = if chance < 15 { somebody(world) } else { at };
    let any: Vec<String> = world.model.workspaces[of].uploads.iter().map(|upload| upload.id.clone()).collect();
    let chosen = match chance {
        0..25 => world.rng.pick(&any).cloned(),
        25..30 => None,
        _ => pending_upload(world, at),
    };
    chosen.unwrap_or_else(|| NEVER_AN_UPLOAD.into())
}

fn pending_upload(world: &mut World, at: usize) -> Option<String> {
    let now = world.model.now();
    let uploads = world.model.workspaces[at].uploads.iter();
    let pending = uploads.filter(|upload| upload.status_at(now) == Status::Pending).map(|upload| upload.id.clone());
    world.rng.pick(&pending.collect::<Vec<_>>()).cloned()
}

fn parts_of(world: &World, at: usize, id: &str) -> Vec<Part> {
    world.model.find_upload(at, id).map(|upload| upload.parts.clone()).unwrap_or_default()
}

/// A pending Upload that has the parts that it needs.
fn full_upload(world: &mut World, at: usize) -> Option<String> {
    let now = world.model.now();
    let full = |upload: &&Upload| {
        let bytes: usize = upload.parts.iter().map(|part| part.content.len()).sum();
        upload.status_at(now) == Status::Pending && bytes >= upload.bytes
    };
    let full: Vec<String> =
        world.model.workspaces[at].uploads.iter().filter(full).map(|upload| upload.id.clone()).collect();
    world.rng.pick(&full).cloned()
}

/// Parts that add up to what was declared, if there are such; otherwise all.
fn fitting_parts(world: &World, at: usize, id: &str) -> Vec<String> {
    let parts: Vec<Part> = parts_of(world, at, id).into_iter().take(8).collect();
    let declared = world.model.find_upload(at, id).map_or(0, |upload| upload.bytes);
    let of =
        |set: usize| parts.iter().enumerate().filter(move |(place, _)| set >> place & 1 == 1).map(|(_, part)| part);
    let fits = |set: &usize| of(*set).map(|part| part.content.len()).sum::<usize>() == declared;
    let all = (1 << parts.len()) - 1;
    of((0..=all).rev().find(fits).unwrap_or(all)).map(|part| part.id.clone()).collect()
}

fn md5_of(world: &World, at: usize, id: &str, chosen: &[String]) -> [u8; 16] {
    let parts = parts_of(world, at, id);
    let contents = chosen.iter().filter_map(|id| parts.iter().find(|part| part.id == *id));
    contents.fold(Md5::new(), |digest, part| digest.chain_update(&part.content)).finalize().into()
}

fn details(world: &mut World) -> Details {
    let rng = &mut world.rng;
    let purpose = if rng.chance(95) { *rng.pick(&PURPOSES[..6]).unwrap() } else { *rng.pick(&PURPOSES).unwrap() };
    let expires_after = rng.chance(35).then(|| match rng.within(0..20) {
        0 => 3599,
        1 => 2_592_001,
        2 => 2_592_000,
        3..8 => 3600,
        _ => 3600 + rng.within(0..20_000) as u64,
    });
    let ending =
        if purpose == "batch" && rng.chance(90) { ".jsonl" } else { *rng.pick(&["", ".txt", ".jsonl"]).unwrap() };
    Details { purpose, filename: format!("{}{ending}", name(world)), expires_after }
}

fn name(world: &mut World) -> String {
    let letters =
        ["a", "B", "7", "-", "_", "\u{e9}", "e\u{301}", "\u{6587}", "\u{1f600}", "\u{5d0}", "'", "&", "+", "="];
    let length = world.rng.within(1..24);
    let name: String = (0..length).map(|_| *world.rng.pick(&letters).unwrap()).collect();
    match world.rng.within(0..40) {
        0 => format!("folder/{name}"),
        1 => "n".repeat(249),
        2 => "n".repeat(256),
        _ => name,
    }
}

pub fn content(world: &mut World) -> Content {
    let size = size(world);
    random_content(&mut world.rng, size)
}

/// Requests of a batch, now and then with one that is none.
fn lines(world: &mut World) -> Content {
    let (count, faulty) = (world.rng.within(0..300), world.rng.within(0..20));
    let mut content = String::new();
    for number in 0..count {
        let id = if world.rng.within(0..1000) < faulty { 0 } else { number };
        let request =
            format!(r#"{{"custom_id": "{id}", "method": "POST", "url": "/v1", "body": {{"n": [{number}]}}}}"#);
        let bad = ["", " ", "[]", "{}", "{", "7", "{\"custom_id\": 1}", "{\"a\": \"\u{e9}\"}", "x"];
        let is_bad = world.rng.within(0..1000) < faulty;
        content += if is_bad { world.rng.pick(&bad).unwrap() } else { &request };
        content += *world.rng.pick(&["\n", "\n", "\r\n", " \n"]).unwrap();
    }
    if world.rng.chance(50) {
        content.truncate(content.trim_end().len());
    }
    Arc::from(content.as_bytes())
}

fn size(world: &mut World) -> usize {
    match world.rng.within(0..100) {
        0..5 => 0,
        5..15 => EQUAL_BYTES,
        15..65 => world.rng.within(0..3000),
        65..85 => world.rng.within(0..40_000),
        85..95 => world.rng.within(BLOCK_BYTES - 1..BLOCK_BYTES + 2),
        _ => world.rng.within(0..MOST_BYTES + 1),
    }
}

/// A range within the content, at its ends, at the edges of a block, or outside.
fn range(world: &mut World, at: usize, id: &str) -> Range {
    let size = world.model.file(at, id).map_or(0, crate::model::File::bytes);
    let offset = |world: &mut World| match world.rng.within(0..4) {
        0 => BLOCK_BYTES - 1 + world.rng.within(0..3),
        1 => size.saturating_sub(2) + world.rng.within(0..4),
        _ => world.rng.within(0..size + 1),
    };
    let (first, last) = (offset(world), offset(world));
    match world.rng.within(0..4) {
        0 => Range::From(first),
        1 => Range::Last(first),
        _ => Range::Between(first.min(last), first.max(last)),
    }
}
