//! `Idempotency-Key`: a POST that is repeated with the same key has one effect and one answer (product.md, section 4).
//!
//! That is decided where the change is made, in its transaction. Here twins take turns, so that the second one does not
//! begin while the first is still on its way.

use super::SharedHall;
use super::catalogue::ErrorKind;
use super::error::ApiError;
use super::wire::json_body;
use crate::files::FileDetails;
use crate::model::caller::Caller;
use crate::model::idempotency::{Effect, IdempotencyKey, MAX_KEY_CHARS, Once, RequestDigest};
use crate::model::ids::WorkspaceId;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const PARAM: &str = "Idempotency-Key";

type Name = (WorkspaceId, IdempotencyKey);
type Seat = Arc<tokio::sync::Mutex<()>>;

/// Who is at work under which key: at most one entry for each request in flight.
#[derive(Clone, Debug, Default)]
pub struct Turns(Arc<Mutex<HashMap<Name, Seat>>>);

/// The turn of a request; the next one begins when it is dropped.
struct Turn {
    turns: Turns,
    name: Name,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    async fn wait(&self, name: Name) -> Turn {
        let seat = Arc::clone(self.lock().entry(name.clone()).or_default());
        let mut turn = Turn { turns: self.clone(), name, guard: None };
        turn.guard = Some(seat.lock_owned().await);
        turn
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Seat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut seats = self.turns.lock();
        self.guard = None;
        if seats.get(&self.name).is_some_and(|seat| Arc::strong_count(seat) == 1) {
            seats.remove(&self.name);
        }
    }
}

/// A request, and the key under which it may be repeated, if it has one. The turn ends with it.
pub struct Attempt(Option<Keyed>);

struct Keyed {
    key: IdempotencyKey,
    request: RequestDigest,
    _turn: Turn,
}

impl FromRequestParts<SharedHall> for Attempt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hall: &SharedHall) -> Result<Self, ApiError> {
        let Some(key) = key(&parts.headers)? else { return Ok(Self(None)) };
        let caller = Caller::from_request_parts(parts, hall).await?;
        let request = RequestDigest::of(parts.method.as_str(), parts.uri.path());
        let turn = hall.turns.wait((caller.workspace, key.clone())).await;
        Ok(Self(Some(Keyed { key, request, _turn: turn })))
    }
}

impl Attempt {
    /// The key.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.0.as_ref().map(|keyed| &keyed.key)
    }

    /// The request has this field.
    #[must_use]
    pub fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.map(|keyed| Keyed { request: keyed.request.with(name, value), ..keyed }))
    }

    /// The request has these fields.
    #[must_use]
    pub fn with_details(self, details: &FileDetails) -> Self {
        let seconds = details.expires_after.map(|after| after.at(0).to_string()).unwrap_or_default();
        self.with("purpose", details.purpose.name())
            .with("filename", details.filename.as_str())
            .with("expires_after", seconds)
    }

    /// What makes the change happen once, answered by `answer`.
    pub fn once<T>(&self, answer: fn(&T) -> Vec<u8>) -> Option<Once<T>> {
        self.0.as_ref().map(|keyed| Once { key: keyed.key.clone(), request: keyed.request.clone(), answer })
    }
}

/// The key of a request, if it has one.
///
/// # Errors
/// When it is none, or there are two.
pub fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let wrong = || {
        ApiError::invalid(format!(
            "Invalid '{PARAM}': expected one key of 1 to {MAX_KEY_CHARS} visible ASCII characters."
        ))
        .param(PARAM)
    };
    text.and_then(IdempotencyKey::parse).map(Some).ok_or_else(wrong)
}

/// The answer to a change: of one that was made before, what was answered then.
pub fn answer<T>(effect: Effect<T>, write: fn(&T) -> Vec<u8>) -> Result<Response, ApiError> {
    match effect {
        Effect::Made(made) => Ok(json_body(StatusCode::OK, Body::from(write(&made)))),
        Effect::Replayed(answer) => Ok(replayed(json_body(StatusCode::OK, Body::from(answer)))),
        Effect::KeyReused => Err(reused()),
        Effect::Refused(refused) => Err(refused.into()),
    }
}

/// Says of an answer that it was given before.
pub fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// The key was used for another request.
pub fn reused() -> ApiError {
    let message = "This Idempotency-Key was used for another request. Send a new one with a new request.";
    ApiError::new(ErrorKind::IdempotencyKeyReused, message).param(PARAM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn twins_take_turns_and_leave_nothing_behind() {
        let turns = Turns::default();
        let name = |text: &str| (WorkspaceId::next(None, 1, [0; 11]), IdempotencyKey::parse(text).unwrap());
        let first = turns.wait(name("a")).await;
        drop(turns.wait(name("b")).await);
        let second = turns.wait(name("a"));
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_secs(1), &mut second).await.is_err());
        drop(tokio::time::timeout(Duration::from_secs(1), turns.wait(name("a"))).await);
        drop(first);
        drop(second.await);
        assert!(turns.lock().is_empty(), "{turns:?}");
    }
}
