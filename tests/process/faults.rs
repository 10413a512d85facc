//! Every system call of an upload and of a delete fails once: at its first time, its second, until the operation passes
//! untouched. Whatever fails, nothing is acknowledged that is not there, nothing is left behind, and the next tenant is
//! served.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use venna_testkit::program::{Answer, Client, Data, PATIENCE, Program, blobs, output, report};

/// A tracer counts the calls of each thread by itself. Rows are written by one thread and files by others, so each side
/// has its turn: otherwise the first fsync to fail would always be that of the first row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Rows,
    Files,
}

const ROW_CALLS: [&str; 6] = ["openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate"];
const FILE_CALLS: [&str; 5] = ["openat", "writev", "fsync", "renameat2", "unlinkat"];
const ERRORS: [&str; 3] = ["EIO", "ENOSPC", "EMFILE"];
const ROW_THREAD: &str = "sqlite-writer";
const SIZE: usize = 700_000;
/// A file that is kept in its row.
const SMALL_SIZE: usize = 1000;
/// The smallest files that are not, about.
const BLOB_SIZE: usize = 70_000;
/// How often a commit that fails may be another than that of the upload.
const CHANCES: usize = 5;
/// No operation makes a call more often than this.
const MOST_CALLS: usize = 60;

/// A tracer that makes one call fail once.
struct Injection {
    tracer: Child,
    log: PathBuf,
}

impl Injection {
    fn attach(server: &Program, data: &Data, fault: Fault, when: usize) -> Self {
        let log = data.folder.path().join("injected");
        let Fault { side, call, error } = fault;
        let threads: Vec<Thread> = threads(server).into_iter().filter(|thread| thread.side == side).collect();
        let mut command = Command::new("strace");
        command.args(["-y", "-o", log.to_str().unwrap(), "-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:error={error}:when={when}")]);
        for thread in &threads {
            command.args(["-p", &thread.id]);
        }
        if ["write", "pwrite64"].contains(&call) {
            // The thread also writes to wake the runtime, which cannot fail.
            for file in ["venna.db", "venna.db-wal", "venna.db-shm"] {
                command.arg("-P").arg(data.path().join(file));
            }
        }
        drop(std::fs::remove_file(&log));
        let tracer = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let attached = |threads: &[Thread]| threads.iter().all(|thread| tracer_of(server, thread) != Some(0));
        while !attached(&threads) {
            assert!(begun.elapsed() < PATIENCE, "every thread is traced");
        }
        Self { tracer, log }
    }

    /// Lets go of the server; the calls that failed, with the paths that they were about.
    fn detach(mut self, server: &Program) -> Vec<String> {
        drop(Command::new("kill").args(["-INT", &self.tracer.id().to_string()]).status());
        drop(self.tracer.wait());
        while threads(server).iter().any(|thread| tracer_of(server, thread).is_some_and(|tracer| tracer != 0)) {}
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().filter(|line| line.contains("(INJECTED)")).map(str::to_owned).collect()
    }
}

/// What fails, and how.
#[derive(Clone, Copy)]
struct Fault {
    side: Side,
    call: &'static str,
    error: &'static str,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} of {:?} fails with {}", self.call, self.side, self.error)
    }
}

struct Thread {
    id: String,
    side: Side,
}

fn threads(server: &Program) -> Vec<Thread> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.id())).unwrap().map(|task| task.unwrap().path());
    let thread = |task: PathBuf| {
        let name = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
        let side = if name.trim() == ROW_THREAD { Side::Rows } else { Side::Files };
        Thread { id: task.file_name().unwrap().to_string_lossy().into_owned(), side }
    };
    tasks.map(thread).collect()
}

/// The tracer of a thread, 0 when there is none; nothing when the thread is gone.
fn tracer_of(server: &Program, thread: &Thread) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{}/task/{}/status", server.id(), thread.id)).ok()?;
    status.lines().find_map(|line| line.strip_prefix("TracerPid:")?.trim().parse().ok())
}

fn can_attach(server: &Program, data: &Data) -> bool {
    let probe = Command::new("strace").args(["-V"]).output();
    let probe = probe.is_ok_and(|output| output.status.success());
    probe && {
        let mut tracer = Command::new("strace");
        tracer.args(["-qq", "-p", &server.id().to_string(), "-o"]).arg(data.folder.path().join("probe"));
        let mut tracer = tracer.stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let attached = tracer.try_wait().unwrap().is_none();
        drop(tracer.kill());
        drop(tracer.wait());
        attached
    }
}

struct Bench {
    server: Program,
    data: Data,
    ada: Client,
    bob: Client,
}

fn start(data: &Data) -> Program {
    let mut command = venna_testkit::program::venna(&["serve", "--sweep-interval-seconds", "1"]);
    command.env("RUST_BACKTRACE", "0");
    Program::spawn(command, &data.path())
}

