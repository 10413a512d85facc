//! Several servers on one PostgreSQL database, and what they do while it fails. These run whatever the rest of the
//! server runs on; `VENNA_PG_RESTARTS` says how often the database dies under load, and `VENNA_PG_PAUSE_MS` with which
//! pause between.

use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use venna::app::{Installation, Server};
use venna::clock::Clock;
use venna::config::{Config, Layers};
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::limits::{Limit, LimitOwner};
use venna::model::outbox::{NewMessage, SinkName};
use venna::model::scope::Scopes;
use venna_testkit::postgres::{Database, Postgres, run};
use venna_testkit::receiver::{Manner, Receiver};
use venna_testkit::server::eventually;

/// What another server has decided holds everywhere within this.
const HEARD: Duration = Duration::from_secs(1);
/// The longest request of these tests: 3 s to look up its key, 4.5 s for its change, and the time that a busy machine
/// adds.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The time within which a database that is back is used: 2 s after the request that meets its return.
pub const RECOVERY: Duration = Duration::from_secs(12);

fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|number| number.parse().unwrap())
}

pub struct Replica {
    pub server: Server,
    config: Config,
    client: Client,
    _folder: TempDir,
}

/// Each of these servers has a folder of blobs of its own, in which nothing is stored: small files are rows. It gets
/// the stamp of the database, without which a server takes it for a volume that is not mounted.
async fn stamp_blobs(url: &str, folder: &Path) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    let Ok(stamp) = client.query_opt("SELECT value FROM installation WHERE name = 'stamp'", &[]).await else { return };
    if let Some(stamp) = stamp {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("stamp"), stamp.get::<_, String>(0)).unwrap();
    }
}

impl Replica {
    pub async fn start(url: &str) -> Self {
        Self::with(url, &[]).await
    }

    async fn with(url: &str, settings: &[(&'static str, String)]) -> Self {
        venna_testkit::choose_cryptography();
        let folder = tempfile::tempdir().unwrap();
        let mut flags = BTreeMap::from([
            ("data_dir", folder.path().join("data").display().to_string()),
            ("metadata_url", url.to_owned()),
            ("inline_max_bytes", "65536".to_owned()),
            ("listen", "127.0.0.1:0".to_owned()),
            ("admin_listen", "off".to_owned()),
        ]);
        flags.extend(settings.iter().cloned());
        let (config, _) = Config::resolve(&Layers { flags, ..Layers::default() }).unwrap();
        stamp_blobs(url, &folder.path().join("data/blobs")).await;
        let server = Server::start(&config, Clock::system()).await.unwrap();
        Self { server, config, client: Client::new(), _folder: folder }
    }

    pub async fn installation(&self) -> Installation {
        Installation::open_existing(&self.config.stores, Clock::system()).await.unwrap()
    }

    pub fn request(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.server.address)).bearer_auth(key)
    }

    async fn status(&self, key: &str) -> u16 {
        self.request(Method::GET, "/v1/files", key).send().await.unwrap().status().as_u16()
    }

