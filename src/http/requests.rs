//! The requests of one connection, whatever its version of HTTP.

use super::address::Peer;
use super::connection::ClientConnection;
use super::connections::{ActiveRequest, ConnectionSlot};
use super::dialect;
use super::workspace_metrics::WorkspaceSeries;
use crate::metrics::METRICS;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::TryFutureExt;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Answers the requests of one connection, which is busy from the head of a request to the end of its answer.
#[derive(Clone)]
pub struct Requests {
    router: TowerToHyperService<Router>,
    peer: Peer,
    client: ClientConnection,
    slot: Arc<ConnectionSlot>,
}

impl Requests {
    /// Serves the connection of a slot by the router.
    pub fn new(router: Router, peer: Peer, client: ClientConnection, slot: Arc<ConnectionSlot>) -> Self {
        Self { router: TowerToHyperService::new(router), peer, client, slot }
    }

    /// Returns the slot of the connection.
    pub fn slot(&self) -> Arc<ConnectionSlot> {
        Arc::clone(&self.slot)
    }

    /// Answers a request.
    pub fn answer<B>(
        &self,
        mut request: Request<B>,
    ) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + Send + use<B>
    where
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let busy = self.slot.begin();
        dialect::give_base_path(&mut request);
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.client.of(&busy));
        self.router.call(request).map_ok(|mut answer| {
            let workspace = answer.extensions_mut().remove();
            answer.map(|body| AnswerBody { body, workspace, _busy: busy })
        })
    }
}

/// The body of an answer. The connection is busy until its drop.
pub struct AnswerBody {
    body: Body,
    /// The series of the workspace of the request, where workspaces have some.
    workspace: Option<Arc<WorkspaceSeries>>,
    _busy: ActiveRequest,
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            METRICS.http_response_body_bytes.inc_by(bytes);
            if let Some(workspace) = &self.workspace {
                workspace.sent(bytes);
            }
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