#[derive(Default)]
struct Tally {
    tried: usize,
    injected: usize,
    refused: usize,
}

impl Bench {
    /// None where nothing can be injected.
    fn open() -> Option<Self> {
        let data = Data::new();
        let server = start(&data);
        if !can_attach(&server, &data) {
            report("skipped: strace cannot attach here");
            return None;
        }
        let ada = server.client(&data.first_key());
        output(&["workspaces", "create", "bob", "--data-dir", &data.text()]);
        let key = output(&["keys", "create", "--workspace", "bob", "--quiet", "--data-dir", &data.text()]);
        Some(Self { bob: ada.with_key(&key), server, data, ada })
    }

    fn restart(&mut self) {
        self.server.signal("TERM");
        self.server.wait();
        self.server = start(&self.data);
        (self.ada.address, self.bob.address) = (self.server.address, self.server.address);
    }

    /// A server that has seen too many failed fsyncs takes nothing more: where they are what is tried, a fresh one is.
    fn forgives(&mut self, fault: Fault) {
        if (fault.side, fault.call) == (Side::Files, "fsync") {
            self.is_quiet();
            self.restart();
        }
    }

    /// One operation for each time at which the call fails, until none does.
    fn upload_under(&mut self, fault: Fault, size: usize, tally: &mut Tally) {
        let (mut when, mut chances) = (1, CHANCES);
        while when < MOST_CALLS {
            let what = format!("upload of {size} bytes: {fault} at its time {when}");
            self.is_quiet();
            self.forgives(fault);
            let before = self.ids();
            let injection = Injection::attach(&self.server, &self.data, fault, when);
            let byte = when.to_le_bytes()[0];
            let answer = self.ada.upload(&[byte; 1000], size).ok();
            let injected = injection.detach(&self.server);
            tally.tried += 1;
            tally.injected += injected.len();
            // After a failed fsync nothing is known of the file's pages (docs/design/durability.md, R3).
            let unsynced = injected.iter().any(|failed| failed.contains("sync("));
            let acknowledged = answer.as_ref().is_some_and(|answer| answer.status == 200);
            let chance = unsynced && acknowledged && fault.side == Side::Rows && chances > 0;
            assert!(chance || !(unsynced && acknowledged), "{what}: {injected:?}");
            self.judge_upload(&what, &before, answer, &vec![byte; size], tally);
            self.serves_others(&what);
            if injected.is_empty() {
                return;
            }
            // The failed commit was another: of reads that were counted, or of the sweeper. It is tried again.
            (when, chances) = if chance { (when, chances - 1) } else { (when + 1, CHANCES) };
        }
        panic!("{fault} more than {MOST_CALLS} times");
    }

    /// The same for a delete, and for the sweep that follows it.
    fn delete_under(&mut self, fault: Fault, size: usize, tally: &mut Tally) {
        for when in 1..MOST_CALLS {
            let what = format!("delete of {size} bytes: {fault} at its time {when}");
            self.forgives(fault);
            let id = self.ada.upload(b"short", size).unwrap().id();
            let whole: Vec<u8> = b"short".iter().copied().cycle().take(size).collect();
            let injection = Injection::attach(&self.server, &self.data, fault, when);
            let answer = self.ada.send("DELETE", &format!("/v1/files/{id}")).ok().map(|answer| answer.status);
            std::thread::sleep(Duration::from_millis(20));
            let injected = injection.detach(&self.server);
            tally.tried += 1;
            tally.injected += injected.len();
            let left = self.ada.send("GET", &format!("/v1/files/{id}/content")).unwrap();
            match answer {
                Some(200) => assert_eq!(left.status, 404, "{what}: what was acknowledged is gone"),
                Some(status) => {
                    tally.refused += 1;
                    assert!(
                        [500, 503].contains(&status) && left.status == 200 && left.body == whole,
                        "{what}: {status}"
                    );
                }
                None => assert!(left.status == 404 || left.body == whole, "{what}"),
            }
            self.serves_others(&what);
            if injected.is_empty() {
                return;
            }
        }
        panic!("{fault} more than {MOST_CALLS} times");
    }

    /// An acknowledged file is whole; one that was refused or not answered is absent or whole.
    fn judge_upload(&self, what: &str, before: &[String], answer: Option<Answer>, sent: &[u8], tally: &mut Tally) {
        let fresh: Vec<String> = self.ids().into_iter().filter(|id| !before.contains(id)).collect();
        for id in &fresh {
            let content = self.ada.send("GET", &format!("/v1/files/{id}/content")).unwrap();
            assert!(content.status == 200 && content.body == sent, "{what}: a visible file is whole");
        }
        match answer {
            Some(answer) if answer.status == 200 => {
                assert_eq!(fresh.len(), 1, "{what}: what was acknowledged is there");
            }
            Some(answer) => {
                tally.refused += 1;
                let (status, body) = (answer.status, answer.json());
                assert!([500, 503].contains(&status) && body["error"]["code"].is_string(), "{what}: {status} {body}");
                assert!(fresh.is_empty(), "{what}: what was refused is not there");
            }
            None => {}
        }
    }

