//! A POST of the administration, with its body and its `Idempotency-Key`.
//!
//! The transaction of the change also stores the answer. An answer that shows the secret of a key is stored sealed
//! (`keys/sealed.rs`) and is replayed only to the admin key or session that sent the request.

use crate::http::credentials::{self, OwnSecret};
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

/// A POST request, read.
#[derive(Debug)]
pub struct AdminPost {
    /// The fields of its body.
    pub body: JsonObject,
    key: Option<IdempotencyKey>,
    digest: RequestDigest,
    own_secret: OwnSecret,
}

/// The secret of a key before its creation.
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
    /// Reads a request with a required body.
    pub async fn read(request: Request) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let read = Self::of(&parts)?;
        let body = JsonObject::read(Request::from_parts(parts, body), MAX_ADMIN_BYTES).await?;
        Ok(read.with_body(body))
    }

    /// Reads a request with an optional body.
    pub async fn read_or_empty(request: Request) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let read = Self::of(&parts)?;
        let body = JsonObject::read_or_empty(Request::from_parts(parts, body), MAX_ADMIN_BYTES).await?;
        Ok(read.with_body(body))
    }

    /// Takes a request and ignores its body.
    pub fn without_body(parts: &Parts) -> Result<Self, ApiError> {
        Self::of(parts)
    }

    fn of(parts: &Parts) -> Result<Self, ApiError> {
        Ok(Self {
            body: JsonObject::default(),
            key: idempotency::key(&parts.headers)?,
            digest: RequestDigest::of(parts.method.as_str(), parts.uri.path()),
            own_secret: credentials::own_secret(parts)?,
        })
    }

    /// Adds the body. Bodies with equal values have equal digests, whatever their formatting.
    fn with_body(self, body: JsonObject) -> Self {
        let digest = self.digest.with("body", body.canonical());
        Self { body, digest, ..self }
    }

    /// Returns what makes the transaction idempotent, if the request has a key; `write` writes its answer.
    pub fn idempotency<T>(&self, write: impl Fn(&T) -> Vec<u8> + Send + Sync + 'static) -> Option<Idempotency<T>> {
        let key = self.key.clone()?;
        Some(Idempotency { key, request: self.digest.clone(), answer: WriteAnswer::new(write) })
    }

    /// Returns a secret for a key of this kind. With an `Idempotency-Key`, a replay can show the secret again.
    pub fn new_secret(&self, kind: KeyKind) -> NewKeySecret {
        if self.key.is_none() {
            return NewKeySecret { secret: fresh_secret(kind), kind, sealed: None };
        }
        let sealed = SealedAnswer::fresh();
        NewKeySecret { secret: sealed.secret(kind, self.own_secret.expose()), kind, sealed: Some(sealed) }
    }

    /// Returns what makes the creation of a key idempotent; the answer of `show` is stored sealed. The key or
    /// session is part of the digest, so no other one can replay the answer.
    pub fn idempotency_with_secret(&self, new: &NewKeySecret, show: ShowKey) -> Option<Idempotency<ApiKey>> {
        let (sealed, secret) = (new.sealed?, new.secret.clone());
        let idempotency = self.idempotency(move |key: &ApiKey| sealed.seal(&show(key, &secret), &secret))?;
        let request = idempotency.request.with("asked with", self.own_secret.digest());
        Some(Idempotency { request, ..idempotency })
    }

    /// Returns the answer to the creation of a key.
    pub fn answer_with_secret(
        &self,
        outcome: IdempotentOutcome<ApiKey>,
        new: &NewKeySecret,
        show: ShowKey,
    ) -> Result<Response, ApiError> {
        match outcome {
            IdempotentOutcome::Replayed(kept) => {
                let shown =
                    SealedAnswer::open(&kept, new.kind, self.own_secret.expose()).ok_or_else(ApiError::internal)?;
                Ok(replayed(json_body(StatusCode::OK, Body::from(shown))))
            }
            other => idempotency::answer(other, |key| show(key, &new.secret)),
        }
    }
}
