//! The process is killed under load. This proves the order of the work and the recovery, not that anything is on disk.

use crate::installation::Installation;
use crate::journal::Shared;
use crate::oracle::Verdict;
use venna_testkit::program::{PATIENCE, report};
use venna_testkit::{Rng, setting};

const KILLS: u64 = 10;

#[test]
fn a_killed_server_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (kills, (mut rng, seed)) = (setting("VENNA_KILLS", KILLS), Rng::of_test());
    let installation = Installation::within(folder.path());
    let (journal, mut verdict) = (Shared::default(), Verdict::default());
    let mut server = installation.start();
    for _ in 0..kills {
        installation.strike(server, &journal, &mut rng, || ());
        server = installation.start();
        verdict.add(installation.verify(&server, &journal, PATIENCE));
    }
    let tally = journal.lock().unwrap().tally;
    report(&format!("kill: {kills} kills, {}, seed {seed}", verdict.line(tally)));
    assert!(verdict.is_clean(), "with VENNA_CRASH_SEED={seed}: {verdict:#?}");
    assert!(tally.acknowledged() as u64 > kills, "there was work to lose");
}
