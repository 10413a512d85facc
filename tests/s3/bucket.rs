//! A bucket of its own for a test: s3s-fs in this process, on a real socket, with signatures checked.

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub const BUCKET: &str = "venna-test";
const ACCESS_KEY: &str = "test-access-key";
pub const SECRET_KEY: &str = "test-secret-key";

/// The server, which has a thread and a runtime to itself: a test may end its own, as a crash does.
pub struct Bucket {
    pub address: SocketAddr,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bucket {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = service.build();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.spawn(async move { serve(TcpListener::from_std(listener).unwrap(), service).await });
            drop(runtime.block_on(stopped));
        });
        Self { address, folder, stop: Some(stop), thread: Some(thread) }
    }

    /// How a client reaches it, or something before it that listens at `address`.
    pub fn variables(address: SocketAddr) -> Vec<(String, String)> {
        let endpoint = format!("http://{address}");
        let variables = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_REGION", "us-east-1"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// The objects under a prefix, as the files in which they are kept.
    pub fn objects(&self, prefix: &str) -> Vec<PathBuf> {
        let folder = self.folder.path().join(BUCKET).join(prefix);
        let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).collect()
    }

    /// Where an object is kept.
    pub fn object(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }

    /// The parts of uploads that were neither completed nor aborted, and the uploads themselves.
    pub fn unfinished(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let named = |path: &Path, begin: &str| path.file_name().unwrap().to_string_lossy().starts_with(begin);
        let files: Vec<PathBuf> =
            std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let those = |begin| files.iter().filter(|path| named(path, begin)).cloned().collect();
        (those(".upload_id-"), those(".upload-"))
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let service = service.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let (service, aborts) = (service.clone(), is_abort(&request));
            // A store finishes what it has begun, whether or not anybody waits for it; s3s-fs stops in the middle.
            let answer = tokio::spawn(async move { service.call(request.map(s3s::Body::from)).await });
            async move { answer.await.unwrap().map(|answer| if aborts { as_s3_aborts(answer) } else { answer }) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), answer);
        tokio::spawn(async move { drop(connection.await) });
    }
}

fn is_abort(request: &Request<Incoming>) -> bool {
    request.method() == Method::DELETE && request.uri().query().is_some_and(|query| query.contains("uploadId="))
}

/// s3s-fs says of an upload that is not there any more that access is denied; S3 says that there is none.
fn as_s3_aborts(answer: Response<s3s::Body>) -> Response<s3s::Body> {
    if answer.status() != StatusCode::FORBIDDEN {
        return answer;
    }
    let text = "<Error><Code>NoSuchUpload</Code></Error>".to_owned();
    Response::builder().status(StatusCode::NOT_FOUND).body(s3s::Body::from(text)).unwrap()
}
