//! A proxy before a bucket that lets a share of the requests fail, in eleven ways of networks and stores.

use crate::rng::Rng;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 500, and nothing was done.
    InternalError,
    /// 503 `SlowDown`, and nothing was done.
    SlowDown,
    /// The connection ends before the request is read.
    Reset,
    /// No answer until the client gives up, and nothing was done.
    Stall,
    /// The request was done, and the connection ends before the answer.
    LostAnswer,
    /// The request was done twice, and the second answer is returned.
    Duplicate,
    /// The connection ends in the middle of the content.
    ResetInBody,
    /// The content stops in the middle, and nothing more comes.
    StallInBody,
    /// The content ends too early, and cleanly.
    Truncated,
    /// A completion is answered with 200 and an error, and nothing was done.
    ErrorIn200,
    /// A completion was done, and is answered with 200 and an error.
    ErrorIn200Done,
    /// There is no such bucket.
    NoBucket,
    /// The request is done after the time of a stall.
    Slow,
    /// The request is done after the time of a stall, whether the client waits or not. Its repetitions are refused
    /// as S3 refuses what concerns an unknown upload.
    Lengthy,
    /// This status and code, and nothing was done.
    Refuses(u16, &'static str),
}

/// The kind of requests that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every request.
    All,
    /// Puts of a whole object.
    Puts,
    /// Completions of an upload.
    Completions,
    /// Parts of an upload.
    Parts,
    /// The first read of an object.
    FirstReads,
    /// Requests with a checksum.
    Checksums,
    /// Puts that must not overwrite.
    Conditional,
    /// Removals of several objects.
    BulkDeletes,
    /// Copies of objects.
    Copies,
    /// Lists of objects.
    Lists,
}

use Fault::{
    Duplicate, ErrorIn200, ErrorIn200Done, InternalError, Lengthy, LostAnswer, NoBucket, Refuses, Reset, ResetInBody,
    Slow, SlowDown, Stall, StallInBody, Truncated,
};

/// All transient faults.
pub const ALL: [Fault; 11] = [
    InternalError,
    SlowDown,
    Reset,
    Stall,
    LostAnswer,
    Duplicate,
    ResetInBody,
    StallInBody,
    Truncated,
    ErrorIn200,
    ErrorIn200Done,
];
const OF_ANY: &[Fault] = &[InternalError, SlowDown, Reset, Stall, LostAnswer, Duplicate];
const OF_READS: &[Fault] = &[InternalError, SlowDown, Reset, Stall, ResetInBody, StallInBody, Truncated];
/// Completions are rare: their faults take turns, and the faults of completions alone come first.
const OF_COMPLETIONS: &[Fault] =
    &[ErrorIn200, ErrorIn200Done, LostAnswer, Duplicate, InternalError, SlowDown, Reset, Stall];

/// The number of faults of completions alone.
const PECULIAR_TO_COMPLETIONS: usize = 2;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A running proxy with its own thread and runtime.
pub struct FaultProxy {
    /// Its address.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    behind: SocketAddr,
    client: reqwest::Client,
    /// The percentage of failing requests.
    share: AtomicU32,
    /// The duration of a stall.
    stall: Duration,
    rng: Mutex<Rng>,
    /// The only kind of requests that fail, and how.
    only: Mutex<Option<(Which, Fault)>>,
    /// The number of them that still fail.
    rest: AtomicUsize,
    failed_completions: AtomicUsize,
    counts: Mutex<BTreeMap<Fault, usize>>,
    requests: AtomicUsize,
    /// The paths of lengthy requests that have begun.
    lengthy: Mutex<BTreeSet<String>>,
    /// The number of uploads whose begin was not answered.
    lost_uploads: AtomicUsize,
}

