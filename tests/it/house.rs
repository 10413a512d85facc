//! The house's own test server and its visitors.
//!
//! A test opens a house, lets actors do things, and closes it; closing asserts that nothing was left behind: no pending
//! row, no blob without a File, no File without its blob, and no ERROR in the log that the test did not expect.

use crate::postgres::Database;
use crate::rows::Rows;
#[path = "../s3/bucket.rs"]
pub mod bucket;

use bucket::Bucket;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use venna::app::{Installation, Server};
use venna::clock::Clock;
use venna::config::{BlobsConfig, CloudVariables, Config, Layers};
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::scope::Scopes;

/// How long anything that happens in the background may take.
const PATIENCE: Duration = Duration::from_secs(10);
const BOUNDARY: &str = "venna-test-boundary";

/// Names where the blobs of houses are: `s3` puts those of each into a bucket of its own, or under a prefix of its own.
const BLOBS_VARIABLE: &str = "VENNA_TEST_BLOBS";
/// What the keys of everything in that bucket begin with.
const PREFIX: &str = "house";

/// A server in this process.
pub struct House {
    server: Option<Server>,
    /// Where its blobs are, if that is a bucket.
    pub bucket: Option<Bucket>,
    config: Config,
    folder: TempDir,
    postgres: Option<Database>,
    pub clock: Clock,
    errors: Errors,
    expected_errors: usize,
    /// Uploads that a bucket has begun without being able to say so.
    pub lost_uploads: usize,
    _log: DefaultGuard,
}

impl House {
    pub async fn open() -> Self {
        Self::with(&[], Clock::system()).await
    }

    /// A house in which every file has a blob, however small.
    pub async fn on_blobs() -> Self {
        Self::with(&[("inline_max_bytes", "0")], Clock::system()).await
    }

    pub async fn at(now_ms: u64) -> Self {
        Self::with(&[], Clock::set_to(now_ms)).await
    }

