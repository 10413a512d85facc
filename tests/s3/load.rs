//! Operations on a bucket that fails, each held against what was acknowledged before.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use venna_testkit::bucket::Bucket;
use venna_testkit::bucket_proxy::{ALL, Fault, FaultProxy, Which};
use venna_testkit::server::eventually;
use venna_testkit::{Rng, TestServer, User, setting};

/// Operations of the short run.
const OPERATIONS: u64 = 1000;
/// Clients at once, each with files of its own.
const CLIENTS: u64 = 8;
/// Of a hundred requests to the bucket, so many fail.
const SHARE: u32 = 20;
/// What a request to the bucket may take, with all that is tried again, in seconds.
const TIMEOUT: &str = "6";
/// Longer than an attempt, which has a third of that.
const STALL: Duration = Duration::from_secs(3);
/// How soon a store that answers again must be used again.
const RECOVERY: Duration = Duration::from_secs(10);
/// The largest content: more than two parts.
const LARGE_BYTES: usize = 20 << 20;

/// What came of operations.
#[derive(Debug, Default)]
struct Tally {
    counts: BTreeMap<&'static str, usize>,
    refused_after: Vec<Duration>,
}

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn add(&mut self, other: Self) {
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.refused_after.extend(other.refused_after);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_bucket_that_fails() {
    let (mut rng, seed) = Rng::of_test();
    println!("VENNA_CRASH_SEED={seed}");
    let bucket = Bucket::open();
    let proxy = FaultProxy::before(bucket.address, STALL, rng.fork());
    let settings = [
        ("inline_max_bytes", "0"),
        ("blobs_timeout_seconds", TIMEOUT),
        ("stray_check_interval_seconds", "60"),
        ("sweep_interval_seconds", "1"),
    ];
    let mut server = TestServer::over(bucket, proxy.address, &settings).await;
    let operations = setting("VENNA_S3_OPERATIONS", OPERATIONS);
    let ada = server.user("ada").await;
    proxy.fail(SHARE);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let client =
            Client { actor: server.user_of(&ada.key), rng: rng.fork(), files: Vec::new(), tally: Tally::default() };
        clients.push(tokio::spawn(client.work(operations / CLIENTS)));
    }
    let (mut tally, mut files) = (Tally::default(), Vec::new());
    for client in clients {
        let client = client.await.unwrap();
        tally.add(client.tally);
        files.extend(client.files);
    }
    let counts = proxy.counts();
    proxy.fail(0);
    let recovered = Instant::now();
    while ada.create_file("again", b"again").await.status != 200 {
        assert!(recovered.elapsed() < RECOVERY, "the store is used again within {RECOVERY:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{} requests to the bucket; {counts:?}", proxy.requests());
    println!("{:?}; recovered within {:?}", tally.counts, recovered.elapsed());
    report_refusals(&mut tally.refused_after);
    for (id, content) in &files {
        ada.download_file(id).await.is_bytes(content);
    }
    server.is_swept().await;
    eventually(|| server.found_blobs() == server.referenced_blobs(), || "no object is left that nobody has".into())
        .await;
    for fault in ALL {
        assert!(counts.contains_key(&fault), "{fault:?} came up among {operations} operations");
    }
    server.lost_uploads = proxy.lost_uploads();
    server.forget_errors();
    server.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_silent_is_told_in_time_then_at_once_and_used_again_in_time() {
    let bucket = Bucket::open();
    let proxy = FaultProxy::before(bucket.address, Duration::from_mins(1), Rng::default());
    let settings = [("inline_max_bytes", "0"), ("blobs_timeout_seconds", "3"), ("sweep_interval_seconds", "1")];
    let mut server = TestServer::over(bucket, proxy.address, &settings).await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.bin", b"abc").await.id();
    proxy.fail_with(Which::All, Fault::Stall);
    let (mut slowest, mut last) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..5 {
        let begun = Instant::now();
        let error = ada.create_file("b.bin", b"abc").await.is_error(503, None, Some("service_unavailable"));
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
        ada.download_file(&id).await.is_error(503, None, Some("service_unavailable"));
        last = begun.elapsed();
        slowest = slowest.max(last);
    }
    assert!(slowest <= Duration::from_secs(2 * (3 + 1)), "each of two answers has its time: {slowest:?}");
    assert!(last < Duration::from_millis(2500), "a store that is down is not waited for: {last:?}");
    println!("silent: an upload and a download together within {slowest:?}, at last {last:?}");
    proxy.fail(0);
    let recovered = Instant::now();
    while ada.download_file(&id).await.status != 200 || ada.create_file("c.bin", b"abc").await.status != 200 {
        assert!(recovered.elapsed() < RECOVERY, "the store is used again within {RECOVERY:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("recovered within {:?}", recovered.elapsed());
    server.is_swept().await;
    server.forget_errors();
    server.close().await;
}

/// What the last request of an upload did, and not what it said, decides whether the File is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_whose_end_is_not_clear_is_settled_by_what_is_there() {
    let bucket = Bucket::open();
    let proxy = FaultProxy::before(bucket.address, STALL, Rng::default());
    let settings = [("inline_max_bytes", "0"), ("blobs_timeout_seconds", TIMEOUT)];
    let mut server = TestServer::over(bucket, proxy.address, &settings).await;
    let ada = server.user("ada").await;
    let small: Vec<u8> = (0..300_000_u32).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let large: Vec<u8> = (0..9_000_000_u32).map(|at| (at % 253).to_le_bytes()[0]).collect();
    for (which, fault, content, status) in [
        (Which::Puts, Fault::InternalError, &small, 503),
        (Which::Puts, Fault::Reset, &small, 503),
        (Which::Puts, Fault::LostAnswer, &small, 200),
        (Which::Puts, Fault::Duplicate, &small, 200),
        (Which::Completions, Fault::ErrorIn200, &large, 503),
        (Which::Completions, Fault::SlowDown, &large, 503),
        (Which::Completions, Fault::ErrorIn200Done, &large, 200),
        (Which::Completions, Fault::LostAnswer, &large, 200),
        (Which::Completions, Fault::Duplicate, &large, 200),
    ] {
        proxy.fail_with(which, fault);
        let answer = ada.create_file("a.bin", content).await;
        proxy.fail(0);
        assert_eq!(answer.status, status, "{which:?} {fault:?}");
        if status == 200 {
            ada.download_file(&answer.id()).await.is_bytes(content);
        }
    }
    server.is_swept().await;
    server.forget_errors();
    server.close().await;
}

/// A read that is cut off goes on, whichever way it was cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_is_cut_off_goes_on_where_it_was() {
    let bucket = Bucket::open();
    let proxy = FaultProxy::before(bucket.address, STALL, Rng::default());
    let settings = [("inline_max_bytes", "0"), ("blobs_timeout_seconds", TIMEOUT)];
    let server = TestServer::over(bucket, proxy.address, &settings).await;
    let ada = server.user("ada").await;
    let content: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let id = ada.create_file("a.bin", &content).await.id();
    for fault in [Fault::ResetInBody, Fault::StallInBody, Fault::Truncated, Fault::Stall, Fault::SlowDown] {
        proxy.fail_with(Which::FirstReads, fault);
        ada.download_file(&id).await.is_bytes(&content);
        assert_eq!(proxy.counts()[&fault], 1);
    }
    server.close().await;
}

fn report_refusals(after: &mut [Duration]) {
    after.sort();
    if let Some(longest) = after.last() {
        println!(
            "{} refused, half within {:?}, 99 % within {:?}, all within {longest:?}",
            after.len(),
            after[after.len() / 2],
            after[after.len() * 99 / 100]
        );
    }
}

struct Client {
    actor: User,
    rng: Rng,
    files: Vec<(String, Vec<u8>)>,
    tally: Tally,
}

impl Client {
    async fn work(mut self, operations: u64) -> Self {
        for _ in 0..operations {
            match self.rng.below(100) {
                _ if self.files.is_empty() => self.create().await,
                0..40 => self.create().await,
                40..70 => self.download().await,
                70..90 => self.download_range().await,
                _ => self.delete().await,
            }
        }
        self
    }

    async fn create(&mut self) {
        let size = if self.rng.below(8) == 0 { self.rng.below(LARGE_BYTES) } else { self.rng.below(400_000) };
        let first = self.rng.number();
        let content: Vec<u8> =
            (0..size as u64).map(|at| (first.wrapping_add(at * 31) % 251).to_le_bytes()[0]).collect();
        let begun = Instant::now();
        let answer = self.actor.create_file("a.bin", &content).await;
        match answer.status.as_u16() {
            200 => {
                self.tally.count(if size > 8 << 20 { "created in parts" } else { "created" });
                self.files.push((answer.id(), content));
            }
            status => self.refused("not created", status, begun),
        }
    }

    async fn download(&mut self) {
        let (id, content) = &self.files[self.rng.below(self.files.len())];
        let begun = Instant::now();
        let answer = self.actor.download_file(id).await;
        match (answer.status.as_u16(), answer.body) {
            (200, Ok(body)) => {
                assert!(body == *content, "{id}: what ends cleanly is whole and right");
                self.tally.count("downloaded");
            }
            (200, Err(_)) => self.tally.count("download cut off"),
            (status, _) => self.refused("not downloaded", status, begun),
        }
    }

    async fn download_range(&mut self) {
        let (id, content) = &self.files[self.rng.below(self.files.len())];
        if content.is_empty() {
            return;
        }
        let first = self.rng.below(content.len());
        let last = first + self.rng.below(content.len() - first);
        let begun = Instant::now();
        let answer = self.actor.download_range(id, &format!("bytes={first}-{last}")).await;
        match (answer.status.as_u16(), answer.body) {
            (206, Ok(body)) => {
                assert!(body == content[first..=last], "{id}: what ends cleanly is whole and right");
                self.tally.count("range downloaded");
            }
            (206, Err(_)) => self.tally.count("range cut off"),
            (status, _) => self.refused("range not downloaded", status, begun),
        }
    }

    async fn delete(&mut self) {
        let (id, _) = self.files.swap_remove(self.rng.below(self.files.len()));
        self.actor.delete_file(&id).await.is_ok();
        self.tally.count("deleted");
    }

    /// Only that the store cannot be reached is a reason.
    fn refused(&mut self, what: &'static str, status: u16, begun: Instant) {
        assert_eq!(status, 503, "{what}");
        self.tally.count(what);
        self.tally.refused_after.push(begun.elapsed());
    }
}
