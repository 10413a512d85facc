//! A bucket in a folder: s3s-fs in this process, on a real socket, with signatures checked.

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
pub const ACCESS_KEY: &str = "test-access-key";
pub const SECRET_KEY: &str = "test-secret-key";

/// A running S3 server with its own thread and runtime, since a test may end its own, as a crash does.
pub struct Folder {
    pub address: SocketAddr,
    root: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Folder {
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
        Self { address, root: folder, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns the file of an object.
    pub fn object(&self, key: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(key)
    }

    /// Returns the keys in a folder of the bucket.
    pub fn objects(&self, folder: &str) -> Vec<String> {
        let files = std::fs::read_dir(self.object(folder)).into_iter().flatten().map(|entry| entry.unwrap().path());
        let bucket = self.object("");
        let key = |file: PathBuf| file.strip_prefix(&bucket).unwrap().display().to_string();
        files.filter(|path| path.is_file()).map(key).collect()
    }

    /// Returns the parts of unfinished uploads, and the uploads.
    pub fn unfinished(&self) -> (Vec<String>, Vec<String>) {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let files = std::fs::read_dir(self.root.path()).unwrap().map(|entry| name(&entry.unwrap().path()));
        let files: Vec<String> = files.collect();
        let those = |begin| files.iter().filter(|name| name.starts_with(begin)).cloned().collect();
        (those(".upload_id-"), those(".upload-"))
    }
}

impl Drop for Folder {
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
            // A store finishes a request whose client has gone; s3s-fs would stop in the middle.
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

/// Maps the answer to an abort of an unknown upload: s3s-fs denies access, S3 answers that there is none.
fn as_s3_aborts(answer: Response<s3s::Body>) -> Response<s3s::Body> {
    if answer.status() != StatusCode::FORBIDDEN {
        return answer;
    }
    let text = "<Error><Code>NoSuchUpload</Code></Error>".to_owned();
    Response::builder().status(StatusCode::NOT_FOUND).body(s3s::Body::from(text)).unwrap()
}
