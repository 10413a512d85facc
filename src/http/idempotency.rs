//! `Idempotency-Key`: a POST that is repeated with the same key has one effect and one answer
//! (docs/contract.md, section 10).
//!
//! That is decided where the change is made, in its transaction. Here twins take turns, so that the second one does not
//! begin while the first is still on its way.

use super::SharedHall;
use super::catalogue::ErrorKind;
use super::connection::ClientConnection;
use super::error::ApiError;
use super::wire::json_body;
use crate::files::FileDetails;
use crate::model::caller::Caller;
use crate::model::idempotency::{Effect, IdempotencyKey, MAX_KEY_CHARS, Once, RequestDigest, WriteAnswer};
use crate::model::ids::WorkspaceId;
use crate::shares::Shares;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use std::collections::HashMap;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::time::sleep;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const PARAM: &str = "Idempotency-Key";
/// The longest that a twin waits for the request before it.
const MAX_TWIN_WAIT: Duration = Duration::from_mins(1);
/// Twins that wait at once.
const MAX_WAITING_TWINS: usize = 1024;
/// Twins of one workspace that wait at once.
const MAX_WAITING_TWINS_PER_WORKSPACE: usize = 64;

type Name = (WorkspaceId, IdempotencyKey);
type Seat = Arc<tokio::sync::Mutex<()>>;

/// Who is at work under which key: at most one entry for each request in flight.
#[derive(Clone, Debug)]
pub struct Turns {
    seats: Arc<Mutex<HashMap<Name, Seat>>>,
    waiting: Shares<WorkspaceId>,
}

/// Why a twin gets no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoTurn {
    /// As many wait as may.
    TooManyWait,
    /// The request before it took too long.
    StillRunning,
    /// Its client has closed the connection.
    ClientGone,
}

/// The turn of a request; the next one begins when it is dropped.
struct Turn {
    turns: Turns,
    name: Name,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { seats: Arc::default(), waiting: Shares::new(MAX_WAITING_TWINS, MAX_WAITING_TWINS_PER_WORKSPACE) }
    }
}

impl Turns {
    /// Waits until no other request is at work under the key, as long as the client is there, and not for ever.
    async fn wait(&self, name: Name, client_gone: impl Future<Output = ()>) -> Result<Turn, NoTurn> {
        let (workspace, mut turn) = (name.0, Turn { turns: self.clone(), name: name.clone(), guard: None });
        // Dropped before the turn is, which looks who else holds it.
        let seat = Arc::clone(self.lock().entry(name).or_default());
        if let Ok(guard) = Arc::clone(&seat).try_lock_owned() {
            turn.guard = Some(guard);
            return Ok(turn);
        }
        let _place = self.waiting.try_take(workspace).ok_or(NoTurn::TooManyWait)?;
        tokio::select! {
            guard = seat.lock_owned() => turn.guard = Some(guard),
            () = client_gone => return Err(NoTurn::ClientGone),
            () = sleep(MAX_TWIN_WAIT) => return Err(NoTurn::StillRunning),
        }
        Ok(turn)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<NoTurn> for ApiError {
    fn from(no_turn: NoTurn) -> Self {
        let message = match no_turn {
            NoTurn::TooManyWait => {
                "Too many requests of this project wait for another one with the same Idempotency-Key. Please try again in a moment."
            }
            NoTurn::StillRunning => {
                "Another request with this Idempotency-Key is still being handled. Please try again in a moment."
            }
            NoTurn::ClientGone => return Self::invalid("The client closed the connection."),
        };
        Self::too_many(message)
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
        let client = parts.extensions.get::<ClientConnection>().cloned();
        let client_gone = async {
            match client {
                Some(client) => client.closed().await,
                None => pending().await,
            }
        };
        let turn = hall.turns.wait((caller.workspace, key.clone()), client_gone).await?;
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
    pub fn once<T: 'static>(&self, answer: fn(&T) -> Vec<u8>) -> Option<Once<T>> {
        let answer = || WriteAnswer::new(answer);
        self.0.as_ref().map(|keyed| Once { key: keyed.key.clone(), request: keyed.request.clone(), answer: answer() })
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
pub fn answer<T>(effect: Effect<T>, write: impl FnOnce(&T) -> Vec<u8>) -> Result<Response, ApiError> {
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
    use std::future::ready;

    fn name(workspace: u64, text: &str) -> Name {
        (WorkspaceId::next(None, workspace, [0; 11]), IdempotencyKey::parse(text).unwrap())
    }

    async fn wait(turns: &Turns, name: Name) -> Result<Turn, NoTurn> {
        turns.wait(name, pending()).await
    }

    #[tokio::test(start_paused = true)]
    async fn twins_take_turns_and_leave_nothing_behind() {
        let turns = Turns::default();
        let first = wait(&turns, name(1, "a")).await.unwrap();
        drop(wait(&turns, name(1, "b")).await.unwrap());
        let second = wait(&turns, name(1, "a"));
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_secs(1), &mut second).await.is_err());
        drop(tokio::time::timeout(Duration::from_secs(1), wait(&turns, name(1, "a"))).await);
        drop(first);
        drop(second.await.unwrap());
        assert!(turns.lock().is_empty(), "{turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_twin_waits_neither_for_ever_nor_for_a_client_that_has_gone() {
        let turns = Turns::default();
        let first = wait(&turns, name(1, "a")).await.unwrap();
        assert_eq!(wait(&turns, name(1, "a")).await.err(), Some(NoTurn::StillRunning));
        assert_eq!(turns.wait(name(1, "a"), ready(())).await.err(), Some(NoTurn::ClientGone));
        drop(first);
        assert!(turns.lock().is_empty(), "{turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_twins_of_a_workspace_wait() {
        let turns = Turns::default();
        let first = [wait(&turns, name(1, "a")).await.unwrap(), wait(&turns, name(2, "a")).await.unwrap()];
        let mut waiting = Vec::new();
        for _ in 0..MAX_WAITING_TWINS_PER_WORKSPACE {
            let mut twin = Box::pin(wait(&turns, name(1, "a")));
            assert!(tokio::time::timeout(Duration::ZERO, &mut twin).await.is_err());
            waiting.push(twin);
        }
        assert_eq!(wait(&turns, name(1, "a")).await.err(), Some(NoTurn::TooManyWait));
        assert_eq!(wait(&turns, name(2, "a")).await.err(), Some(NoTurn::StillRunning));
        drop((first, waiting));
        assert!(turns.lock().is_empty(), "{turns:?}");
    }
}
