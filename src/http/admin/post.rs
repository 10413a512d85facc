//! A POST of an administrator: with what, and under which `Idempotency-Key` it may be repeated.
//!
//! What makes the change notes the answer in its own transaction. An answer that shows the secret of a key is kept sealed
//! (`keys/sealed.rs`), and given again only to the secret that asked for it.

use crate::http::caller;
use crate::http::error::ApiError;
use crate::http::idempotency::{self, replayed};
use crate::http::json::{JsonObject, MAX_ADMIN_BYTES};
use crate::http::wire::json_body;
use crate::keys::{SealedAnswer, fresh_secret};
use crate::model::api_key::{ApiKey, KeyKind, KeySecret};
use crate::model::idempotency::{Idempotency, IdempotencyKey, IdempotentOutcome, RequestDigest, WriteAnswer};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

/// A request, read.
#[derive(Debug)]
pub struct AdminPost {
    /// The fields of its body.
    pub body: JsonObject,
    key: Option<IdempotencyKey>,
    digest: RequestDigest,
    own_secret: KeySecret,
}

/// The secret of a key that is to be made.
#[derive(Debug)]
pub struct NewKeySecret {
    /// The secret.
    pub secret: KeySecret,
    kind: KeyKind,
    sealed: Option<SealedAnswer>,
}

/// Writes the answer that shows a key with its secret.
pub type ShowKey = fn(&ApiKey, &KeySecret) -> Vec<u8>;

impl AdminPost {
    /// Reads a request that must have a body.
    pub async fn read(request: Request) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let read = Self::of(&parts)?;
        let body = JsonObject::read(Request::from_parts(parts, body), MAX_ADMIN_BYTES).await?;
        Ok(read.with_body(body))
    }

    /// Reads a request that may have a body.
    pub async fn read_or_empty(request: Request) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let read = Self::of(&parts)?;
        let body = JsonObject::read_or_empty(Request::from_parts(parts, body), MAX_ADMIN_BYTES).await?;
        Ok(read.with_body(body))
    }

    /// Takes a request whose body, if there is one, says nothing.
    pub fn without_body(parts: &Parts) -> Result<Self, ApiError> {
        Self::of(parts)
    }

    fn of(parts: &Parts) -> Result<Self, ApiError> {
        Ok(Self {
            body: JsonObject::default(),
            key: idempotency::key(&parts.headers)?,
            digest: RequestDigest::of(parts.method.as_str(), parts.uri.path()),
            own_secret: caller::bearer(&parts.headers)?,
        })
    }

    /// Two bodies of the same values are the same request, however they are written.
    fn with_body(self, body: JsonObject) -> Self {
        let digest = self.digest.with("body", body.canonical());
        Self { body, digest, ..self }
    }

    /// What makes the change happen once, answered by `write`.
    pub fn once<T>(&self, write: impl Fn(&T) -> Vec<u8> + Send + Sync + 'static) -> Option<Idempotency<T>> {
        let key = self.key.clone()?;
        Some(Idempotency { key, request: self.digest.clone(), answer: WriteAnswer::new(write) })
    }

    /// A secret for a key of this kind: random, or under an `Idempotency-Key` one that can be shown again.
    pub fn new_secret(&self, kind: KeyKind) -> NewKeySecret {
        if self.key.is_none() {
            return NewKeySecret { secret: fresh_secret(kind), kind, sealed: None };
        }
        let sealed = SealedAnswer::fresh();
        NewKeySecret { secret: sealed.secret(kind, &self.own_secret), kind, sealed: Some(sealed) }
    }

    /// What makes a key be made once, answered by `show`, which is kept sealed. Asked for with another secret it is another
    /// request: nobody else can be shown the answer.
    pub fn once_with_secret(&self, new: &NewKeySecret, show: ShowKey) -> Option<Idempotency<ApiKey>> {
        let (sealed, secret) = (new.sealed?, new.secret.clone());
        let once = self.once(move |key: &ApiKey| sealed.seal(&show(key, &secret), &secret))?;
        Some(Idempotency { request: once.request.with("asked with", self.own_secret.digest().0), ..once })
    }

    /// The answer to the making of a key.
    pub fn answer_with_secret(
        &self,
        effect: IdempotentOutcome<ApiKey>,
        new: &NewKeySecret,
        show: ShowKey,
    ) -> Result<Response, ApiError> {
        match effect {
            IdempotentOutcome::Replayed(kept) => {
                let shown = SealedAnswer::open(&kept, new.kind, &self.own_secret).ok_or_else(ApiError::internal)?;
                Ok(replayed(json_body(StatusCode::OK, Body::from(shown))))
            }
            other => idempotency::answer(other, |key| show(key, &new.secret)),
        }
    }
}
