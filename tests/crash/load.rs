//! The clients: several at once, each uploading, uploading in parts, and deleting, until the server is gone.

use crate::journal::{Content, Journal, OpenUpload, Shared};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use venna_testkit::Rng;
use venna_testkit::program::{Answer, Client};

/// The largest content, in bytes.
pub const MAX_SIZE: usize = 8 << 20;
const WRITERS: usize = 4;
/// Files that are kept at most; with more, writers delete.
const KEPT_FILES: usize = 24;
const MAX_PARTS: usize = 4;

/// What contents are cut out of, each at a place of its own.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut rng = Rng::default();
    (0..(2 * MAX_SIZE) / 8).flat_map(|_| rng.number().to_le_bytes()).collect()
});

/// Writers at work.
pub struct Load {
    writers: Vec<JoinHandle<()>>,
    struck: Arc<AtomicBool>,
}

impl Load {
    pub fn start(client: &Client, journal: &Shared, rng: &mut Rng) -> Self {
        Self::of(client, journal, rng, false)
    }

    /// Writers that go on when a request fails, until they are told of the strike.
    pub fn start_enduring(client: &Client, journal: &Shared, rng: &mut Rng) -> Self {
        Self::of(client, journal, rng, true)
    }

    fn of(client: &Client, journal: &Shared, rng: &mut Rng, endures: bool) -> Self {
        LazyLock::force(&NOISE);
        let struck = Arc::new(AtomicBool::new(false));
        let start = |_| {
            let journal = Arc::clone(journal);
            let (client, rng, struck) = (client.clone(), rng.fork(), Arc::clone(&struck));
            let writer = Writer { client, journal, rng, struck, endures };
            std::thread::spawn(|| writer.run())
        };
        Self { writers: (0..WRITERS).map(start).collect(), struck }
    }

    /// From now on requests may fail, and answers say nothing.
    pub fn expect_the_strike(&self) {
        self.struck.store(true, Ordering::SeqCst);
    }

    /// Waits until every writer has seen that the server is gone.
    pub fn end(self) {
        self.writers.into_iter().for_each(|writer| writer.join().unwrap());
    }
}

/// Each kind of change once, one after the other and whatever becomes of those before it; the first that failed.
pub fn each_once(client: &Client, journal: &Shared, rng: &mut Rng) -> io::Result<()> {
    let (client, journal) = (client.clone(), Arc::clone(journal));
    let mut writer = Writer { client, journal, rng: rng.fork(), struck: Arc::default(), endures: false };
    let outcomes = [writer.upload(), writer.upload_in_parts(), writer.begin_and_cancel(), writer.delete_one(0)];
    outcomes.into_iter().collect()
}

struct Writer {
    client: Client,
    journal: Shared,
    rng: Rng,
    struck: Arc<AtomicBool>,
    endures: bool,
}

impl Writer {
    fn run(mut self) {
        let error = loop {
            match self.work() {
                Ok(()) => {}
                Err(_) if self.endures && !self.struck.load(Ordering::SeqCst) => {
                    self.note(|journal| journal.failures += 1);
                }
                Err(error) => break error,
            }
        };
        if !self.struck.load(Ordering::SeqCst) {
            self.note(|journal| journal.complaints.push(format!("a request failed without a cause: {error}")));
        }
    }

    fn work(&mut self) -> io::Result<()> {
        let full = self.note(|journal| journal.files.len() >= KEPT_FILES);
        match self.rng.below(10) {
            _ if full => self.delete(),
            0 | 1 => self.delete(),
            2 | 3 => self.upload_in_parts(),
            4 if self.rng.below(2) == 0 => self.begin_and_cancel(),
            _ => self.upload(),
        }
    }

    fn upload(&mut self) -> io::Result<()> {
        let bytes = &NOISE[self.content()];
        let content = Content::of(bytes);
        let keyed = self.rng.below(2) == 0;
        let client = if keyed { self.client.once(&self.rng.number().to_string()) } else { self.client.clone() };
        let id = id_of(&self.accepted(&client.upload(bytes, bytes.len())?)?);
        self.note(|journal| {
            journal.files.insert(id, content);
            journal.tally.files += 1;
        });
        Ok(())
    }

