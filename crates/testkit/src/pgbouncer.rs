//! `PgBouncer` in front of a PostgreSQL server.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// The time limit of its start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running pooler; dropping ends it.
pub struct PgBouncer {
    /// The URL of the database behind it.
    pub url: String,
    child: Child,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts a pooler in front of the database of a URL. Without `PgBouncer` it prints that `what` is skipped.
    pub fn before(url: &str, settings: &[&str], what: &str) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            println!("SKIPPED: {what}: there is no PgBouncer on this machine");
            return None;
        }
        let (_, place) = url.split_once('@').unwrap();
        let (server, database) = place.split_once('/').unwrap();
        let (host, port) = server.split_once(':').unwrap();
        let own_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users");
        std::fs::write(&users, "\"venna\" \"\"\n").unwrap();
        let mut text = format!(
            "[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own_port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\n",
            users.display()
        );
        for setting in settings {
            writeln!(text, "{setting}").unwrap();
        }
        let configuration = folder.path().join("pgbouncer.ini");
        std::fs::write(&configuration, text).unwrap();
        // It refuses to be root, and has to read its files.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = Command::new("setpriv");
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        command.args(["--pdeathsig", "KILL", PROGRAM, "--quiet"]).arg(configuration).stdin(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { url: format!("postgres://venna@127.0.0.1:{own_port}/{database}"), child, _folder: folder };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", own_port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "PgBouncer starts");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
