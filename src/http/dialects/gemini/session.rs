//! `POST` and `PUT` of the URL of a session: sends bytes, finishes the File, asks how far it is, or cancels.
//!
//! The URL needs no key: it is signed, and a request acts as the key that began the session. Every command may be
//! repeated, since an answer may be lost. An answer without `X-Goog-Upload-Status` tells the client to repeat its
//! request.

use super::headers::{ACTIVE, CANCELLED, COMMAND, FINAL, OFFSET, SIZE_RECEIVED, STATUS};
use super::uploading::{explain, made_file, refusal_of};
use super::wire::Presentation;
use crate::http::body::BodyError;
use crate::http::caller::UploadPolicy;
use crate::http::content_coding;
use crate::http::dialect::upload_session;
use crate::http::error::{ApiError, echo};
use crate::http::headers::put;
use crate::http::keyless;
use crate::http::spend;
use crate::http::state::{AppState, ServerUrl};
use crate::http::wire::json;
use crate::links::Links;
use crate::model::caller::Caller;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::UploadId;
use crate::model::limits::Limit;
use crate::model::upload::{UploadRefusal, UploadStatus};
use crate::uploads::{AddPartError, AppendError, CompleteError, Uploads};
use crate::usage::Spending;
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;

/// The rate limits of a request to a session. What the session was begun with counts as an upload.
const MEASURES: [Limit; 1] = [Limit::RequestsPerMinute];

/// What a request to a session wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// Bytes are sent, and may be the last ones.
    Upload {
        finalize: bool,
    },
    /// All bytes were sent.
    Finalize,
    Query,
    Cancel,
}

impl Command {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let text = headers.get(COMMAND).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut words: Vec<String> = text.split(',').map(|word| word.trim().to_ascii_lowercase()).collect();
        words.sort_unstable();
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["upload"] => Ok(Self::Upload { finalize: false }),
            ["finalize", "upload"] => Ok(Self::Upload { finalize: true }),
            ["finalize"] => Ok(Self::Finalize),
            ["query"] => Ok(Self::Query),
            ["cancel"] => Ok(Self::Cancel),
            _ => {
                let commands = ["upload", "upload, finalize", "finalize", "query", "cancel"];
                Err(ApiError::unsupported(COMMAND.as_str(), &echo(text), &commands))
            }
        }
    }
}

/// Builds the routes of sessions.
pub fn routes() -> Router<AppState> {
    let commands = || post(command).put(command);
    Router::new()
        .route("/gemini/upload/v1/sessions/{session}", commands())
        .route("/gemini/upload/v1beta/sessions/{session}", commands())
}

async fn command(State(state): State<AppState>, request: Request) -> Response {
    Box::pin(answer(&state, request)).await.unwrap_or_else(|refused| refused)
}

async fn answer(state: &AppState, request: Request) -> Result<Response, Response> {
    content_coding::refuse(&request).map_err(IntoResponse::into_response)?;
    let (mut parts, body) = request.into_parts();
    let signed = upload_session(parts.uri.path()).unwrap_or_default();
    let opened = Arc::<Links>::from_ref(state).open_session(signed).await;
    let (session, credential) =
        opened.map_err(|refused| keyless::refuse(state, &parts, refused, ApiError::session_refused()))?;
    let rate = keyless::act_as(state, &mut parts, credential, &MEASURES, ApiError::session_refused())
        .map_err(|answer| *answer)?;
    let answered = match Session::of(state, &mut parts, session.upload).await {
        Ok(session) => session.run(&parts, body).await,
        Err(error) => Err(error),
    };
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    if let Some(rate) = rate {
        rate.put_into(response.headers_mut());
    }
    Ok(response)
}

/// A session, and who sends to it.
struct Session {
    uploads: Arc<Uploads>,
    spending: Arc<Spending>,
    server: Arc<ServerUrl>,
    caller: Caller,
    policy: UploadPolicy,
    upload: UploadId,
}

impl Session {
    async fn of(state: &AppState, parts: &mut Parts, upload: UploadId) -> Result<Self, ApiError> {
        Ok(Self {
            uploads: FromRef::from_ref(state),
            spending: FromRef::from_ref(state),
            server: FromRef::from_ref(state),
            caller: Caller::from_request_parts(parts, state).await?,
            policy: UploadPolicy::from_request_parts(parts, state).await?,
            upload,
        })
    }

    async fn run(&self, head: &Parts, body: Body) -> Result<Response, ApiError> {
        match Command::of(&head.headers)? {
            Command::Query => self.query().await,
            Command::Cancel => self.cancel().await,
            Command::Finalize => self.finish(head).await,
            Command::Upload { finalize } => {
                let received_bytes = self.append(&head.headers, body).await?;
                match received_bytes {
                    Some(received_bytes) if !finalize => Ok(at(ACTIVE, Some(received_bytes))),
                    _ => self.finish(head).await,
                }
            }
        }
    }

