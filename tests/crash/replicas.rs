//! Three servers on one PostgreSQL database and one bucket, behind a balancer, of which one is killed every few seconds
//! while clients work on. `VENNA_REPLICA_SECONDS` says for how long.

use crate::installation::same_environment;
use crate::journal::Shared;
use crate::load::Load;
use crate::oracle::{Verdict, compare};
use serde_json::Value;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use venna_testkit::bucket::Bucket;
use venna_testkit::postgres::Database;
use venna_testkit::program::{Client, Program, report, venna};
use venna_testkit::{Rng, setting};

const SECONDS: u64 = 10;
const REPLICAS: usize = 3;
/// How long it is until the next one is killed.
const LIFE_MS: Range<usize> = 800..2500;
/// A server counts as dead so long after its last sign of life; what it left is swept within seconds then.
const LEASE: Duration = Duration::from_secs(30);
const SWEEP: Duration = Duration::from_secs(15);

struct Replicas {
    database: Database,
    bucket: Bucket,
    folders: Vec<TempDir>,
    servers: Vec<Option<Program>>,
    balancer: Balancer,
}

impl Replicas {
    fn start(database: Database) -> Self {
        let folders = (0..REPLICAS).map(|_| tempfile::tempdir().unwrap()).collect();
        let servers = (0..REPLICAS).map(|_| None).collect();
        let mut replicas = Self { database, bucket: Bucket::open(), folders, servers, balancer: Balancer::start() };
        (0..REPLICAS).for_each(|number| replicas.revive(number));
        replicas
    }

    /// A command on the stores of all.
    fn command(&self, words: &[&str]) -> Command {
        let blobs = self.bucket.url("replicas");
        let mut command = venna(&[words, &["--metadata-url", &self.database.url, "--blobs-url", &blobs]].concat());
        command.envs(self.bucket.variables(self.bucket.address));
        command
    }

    fn kill(&mut self, number: usize) {
        self.servers[number] = None;
    }

    fn revive(&mut self, number: usize) {
        let words =
            ["serve", "--sweep-interval-seconds", "1", "--delete-delay-seconds", "1", "--inline-max-bytes", "4096"];
        let server = self.command(&words);
        // It ends with this thread, even when the test is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(server.get_program()).args(server.get_args());
        same_environment(&mut command, &server);
        let server = Program::spawn(command, &self.folders[number].path().join("data"));
        self.balancer.send_to(number, server.address);
        self.servers[number] = Some(server);
    }

    /// A client of the balancer, with the key that the first server of all made.
    fn client(&self) -> Client {
        let key = std::fs::read_to_string(self.folders[0].path().join("data/first-key")).unwrap();
        let mut client = self.servers.iter().flatten().next().unwrap().client(key.trim());
        client.address = self.balancer.address;
        client
    }

