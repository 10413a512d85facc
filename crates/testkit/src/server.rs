//! A server in the process of the test.
//!
//! A test starts a server, lets users do things, and closes it. Closing asserts that nothing was left behind: no
//! pending row, no blob without a File, no File without its blob, and no ERROR in the log that the test did not expect.

mod blobs;
mod crash;
mod error_log;

use crate::bucket::Bucket;
use crate::choose_cryptography;
use crate::postgres::Database;
use crate::rows::Rows;
use crate::user::User;
use error_log::ErrorLog;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;
use venna::app::{Installation, Server};
use venna::clock::Clock;
use venna::config::{CloudVariables, Config, Layers};
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::limits::{Limit, LimitOwner};
use venna::model::scope::Scopes;

/// The time limit of work in the background.
const PATIENCE: Duration = Duration::from_mins(1);

/// The time limit of requests to PostgreSQL, in seconds: long, since hardly a test is about it and machines are busy.
const LONG_TIME_LIMIT_SECONDS: &str = "60";

/// The environment variable of the blob store: `s3` gives each server a separate bucket or prefix.
const BLOBS_VARIABLE: &str = "VENNA_TEST_BLOBS";
/// The prefix of all keys of a server in its bucket.
const PREFIX: &str = "server";

/// A server in this process.
pub struct TestServer {
    server: Option<Server>,
    /// The bucket of its blobs; none if they are in a folder.
    pub bucket: Option<Bucket>,
    config: Config,
    folder: TempDir,
    postgres: Option<Database>,
    /// The clock of the server.
    pub clock: Clock,
    errors: ErrorLog,
    expected_errors: usize,
    /// The uploads that a bucket began without answering.
    pub lost_uploads: usize,
    _log: DefaultGuard,
}

impl TestServer {
    /// Starts a server with the default settings.
    pub async fn open() -> Self {
        Self::with(&[], Clock::system()).await
    }

    /// Starts a server in which every file has a blob, however small.
    pub async fn on_blobs() -> Self {
        Self::with(&[("inline_max_bytes", "0")], Clock::system()).await
    }

    /// Starts a server whose clock stands at a time.
    pub async fn at(now_ms: u64) -> Self {
        Self::with(&[], Clock::set_to(now_ms)).await
    }

