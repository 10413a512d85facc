//! `Idempotency-Key`: repetitions of a POST with the same key have one effect and one answer (docs/contract.md, section
//! 10).
//!
//! The transaction of the change enforces this. In addition, requests with the same key take a lock here, so that the
//! second waits for the first.

use super::connection::ClientConnection;
use super::error::ApiError;
use super::limited::Limited;
use super::wire::json_body;
use crate::files::FileDetails;
use crate::model::caller::Caller;
use crate::model::idempotency::{
    Idempotency, IdempotencyKey, IdempotentOutcome, MAX_KEY_CHARS, RequestDigest, WriteAnswer,
};
use crate::model::ids::WorkspaceId;
use crate::model::mime_type::MimeType;
use crate::shares::FairSemaphore;
use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts};
use axum::response::Response;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use ipnet::IpNet;
use std::collections::HashMap;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::time::sleep;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const PARAM: &str = "Idempotency-Key";
/// The maximum time that a request waits for an earlier one with its key.
const MAX_LOCK_WAIT: Duration = Duration::from_mins(1);
/// The maximum number of requests that wait for a lock.
const MAX_WAITING: usize = 1024;
/// The maximum number of requests of one workspace that wait for a lock.
const MAX_WAITING_PER_WORKSPACE: usize = 64;

type Name = (WorkspaceId, IdempotencyKey);
type Lock = Arc<tokio::sync::Mutex<()>>;

/// The locks of the keys in use, at most one for each request in flight.
#[derive(Clone, Debug)]
pub struct KeyLocks {
    locks: Arc<Mutex<HashMap<Name, Lock>>>,
    waiting: FairSemaphore<WorkspaceId>,
}

/// The reason why a request does not get the lock of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LockError {
    /// The maximum number of requests is waiting.
    TooManyWait,
    /// The request with the lock did not end in time.
    StillRunning,
    /// The client has closed the connection.
    ClientGone,
}

/// The lock of a request on its key. The drop lets the next request with the key begin.
struct KeyLock {
    locks: KeyLocks,
    name: Name,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Default for KeyLocks {
    fn default() -> Self {
        Self { locks: Arc::default(), waiting: FairSemaphore::new(MAX_WAITING, MAX_WAITING_PER_WORKSPACE) }
    }
}

impl KeyLocks {
    /// Waits for the lock of a key while the client is connected, at most [`MAX_LOCK_WAIT`].
    async fn wait(&self, name: Name, client_gone: impl Future<Output = ()>) -> Result<KeyLock, LockError> {
        let (workspace, mut held) = (name.0, KeyLock { locks: self.clone(), name: name.clone(), guard: None });
        // Declared after `held`, so that it is dropped first: the drop of `held` counts the remaining references.
        let lock = Arc::clone(self.lock().entry(name).or_default());
        if let Ok(guard) = Arc::clone(&lock).try_lock_owned() {
            held.guard = Some(guard);
            return Ok(held);
        }
        let _permit = self.waiting.try_acquire(workspace).ok_or(LockError::TooManyWait)?;
        tokio::select! {
            guard = lock.lock_owned() => held.guard = Some(guard),
            () = client_gone => return Err(LockError::ClientGone),
            () = sleep(MAX_LOCK_WAIT) => return Err(LockError::StillRunning),
        }
        Ok(held)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Lock>> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<LockError> for ApiError {
    fn from(error: LockError) -> Self {
        let message = match error {
            LockError::TooManyWait => {
                "Too many requests of this project wait for another one with the same Idempotency-Key. Please try again in a moment."
            }
            LockError::StillRunning => {
                "Another request with this Idempotency-Key is still being handled. Please try again in a moment."
            }
            LockError::ClientGone => return Self::invalid("The client closed the connection."),
        };
        Self::too_many(Limited::IdempotentRequests, message)
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        let mut locks = self.locks.lock();
        self.guard = None;
        if locks.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.name);
        }
    }
}

/// The `Idempotency-Key` of a request, if it has one, with the lock on it.
pub struct IdempotencyGuard(Option<Keyed>);

struct Keyed {
    key: IdempotencyKey,
    request: RequestDigest,
    _lock: KeyLock,
}

impl<S: Sync> FromRequestParts<S> for IdempotencyGuard
where
    Arc<KeyLocks>: FromRef<S>,
    Arc<[IpNet]>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Some(key) = key(&parts.headers)? else { return Ok(Self(None)) };
        let caller = Caller::from_request_parts(parts, state).await?;
        let request = RequestDigest::of(parts.method.as_str(), parts.uri.path());
        let client = parts.extensions.get::<ClientConnection>().cloned();
        let client_gone = async {
            match client {
                Some(client) => client.closed().await,
                None => pending().await,
            }
        };
        let held = Arc::<KeyLocks>::from_ref(state).wait((caller.workspace, key.clone()), client_gone).await?;
        Ok(Self(Some(Keyed { key, request, _lock: held })))
    }
}