    async fn becomes(&self, key: &str, status: u16) {
        let begun = Instant::now();
        while self.status(key).await != status {
            assert!(begun.elapsed() < HEARD, "{status} within {HEARD:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn create(&self, key: &str, name: &str) -> RequestBuilder {
        let form = venna_testkit::Form::default().field("purpose", "user_data").file(name, name.as_bytes());
        let request = self.request(Method::POST, "/v1/files", key).header("idempotency-key", name);
        request.header("content-type", venna_testkit::Form::content_type()).body(form.close())
    }
}

pub async fn id(response: Response) -> String {
    assert_eq!(response.status(), 200);
    let file: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    file["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_decides_holds_on_the_other() {
    let Some(database) = Database::fresh("two servers") else { return };
    let (one, two) = (Replica::start(&database.url).await, Replica::start(&database.url).await);
    let installation = one.installation().await;
    let workspace = installation.workspaces.create("ada", Origin::COMMAND_LINE).await.unwrap();
    let opens = Opens::Workspace(workspace.id, Scopes::DEFAULT);
    let issue = || installation.keys.issue(opens, "key", None, Origin::COMMAND_LINE);
    let ((key, secret), (_, other)) = (issue().await.unwrap(), issue().await.unwrap());
    let (secret, other) = (secret.expose(), other.expose());
    assert_eq!((one.status(secret).await, two.status(secret).await), (200, 200), "a new key works everywhere at once");
    let file = id(one.create(secret, "a").send().await.unwrap()).await;
    let content = two.request(Method::GET, &format!("/v1/files/{file}/content"), other).send().await.unwrap();
    assert_eq!(content.bytes().await.unwrap(), "a");
    assert_eq!(id(two.create(secret, "a").send().await.unwrap()).await, file, "a repeated request is known to both");
    one.server.keys.revoke(key.id, Origin::COMMAND_LINE).await.unwrap();
    assert_eq!(one.status(secret).await, 401);
    two.becomes(secret, 401).await;
    let limited = LimitOwner::Workspace(workspace.id);
    let wanted = vec![(Limit::RequestsPerMinute, Some(1))];
    assert!(installation.workspaces.set_limits(limited, wanted, Origin::COMMAND_LINE).await.unwrap());
    two.becomes(other, 429).await;
    installation.workspaces.archive(workspace.id, Origin::COMMAND_LINE).await.unwrap();
    two.becomes(other, 401).await;
    let again = Server::start(&one.config, Clock::system()).await.unwrap_err();
    assert!(again.to_string().contains("another server is running on the data directory"), "{again}");
    let living = || database.rows("SELECT id FROM processes").len();
    assert_eq!(living(), 2);
    one.server.stop().await;
    two.server.stop().await;
    assert_eq!(living(), 0, "nobody needs to wait until their leases are over");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_cannot_send_another_sends_once() {
    let Some(database) = Database::fresh("messages of two servers") else { return };
    let [deaf, receiver] = [Receiver::open(Manner::Refuses, 1), Receiver::open(Manner::Works, 1)];
    let one = Replica::with(&database.url, &[("usage_sink_url", deaf.url())]).await;
    let metadata = one.installation().await.rows();
    let ids = ["a", "b", "c"];
    for id in ids {
        let body = "[]".into();
        let message = NewMessage { id: id.into(), sink: SinkName::Usage, content_type: "application/json", body };
        assert!(metadata.add_message(message).await.unwrap());
    }
    eventually(|| !deaf.state().attempts.is_empty(), || "one server tries".into()).await;
    let two = Replica::with(&database.url, &[("usage_sink_url", receiver.url())]).await;
    let sent = || -> Vec<String> {
        receiver.state().attempts.iter().map(|received| received.headers["webhook-id"].clone()).collect()
    };
    eventually(|| sent().len() >= ids.len(), || format!("the other sends all, not {:?}", sent())).await;
    assert_eq!(sent(), ids);
    one.server.stop().await;
    two.server.stop().await;
}

/// What clients know.
#[derive(Default)]
struct Known {
    /// Files that are there, with their content.
    files: BTreeMap<String, String>,
    made: usize,
    deleted: usize,
    failed: usize,
    slowest: Duration,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_while_the_database_dies() {
    let restarts = asked("VENNA_PG_RESTARTS").unwrap_or(3);
    let pause = Duration::from_millis(asked("VENNA_PG_PAUSE_MS").unwrap_or(700));
    let Some(mut server) = Postgres::start(&[], "databases that die under load") else { return };
    let database = Database::of(&server.url);
    let replicas = Arc::new([Replica::start(&database.url).await, Replica::start(&database.url).await]);
    let installation = replicas[0].installation().await;
    let workspace = installation.workspaces.create("ada", Origin::COMMAND_LINE).await.unwrap();
    let opens = Opens::Workspace(workspace.id, Scopes::DEFAULT);
    let (_, secret) = installation.keys.issue(opens, "key", None, Origin::COMMAND_LINE).await.unwrap();
    let secret: Arc<str> = secret.expose().into();
    let (known, over) = (Arc::<Mutex<Known>>::default(), Arc::<AtomicBool>::default());
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (replicas, secret) = (Arc::clone(&replicas), Arc::clone(&secret));
            let (known, over) = (Arc::clone(&known), Arc::clone(&over));
            tokio::spawn(async move { work(worker, &replicas, &secret, &known, &over).await })
        })
        .collect();
    for round in 0..restarts {
        tokio::time::sleep(pause).await;
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        drop(run(&database.url, others));
        tokio::time::sleep(Duration::from_millis(300)).await;
        // The last one leaves the database away for longer than anybody waits.
        server = tokio::task::spawn_blocking(move || {
            server.tell("stop");
            std::thread::sleep(Duration::from_millis(if round + 1 == restarts { 6000 } else { 200 }));
            server.tell("start");
            server
        })
        .await
        .unwrap();
        let back = Instant::now();
        let list = || replicas[usize::from(round % 2 == 0)].request(Method::GET, "/v1/files?limit=1", &secret).send();
        while list().await.unwrap().status() != 200 {
            assert!(back.elapsed() < RECOVERY, "{:?}", back.elapsed());
        }
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    over.store(true, Ordering::SeqCst);
    join_all(workers).await.into_iter().for_each(Result::unwrap);
    let Known { files, made, deleted, failed, slowest } = std::mem::take(&mut *known.lock().unwrap());
    println!("{made} made, {deleted} deleted, {failed} failed, the slowest took {slowest:?}");
    assert!(made > 50 && deleted > 10 && failed > 0, "{made} made, {deleted} deleted, {failed} failed");
    let there: BTreeMap<String, String> = database
        .rows("SELECT f.id, convert_from(b.content, 'UTF8') FROM files f JOIN blobs b ON b.id = f.blob_id")
        .into_iter()
        .map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap()))
        .collect();
    assert!(there == files, "what was acknowledged is there, and nothing else");
    let facts = "SELECT count(*) FILTER (WHERE fact = 'create'), count(*) FILTER (WHERE fact = 'end') FROM ledger";
    let facts = database.rows(facts);
    let expected = [made, deleted].map(|number| Some(number.to_string()));
    assert_eq!(facts, [expected], "it is billed once");
    let misfits = venna::app::open_inspector(&replicas[0].config.stores).await.unwrap().1.metadata.find_misfits().await;
    assert!(misfits.unwrap().is_empty());
    drop(installation);
    for replica in Arc::into_inner(replicas).unwrap() {
        replica.server.stop().await;
    }
}

/// Makes files and deletes some, each until it is told that it is done.
async fn work(worker: usize, replicas: &[Replica; 2], secret: &str, known: &Mutex<Known>, over: &AtomicBool) {
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        let name = format!("{worker}.{number}");
        let mut tries = 0;
        let file = loop {
            let request = replicas[(number + tries) % 2].create(secret, &name);
            match timed(request, known).await {
                Some(response) => break id(response).await,
                None => tries += 1,
            }
        };
        let mut delete = number % 3 == 0;
        {
            let mut known = known.lock().unwrap();
            known.made += 1;
            if delete {
                known.deleted += 1;
            } else {
                known.files.insert(file.clone(), name);
            }
        }
        while delete {
            tries += 1;
            let request = replicas[tries % 2].request(Method::DELETE, &format!("/v1/files/{file}"), secret);
            delete = timed(request, known).await.is_none();
        }
        number += 1;
    }
}

/// The answer, unless it is that the database is not there; a file that is gone by now was deleted by an earlier try.
async fn timed(request: RequestBuilder, known: &Mutex<Known>) -> Option<Response> {
    let begun = Instant::now();
    let response = request.send().await.unwrap();
    let taken = begun.elapsed();
    assert!(taken < PATIENCE, "a request took {taken:?}");
    let mut known = known.lock().unwrap();
    known.slowest = known.slowest.max(taken);
    if [200, 404].contains(&response.status().as_u16()) {
        return Some(response);
    }
    known.failed += 1;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"), "{:?}", response.headers());
    None
}
