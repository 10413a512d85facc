//! Databases of a PostgreSQL server that the tests start, or of the one that `VENNA_TEST_POSTGRES_URL` names.
//!
//! Each test binary starts one server. It ends with the process, since it reads from it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/postgres.sh");
/// The exit code of the script without a PostgreSQL.
const NOT_THERE: i32 = 3;
/// The time limit for a standby to follow.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A PostgreSQL server of a test.
pub struct Postgres {
    /// The URL of its database `postgres`.
    pub url: String,
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Postgres {
    /// Starts a server with settings of `postgresql.conf`. Without a PostgreSQL it prints that `what` is skipped.
    pub fn start(settings: &[&str], what: &str) -> Option<Self> {
        let command = Command::new(SCRIPT).args(settings).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = command.unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        answers.read_line(&mut url).unwrap();
        if url.is_empty() {
            assert_eq!(child.wait().unwrap().code(), Some(NOT_THERE), "the server of the tests starts");
            println!("SKIPPED: {what}: there is no PostgreSQL on this machine");
            return None;
        }
        Some(Self { url: url.trim().to_owned(), child, answers })
    }

    /// Runs a command of the script to its end.
    pub fn tell(&mut self, command: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), format!("{command} done"));
    }

    /// Starts a synchronous standby; returns the URL of its database `postgres`.
    pub fn synchronous_standby(&mut self) -> String {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        self.tell(&format!("standby {port}"));
        run(&self.url, "ALTER SYSTEM SET synchronous_standby_names = '*'").unwrap();
        run(&self.url, "SELECT pg_reload_conf()").unwrap();
        self.expect_standby();
        format!("postgres://venna@127.0.0.1:{port}/postgres")
    }

    /// Waits until the standby is synchronous.
    pub fn expect_standby(&self) {
        let follows = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'";
        let begun = std::time::Instant::now();
        while run(&self.url, follows).unwrap().is_empty() {
            assert!(begun.elapsed() < PATIENCE, "the standby follows");
            run(&self.url, "SELECT pg_sleep(0.02)").unwrap();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// A database of a test; dropping removes it.
pub struct Database {
    /// Its URL.
    pub url: String,
    server: String,
    name: String,
}

impl Database {
    /// Creates an empty database. Without a PostgreSQL it prints that `what` is skipped.
    pub fn fresh(what: &str) -> Option<Self> {
        static SERVER: OnceLock<Option<(String, Mutex<Option<Postgres>>)>> = OnceLock::new();
        let server = SERVER.get_or_init(|| {
            if let Ok(url) = std::env::var("VENNA_TEST_POSTGRES_URL") {
                return Some((url, Mutex::new(None)));
            }
            let server = Postgres::start(&[], "everything that needs a database server")?;
            Some((server.url.clone(), Mutex::new(Some(server))))
        });
        let Some((server, _)) = server else {
            println!("SKIPPED: {what}: there is no PostgreSQL on this machine");
            return None;
        };
        Some(Self::of(server))
    }

    /// Creates an empty database on a server.
    pub fn of(server: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("venna_test_{}_{number}", std::process::id());
        run(server, &format!("CREATE DATABASE {name}")).unwrap();
        let (place, query) = server.split_once('?').map_or((server, None), |(place, query)| (place, Some(query)));
        let place = place.rsplit_once('/').unwrap().0;
        let url = format!("{place}/{name}{}", query.map(|query| format!("?{query}")).unwrap_or_default());
        Self { url, server: server.to_owned(), name }
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) {
        run(&self.url, sql).unwrap();
    }

    /// Returns the rows of a statement, with columns as text.
    pub fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        run(&self.url, sql).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The databases of a stopped server are gone.
        let and = if self.server.contains('?') { '&' } else { '?' };
        // The standby may be stopped, so its copy is not waited for.
        let server = format!("{}{and}options=-c%20synchronous_commit%3Dlocal", self.server);
        drop(run(&server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)));
    }
}

/// Returns the rows of a statement, on a connection and a thread of its own, so that any runtime can call it.
pub fn run(url: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let work = async move {
        let told = |error: tokio_postgres::Error| format!("{error:?}");
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.map_err(told)?;
        let connection = tokio::spawn(connection);
        let answers = client.simple_query(&sql).await.map_err(told)?;
        drop(client);
        connection.await.unwrap().map_err(told)?;
        let row = |answer: &tokio_postgres::SimpleQueryMessage| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        };
        Ok(answers.iter().filter_map(row).collect())
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime().block_on(work)).join().unwrap()
}
