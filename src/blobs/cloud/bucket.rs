//! The requests on a bucket: keys, lists, small objects and removals, each with its retries.

use super::connect::{self, Client, Protocol};
use super::failure::{Failure, Kind};
use super::retry::RetryPolicy;
use crate::blobs::{BlobError, ListCursor, ListPage};
use crate::model::ids::BlobId;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{MultipartId, ObjectStoreExt, PutPayload};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The most parts of all blobs together that are sent at once, in units of 8 MiB: 512 MiB.
pub(super) const IN_FLIGHT_PARTS: u32 = 64;
/// The most keys of one list request.
pub(super) const LIST_KEYS: usize = 1000;
/// The list requests of one page of names: a walk over all names waits between pages.
pub(super) const PAGE_REQUESTS: usize = 10;
/// The most concurrent aborts of uploads.
const ABORTS_AT_ONCE: usize = 8;
/// The most concurrent removals of single objects.
const DELETES_AT_ONCE: usize = 16;
/// The most keys of one bulk removal.
pub(super) const DELETE_KEYS: usize = 1000;
/// The longest stamp, in bytes.
const MAX_STAMP_BYTES: u64 = 128;

/// The bucket that holds the blobs, and how it is reached.
#[derive(Clone)]
pub struct BucketConfig {
    /// The protocol.
    pub protocol: Protocol,
    /// The bucket or container.
    pub bucket: String,
    /// The prefix of all keys, without slashes at its ends; may be empty.
    pub prefix: String,
    /// Endpoint, region and credentials, under the names of their environment variables.
    pub variables: Vec<(String, String)>,
    /// The time limit of a request with its retries.
    pub request_time: Duration,
}

impl BucketConfig {
    /// Returns whether the variable is set.
    pub(super) fn names(&self, variable: &str) -> bool {
        self.variables.iter().any(|(name, _)| name.eq_ignore_ascii_case(variable))
    }
}

impl fmt::Debug for BucketConfig {
    /// Writes all but the variables.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}:{}/{}", self.protocol, self.bucket, self.prefix)
    }
}

/// A durable record of the multipart upload of each blob, so that the uploads of a dead process can be aborted.
#[async_trait]
pub trait UploadNotes: fmt::Debug + Send + Sync + 'static {
    /// Records the store's id of the upload of a blob, durably.
    async fn note(&self, blob: BlobId, upload: &str) -> Result<(), BlobError>;

    /// Returns the recorded uploads of these blobs.
    async fn noted(&self, blobs: &[BlobId]) -> Result<Vec<(BlobId, String)>, BlobError>;
}

/// The requests on one bucket, with their retries.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) client: Client,
    /// The prefix of all keys.
    pub(super) root: Path,
    pub(super) retry: RetryPolicy,
    pub(super) notes: Arc<dyn UploadNotes>,
    pub(super) in_flight: Arc<Semaphore>,
    pub(super) proven: Mutex<Option<Instant>>,
    pub(super) protocol: Protocol,
    /// The store has no bulk deletion.
    pub(super) deletes_singly: AtomicBool,
}