    /// Starts a server with a configuration file.
    pub async fn with_file(text: &str, clock: Clock) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Self::of(BTreeMap::new(), Some(file.path().to_owned()), clock, bucket_if_wanted()).await
    }

    /// Starts a server with these settings. Every test has its own thread, so that the log is its own.
    pub async fn with(settings: &[(&'static str, &str)], clock: Clock) -> Self {
        Self::of(owned(settings), None, clock, bucket_if_wanted()).await
    }

    /// Starts a server whose blobs are in a bucket that it reaches by the proxy at `address`.
    pub async fn over(bucket: Bucket, address: SocketAddr, settings: &[(&'static str, &str)]) -> Self {
        Self::of(owned(settings), None, Clock::system(), Some((bucket, address))).await
    }

    async fn of(
        settings: BTreeMap<&'static str, String>,
        file: Option<PathBuf>,
        clock: Clock,
        bucket: Option<(Bucket, SocketAddr)>,
    ) -> Self {
        choose_cryptography();
        let folder = tempfile::tempdir().unwrap();
        let mut flags = BTreeMap::from([
            ("data_dir", folder.path().join("data").display().to_string()),
            ("listen", "127.0.0.1:0".to_owned()),
            ("admin_listen", "off".to_owned()),
        ]);
        let postgres = wants_postgres().then(|| Database::fresh("the server").expect("there is a PostgreSQL"));
        if let Some(database) = &postgres {
            flags.extend([
                ("metadata_url", database.url.clone()),
                ("metadata_timeout_seconds", LONG_TIME_LIMIT_SECONDS.to_owned()),
                ("inline_max_bytes", "65536".to_owned()),
            ]);
        }
        if let Some((bucket, _)) = &bucket {
            flags.insert("blobs_url", bucket.url(PREFIX));
            flags.insert("delete_delay_seconds", "0".to_owned());
        }
        flags.extend(settings);
        let cloud = bucket.iter().flat_map(|(bucket, address)| bucket.variables(*address));
        let layers = Layers { flags, file, cloud: CloudVariables::among(cloud), ..Layers::default() };
        let (config, _) = Config::resolve(&layers).unwrap();
        let errors = ErrorLog::default();
        let log = tracing::subscriber::set_default(tracing_subscriber::registry().with(errors.clone()));
        let server = Server::start(&config, clock.clone()).await.unwrap();
        let bucket = bucket.map(|(bucket, _)| bucket);
        Self {
            server: Some(server),
            bucket,
            config,
            folder,
            postgres,
            clock,
            errors,
            expected_errors: 0,
            lost_uploads: 0,
            _log: log,
        }
    }

    /// Creates a user with a workspace and a key of their own.
    pub async fn user(&self, name: &'static str) -> User {
        let installation = self.installation().await;
        let workspace = installation.workspaces.create(name, Origin::COMMAND_LINE).await.unwrap();
        let opens = Opens::Workspace(workspace.id, Scopes::DEFAULT);
        let (_, secret) = installation.keys.issue(opens, name, None, Origin::COMMAND_LINE).await.unwrap();
        self.user_of(secret.expose())
    }

    /// Creates a user with a workspace that has limits.
    pub async fn limited_user(&self, name: &'static str, limits: &[(Limit, u64)]) -> (User, LimitOwner) {
        let user = self.user(name).await;
        let workspace = self.installation().await.workspaces.find(name).await.unwrap().unwrap();
        let owner = LimitOwner::Workspace(workspace.id);
        self.limit(owner, limits).await;
        (user, owner)
    }

    /// Sets limits and lets the server forget the keys that it knows.
    pub async fn limit(&self, owner: LimitOwner, limits: &[(Limit, u64)]) {
        let wanted = limits.iter().map(|(limit, value)| (*limit, Some(*value))).collect();
        assert!(self.installation().await.workspaces.set_limits(owner, wanted, Origin::COMMAND_LINE).await.unwrap());
        self.keys().forget();
    }

    /// Creates an administrator.
    pub async fn admin(&self) -> User {
        let keys = self.installation().await.keys;
        let (_, secret) = keys.issue(Opens::Administration, "admin", None, Origin::COMMAND_LINE).await.unwrap();
        self.user_of(secret.expose())
    }

    /// Opens the installation as a command beside the server does.
    pub async fn installation(&self) -> Installation {
        Installation::open_existing(&self.config.stores, self.clock.clone()).await.unwrap()
    }

    /// Opens the database beside the server.
    pub fn database(&self) -> Rows {
        match &self.postgres {
            Some(database) => Rows::of(database),
            None => Rows::in_file(self.config.stores.database().unwrap()),
        }
    }

    /// Returns the keys as the server's requests see them.
    pub fn keys(&self) -> &venna::keys::Keys {
        &self.server.as_ref().unwrap().keys
    }

    /// Returns the user of a key.
    pub fn user_of(&self, key: &str) -> User {
        User::new(self.address(), key)
    }

    /// Returns the address of the API.
    pub fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().address
    }

    /// Returns the address of the administrative listener, which the setting `admin_listen` opens.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.server.as_ref().unwrap().admin_address
    }

    /// Expects this number of ERROR lines.
    pub fn expect_errors(&mut self, count: usize) {
        self.expected_errors = count;
    }

    /// Forgets the ERROR lines until now.
    pub fn forget_errors(&mut self) {
        self.errors.clear();
    }

    /// Stops and starts the server on the same data directory.
    pub async fn restart(&mut self) {
        self.server.take().unwrap().stop().await;
        self.start().await;
    }

    /// Starts the server again after it was stopped or has crashed.
    pub async fn start(&mut self) {
        self.server = Some(Server::start(&self.config, self.clock.clone()).await.unwrap());
    }

    /// Stops the server and asserts that nothing was left behind.
    pub async fn close(mut self) {
        let database = self.database();
        let sql = "SELECT (SELECT count(*) FROM blobs WHERE state <> 'ready') + (SELECT count(*) FROM releases)";
        eventually(|| database.number(sql) == 0, || "no pending or deleting row and no release is left".into()).await;
        self.server.take().unwrap().stop().await;
        assert_eq!(self.found_blobs(), self.referenced_blobs(), "blobs at rest are the blobs of Files and parts");
        if let Some(bucket) = &self.bucket {
            let (parts, uploads) = bucket.unfinished();
            assert!(parts.is_empty(), "no part of a given up upload is left: {parts:?}");
            // Garage ends a lost upload when another one of the same key is complete.
            assert!(uploads.len() <= self.lost_uploads, "no upload is open but the lost ones: {uploads:?}");
        }
        let errors = self.errors.lines();
        assert_eq!(errors.len(), self.expected_errors, "errors in the log: {errors:#?}");
    }

    /// Closes a server with expired Files that were not swept: a restart sweeps once.
    pub async fn close_unswept(mut self) {
        self.restart().await;
        self.close().await;
    }

    /// Waits until the sweeper has nothing left to do at this time of the clock. The test must have asked for a pass.
    pub async fn is_swept(&self) {
        let database = self.database();
        let now = self.clock.now_seconds();
        let left = [
            "blobs WHERE state <> 'ready'".into(),
            "releases".into(),
            format!("files WHERE expires_at <= {now}"),
            format!("uploads WHERE status = 'pending' AND expires_at <= {now}"),
        ];
        let left = || -> Vec<&String> {
            left.iter().filter(|rows| database.number(&format!("SELECT count(*) FROM {rows}")) > 0).collect()
        };
        eventually(|| left().is_empty(), || format!("the sweeper leaves nothing behind, yet there are {:?}", left()))
            .await;
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let closed = self.server.is_none() || std::thread::panicking();
        assert!(closed, "a test closes its server: {}", self.folder.path().display());
    }
}

/// Returns whether `VENNA_TEST_METADATA` asks for PostgreSQL.
pub fn wants_postgres() -> bool {
    match std::env::var("VENNA_TEST_METADATA").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("VENNA_TEST_METADATA is sqlite or postgres, not {other}"),
    }
}

/// Returns the number of repetitions: fewer on PostgreSQL, whose commits cost more.
pub fn rounds(in_sqlite: usize) -> usize {
    if wants_postgres() { in_sqlite / 5 } else { in_sqlite }
}

/// Waits until a condition holds.
pub async fn eventually(mut holds: impl FnMut() -> bool, what: impl Fn() -> String) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "within {PATIENCE:?}: {}", what());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn owned(settings: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
    settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn bucket_if_wanted() -> Option<(Bucket, SocketAddr)> {
    if std::env::var(BLOBS_VARIABLE).is_ok_and(|place| place == "s3") {
        let bucket = Bucket::open();
        let address = bucket.address;
        return Some((bucket, address));
    }
    None
}
