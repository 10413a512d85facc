//! An installation, and what happens to it: a server under load is struck down and started again.

use crate::journal::Shared;
use crate::load::Load;
use crate::oracle::{Verdict, verify};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use venna_testkit::Rng;
use venna_testkit::program::{Client, Program, venna};

/// How long the load runs before it is struck.
const LOAD_MS: Range<usize> = 60..400;

/// Where an installation lies, and how to enter it.
pub struct Installation {
    pub data_dir: PathBuf,
    pub database: PathBuf,
    key: String,
}

impl Installation {
    /// Installs, and stops in peace: what is tested is the work, not the first run.
    pub fn new(data_dir: PathBuf, database: PathBuf) -> Self {
        let mut installation = Self { data_dir, database, key: String::new() };
        let mut server = installation.start();
        let key = std::fs::read_to_string(installation.data_dir.join("first-key")).unwrap();
        key.trim().clone_into(&mut installation.key);
        server.signal("TERM");
        assert_eq!(server.wait(), Some(0));
        installation
    }

    /// One that lies in a single folder.
    pub fn within(folder: &Path) -> Self {
        let data_dir = folder.join("data");
        let database = data_dir.join("venna.db");
        Self::new(data_dir, database)
    }

    /// `venna serve` on these stores; [`Program`] adds the data directory. The server ends with this thread, even
    /// when the test is killed: it would keep a mounted file system busy.
    pub fn command(&self) -> Command {
        let database = format!("sqlite:{}", self.database.display());
        let server = venna(&["serve", "--sweep-interval-seconds", "1", "--metadata-url", &database]);
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(server.get_program()).args(server.get_args());
        same_environment(&mut command, &server);
        command
    }

    pub fn start(&self) -> Program {
        Program::spawn(self.command(), &self.data_dir)
    }

    pub fn client(&self, server: &Program) -> Client {
        server.client(&self.key)
    }

    /// Lets clients work on `server` and strikes at a random moment; the server is killed then, if `strike` did not.
    pub fn strike(&self, server: Program, journal: &Shared, rng: &mut Rng, strike: impl FnOnce()) {
        let load = Load::start(&self.client(&server), journal, rng);
        std::thread::sleep(rng.duration_ms(LOAD_MS));
        load.expect_the_strike();
        strike();
        drop(server);
        load.end();
    }

    /// Compares what is there with what was acknowledged; the sweeper may take `sweep` before anything is an orphan.
    pub fn verify(&self, server: &Program, journal: &Shared, sweep: Duration) -> Verdict {
        verify(&self.client(server), self, &mut journal.lock().unwrap(), sweep)
    }
}

/// For a command that starts another one.
pub fn same_environment(command: &mut Command, as_of: &Command) {
    for (name, value) in as_of.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}