    fn upload_in_parts(&mut self) -> io::Result<()> {
        let whole = self.content();
        let id = self.begin(&whole)?;
        let mut at = whole.start;
        for last in (0..=self.rng.below(MAX_PARTS)).rev().map(|left| left == 0) {
            let size = if last { whole.end - at } else { self.rng.below(whole.end - at + 1) };
            if size > 0 {
                self.add_part(&id, at..at + size)?;
            }
            at += size;
        }
        self.complete(&id)
    }

    fn begin(&self, whole: &Range<usize>) -> io::Result<String> {
        let details =
            json!({"bytes": whole.len(), "filename": "a.bin", "mime_type": "text/plain", "purpose": "user_data"});
        let id = id_of(&self.post("/v1/uploads", &details)?);
        let upload = OpenUpload {
            whole: Content::of(&NOISE[whole.clone()]),
            parts: Vec::new(),
            completing: false,
            cancelling: false,
        };
        self.note(|journal| journal.uploads.insert(id.clone(), upload));
        Ok(id)
    }

    fn add_part(&self, upload: &str, part: Range<usize>) -> io::Result<()> {
        let bytes = &NOISE[part];
        let path = format!("/v1/uploads/{upload}/parts");
        let id = id_of(&self.accepted(&self.client.send_form(&path, "", "data", bytes, bytes.len())?)?);
        self.note(|journal| {
            journal.uploads.get_mut(upload).unwrap().parts.push(id);
            journal.tally.parts += 1;
        });
        Ok(())
    }

    fn complete(&self, upload: &str) -> io::Result<()> {
        let parts = self.note(|journal| {
            let upload = journal.uploads.get_mut(upload).unwrap();
            upload.completing = true;
            upload.parts.clone()
        });
        let completed = self.post(&format!("/v1/uploads/{upload}/complete"), &json!({"part_ids": parts}))?;
        self.note(|journal| {
            let content = journal.uploads.remove(upload).unwrap().whole;
            journal.files.insert(id_of(&completed["file"]), content);
            journal.tally.completed += 1;
        });
        Ok(())
    }

    fn begin_and_cancel(&mut self) -> io::Result<()> {
        let whole = self.content();
        let id = self.begin(&whole)?;
        self.add_part(&id, whole)?;
        self.note(|journal| journal.uploads.get_mut(&id).unwrap().cancelling = true);
        self.post(&format!("/v1/uploads/{id}/cancel"), &json!({}))?;
        self.note(|journal| journal.uploads.remove(&id));
        Ok(())
    }

    fn delete(&mut self) -> io::Result<()> {
        let choice = self.rng.below(KEPT_FILES);
        self.delete_one(choice)
    }

    /// Nothing, when there are not as many files.
    fn delete_one(&self, choice: usize) -> io::Result<()> {
        let chosen = self.note(|journal| {
            let id = journal.files.keys().nth(choice)?.clone();
            let content = journal.files.remove(&id)?;
            journal.doubtful.insert(id.clone(), content);
            Some(id)
        });
        let Some(id) = chosen else { return Ok(()) };
        self.accepted(&self.client.send("DELETE", &format!("/v1/files/{id}"))?)?;
        self.note(|journal| {
            journal.doubtful.remove(&id);
            journal.deleted.insert(id.clone());
            journal.just_deleted.push(id);
            journal.tally.deletes += 1;
        });
        Ok(())
    }

    fn content(&mut self) -> Range<usize> {
        let size = self.rng.size(MAX_SIZE);
        let start = self.rng.below(NOISE.len() - size);
        start..start + size
    }

    fn post(&self, path: &str, body: &Value) -> io::Result<Value> {
        let body = body.to_string();
        let answer =
            self.client.post(path, "application/json", body.len(), |socket| socket.write_all(body.as_bytes()))?;
        self.accepted(&answer)
    }

    /// What an answer acknowledges. One that comes once the strike has begun acknowledges nothing: without power nobody
    /// would have sent it, while a kernel that only plays dead may let an fsync that it is in the middle of succeed.
    fn accepted(&self, answer: &Answer) -> io::Result<Value> {
        if self.struck.load(Ordering::SeqCst) {
            return Err(io::Error::other("the strike came first"));
        }
        let refused = || io::Error::other(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)));
        if answer.status == 200 { Ok(answer.json()) } else { Err(refused()) }
    }

    fn note<T>(&self, work: impl FnOnce(&mut Journal) -> T) -> T {
        work(&mut self.journal.lock().unwrap())
    }
}

fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}
