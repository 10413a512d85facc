//! The benchmark's client. It sends bodies of any size from one fixed buffer and drains answers into another, so that
//! it costs far less than the server it measures; a thread per connection, no dependencies.
//!
//! One line of JSON on standard output says what happened; `options.rs` has the flags.

mod connection;
mod options;
mod report;

use connection::{Answer, Connection, Failure};
use options::Options;
use report::{Report, Tally};
use std::fs::File;
use std::io::Write;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let options = Options::of_the_command_line().unwrap_or_else(|problem| leave(&problem));
    let report = run(&options);
    if let Some(path) = &options.ids {
        let written = File::create(path).and_then(|mut file| file.write_all(report.ids.join("\n").as_bytes()));
        written.unwrap_or_else(|error| leave(&format!("{path}: {error}")));
    }
    println!("{}", report.json());
}

fn leave(problem: &str) -> ! {
    eprintln!("venna-load: {problem}");
    std::process::exit(2)
}

fn run(options: &Options) -> Report {
    let next = AtomicU64::new(0);
    let ready = Barrier::new(options.connections + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.connections).map(|_| scope.spawn(|| work(options, &next, &ready))).collect();
        ready.wait();
        let began = Instant::now();
        let tallies: Vec<Tally> = workers.into_iter().filter_map(|worker| worker.join().ok()).collect();
        Report::of(tallies, began.elapsed())
    })
}

/// One connection: requests one after the other, until all are taken or the time is over.
fn work(options: &Options, next: &AtomicU64, ready: &Barrier) -> Tally {
    let mut tally = Tally::default();
    let mut connection = Connection::open(options);
    ready.wait();
    let deadline = options.seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    while deadline.is_none_or(|deadline| Instant::now() < deadline) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if options.requests.is_some_and(|requests| number >= requests) {
            break;
        }
        let began = Instant::now();
        let result = match &mut connection {
            Ok(open) => open.exchange(options, number),
            Err(failure) => Err(failure.clone()),
        };
        let wait = result.as_ref().ok().and_then(|answer| wait_after(options, answer));
        match result {
            Ok(answer) => tally.add(options, answer, began.elapsed()),
            Err(Failure(what)) => tally.fail(what),
        }
        if let Some(wait) = wait {
            pause(wait, deadline);
        }
        if connection.as_ref().is_ok_and(|open| open.is_spent()) || connection.is_err() {
            connection = Connection::open(options);
        }
    }
    tally
}

/// How long the client is to keep still after this answer.
fn wait_after(options: &Options, answer: &Answer) -> Option<Duration> {
    let otherwise = options.wait_after_429.filter(|_| answer.status == 429)?;
    Some(answer.retry_after_seconds.map_or(otherwise, Duration::from_secs))
}

/// Stands still, but not beyond the end.
#[expect(clippy::disallowed_methods, reason = "a thread of its own waits")]
fn pause(wait: Duration, deadline: Option<Instant>) {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    thread::sleep(left.map_or(wait, |left| wait.min(left)));
}
