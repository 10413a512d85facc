//! The recording of a request for the access log, from its head to the last byte of its answer.

use super::address::ClientAddress;
use super::body::Consumed;
use super::headers::content_length;
use crate::access_log::{AccessLog, Entry};
use crate::keys::VerifiedKey;
use crate::model::dialect::Dialect;
use crate::model::ids::RequestId;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode, Version};
use http_body::{Body as _, Frame, SizeHint};
use ipnet::IpNet;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

/// Records requests in the access log.
#[derive(Clone, Debug)]
pub struct AccessRecorder {
    /// The log.
    pub log: AccessLog,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Arc<[IpNet]>,
}

/// The id and dialect of a request, and the place of its key for the access log and the metrics of workspaces. An
/// extension of every request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The id.
    pub id: RequestId,
    /// The dialect. A handler sees the path without the base path of its dialect.
    pub dialect: Dialect,
    /// The place of the verified key; none if nothing looks at it.
    pub key: Option<KeyPlace>,
}

impl RequestContext {
    /// Puts the verified key in its place, if the access log or metrics want it.
    pub fn note(&self, key: &VerifiedKey) {
        if let Some(place) = &self.key {
            place.get_or_init(|| key.clone());
        }
    }
}

/// The place of the verified key of a request.
pub type KeyPlace = Arc<OnceLock<VerifiedKey>>;

/// A request under way. Its drop writes its line, also when the request ends before its answer begins.
#[derive(Debug)]
pub struct Recording {
    log: AccessLog,
    begun: Instant,
    entry: Entry,
    is_head: bool,
    received: Option<Consumed>,
    key: KeyPlace,
}

impl AccessRecorder {
    /// Begins to record a request. Method and route are those of logs.
    pub fn begin(&self, request: &Request, id: RequestId, method: &'static str, route: &str) -> Box<Recording> {
        let client = ClientAddress::of(request.extensions(), request.headers(), &self.trusted_proxies);
        Box::new(Recording {
            log: self.log.clone(),
            begun: Instant::now(),
            entry: Entry {
                begun_ms: self.log.now_ms(),
                request: id,
                client: client.map(|ClientAddress(address)| address),
                method,
                route: route.into(),
                protocol: protocol(request.version()),
                status: None,
                received_bytes: 0,
                sent_bytes: 0,
                duration: std::time::Duration::ZERO,
                key: None,
                workspace: None,
                is_cut_short: true,
            },
            is_head: request.method() == Method::HEAD,
            received: None,
            key: Arc::default(),
        })
    }
}

/// Returns the name of a version of HTTP, as request lines have it.
const fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

impl Recording {
    /// Observes the request body, if there is one. Returns the place for the verified key.
    pub fn observe(&mut self, body: Option<Consumed>) -> KeyPlace {
        self.received = body;
        Arc::clone(&self.key)
    }

    /// Follows the answer to its end.
    pub fn follow(mut self: Box<Self>, response: Response) -> Response {
        let status = response.status();
        self.entry.status = Some(status.as_u16());
        let length = content_length(response.headers());
        let has_no_body = self.is_head || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
        response.map(|body| {
            let expected_bytes = body.size_hint().exact().or(length);
            self.entry.is_cut_short = !(has_no_body || body.is_end_stream() || expected_bytes == Some(0));
            Body::new(FollowedBody { body, recording: self, expected_bytes })
        })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let key = self.key.get();
        self.log.write(Entry {
            received_bytes: self.received.as_ref().map_or(0, Consumed::bytes),
            duration: self.begun.elapsed(),
            key: key.map(|key| key.id),
            workspace: key.and_then(|key| key.opens.workspace()),
            ..self.entry.clone()
        });
    }
}

/// The body of an answer, whose drop is the end of the request.
struct FollowedBody {
    body: Body,
    recording: Box<Recording>,
    /// The length of the body, where it is known: the connection does not ask for its end then.
    expected_bytes: Option<u64>,
}

impl http_body::Body for FollowedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(context);
        let entry = &mut this.recording.entry;
        match &polled {
            Poll::Ready(None) => entry.is_cut_short = false,
            Poll::Ready(Some(Ok(frame))) => {
                entry.sent_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                entry.is_cut_short = !(this.body.is_end_stream() || Some(entry.sent_bytes) == this.expected_bytes);
            }
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_log::Format;
    use crate::clock::Clock;
    use http_body_util::BodyExt;
    use serde_json::Value;

    /// Records a request, and returns its line.
    async fn line(request: Request, work: impl AsyncFnOnce(Box<Recording>)) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = AccessLog::start(Format::Json, Some(&path), Clock::set_to(7)).unwrap();
        let recorder = AccessRecorder { log, trusted_proxies: Arc::new([]) };
        work(recorder.begin(&request, RequestId::new([0; 16]), "GET", "/")).await;
        recorder.log.close().await;
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn stream(pieces: &'static [&'static str]) -> Body {
        Body::from_stream(futures_util::stream::iter(pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece))))
    }

    #[tokio::test]
    async fn a_request_that_ends_before_its_answer_has_a_line_without_a_status() {
        let line = line(Request::default(), async |recording| drop(recording)).await;
        assert!(line["status"].is_null() && line["cut_short"] == true, "{line}");
    }

    #[tokio::test]
    async fn an_answer_is_whole_after_its_last_byte() {
        let line = line(Request::default(), async |recording| {
            let body = recording.follow(Response::new(stream(&["one", "two"]))).into_body();
            assert_eq!(body.collect().await.unwrap().to_bytes(), "onetwo");
        });
        let line = line.await;
        assert_eq!((&line["sent_bytes"], &line["cut_short"]), (&6.into(), &false.into()));
    }

    #[tokio::test]
    async fn an_answer_of_known_length_is_whole_without_a_look_for_its_end() {
        for (length, is_cut_short) in [("3", false), ("6", true)] {
            let line = line(Request::default(), async |recording| {
                let mut response = Response::new(stream(&["one", "two"]));
                response.headers_mut().insert(http::header::CONTENT_LENGTH, length.parse().unwrap());
                let frame = recording.follow(response).into_body().frame().await;
                assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "one");
            });
            assert_eq!(line.await["cut_short"], is_cut_short, "of {length} bytes");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_body_is_whole_at_once() {
        let head = Request::builder().method(Method::HEAD).body(Body::empty()).unwrap();
        let not_modified = Response::builder().status(304).body(stream(&["one"])).unwrap();
        for (request, response) in [
            (Request::default(), Response::default()),
            (Request::default(), not_modified),
            (head, Response::new(stream(&["one"]))),
        ] {
            let line = line(request, async |recording| drop(recording.follow(response))).await;
            assert_eq!(line["cut_short"], false, "{line}");
        }
    }
}
