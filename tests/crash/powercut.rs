//! The file system loses power under load.

use crate::installation::Installation;
use crate::journal::Shared;
use crate::oracle::Verdict;
use crate::volume::{FileSystem, Volume};
use venna_testkit::program::{PATIENCE, report};
use venna_testkit::{Rng, setting};

const CUTS: u64 = 20;

#[test]
fn ext4_keeps_what_was_acknowledged() {
    keeps_what_was_acknowledged(FileSystem::Ext4);
}

#[test]
fn xfs_keeps_what_was_acknowledged() {
    keeps_what_was_acknowledged(FileSystem::Xfs);
}

fn keeps_what_was_acknowledged(kind: FileSystem) {
    if std::env::var("VENNA_CUT_FS").is_ok_and(|wanted| !wanted.contains(&kind.to_string())) {
        return report(&format!("skipped: powercut {kind}: VENNA_CUT_FS does not name it"));
    }
    let volume = match Volume::new(kind) {
        Ok(volume) => volume,
        Err(reason) => return report(&format!("skipped: powercut {kind}: {reason}")),
    };
    let (cuts, (mut rng, seed)) = (setting("VENNA_CUTS", CUTS), Rng::of_test());
    let installation = Installation::within(&volume.path());
    let (journal, mut verdict) = (Shared::default(), Verdict::default());
    let mut server = installation.start();
    for _ in 0..cuts {
        installation.strike(server, &journal, &mut rng, || volume.cut());
        volume.power_up();
        server = installation.start();
        verdict.add(installation.verify(&server, &journal, PATIENCE));
    }
    let tally = journal.lock().unwrap().tally;
    report(&format!("powercut {kind}: {cuts} cuts, {}, seed {seed}", verdict.line(tally)));
    assert!(verdict.is_clean(), "with VENNA_CRASH_SEED={seed}: {verdict:#?}");
    assert!(tally.acknowledged() as u64 > cuts, "there was work to lose");
}
