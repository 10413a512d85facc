//! The crash of a server, and the remains of crashed servers.

use super::{PATIENCE, PREFIX, TestServer};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Runtime;

impl TestServer {
    /// Leaves what a process leaves that dies in an upload: a pending row, and a temporary file or an object.
    pub fn leave_behind(&self, blob: &str) {
        let row = "INSERT INTO blobs (id, workspace_id, process_id, state) VALUES ('BLOB', 'ws_gone', '0123456789abcdef0123456789abcdef', 'pending')";
        self.database().execute(&row.replace("BLOB", blob)).unwrap();
        let place = match (self.config.stores.blobs_folder(), &self.bucket) {
            (Some(folder), _) => folder.join(&blob[..2]).join(format!("{blob}.tmp")),
            (None, Some(bucket)) => bucket.key(&format!("{PREFIX}/blobs/{blob}")).into(),
            (None, None) => panic!("the server has no place for blobs"),
        };
        if self.bucket.is_none() {
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        }
        self.write_blob(&place, b"half");
    }

    /// Simulates the death of the process: the tasks of the server, which all run on `runtime`, end where they are, and
    /// half-written files stay, although dropping the tasks would remove them.
    pub fn crash(&mut self, runtime: Runtime) {
        let kept = tempfile::tempdir().unwrap();
        let halves: Vec<PathBuf> =
            self.blobs().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "tmp")).collect();
        let copy = |half: &Path| kept.path().join(half.file_name().unwrap());
        for half in &halves {
            drop(std::fs::hard_link(half, copy(half)));
        }
        drop(runtime);
        self.server = None;
        self.wait_for_the_dead();
        for half in halves.iter().filter(|half| copy(half).exists() && !half.with_extension("").exists()) {
            std::fs::copy(copy(half), half).unwrap();
        }
    }

    /// Waits until the crashed server has no session and no open file: its writer thread and the sessions of a database
    /// server end by themselves.
    fn wait_for_the_dead(&self) {
        let held = |entry: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_link(entry.unwrap().path()).is_ok_and(|file| file.starts_with(self.folder.path()))
        };
        let deadline = std::time::Instant::now() + PATIENCE;
        let sessions = "SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid()";
        while self.postgres.is_some() && self.database().number(sessions) > 0 {
            assert!(std::time::Instant::now() < deadline, "within {PATIENCE:?} the dead server has no session");
        }
        while std::fs::read_dir("/proc/self/fd").unwrap().any(held) {
            assert!(std::time::Instant::now() < deadline, "within {PATIENCE:?} the dead server holds no file");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
