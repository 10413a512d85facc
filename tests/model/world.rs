//! The world of a walk: a running server, its users, random numbers, and a journal that is read when something goes
//! wrong.

use crate::model::{Content, Key, Model, Refusal, UPLOAD_SECONDS, Verdict, Workspace, places_of_bad_lines};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};
use venna::clock::Clock;
use venna::metadata::LEASE_SECONDS;
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::ids::KeyId;
use venna::model::scope::Scopes;
use venna_testkit::{Answer, Rng, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;
pub const WORKSPACES: [&str; 3] = ["ada", "bob", "eve"];
const LAST_OPERATIONS: usize = 20;
const LAST_NOTES: usize = 12;
const NOISE_BYTES: usize = 1 << 20;

pub struct World {
    pub model: Model,
    pub rng: Rng,
    pub server: TestServer,
    /// One for each workspace, with a key that opens it.
    pub actors: Vec<User>,
    /// Every key there ever was, as the model numbers them.
    pub keys: Vec<(KeyId, String)>,
    /// For each workspace the number of the key that its actor holds.
    pub held: Vec<usize>,
    /// Every File there ever was, oldest first.
    pub ever: Vec<String>,
    journal: Journal,
    /// When the leases of all servers that have died are over.
    dead_until_ms: u64,
    /// The latest time that the clock has shown.
    latest_ms: u64,
    /// Where the server and its clients run, while the walk waits for an answer and at no other time.
    runtime: Option<Runtime>,
}

impl World {
    pub fn open(seed: u64, steps: usize) -> Self {
        let runtime = new_runtime();
        let upload_seconds = UPLOAD_SECONDS.to_string();
        let settings = [
            ("sweep_interval_seconds", "86400"),
            ("upload_ttl_seconds", &*upload_seconds),
            ("max_failed_logins_per_minute", "0"),
        ];
        let server = runtime.block_on(TestServer::with(&settings, Clock::set_to(NOW_MS)));
        let mut world = Self {
            model: Model::at(NOW_MS),
            rng: Rng::new(seed),
            server,
            actors: Vec::new(),
            keys: Vec::new(),
            held: Vec::new(),
            ever: Vec::new(),
            journal: Journal { seed, steps, last: VecDeque::new(), tally: BTreeMap::new() },
            dead_until_ms: 0,
            latest_ms: NOW_MS,
            runtime: Some(runtime),
        };
        for (at, name) in WORKSPACES.into_iter().enumerate() {
            let installation = world.wait(world.server.installation());
            world.wait(installation.workspaces.create(name, Origin::COMMAND_LINE)).unwrap();
            drop(installation);
            world.model.workspaces.push(Workspace::default());
            let key = world.issue(at, None);
            world.held.push(key);
        }
        world.meet_again();
        world
    }

    /// Looks whether everybody left the server as they found it, and says what was done, by kind and status.
    pub fn close(mut self) -> BTreeMap<String, usize> {
        let runtime = self.runtime.take().unwrap();
        runtime.block_on(self.server.close());
        std::mem::take(&mut self.journal.tally)
    }

    pub fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(what)
    }

    /// Notes which operation begins.
    pub fn begin(&mut self, operation: String) {
        self.journal.last.push_back(vec![operation]);
        if self.journal.last.len() > LAST_OPERATIONS {
            self.journal.last.pop_front();
        }
    }

    /// Notes what is about to be done for the operation; of those that do a lot, what was last.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(operation) = self.journal.last.back_mut() {
            operation.push(what());
            if operation.len() > LAST_NOTES {
                operation.remove(1);
            }
        }
    }

    pub fn count(&mut self, what: &str) {
        *self.journal.tally.entry(what.to_owned()).or_insert(0) += 1;
    }

    pub fn request(&self, at: usize, method: Method, path: &str) -> RequestBuilder {
        self.actors[at].request(method, path)
    }

    pub fn send(&mut self, request: RequestBuilder) -> Answer {
        let answer = self.wait(self.actors[0].send(request));
        self.note(|| format!("  answered {}", answer.status));
        answer
    }

    pub fn get(&mut self, at: usize, path: &str) -> Answer {
        self.send(self.request(at, Method::GET, path))
    }

    /// A key of a workspace; the model counts it, too.
    pub fn issue(&mut self, at: usize, valid_seconds: Option<u64>) -> usize {
        let (id, secret) = self.wait(async {
            let installation = self.server.installation().await;
            let workspace = installation.workspaces.find(WORKSPACES[at]).await.unwrap().unwrap();
            let opens = Opens::Workspace(workspace.id, Scopes::DEFAULT);
            let (key, secret) =
                installation.keys.issue(opens, "walker", valid_seconds, Origin::COMMAND_LINE).await.unwrap();
            (key.id, secret.expose().to_owned())
        });
        self.keys.push((id, secret));
        let expires_at = valid_seconds.map(|seconds| self.model.now() + seconds);
        self.model.keys.push(Key { workspace: at, revoked: false, expires_at });
        self.keys.len() - 1
    }

    pub fn revoke(&mut self, key: usize) {
        let id = self.keys[key].0;
        self.wait(async { self.server.keys().revoke(id, Origin::COMMAND_LINE).await }).unwrap().unwrap();
        self.model.keys[key].revoked = true;
    }

    pub fn set_clock(&mut self, now_ms: u64) {
        self.server.clock.set(now_ms);
        self.latest_ms = self.latest_ms.max(now_ms);
        self.model.now_ms = now_ms;
        self.model.forget_what_is_old();
    }

    pub fn restart(&mut self) {
        self.runtime.as_ref().unwrap().block_on(self.server.restart());
        self.meet_again();
    }

    /// The server dies where it stands, and another takes its place.
    pub fn crash(&mut self) {
        self.server.crash(self.runtime.take().unwrap());
        if self.server.bucket.is_some() {
            self.dead_until_ms = self.latest_ms + LEASE_SECONDS * 1000;
        }
        let runtime = self.runtime.insert(new_runtime());
        runtime.block_on(self.server.start());
        self.meet_again();
    }

    /// What a dead server was writing into a bucket is nobody's once its lease is over, and the database has answered
    /// for as long as that; the lease lasts again when the clock goes back.
    pub fn outlive_the_dead(&mut self) {
        if self.dead_until_ms == 0 {
            return;
        }
        let now_ms = self.model.now_ms.max(self.dead_until_ms);
        self.set_clock(now_ms);
        let answered = format!("UPDATE database_uptime SET since_ms = 0, seen_ms = {now_ms}");
        let database = self.server.database();
        database.execute(database.choose("UPDATE blobs SET state = state WHERE false", &answered)).unwrap();
    }

    /// Everybody finds the server at its new address.
    fn meet_again(&mut self) {
        self.actors = self.held.iter().map(|key| self.server.user_of(&self.keys[*key].1)).collect();
    }
}