    fn ids(&self) -> Vec<String> {
        let list = self.ada.send("GET", "/v1/files?limit=500").unwrap().json();
        list["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
    }

    fn serves_others(&self, what: &str) {
        let made = self.bob.upload(b"b", BLOB_SIZE).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(made.status, 200, "{what}: the next tenant is served");
        let id = made.id();
        assert_eq!(
            self.bob.send("GET", &format!("/v1/files/{id}/content")).unwrap().body,
            vec![b'b'; BLOB_SIZE],
            "{what}"
        );
        assert_eq!(self.bob.send("DELETE", &format!("/v1/files/{id}")).unwrap().status, 200, "{what}");
    }

    /// Waits until no sweep is under way that could take the failure upon itself.
    fn is_quiet(&self) {
        let database = rusqlite::Connection::open(self.data.path().join("venna.db")).unwrap();
        let unsettled = "SELECT (SELECT count(*) FROM blobs WHERE state <> 'ready') + (SELECT count(*) FROM releases)";
        let begun = Instant::now();
        while database.query_row(unsettled, [], |row| row.get::<_, u64>(0)).unwrap() > 0 {
            assert!(begun.elapsed() < PATIENCE, "everything is swept");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Nothing but the files' own blobs is left.
    fn is_tidy(&self) {
        let list = self.ada.send("GET", "/v1/files?limit=500").unwrap().json();
        let sizes = list["data"].as_array().unwrap().iter().map(|file| file["bytes"].as_u64().unwrap());
        let files = sizes.filter(|size| *size >= BLOB_SIZE as u64).count();
        let begun = Instant::now();
        while blobs(&self.data.path()).len() != files {
            assert!(begun.elapsed() < PATIENCE, "{} blobs of {files} files", blobs(&self.data.path()).len());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(output(&["fsck", "--json", "--data-dir", &self.data.text()]).is_empty());
    }
}

#[test]
fn every_system_call_may_fail_once() {
    let Some(mut bench) = Bench::open() else { return };
    let mut tally = Tally::default();
    let calls = ROW_CALLS.map(|call| (Side::Rows, call)).into_iter().chain(FILE_CALLS.map(|call| (Side::Files, call)));
    for (side, call) in calls {
        for error in ERRORS {
            let sizes: &[usize] = if side == Side::Rows { &[SIZE, SMALL_SIZE] } else { &[SIZE] };
            for size in sizes {
                bench.upload_under(Fault { side, call, error }, *size, &mut tally);
                bench.delete_under(Fault { side, call, error }, *size, &mut tally);
            }
        }
    }
    bench.is_tidy();
    let Tally { tried, injected, refused } = tally;
    report(&format!(
        "faults: {} calls x {} errors, {tried} operations, {injected} calls failed, {refused} refused, 0 false",
        ROW_CALLS.len() + FILE_CALLS.len(),
        ERRORS.len()
    ));
}

#[test]
fn a_disk_that_fails_to_sync_is_not_trusted_with_more() {
    let Some(mut bench) = Bench::open() else { return };
    let kept = bench.ada.upload(b"k", BLOB_SIZE).unwrap().id();
    let (mut failed, mut tries) = (0, 0);
    while failed < 3 {
        tries += 1;
        assert!(tries <= MOST_CALLS, "the fsync of an upload fails");
        assert_eq!(bench.ada.upload(b"f", BLOB_SIZE).unwrap().status, 200, "after {failed} failures");
        // Otherwise the call that fails may be the sweeper's alone.
        bench.is_quiet();
        let fault = Fault { side: Side::Files, call: "fsync", error: "EIO" };
        let injection = Injection::attach(&bench.server, &bench.data, fault, 1);
        let status = bench.ada.upload(b"n", BLOB_SIZE).unwrap().status;
        let injected = injection.detach(&bench.server);
        // A thread that began behind the tracer is not traced.
        assert_eq!(status, if injected.is_empty() { 200 } else { 503 }, "{injected:?}");
        failed += injected.len();
    }
    let refused = bench.ada.upload(b"n", BLOB_SIZE).unwrap();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &"service_unavailable".into()));
    let ready = bench.ada.send("GET", "/readyz").unwrap();
    assert_eq!((ready.status, &ready.json()["blobs"]), (503, &"unavailable".into()));
    assert_eq!(bench.ada.send("GET", &format!("/v1/files/{kept}/content")).unwrap().body, vec![b'k'; BLOB_SIZE]);
    assert_eq!(bench.ada.send("DELETE", &format!("/v1/files/{kept}")).unwrap().status, 200);
    bench.restart();
    assert_eq!(bench.ada.upload(b"a", BLOB_SIZE).unwrap().status, 200);
    bench.is_tidy();
}
