//! The power cut finds what it is there to find: with the product's fsyncs taken away, acknowledged files are lost.

use crate::installation::{Installation, same_environment};
use crate::journal::Shared;
use crate::oracle::Verdict;
use crate::volume::{FileSystem, Volume};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use venna_testkit::Rng;
use venna_testkit::program::{Program, report};

const MAX_CUTS: u32 = 60;
/// What a sweeper does not find cannot be waited for: a rename that was lost leaves a name that no row explains.
const SWEEP: Duration = Duration::from_secs(1);

#[test]
fn without_fsync_acknowledged_files_are_lost() {
    for kind in [FileSystem::Ext4, FileSystem::Xfs] {
        loses("no fsync", kind, |volume| {
            let installation = Installation::within(volume);
            (installation, vec!["-e".into(), "inject=fsync,fdatasync:retval=0".into()])
        });
    }
}

/// The database lies on another file system: its own fsyncs would write the log of this one out, and the renames in it.
#[test]
fn without_fsync_of_directories_acknowledged_files_are_lost() {
    let elsewhere = tempfile::tempdir().unwrap();
    for kind in [FileSystem::Ext4, FileSystem::Xfs] {
        loses("no fsync of directories", kind, |volume| {
            let database = elsewhere.path().join(kind.to_string()).join("venna.db");
            let installation = Installation::new(volume.join("data"), database);
            let shards =
                (0..=u8::MAX).map(|shard| volume.join(format!("data/blobs/{shard:02x}")).display().to_string());
            let mut arguments: Vec<String> = shards.flat_map(|shard| ["-P".into(), shard]).collect();
            arguments.extend(["-e".into(), "inject=fsync:retval=0".into()]);
            (installation, arguments)
        });
    }
}

/// Cuts the power of a server that runs with these arguments of strace, until something is lost.
fn loses(what: &str, kind: FileSystem, prepare: impl Fn(&Path) -> (Installation, Vec<String>)) {
    let volume = match can_skip_fsync().and_then(|()| Volume::new(kind)) {
        Ok(volume) => volume,
        Err(reason) => return report(&format!("skipped: powercut {kind}, {what}: {reason}")),
    };
    let (installation, arguments) = prepare(&volume.path());
    let (mut rng, seed) = Rng::of_test();
    let journal = Shared::default();
    for cut in 1..=MAX_CUTS {
        let server = Program::spawn(traced(&arguments, &installation.command()), &installation.data_dir);
        installation.strike(server, &journal, &mut rng, || volume.cut());
        volume.power_up();
        let tally = journal.lock().unwrap().tally;
        let verdict = after(&installation, &journal);
        if !verdict.lost.is_empty() {
            return report(&format!("powercut {kind}, {what}: cut {cut}: {}, as it must", verdict.line(tally)));
        }
    }
    panic!("powercut {kind}, {what}: nothing was lost in {MAX_CUTS} cuts with VENNA_CRASH_SEED={seed}");
}

/// An installation that does not come up again has lost everything.
fn after(installation: &Installation, journal: &Shared) -> Verdict {
    match Program::try_spawn(installation.command(), &installation.data_dir) {
        Ok(server) => installation.verify(&server, journal, SWEEP),
        Err(log) => Verdict { lost: vec![format!("the installation: {log:?}")], ..Verdict::default() },
    }
}

/// The tracer runs apart (`-D`), so that the process that is started, and killed, is the server itself.
fn traced(arguments: &[String], program: &Command) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]);
    command.args(arguments).arg(program.get_program()).args(program.get_args());
    same_environment(&mut command, program);
    command
}

fn can_skip_fsync() -> Result<(), String> {
    let probe = traced(&["-e".into(), "inject=fsync,fdatasync:retval=0".into()], &Command::new("true")).output();
    let output = probe.map_err(|error| format!("strace: {error}"))?;
    let complaint = || format!("strace: {}", String::from_utf8_lossy(&output.stderr).trim());
    if output.status.success() { Ok(()) } else { Err(complaint()) }
}