impl FaultProxy {
    /// Starts a proxy without faults before the store at `behind`.
    pub fn before(behind: SocketAddr, stall: Duration, rng: Rng) -> Self {
        crate::choose_cryptography();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            behind,
            client: reqwest::Client::new(),
            share: AtomicU32::new(0),
            stall,
            rng: Mutex::new(rng),
            only: Mutex::default(),
            rest: AtomicUsize::new(usize::MAX),
            failed_completions: AtomicUsize::new(0),
            counts: Mutex::default(),
            requests: AtomicUsize::new(0),
            lengthy: Mutex::default(),
            lost_uploads: AtomicUsize::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.spawn(async move { serve(TcpListener::from_std(listener).unwrap(), serving).await });
            drop(runtime.block_on(stopped));
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Lets a percentage of the requests fail.
    pub fn fail(&self, share: u32) {
        *self.shared.only.lock().unwrap() = None;
        self.shared.share.store(share, Ordering::SeqCst);
    }

    /// Lets every request of a kind fail, and no other.
    pub fn fail_with(&self, which: Which, fault: Fault) {
        self.fail_some_with(usize::MAX, which, fault);
    }

    /// Lets a number of requests of a kind fail, and no other.
    pub fn fail_some_with(&self, count: usize, which: Which, fault: Fault) {
        let mut only = self.shared.only.lock().unwrap();
        self.shared.rest.store(count, Ordering::SeqCst);
        *only = Some((which, fault));
    }

    /// Returns the number of each fault.
    pub fn counts(&self) -> BTreeMap<Fault, usize> {
        self.shared.counts.lock().unwrap().clone()
    }

    /// Returns the number of requests.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Returns the number of uploads whose begin was not answered.
    pub fn lost_uploads(&self) -> usize {
        self.shared.lost_uploads.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let shared = Arc::clone(&shared);
        let answer = service_fn(move |request: Request<Incoming>| {
            let shared = Arc::clone(&shared);
            async move { shared.answer(request).await }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), answer);
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// A whole request, which can be forwarded several times.
struct Whole {
    method: Method,
    path: String,
    headers: hyper::HeaderMap,
    body: Bytes,
}

impl Whole {
    fn query_has(&self, name: &str) -> bool {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| pair.split('=').next() == Some(name))
    }

    fn begins_upload(&self) -> bool {
        self.method == Method::POST && self.query_has("uploads")
    }

    fn completes(&self) -> bool {
        self.method == Method::POST && self.query_has("uploadId")
    }

    /// Returns whether the answer has content of an object.
    fn reads(&self) -> bool {
        self.method == Method::GET && !self.query_has("list-type")
    }
}

impl Shared {
    async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let path = head.uri.path_and_query().unwrap().to_string();
        let whole = Whole { method: head.method, path, headers: head.headers, body };
        self.requests.fetch_add(1, Ordering::SeqCst);
        let Some(fault) = self.choose(&whole) else { return self.forward(&whole).await };
        *self.counts.lock().unwrap().entry(fault).or_default() += 1;
        let gone = || io::Error::other("gone");
        match fault {
            InternalError => Ok(refusal(500, "InternalError")),
            SlowDown => Ok(refusal(503, "SlowDown")),
            NoBucket => Ok(refusal(404, "NoSuchBucket")),
            Refuses(status, code) => Ok(refusal(status, code)),
            Reset => Err(gone()),
            Stall => {
                tokio::time::sleep(self.stall).await;
                Err(gone())
            }
            Slow => {
                tokio::time::sleep(self.stall).await;
                self.forward(&whole).await
            }
            Lengthy if !self.lengthy.lock().unwrap().insert(whole.path.clone()) => Ok(refusal(404, "NoSuchUpload")),
            Lengthy => {
                let shared = Arc::clone(self);
                let work = tokio::spawn(async move {
                    tokio::time::sleep(shared.stall).await;
                    shared.forward(&whole).await
                });
                work.await.map_err(io::Error::other)?
            }
            LostAnswer => {
                self.forward_unanswered(&whole).await?;
                Err(gone())
            }
            Duplicate => {
                self.forward_unanswered(&whole).await?;
                self.forward(&whole).await
            }
            ErrorIn200 => Ok(refusal(200, "InternalError")),
            ErrorIn200Done => {
                self.forward_unanswered(&whole).await?;
                Ok(refusal(200, "InternalError"))
            }
            ResetInBody | StallInBody | Truncated => self.cut(self.forward(&whole).await?, fault).await,
        }
    }

    fn choose(&self, whole: &Whole) -> Option<Fault> {
        let mut only = self.only.lock().unwrap();
        if let Some((which, fault)) = *only {
            let wanted = match which {
                Which::All => true,
                Which::Puts => whole.method == Method::PUT && !whole.query_has("uploadId"),
                Which::Completions => whole.completes(),
                Which::Parts => whole.method == Method::PUT && whole.query_has("uploadId"),
                Which::FirstReads => whole.reads(),
                Which::Checksums => whole.headers.keys().any(|name| name.as_str().starts_with("x-amz-checksum-")),
                Which::Conditional => whole.headers.contains_key("if-none-match"),
                Which::BulkDeletes => whole.method == Method::POST && whole.query_has("delete"),
                Which::Copies => whole.headers.contains_key("x-amz-copy-source"),
                Which::Lists => whole.query_has("list-type"),
            };
            if wanted && which == Which::FirstReads {
                *only = None;
            }
            let take_one = |rest: usize| rest.checked_sub(1);
            let left = || self.rest.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one).is_ok();
            return (wanted && left()).then_some(fault);
        }
        let (mut rng, share) = (self.rng.lock().unwrap(), self.share.load(Ordering::SeqCst) as usize);
        let peculiar =
            share > 0 && whole.completes() && self.failed_completions.load(Ordering::SeqCst) < PECULIAR_TO_COMPLETIONS;
        if rng.below(100) >= share && !peculiar {
            return None;
        }
        if whole.completes() {
            let turn = self.failed_completions.fetch_add(1, Ordering::SeqCst);
            return Some(OF_COMPLETIONS[turn % OF_COMPLETIONS.len()]);
        }
        let faults = if whole.reads() { OF_READS } else { OF_ANY };
        Some(faults[rng.below(faults.len())])
    }