impl IdempotencyGuard {
    /// Returns the key.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.0.as_ref().map(|keyed| &keyed.key)
    }

    /// Adds a field to the digest of the request.
    #[must_use]
    pub fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.map(|keyed| Keyed { request: keyed.request.with(name, value), ..keyed }))
    }

    /// Adds the fields of a File to the digest of the request.
    #[must_use]
    pub fn with_details(self, details: &FileDetails) -> Self {
        let seconds = details.expires_after.map(|after| after.at(0).to_string()).unwrap_or_default();
        self.with("purpose", details.purpose.name())
            .with("filename", details.filename.as_str())
            .with("expires_after", seconds)
    }

    /// Adds the media type of a File to the digest of the request, unless it is that of its name.
    #[must_use]
    pub fn with_mime_type(self, details: &FileDetails) -> Self {
        let is_of_name = details.mime_type == MimeType::of_name(&details.filename);
        if is_of_name { self } else { self.with("mime_type", details.mime_type.as_str()) }
    }

    /// Returns what makes the transaction idempotent; `answer` writes its answer.
    pub fn idempotency<T>(&self, answer: impl Fn(&T) -> Vec<u8> + Send + Sync + 'static) -> Option<Idempotency<T>> {
        self.0.as_ref().map(|keyed| Idempotency {
            key: keyed.key.clone(),
            request: keyed.request.clone(),
            answer: WriteAnswer::new(answer),
        })
    }
}

/// Reads the key of a request, if it has one.
///
/// # Errors
/// When the header is not valid or occurs twice.
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

/// Returns the answer to a change; a repetition gets the first answer.
pub fn answer<T>(outcome: IdempotentOutcome<T>, write: impl FnOnce(&T) -> Vec<u8>) -> Result<Response, ApiError> {
    match outcome {
        IdempotentOutcome::Made(made) => Ok(json_body(StatusCode::OK, Body::from(write(&made)))),
        IdempotentOutcome::Replayed(answer) => Ok(replayed(json_body(StatusCode::OK, Body::from(answer)))),
        IdempotentOutcome::KeyReused => Err(ApiError::idempotency_key_reused()),
        IdempotentOutcome::Refused(refused) => Err(refused.into()),
    }
}

/// Marks an answer as a repetition.
pub fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;

    fn name(workspace: u64, text: &str) -> Name {
        (WorkspaceId::next(None, workspace, [0; 11]), IdempotencyKey::parse(text).unwrap())
    }

    async fn wait(locks: &KeyLocks, name: Name) -> Result<KeyLock, LockError> {
        locks.wait(name, pending()).await
    }

    #[tokio::test(start_paused = true)]
    async fn requests_with_one_key_run_one_at_a_time_and_leave_no_lock() {
        let locks = KeyLocks::default();
        let first = wait(&locks, name(1, "a")).await.unwrap();
        drop(wait(&locks, name(1, "b")).await.unwrap());
        let second = wait(&locks, name(1, "a"));
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_secs(1), &mut second).await.is_err());
        drop(tokio::time::timeout(Duration::from_secs(1), wait(&locks, name(1, "a"))).await);
        drop(first);
        drop(second.await.unwrap());
        assert!(locks.lock().is_empty(), "{locks:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_limit_and_when_the_client_is_gone() {
        let locks = KeyLocks::default();
        let first = wait(&locks, name(1, "a")).await.unwrap();
        assert_eq!(wait(&locks, name(1, "a")).await.err(), Some(LockError::StillRunning));
        assert_eq!(locks.wait(name(1, "a"), ready(())).await.err(), Some(LockError::ClientGone));
        drop(first);
        assert!(locks.lock().is_empty(), "{locks:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_waiting_requests_of_a_workspace_are_limited() {
        let locks = KeyLocks::default();
        let first = [wait(&locks, name(1, "a")).await.unwrap(), wait(&locks, name(2, "a")).await.unwrap()];
        let mut waiting = Vec::new();
        for _ in 0..MAX_WAITING_PER_WORKSPACE {
            let mut repetition = Box::pin(wait(&locks, name(1, "a")));
            assert!(tokio::time::timeout(Duration::ZERO, &mut repetition).await.is_err());
            waiting.push(repetition);
        }
        assert_eq!(wait(&locks, name(1, "a")).await.err(), Some(LockError::TooManyWait));
        assert_eq!(wait(&locks, name(2, "a")).await.err(), Some(LockError::StillRunning));
        drop((first, waiting));
        assert!(locks.lock().is_empty(), "{locks:?}");
    }
}
