//! A standby becomes the primary while clients work: what was acknowledged is there, and the server finds the new
//! primary.

use crate::replicas::{PATIENCE, RECOVERY, Replica, id};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::scope::Scopes;
use venna_testkit::postgres::{Database, Postgres, run};
use venna_testkit::postgres_proxy::Proxy;
use venna_testkit::server::eventually;

const WORKERS: usize = 8;
/// How long clients work before and after the standby is promoted.
const LOAD: Duration = Duration::from_millis(1500);

/// The same database on another server.
fn on(server: &str, database: &Database) -> String {
    let name = database.url.rsplit('/').next().unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

async fn key(replica: &Replica) -> String {
    let installation = replica.installation().await;
    let workspace = installation.workspaces.create("ada", Origin::COMMAND_LINE).await.unwrap();
    let opens = Opens::Workspace(workspace.id, Scopes::DEFAULT);
    let (_, secret) = installation.keys.issue(opens, "key", None, Origin::COMMAND_LINE).await.unwrap();
    secret.expose().to_owned()
}

/// What clients were told.
#[derive(Default)]
struct Told {
    /// Files that were acknowledged, with their content.
    files: BTreeMap<String, String>,
    refused: usize,
    last_made: Option<Instant>,
    /// The longest time in which no File was made.
    longest_gap: Duration,
}

/// Makes Files, each until it is acknowledged.
async fn work(worker: usize, replica: &Replica, key: &str, told: &Mutex<Told>, over: &AtomicBool) {
    for number in 0.. {
        let name = format!("{worker}.{number}");
        loop {
            let begun = Instant::now();
            let response = replica.create(key, &name).send().await.unwrap();
            assert!(begun.elapsed() < PATIENCE, "a request took {:?}", begun.elapsed());
            if response.status() == 200 {
                let file = id(response).await;
                let mut told = told.lock().unwrap();
                let gap = told.last_made.replace(Instant::now()).map(|last| last.elapsed());
                told.longest_gap = told.longest_gap.max(gap.unwrap_or_default());
                told.files.insert(file, name);
                break;
            }
            assert_eq!(response.status(), 503);
            told.lock().unwrap().refused += 1;
        }
        if over.load(Ordering::SeqCst) {
            return;
        }
    }
}

async fn readiness(replica: &Replica) -> (u16, Value) {
    let answer = replica.request(reqwest::Method::GET, "/readyz", "none").send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
}

/// It is ready within the time for which an answer holds, and what is left of the time that connections live at least.
async fn becomes_ready(replica: &Replica) {
    let begun = Instant::now();
    loop {
        let (status, body) = readiness(replica).await;
        if status == 200 {
            return;
        }
        assert!(begun.elapsed() < RECOVERY, "{body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Clients that work while `strike` runs, and for a while before and after.
async fn under_load(replica: &Arc<Replica>, key: &str, strike: impl AsyncFnOnce(&Mutex<Told>)) -> Told {
    let (told, over) = (Arc::<Mutex<Told>>::default(), Arc::<AtomicBool>::default());
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (replica, key) = (Arc::clone(replica), key.to_owned());
            let (told, over) = (Arc::clone(&told), Arc::clone(&over));
            tokio::spawn(async move { work(worker, &replica, &key, &told, &over).await })
        })
        .collect();
    tokio::time::sleep(LOAD).await;
    strike(&told).await;
    tokio::time::sleep(LOAD).await;
    over.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.await.unwrap();
    }
    std::mem::take(&mut *told.lock().unwrap())
}

/// Waits until a File is made that was begun after now; how long that takes.
async fn next_file(told: &Mutex<Told>) -> Duration {
    let begun = Instant::now();
    let made = || told.lock().unwrap().last_made.is_some_and(|made| made > begun);
    eventually(made, || "uploads work again".into()).await;
    begun.elapsed()
}

/// The Files of a database, with their content.
fn files(url: &str) -> BTreeMap<String, String> {
    let all = "SELECT f.id, convert_from(b.content, 'UTF8') FROM files f JOIN blobs b ON b.id = f.blob_id";
    let rows = run(url, all).unwrap();
    rows.into_iter().map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap())).collect()
}