    /// What does not fit each other, once the sweepers had their time: findings, parts and uploads that nobody ends.
    fn settled(&self) -> Verdict {
        let deadline = Instant::now() + LEASE + SWEEP;
        loop {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().display().to_string();
            let checked = self.command(&["fsck", "--json", "--data-dir", &data]).output().unwrap();
            let findings = String::from_utf8(checked.stdout).unwrap();
            let unsettled = self
                .database
                .rows("SELECT id FROM blobs WHERE state <> 'ready' UNION ALL SELECT owner_id FROM releases")
                .len();
            let (parts, _) = self.bucket.unfinished();
            let mut orphans: Vec<String> = findings.lines().map(str::to_owned).collect();
            orphans.extend(
                (unsettled > 0).then(|| format!("{unsettled} blobs or their owners are neither ready nor gone")),
            );
            orphans.extend(parts.into_iter().map(|part| format!("{part} of an upload in parts is left")));
            if checked.status.code() == Some(0) && orphans.is_empty() || Instant::now() > deadline {
                return Verdict { orphans, ..Verdict::default() };
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

/// Hands each connection to one of the servers, to another when that one is gone.
struct Balancer {
    address: SocketAddr,
    targets: Arc<Mutex<Vec<Option<SocketAddr>>>>,
}

impl Balancer {
    /// It runs until the test ends.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, targets) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(vec![None; REPLICAS])));
        let known = Arc::clone(&targets);
        std::thread::spawn(move || {
            for (turn, client) in listener.incoming().flatten().enumerate() {
                let targets: Vec<Option<SocketAddr>> = known.lock().unwrap().clone();
                let mut in_turn = targets.iter().cycle().skip(turn % REPLICAS).take(REPLICAS).flatten();
                let server = in_turn.find_map(|target| TcpStream::connect(target).ok());
                std::thread::spawn(move || server.map(|server| carry(&client, &server)));
            }
        });
        Self { address, targets }
    }

    fn send_to(&self, number: usize, address: SocketAddr) {
        self.targets.lock().unwrap()[number] = Some(address);
    }
}

fn carry(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    let pipe = |mut from: TcpStream, mut to: TcpStream| {
        std::thread::spawn(move || {
            drop(io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Write));
        })
    };
    let there = pipe(client.try_clone()?, server.try_clone()?);
    let back = pipe(server.try_clone()?, client.try_clone()?);
    drop((there.join(), back.join()));
    client.shutdown(Shutdown::Both)
}

/// Bytes of all files, by the ledger and by the list: each as one sum.
fn sums(client: &Client) -> (i64, i64) {
    let (mut billed, mut after) = (0, 0);
    loop {
        let path = format!("/v1/organization/usage/ledger?limit=10000&after_seq={after}");
        let page = String::from_utf8(client.send("GET", &path).unwrap().body).unwrap();
        let lines: Vec<Value> = page.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let Some(last) = lines.last() else { break };
        after = last["seq"].as_u64().unwrap();
        let stored = lines.iter().filter(|line| line["line_item"] == "files.storage");
        billed += stored.map(|line| line["bytes"].as_i64().unwrap()).sum::<i64>();
    }
    let (mut listed, mut path) = (0, "/v1/files?limit=10000".to_owned());
    loop {
        let page = client.send("GET", &path).unwrap().json();
        listed += page["data"].as_array().unwrap().iter().map(|file| file["bytes"].as_i64().unwrap()).sum::<i64>();
        if page["has_more"] == false {
            return (billed, listed);
        }
        path = format!("/v1/files?limit=10000&after={}", page["last_id"].as_str().unwrap());
    }
}

#[test]
fn what_one_of_three_acknowledged_is_there_whichever_is_killed() {
    let Some(database) = Database::fresh("three servers of which one is killed") else { return };
    let (time, (mut rng, seed)) = (Duration::from_secs(setting("VENNA_REPLICA_SECONDS", SECONDS)), Rng::of_test());
    let (mut replicas, journal, mut kills) = (Replicas::start(database), Shared::default(), 0);
    let client = replicas.client();
    let load = Load::start_enduring(&client, &journal, &mut rng);
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::thread::sleep(rng.duration_ms(LIFE_MS));
        let number = rng.below(REPLICAS);
        replicas.kill(number);
        replicas.revive(number);
        kills += 1;
    }
    load.expect_the_strike();
    load.end();
    let mut verdict = replicas.settled();
    verdict.add(compare(&client, &mut journal.lock().unwrap()));
    let (billed, listed) = sums(&client);
    let journal = journal.lock().unwrap();
    report(&format!(
        "replicas: {kills} kills in {time:?}, {}, {} requests failed meanwhile, seed {seed}",
        verdict.line(journal.tally),
        journal.failures
    ));
    assert!(verdict.is_clean(), "with VENNA_CRASH_SEED={seed}: {verdict:#?}");
    assert_eq!(billed, listed, "what is billed is what is there, with VENNA_CRASH_SEED={seed}");
    assert!(journal.tally.acknowledged() as u64 > kills, "there was work to lose");
}