    /// A house whose settings stand in a file.
    pub async fn with_file(text: &str, clock: Clock) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Self::of(BTreeMap::new(), Some(file.path().to_owned()), clock, bucket_if_wanted()).await
    }

    /// A house with other settings. Tests run on one thread each, so that its log is its own.
    pub async fn with(settings: &[(&'static str, &str)], clock: Clock) -> Self {
        Self::of(owned(settings), None, clock, bucket_if_wanted()).await
    }

    /// A house whose blobs are in this bucket, reached by what listens at `address` before it.
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
        let postgres = wants_postgres().then(|| Database::fresh("the house").expect("there is a PostgreSQL"));
        if let Some(database) = &postgres {
            flags.extend([("metadata_url", database.url.clone()), ("inline_max_bytes", "65536".to_owned())]);
        }
        if let Some((bucket, _)) = &bucket {
            flags.insert("blobs_url", bucket.url(PREFIX));
            flags.insert("delete_delay_seconds", "0".to_owned());
        }
        flags.extend(settings);
        let cloud = bucket.iter().flat_map(|(bucket, address)| bucket.variables(*address));
        let layers = Layers { flags, file, cloud: CloudVariables::among(cloud), ..Layers::default() };
        let (config, _) = Config::resolve(&layers).unwrap();
        let errors = Errors::default();
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

    /// Somebody with a workspace and a key of their own.
    pub async fn visitor(&self, name: &'static str) -> Actor {
        let installation = self.installation().await;
        let workspace = installation.workspaces.create(name, Origin::COMMAND_LINE).await.unwrap();
        let opens = Opens::Workspace(workspace.id, Scopes::DEFAULT);
        let (_, secret) = installation.keys.issue(opens, name, None, Origin::COMMAND_LINE).await.unwrap();
        self.holder(secret.expose())
    }

    /// An administrator.
    pub async fn admin(&self) -> Actor {
        let keys = self.installation().await.keys;
        let (_, secret) = keys.issue(Opens::Administration, "admin", None, Origin::COMMAND_LINE).await.unwrap();
        self.holder(secret.expose())
    }

    /// What the commands beside the server see.
    pub async fn installation(&self) -> Installation {
        Installation::open(&self.config.stores, self.clock.clone()).await.unwrap()
    }

    /// The rows, beside the server.
    pub fn database(&self) -> Rows {
        match &self.postgres {
            Some(database) => Rows::of(database),
            None => Rows::in_file(self.config.stores.database().unwrap()),
        }
    }

    /// The keys, as the server's requests meet them.
    pub fn keys(&self) -> &venna::keys::Keys {
        &self.server.as_ref().unwrap().keys
    }

    /// Whoever comes with this key.
    pub fn holder(&self, key: &str) -> Actor {
        Actor { client: reqwest::Client::new(), url: format!("http://{}", self.address()), key: key.to_owned() }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().address
    }

    /// The file or key of every blob, temporary files and those in quarantine too where blobs are in a folder.
    pub fn blobs(&self) -> Vec<PathBuf> {
        match (&self.config.stores.blobs, &self.bucket) {
            (BlobsConfig::Folder(root), _) => {
                files_below(root).into_iter().filter(|path| path.parent() != Some(root)).collect()
            }
            (BlobsConfig::Cloud(_), Some(bucket)) => {
                bucket.objects(&format!("{PREFIX}/blobs")).into_iter().map(PathBuf::from).collect()
            }
            (BlobsConfig::Cloud(cloud), None) => panic!("nothing is known of {cloud}"),
        }
    }

    /// What a blob holds; it is one that [`Self::blobs`] tells of.
    pub fn read_blob(&self, blob: &Path) -> Vec<u8> {
        self.bucket.as_ref().map_or_else(|| std::fs::read(blob).unwrap(), |bucket| bucket.read(key(blob)))
    }

    /// Lets a blob hold something else, behind the back of the server.
    pub fn write_blob(&self, blob: &Path, content: &[u8]) {
        match &self.bucket {
            Some(bucket) => bucket.write(vec![key(blob).to_owned()], content),
            None => std::fs::write(blob, content).unwrap(),
        }
    }

    /// The folder of the blobs; none where they are in a bucket.
    pub fn blobs_folder(&self) -> Option<&Path> {
        self.config.stores.blobs_folder()
    }

    /// Removes a blob, behind the back of the server.
    pub fn remove_blob(&self, blob: &Path) {
        match &self.bucket {
            Some(bucket) => bucket.remove(key(blob)),
            None => std::fs::remove_file(blob).unwrap(),
        }
    }

    /// Blobs that are being written: where they are in a bucket, nothing of them is to be seen there.
    pub fn pending_blobs(&self) -> i64 {
        self.database().number("SELECT count(*) FROM blobs WHERE state = 'pending'")
    }

    /// Waits until so many blobs are being written.
    pub async fn pending_blobs_become(&self, count: i64) {
        eventually(|| self.pending_blobs() == count, || format!("{count} pending blobs, not {}", self.pending_blobs()))
            .await;
    }

    /// Waits until there are so many blobs.
    pub async fn blobs_become(&self, count: usize) {
        eventually(|| self.blobs().len() == count, || format!("{count} blobs, not {:?}", self.blobs())).await;
    }

    /// So many ERROR lines are what this test is about.
    pub fn expect_errors(&mut self, count: usize) {
        self.expected_errors = count;
    }

    /// What went wrong until now was what this test is about.
    pub fn forget_errors(&mut self) {
        self.errors.0.lock().unwrap().clear();
    }

    /// Stops and starts the server on the same data directory.
    pub async fn restart(&mut self) {
        self.server.take().unwrap().stop().await;
        self.start().await;
    }

    /// Starts a server where there is none any more.
    pub async fn start(&mut self) {
        self.server = Some(Server::start(&self.config, self.clock.clone()).await.unwrap());
    }

    /// The blobs that Files and parts have, by their names, in order.
    pub fn referenced_blobs(&self) -> Vec<String> {
        let mut referenced = self.database().texts("SELECT f.blob_id FROM files f JOIN blobs b ON b.id = f.blob_id WHERE b.content IS NULL UNION ALL SELECT blob_id FROM file_parts UNION ALL SELECT blob_id FROM parts");
        referenced.sort();
        referenced
    }

    /// The blobs that are there, by their names, in order.
    pub fn found_blobs(&self) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let mut found: Vec<String> = self.blobs().iter().map(name).collect();
        found.sort();
        found
    }

    /// Closes the house and looks whether everybody left it as they found it.
    pub async fn close(mut self) {
        let database = self.database();
        let sql = "SELECT (SELECT count(*) FROM blobs WHERE state <> 'ready') + (SELECT count(*) FROM releases)";
        eventually(|| database.number(sql) == 0, || "no pending or deleting row and no release is left".into()).await;
        self.server.take().unwrap().stop().await;
        assert_eq!(self.found_blobs(), self.referenced_blobs(), "blobs at rest are the blobs of Files and parts");
        if let Some(bucket) = &self.bucket {
            let (parts, uploads) = bucket.unfinished();
            assert!(parts.is_empty(), "no part of a given up upload is left: {parts:?}");
            assert_eq!(uploads.len(), self.lost_uploads, "no upload is open but those of which nobody knows");
        }
        let errors = self.errors.0.lock().unwrap().clone();
        assert_eq!(errors.len(), self.expected_errors, "errors in the log: {errors:#?}");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let closed = self.server.is_none() || std::thread::panicking();
        assert!(closed, "a test closes its house: {}", self.folder.path().display());
    }
}

/// Whether the house keeps its metadata in PostgreSQL.
pub fn wants_postgres() -> bool {
    match std::env::var("VENNA_TEST_METADATA").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("VENNA_TEST_METADATA is sqlite or postgres, not {other}"),
    }
}

/// How often something is repeated that is repeated so often in SQLite: a commit of a server costs more.
pub fn rounds(in_sqlite: usize) -> usize {
    if wants_postgres() { in_sqlite / 5 } else { in_sqlite }
}

/// For clients and servers of this process; whoever has chosen before decides.
pub fn choose_cryptography() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Waits for a condition.
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