fn new_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What is said of an answer.
pub trait Compare {
    /// What the server minted for this answer; nothing when it refused.
    fn minted(&self) -> String;
    #[track_caller]
    fn must_be(self, expected: &Verdict<Value>);
}

impl Compare for Answer {
    fn minted(&self) -> String {
        let id = |object: &Value| object["id"].as_str().unwrap_or_default().to_owned();
        if self.status.is_success() { id(&self.json()) } else { String::new() }
    }

    fn must_be(self, expected: &Verdict<Value>) {
        match expected {
            Ok(value) => assert_eq!((self.status.as_u16(), &without_reasons(self.json())), (200, value)),
            Err(Refusal(status, param, code)) => drop(self.is_error(*status, *param, *code)),
        }
    }
}

/// The model knows where lines are bad, not in which words that is said.
fn without_reasons(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(members) => {
            for (name, value) in members {
                *value = match value.take() {
                    Value::String(said) if name == "status_details" => places_of_bad_lines(&said).into(),
                    other => without_reasons(other),
                };
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = without_reasons(value.take())),
        _ => {}
    }
    answer
}

/// Returns random content of a size.
pub fn random_content(rng: &mut Rng, size: usize) -> Content {
    let from = rng.within(0..NOISE_BYTES - size);
    Arc::from(&noise()[from..from + size])
}

fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut rng = Rng::new(0);
        (0..NOISE_BYTES / 8).flat_map(|_| rng.number().to_le_bytes()).collect()
    })
}

/// What was done last, and how it is done again; written when a walk fails.
struct Journal {
    seed: u64,
    steps: usize,
    last: VecDeque<Vec<String>>,
    tally: BTreeMap<String, usize>,
}

impl Drop for Journal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last: Vec<String> = self.last.iter().map(|operation| operation.join("\n    ")).collect();
            println!(
                "the last operations, the one that failed at the end:\n  {}\nto walk it again:\n  VENNA_MODEL_SEED={} VENNA_MODEL_STEPS={} cargo test --test model",
                last.join("\n  "),
                self.seed,
                self.steps
            );
        }
    }
}

pub fn http_date(unix_seconds: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix_seconds))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
