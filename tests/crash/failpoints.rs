//! Every point between two steps of a change fails once, in each way: with an error, a panic, and the end of the
//! process. The points are read from the source; one that nothing here reaches fails the test.

use crate::installation::Installation;
use crate::journal::Shared;
use crate::load::each_once;
use crate::oracle::Verdict;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use venna_testkit::Rng;
use venna_testkit::program::{PATIENCE, Program, output, report, wait_until};

const FAILURES: [&str; 3] = ["error", "panic", "abort"];
const CALL: &str = "failpoint::reach(\"";

/// The folder in which the program is told what to do.
struct Orders(PathBuf);

impl Orders {
    fn arm(&self, point: &str, failure: &str) {
        let (order, hidden) = (self.0.join("order"), self.0.join("order.new"));
        drop(std::fs::remove_file(self.0.join("reached")));
        std::fs::write(&hidden, format!("{point} {failure}")).unwrap();
        std::fs::rename(hidden, &order).unwrap();
        wait_until("the point is armed", || !order.exists());
    }

    fn expect_reached(&self, what: &str) {
        wait_until(what, || self.0.join("reached").exists());
    }
}

/// The stores of several servers, whose points are named as those of their twins; `tests/it/replicas.rs` breaks them.
const TWINS: &str = "src/metadata/postgres";

/// The names of all points, each of which stands once in the source, and once more in a twin.
fn points() -> BTreeSet<String> {
    let (mut found, mut twins) = (BTreeSet::new(), BTreeSet::new());
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = std::fs::read_to_string(&entry).unwrap();
            for rest in text.split(CALL).skip(1) {
                let name = rest.split('"').next().unwrap().to_owned();
                let of = if entry.to_str().unwrap().contains(TWINS) { &mut twins } else { &mut found };
                assert!(of.insert(name.clone()), "{name} stands once");
            }
        }
    }
    assert!(twins.is_subset(&found), "{twins:?} are those of {found:?}");
    found
}

#[test]
fn every_point_may_fail() {
    let (points, (mut rng, seed)) = (points(), Rng::of_test());
    assert!(points.len() > 15, "{points:?}");
    let folder = tempfile::tempdir().unwrap();
    let orders = Orders(folder.path().join("orders"));
    std::fs::create_dir(&orders.0).unwrap();
    let installation = Installation::within(folder.path());
    let start = || {
        let mut command = installation.command();
        command.env("VENNA_FAILPOINTS", &orders.0).env("RUST_BACKTRACE", "0");
        Program::spawn(command, &installation.data_dir)
    };
    let (journal, mut verdict, mut server) = (Shared::default(), Verdict::default(), start());
    each_once(&installation.client(&server), &journal, &mut rng).unwrap();
    for point in &points {
        for failure in FAILURES {
            let what = format!("{point} is reached to {failure}, with VENNA_CRASH_SEED={seed}");
            orders.arm(point, failure);
            drop(each_once(&installation.client(&server), &journal, &mut rng));
            orders.expect_reached(&what);
            if failure == "abort" {
                server.wait();
                server = start();
            }
            verdict.add(installation.verify(&server, &journal, PATIENCE));
            assert!(verdict.is_clean(), "{what}: {verdict:#?}");
            let after = each_once(&installation.client(&server), &journal, &mut rng);
            after.unwrap_or_else(|error| panic!("{what}: everything works afterwards: {error}"));
        }
    }
    verdict.add(installation.verify(&server, &journal, PATIENCE));
    assert!(verdict.is_clean(), "{verdict:#?}");
    assert!(output(&["fsck", "--json", "--data-dir", installation.data_dir.to_str().unwrap()]).is_empty());
    let tally = journal.lock().unwrap().tally;
    let (points, failures) = (points.len(), FAILURES.len());
    report(&format!("failpoints: {points} points x {failures} failures, {}, seed {seed}", verdict.line(tally)));
}