fn key(blob: &Path) -> &str {
    blob.to_str().unwrap()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// Somebody who uses the API.
pub struct Actor {
    client: reqwest::Client,
    pub url: String,
    pub key: String,
}

impl Actor {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn post(&self, form: Form) -> Answer {
        let request =
            self.request(Method::POST, "/v1/files").header("content-type", Form::content_type()).body(form.close());
        self.send(request).await
    }

    pub async fn create_file(&self, filename: &str, content: &[u8]) -> Answer {
        self.post(Form::default().field("purpose", "user_data").file(filename, content)).await
    }

    pub async fn list(&self, query: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/files{query}"))).await
    }

    pub async fn retrieve_file(&self, id: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/files/{id}"))).await
    }

    pub async fn download_file(&self, id: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/files/{id}/content"))).await
    }

    pub async fn download_range(&self, id: &str, range: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/files/{id}/content")).header("range", range)).await
    }

    pub async fn delete_file(&self, id: &str) -> Answer {
        self.send(self.request(Method::DELETE, &format!("/v1/files/{id}"))).await
    }
}

/// A multipart form, written by hand so that tests decide every byte.
#[derive(Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    pub fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    pub fn field(mut self, name: &str, value: &str) -> Self {
        let mut part = String::new();
        write!(part, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
        self.0.extend_from_slice(part.as_bytes());
        self
    }

    pub fn file(self, filename: &str, content: &[u8]) -> Self {
        self.named_file("file", filename, content)
    }

    pub fn named_file(mut self, name: &str, filename: &str, content: &[u8]) -> Self {
        let mut head = String::new();
        write!(head, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n")
            .unwrap();
        head.push_str("Content-Type: application/octet-stream\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(content);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub fn close(mut self) -> Vec<u8> {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    /// The body; an error when it ended uncleanly.
    pub body: Result<Vec<u8>, String>,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map(Into::into).map_err(|error| format!("{error:?}"));
        Self { status, headers, body }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body.as_ref().unwrap()).unwrap()
    }

    #[track_caller]
    pub fn is_ok(self) -> Self {
        assert_eq!(
            self.status,
            StatusCode::OK,
            "{:?}",
            self.body.map(|body| String::from_utf8_lossy(&body).into_owned())
        );
        self
    }

    /// The id of a File that was made.
    #[track_caller]
    pub fn id(self) -> String {
        self.is_ok().json()["id"].as_str().unwrap().to_owned()
    }

    /// The ids of a list.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        self.json()["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    pub fn is_bytes(self, content: &[u8]) -> Self {
        assert!(self.status.is_success(), "{}", self.status);
        assert!(self.body.as_deref().unwrap() == content, "the content is what was expected");
        self
    }

    /// What two answers of the same kind have in common: all but what differs from request to request.
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let own = ["x-request-id", "date", "openai-processing-ms"];
        let differs = |name: &str| own.contains(&name) || name.starts_with("x-ratelimit-");
        let headers = self.headers.iter().filter(|(name, _)| !differs(name.as_str()));
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        (self.status.as_u16(), headers, String::from_utf8(self.body.clone().unwrap()).unwrap())
    }

    /// An error in OpenAI's envelope.
    #[track_caller]
    pub fn is_error(self, status: u16, param: Option<&str>, code: Option<&str>) -> Value {
        let body = self.json();
        let error = body["error"].clone();
        assert_eq!(
            (self.status.as_u16(), error["param"].as_str(), error["code"].as_str()),
            (status, param, code),
            "{body}"
        );
        error
    }

    #[track_caller]
    pub fn is_not_found(self) {
        self.is_error(404, Some("id"), None);
    }
}

/// The ERROR lines of the log.
#[derive(Clone, Default)]
struct Errors(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }
}

impl House {
    /// What a process leaves that dies in the middle of an upload: a pending row and a temporary file, or an object that
    /// nobody heard of.
    pub fn leave_behind(&self, blob: &str) {
        let row = "INSERT INTO blobs (id, workspace_id, process_id, state) VALUES ('BLOB', 'ws_gone', '0123456789abcdef0123456789abcdef', 'pending')";
        self.database().execute(&row.replace("BLOB", blob)).unwrap();
        let place = match (self.config.stores.blobs_folder(), &self.bucket) {
            (Some(folder), _) => folder.join(&blob[..2]).join(format!("{blob}.tmp")),
            (None, Some(bucket)) => bucket.key(&format!("{PREFIX}/blobs/{blob}")).into(),
            (None, None) => panic!("the house has no place for blobs"),
        };
        if self.bucket.is_none() {
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        }
        self.write_blob(&place, b"half");
    }
}

impl House {
    /// Closes a house in which expired Files were kept from the sweeper: sweeps once by a restart.
    pub async fn close_unswept(mut self) {
        self.restart().await;
        self.close().await;
    }
}

impl House {
    /// Waits until the sweeper has nothing left to do at this time of the clock; something must have asked for a pass.
    pub async fn settle(&self) {
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

    /// The process dies: the tasks of the server, which all run on `runtime`, end where they stand, and what they had
    /// half written stays, although dropping them in this process would remove it.
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

    /// The thread that writes the database ends by itself, as do the sessions of a database server, and a process that has
    /// died holds no file open.
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