    /// Appends the body. Returns how many bytes there are then; none if the File is made already.
    async fn append(&self, headers: &HeaderMap, body: Body) -> Result<Option<u64>, ApiError> {
        let offset_bytes = offset(headers)?;
        spend::check_key(&self.spending, self.caller, &self.policy, None).await?;
        let chunks = Body::into_data_stream(body).map(|chunk| chunk.map_err(|error| BodyError::of(error).into()));
        let limits = self.policy.limits.clone();
        match self.uploads.append(self.caller, limits, self.upload, offset_bytes, chunks).await {
            Ok(received_bytes) => Ok(Some(received_bytes)),
            Err(AppendError::Part(AddPartError::Refused(UploadRefusal::NotPending(UploadStatus::Completed)))) => {
                Ok(None)
            }
            Err(AppendError::Body(error)) => Err(error),
            Err(error) => Err(self.with_status(refusal_of(&error), explain(error)).await),
        }
    }

    /// Makes the File, or finds the one that is made.
    async fn finish(&self, head: &Parts) -> Result<Response, ApiError> {
        spend::check_key(&self.spending, self.caller, &self.policy, None).await?;
        let finished = self.uploads.finish(self.caller, self.upload).await;
        let file = match finished.map_err(AppendError::from) {
            Ok(finished) => made_file(finished)?,
            Err(error) => return Err(self.with_status(refusal_of(&error), explain(error)).await),
        };
        let presentation = Presentation::of(&self.server, &head.uri, &head.headers);
        let mut response = json(StatusCode::OK, &presentation.uploaded(&file));
        response.headers_mut().insert(STATUS, HeaderValue::from_static(FINAL));
        Ok(response)
    }

    async fn query(&self) -> Result<Response, ApiError> {
        let found = self.uploads.retrieve(self.caller.workspace, self.upload).await;
        let upload = found.map_err(|error| explain(CompleteError::from(error).into()))?;
        Ok(match upload.status {
            UploadStatus::Pending => at(ACTIVE, Some(upload.parts_bytes)),
            UploadStatus::Completed => at(FINAL, Some(upload.size_bytes)),
            UploadStatus::Cancelled | UploadStatus::Expired => at(CANCELLED, None),
        })
    }

    async fn cancel(&self) -> Result<Response, ApiError> {
        match self.uploads.cancel(self.caller, self.upload, None).await {
            Ok(IdempotentOutcome::Refused(refused)) => Err(refused.into()),
            Ok(_) => Ok(at(CANCELLED, None)),
            Err(error) => {
                let error = AppendError::from(CompleteError::from(error));
                Err(self.with_status(refusal_of(&error), explain(error)).await)
            }
        }
    }

    /// Tells the client whether the session goes on after an error, and from where. It repeats its request where it is
    /// told nothing.
    async fn with_status(&self, refusal: Option<UploadRefusal>, error: ApiError) -> ApiError {
        match refusal {
            Some(UploadRefusal::WrongOffset | UploadRefusal::WrongSize { .. }) => {
                let found = self.uploads.retrieve(self.caller.workspace, self.upload).await;
                let received_bytes = found.map(|upload| upload.parts_bytes).unwrap_or_default();
                error.header(STATUS, ACTIVE).header(SIZE_RECEIVED, &received_bytes.to_string())
            }
            Some(UploadRefusal::NotPending(UploadStatus::Cancelled | UploadStatus::Expired)) => {
                error.header(STATUS, CANCELLED)
            }
            Some(_) => error.header(STATUS, FINAL),
            None => error,
        }
    }
}

/// Returns an answer without a body.
fn at(status: &'static str, received_bytes: Option<u64>) -> Response {
    let mut response = StatusCode::OK.into_response();
    response.headers_mut().insert(STATUS, HeaderValue::from_static(status));
    if let Some(received_bytes) = received_bytes {
        put(response.headers_mut(), SIZE_RECEIVED, &received_bytes.to_string());
    }
    response
}

fn offset(headers: &HeaderMap) -> Result<u64, ApiError> {
    let text = headers.get(OFFSET).ok_or_else(|| ApiError::missing(OFFSET.as_str()))?.to_str().unwrap_or_default();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or_else(|| ApiError::not_an_integer(OFFSET.as_str(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_words_in_any_order_and_case() {
        let of = |text: &'static str| Command::of(&HeaderMap::from_iter([(COMMAND, HeaderValue::from_static(text))]));
        assert_eq!(of("upload").ok(), Some(Command::Upload { finalize: false }));
        assert_eq!(of("upload, finalize").ok(), Some(Command::Upload { finalize: true }));
        assert_eq!(of("FINALIZE,Upload").ok(), Some(Command::Upload { finalize: true }));
        assert_eq!(of("finalize").ok(), Some(Command::Finalize));
        assert_eq!((of("query").ok(), of("cancel").ok()), (Some(Command::Query), Some(Command::Cancel)));
        for wrong in ["", "start", "upload, cancel", "upload, upload", "query,"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_offset_is_a_number_of_digits() {
        let of = |text: &'static str| offset(&HeaderMap::from_iter([(OFFSET, HeaderValue::from_static(text))]));
        assert_eq!((of("0").ok(), of("8388608").ok()), (Some(0), Some(8_388_608)));
        for wrong in ["", "+1", "-1", "x", "99999999999999999999"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(offset(&HeaderMap::new()).is_err());
    }
}