    /// Forwards a request and discards the answer. An upload that the request begins is lost to the client.
    async fn forward_unanswered(&self, whole: &Whole) -> io::Result<()> {
        self.forward(whole).await?;
        if whole.begins_upload() {
            self.lost_uploads.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    async fn forward(&self, whole: &Whole) -> io::Result<Response<Body>> {
        let url = format!("http://{}{}", self.behind, whole.path);
        let request = self.client.request(whole.method.clone(), url).headers(whole.headers.clone());
        let answer = request.body(whole.body.clone()).send().await.map_err(io::Error::other)?;
        let answer: Response<reqwest::Body> = answer.into();
        Ok(answer.map(|body| body.map_err(io::Error::other).boxed_unsync()))
    }

    /// Cuts the content in the middle.
    async fn cut(&self, answer: Response<Body>, fault: Fault) -> io::Result<Response<Body>> {
        let (mut head, body) = answer.into_parts();
        let whole = body.collect().await?.to_bytes();
        let half = Ok(Frame::data(whole.slice(..whole.len() / 2)));
        let stall = self.stall;
        let rest = stream::once(async move {
            if fault == StallInBody {
                tokio::time::sleep(stall).await;
            }
            Err(io::Error::other("gone"))
        });
        let is_clean_end = fault == Truncated;
        if is_clean_end {
            head.headers.remove(CONTENT_LENGTH);
        }
        let frames = stream::iter([half]).chain(rest.take(usize::from(!is_clean_end)));
        let body = StreamBody::new(frames).boxed_unsync();
        Ok(Response::from_parts(head, body))
    }
}

fn refusal(status: u16, code: &str) -> Response<Body> {
    let text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>m</Message></Error>");
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    Response::builder().status(status).header("content-type", "application/xml").body(body).unwrap()
}