impl Bucket {
    /// Creates the requests on a bucket, without making one.
    ///
    /// # Errors
    /// A variable is missing or wrong.
    pub(super) fn connect(config: &BucketConfig, notes: Arc<dyn UploadNotes>) -> io::Result<Self> {
        let variables = config.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let client = connect::client(config.protocol, &config.bucket, variables).map_err(io::Error::other)?;
        Ok(Self {
            client,
            root: Path::from(config.prefix.as_str()),
            retry: RetryPolicy::new(config.request_time),
            notes,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_PARTS as usize)),
            proven: Mutex::default(),
            protocol: config.protocol,
            deletes_singly: AtomicBool::new(false),
        })
    }

    fn blobs(&self) -> Path {
        self.root.clone().join("blobs")
    }

    pub(super) fn key_of(&self, id: BlobId) -> Path {
        self.blobs().join(id.to_string())
    }

    pub(super) fn event_key(&self) -> Path {
        self.root.clone().join("last-event")
    }

    pub(super) fn stamp_key(&self) -> Path {
        self.root.clone().join("stamp")
    }

    /// Returns the size of a blob in bytes; none if it does not exist.
    pub(super) async fn size(&self, id: BlobId) -> Result<Option<u64>, BlobError> {
        self.size_of(&self.key_of(id)).await
    }

    pub(super) async fn size_of(&self, key: &Path) -> Result<Option<u64>, BlobError> {
        match self.retry.run(self.retry.timeout(), || self.client.objects.head(key)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Failure { kind: Kind::Missing, .. }) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Returns the date of an object in Unix seconds.
    pub(super) async fn date_of(&self, key: &Path) -> Result<u64, BlobError> {
        let found = self.retry.run(self.retry.timeout(), || self.client.objects.head(key)).await?;
        Ok(u64::try_from(found.last_modified.timestamp()).unwrap_or_default())
    }

    /// Returns a page of the names of blobs behind `after`, of all or of those that begin with `begin`.
    pub(super) async fn list(
        &self,
        begin: Option<&str>,
        after: Option<ListCursor>,
    ) -> Result<Option<ListPage>, BlobError> {
        let folder = self.blobs();
        // All longer names sort after the digits.
        let first = begin.map(|digits| folder.clone().join(digits));
        let mut last = after.and_then(|ListCursor(key)| Path::parse(key).ok()).or(first);
        let (mut blobs, mut unrecognized, mut is_over) = (Vec::new(), Vec::new(), false);
        for _ in 0..PAGE_REQUESTS {
            let keys = self.list_keys(&folder, last.as_ref()).await?;
            let Some(newest) = keys.last().filter(|_| !is_over) else { break };
            last = Some(newest.clone());
            for key in keys {
                let name: Vec<_> = key.prefix_match(&folder).into_iter().flatten().collect();
                is_over |=
                    begin.is_some_and(|begin| !name.first().is_some_and(|name| name.as_ref().starts_with(begin)));
                if is_over {
                    break;
                }
                match name.as_slice() {
                    [only] if only.as_ref().parse::<BlobId>().is_ok() => blobs.extend(only.as_ref().parse::<BlobId>()),
                    _ => unrecognized.push(key.to_string()),
                }
            }
        }
        let last = last.map(|key| ListCursor(key.into()));
        let found = !blobs.is_empty() || !unrecognized.is_empty();
        Ok(last.filter(|_| found).map(|last| ListPage { blobs, unrecognized, last }))
    }

    /// Returns at most [`LIST_KEYS`] keys under a prefix behind `after`, in order.
    pub(super) async fn list_keys(&self, folder: &Path, after: Option<&Path>) -> Result<Vec<Path>, Failure> {
        let request = || {
            let keys = match after {
                Some(after) => self.client.objects.list_with_offset(Some(folder), after),
                None => self.client.objects.list(Some(folder)),
            };
            keys.map_ok(|found| found.location).take(LIST_KEYS).try_collect()
        };
        self.retry.run(self.retry.timeout(), request).await
    }

    pub(super) async fn put_small(&self, key: &Path, content: Bytes) -> Result<(), Failure> {
        let payload = PutPayload::from(content);
        let request = || self.client.objects.put(key, payload.clone());
        self.retry.run(self.retry.timeout(), request).await.map(drop)
    }

    pub(super) async fn read_small(&self, key: &Path) -> Result<Option<Bytes>, BlobError> {
        let request = || async {
            let found = self.client.objects.get(key).await?;
            if found.meta.size > MAX_STAMP_BYTES { Ok(Bytes::new()) } else { found.bytes().await }
        };
        match self.retry.run(self.retry.timeout(), request).await {
            Ok(content) => Ok(Some(content)),
            Err(Failure { kind: Kind::Missing, .. }) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Aborts an upload; succeeds if it does not exist.
    pub(super) async fn abort(&self, key: &Path, upload: &MultipartId) -> Result<(), Failure> {
        let request = || self.client.multiparts.0.abort_multipart(key, upload);
        match self.retry.run(self.retry.timeout(), request).await {
            Err(failure) if failure.kind != Kind::Missing => Err(failure),
            _ => Ok(()),
        }
    }

    /// Removes at most [`DELETE_KEYS`] blobs. Aborts their uploads first, so that no billed part is left.
    pub(super) async fn delete(&self, ids: &[BlobId]) -> Vec<(BlobId, Result<(), BlobError>)> {
        let mut failed = self.abort_noted(ids).await;
        let wanted = ids.iter().filter(|id| !failed.contains_key(id));
        let wanted: HashMap<Path, BlobId> = wanted.map(|id| (self.key_of(*id), *id)).collect();
        let keys: Vec<Path> = wanted.keys().cloned().collect();
        let left = self.delete_keys(&keys).await;
        failed.extend(left.into_iter().filter_map(|(key, failure)| Some((*wanted.get(&key)?, failure))));
        ids.iter().map(|id| (*id, failed.remove(id).map_or(Ok(()), |failure| Err(failure.into())))).collect()
    }

    /// Aborts the uploads of blobs; returns the failed ones.
    async fn abort_noted(&self, ids: &[BlobId]) -> HashMap<BlobId, Failure> {
        let noted = match self.notes.noted(ids).await {
            Ok(noted) => noted,
            Err(error) => {
                tracing::warn!(%error, "multipart upload listing failed");
                return ids
                    .iter()
                    .map(|id| (*id, Failure::unexpected("it is not known whether it has an upload")))
                    .collect();
            }
        };
        let aborts = noted.into_iter().map(|(id, upload)| async move {
            let aborted = self.abort(&self.key_of(id), &upload).await;
            aborted.err().map(|failure| (id, failure))
        });
        stream::iter(aborts).buffer_unordered(ABORTS_AT_ONCE).filter_map(std::future::ready).collect().await
    }

    /// Removes objects, with one request if the store can do that, else one by one; returns the failed ones. An object
    /// that does not exist counts as removed.
    pub(super) async fn delete_keys(&self, keys: &[Path]) -> HashMap<Path, Failure> {
        if self.deletes_singly.load(Ordering::Relaxed) {
            return self.delete_singly(keys).await;
        }
        let (left, failure) = self.delete_at_once(keys).await;
        if !matches!(failure.kind, Kind::Refused | Kind::Unsupported) {
            return left.into_iter().map(|key| (key, failure.clone())).collect();
        }
        let still = self.delete_singly(&left).await;
        if still.len() < left.len() && !self.deletes_singly.swap(true, Ordering::Relaxed) {
            tracing::warn!(%failure, setting = "AWS_DISABLE_BULK_DELETE=true", "bucket bulk deletes disabled");
        }
        still
    }

    /// Removes objects with one request; returns the keys that may be left, and why.
    async fn delete_at_once(&self, keys: &[Path]) -> (Vec<Path>, Failure) {
        let left = Mutex::new(keys.to_vec());
        let request = || async {
            let asked = left.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let keys: Vec<_> = asked.into_iter().map(Ok).collect();
            let answers: Vec<_> = self.client.objects.delete_stream(stream::iter(keys).boxed()).collect().await;
            let (mut gone, mut failure) = (HashSet::new(), None);
            for answer in answers {
                match answer {
                    Ok(key) => gone.extend([key]),
                    Err(object_store::Error::NotFound { path, .. }) => gone.extend(Path::parse(path).ok()),
                    Err(error) => failure = Some(error),
                }
            }
            left.lock().unwrap_or_else(PoisonError::into_inner).retain(|key| !gone.contains(key));
            failure.map_or(Ok(()), Err)
        };
        let outcome = self.retry.run(self.retry.timeout_for(keys.len() as u64), request).await;
        let failure = outcome.err().unwrap_or_else(|| Failure::unexpected("the store did not say that it is gone"));
        (left.into_inner().unwrap_or_else(PoisonError::into_inner), failure)
    }

    async fn delete_singly(&self, keys: &[Path]) -> HashMap<Path, Failure> {
        let deletes = keys.iter().cloned().map(|key| async move {
            let failure = self.delete_one(&key).await.err()?;
            Some((key, failure))
        });
        stream::iter(deletes).buffer_unordered(DELETES_AT_ONCE).filter_map(std::future::ready).collect().await
    }

    /// Removes an object; succeeds if it does not exist.
    pub(super) async fn delete_one(&self, key: &Path) -> Result<(), Failure> {
        match self.retry.run(self.retry.timeout(), || self.client.singly.delete(key)).await {
            Ok(()) | Err(Failure { kind: Kind::Missing, .. }) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}