fn tell(server: &mut Postgres, commands: &[&str]) {
    tokio::task::block_in_place(|| commands.iter().for_each(|command| server.tell(command)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_has_what_the_dead_primary_acknowledged() {
    let Some(mut server) = Postgres::start(&[], "a standby that is promoted after a crash") else { return };
    let database = Database::of(&server.url);
    let standby = on(&server.synchronous_standby(), &database);
    let (place, name) = database.url.rsplit_once('/').unwrap();
    let second = standby.split('@').nth(1).unwrap().split('/').next().unwrap();
    let url = format!("{place},{second}/{name}?target_session_attrs=read-write");
    let replica = Arc::new(Replica::start(&url).await);
    let key = key(&replica).await;
    let mut recovery = Duration::MAX;
    let told = under_load(&replica, &key, async |told| {
        tell(&mut server, &["stop", "promote"]);
        recovery = next_file(told).await;
    })
    .await;
    println!(
        "a dead primary: {} acknowledged, {} refused, uploads work {recovery:?} after the promotion, {:?} without one",
        told.files.len(),
        told.refused,
        told.longest_gap
    );
    assert!(told.files.len() > 2 * WORKERS && recovery < RECOVERY, "{recovery:?}");
    assert!(told.files == files(&standby), "what was acknowledged is there, and nothing else");
    becomes_ready(&replica).await;
    Arc::into_inner(replica).unwrap().server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_primary_takes_nothing_and_the_promoted_one_is_found() {
    let Some(mut server) = Postgres::start(&[], "a standby that is promoted beside a fenced primary") else { return };
    let database = Database::of(&server.url);
    let standby = on(&server.synchronous_standby(), &database);
    let (proxy, url) = Proxy::before(&database.url);
    let replica = Arc::new(Replica::start(&url).await);
    let key = key(&replica).await;
    let (mut fenced, mut recovery) = (BTreeMap::new(), Duration::MAX);
    let primary = database.url.clone();
    let told = under_load(&replica, &key, async |told| {
        run(&primary, "ALTER SYSTEM SET default_transaction_read_only = on").unwrap();
        run(&primary, "SELECT pg_reload_conf()").unwrap();
        // What had begun before may still commit.
        tokio::time::sleep(Duration::from_millis(500)).await;
        fenced = files(&primary);
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let (status, body) = readiness(&replica).await;
        assert_eq!((status, body["metadata"].as_str()), (503, Some("read_only")), "{body}");
        let list = replica.request(reqwest::Method::GET, "/v1/files?limit=1", &key).send().await.unwrap();
        assert_eq!(list.status(), 200, "reads go on");
        assert_eq!(files(&primary).len(), fenced.len(), "an operator keeps writers away");
        tell(&mut server, &["promote"]);
        proxy.lead_to(&standby);
        recovery = next_file(told).await;
    })
    .await;
    println!(
        "a fenced primary: {} acknowledged, {} refused, uploads work {recovery:?} after the promotion",
        told.files.len(),
        told.refused
    );
    assert!(told.files.len() > fenced.len() && recovery < RECOVERY, "{recovery:?}");
    assert_eq!(files(&database.url).len(), fenced.len(), "nothing was written to the old primary");
    assert!(told.files == files(&standby), "what was acknowledged is there, and nothing else");
    let left =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'venna' AND datname = current_database()";
    eventually(|| run(&database.url, left).unwrap()[0][0].as_deref() == Some("0"), || "no session is left".into())
        .await;
    becomes_ready(&replica).await;
    Arc::into_inner(replica).unwrap().server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_standby_has_is_not_acknowledged() {
    let Some(mut server) = Postgres::start(&[], "commits while the standby is away") else { return };
    let database = Database::of(&server.url);
    let standby = on(&server.synchronous_standby(), &database);
    let replica = Replica::start(&database.url).await;
    let key = key(&replica).await;
    assert_eq!(replica.create(&key, "before").send().await.unwrap().status(), 200);
    tell(&mut server, &["stop-standby"]);
    // A primary that is started again shows what it had not sent; it does not count before a standby has it.
    let begun = Instant::now();
    let waiting = tokio::spawn(replica.create(&key, "unsent").send());
    tokio::time::sleep(Duration::from_millis(500)).await;
    tell(&mut server, &["restart"]);
    let told = waiting.await.unwrap().unwrap().status();
    assert!(told == 503 && begun.elapsed() < PATIENCE, "{told} after {:?}", begun.elapsed());
    let shown = files(&database.url);
    assert!(shown.values().any(|name| name == "unsent"), "it is there by itself: {shown:?}");
    let until = Instant::now() + Duration::from_secs(8);
    let mut tries = 0;
    while Instant::now() < until {
        let begun = Instant::now();
        let status = replica.create(&key, "waits").send().await.unwrap().status();
        assert_eq!(status, 503, "the standby does not have it, try {tries}");
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
        tries += 1;
    }
    tell(&mut server, &["start-standby"]);
    server.expect_standby();
    for name in ["unsent", "waits"] {
        let made = id(replica.create(&key, name).send().await.unwrap()).await;
        assert!(files(&standby).contains_key(&made), "{name}");
    }
    assert_eq!(files(&database.url).len(), 3, "each was made once");
    assert!(tries > 1);
    replica.server.stop().await;
}
