//! Blobs in a bucket: `<prefix>/blobs/<id>`, in S3 and what is compatible with it, Google Cloud Storage, or Azure.
//!
//! A key is written once and never again, so that a request whose answer was lost is made again without harm, and what it
//! left is found by asking for the key (docs/design/durability.md, S1 to S4). A blob in parts is noted in
//! [`UploadNotes`] before it has any, so that what a crash leaves of it is removed with it.

mod attempts;
mod breaker;
mod connect;
mod failure;
mod parts;
mod proof;
mod quarantine;
mod read;
mod write;

pub use connect::Protocol;

use super::{BlobError, BlobStore, BlobStream, BlobWriter, NamesCursor, NamesPage};
use crate::blobs::event_note;
use crate::model::byte_range::ByteRange;
use crate::model::ids::BlobId;
use crate::model::stamp::Stamp;
use crate::random;
use async_trait::async_trait;
use attempts::Attempts;
use bytes::Bytes;
use connect::Client;
use failure::{Failure, Kind};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::RANGE;
use http::{HeaderValue, Method};
use object_store::path::Path;
use object_store::signer::SignedUrlOptions;
use object_store::{MultipartId, ObjectStoreExt, PutPayload};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use write::CloudWriter;

/// Parts of all blobs together that are on their way at once, in units of 8 MiB: 512 MiB.
const IN_FLIGHT_PARTS: u32 = 64;
/// Keys that are asked for at once.
const LIST_KEYS: usize = 1000;
/// Requests of which one page of names is made: a walk over all names waits between pages.
const PAGE_REQUESTS: usize = 10;
/// Objects that are asked after at once.
const HEADS_AT_ONCE: usize = 16;
/// Uploads that are aborted at once.
const ABORTS_AT_ONCE: usize = 8;
/// Objects that are removed at once, one request each.
const DELETES_AT_ONCE: usize = 16;
/// Keys that are removed with one request, where a store can do that.
const DELETE_KEYS: usize = 1000;
/// How long a proof holds that the store can be written to: each is a write that is billed.
const PROOF_LIFETIME: Duration = Duration::from_secs(30);
/// How long a URL opens a blob: long enough to follow a redirect, too short to be handed around.
const URL_LIFETIME: Duration = Duration::from_mins(1);
/// The longest stamp that is read, in bytes.
const MAX_STAMP_BYTES: u64 = 128;

/// Where the blobs are, and how they are reached.
#[derive(Clone)]
pub struct Place {
    /// The protocol.
    pub protocol: Protocol,
    /// The bucket or container.
    pub bucket: String,
    /// What all keys begin with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// Endpoint, region, credentials and the like, under the names of their environment variables.
    pub variables: Vec<(String, String)>,
    /// How long a request may take, with all that is tried again.
    pub request_time: Duration,
}

impl Place {
    fn names(&self, variable: &str) -> bool {
        self.variables.iter().any(|(name, _)| name.eq_ignore_ascii_case(variable))
    }
}

impl fmt::Debug for Place {
    /// Without the variables.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}:{}/{}", self.protocol, self.bucket, self.prefix)
    }
}

/// Remembers which uploads were begun for which blobs, so that those of a process that has died can be aborted.
#[async_trait]
pub trait UploadNotes: fmt::Debug + Send + Sync + 'static {
    /// Notes, durably, what the store calls the upload of a blob.
    async fn note(&self, blob: BlobId, upload: &str) -> Result<(), BlobError>;

    /// The uploads of those of these blobs that have one.
    async fn noted(&self, blobs: &[BlobId]) -> Result<Vec<(BlobId, String)>, BlobError>;
}

/// Blobs in a bucket.
#[derive(Clone, Debug)]
pub struct CloudBlobs(Arc<Bucket>);

/// What everything here works on.
#[derive(Debug)]
struct Bucket {
    client: Client,
    /// What all keys begin with.
    root: Path,
    attempts: Attempts,
    notes: Arc<dyn UploadNotes>,
    in_flight: Arc<Semaphore>,
    proven: Mutex<Option<Instant>>,
    protocol: Protocol,
    /// The store does not remove several objects with one request.
    deletes_singly: AtomicBool,
}

impl CloudBlobs {
    /// A client for the bucket, once the store has shown that it does what is asked of it later. Where it refuses checksums,
    /// it gets none: what is signed has the SHA-256 of the content all the same.
    ///
    /// # Errors
    /// What is missing or wrong among the variables, or what the store refused.
    pub async fn open(place: &Place, notes: Arc<dyn UploadNotes>) -> Result<Self, BlobError> {
        let blobs = Self::connect(place, Arc::clone(&notes))?;
        match proof::prove(&blobs.0).await {
            Err(refused) if proof::refused_form(&refused) && !place.names(connect::CHECKSUM) => {
                let mut without = place.clone();
                without.variables.push((connect::CHECKSUM.to_owned(), connect::NO_CHECKSUM.to_owned()));
                let blobs = Self::connect(&without, notes)?;
                proof::prove(&blobs.0).await?;
                tracing::warn!("the blob store refuses checksums and gets none ({}=none)", connect::CHECKSUM);
                Ok(blobs)
            }
            proven => proven.map(|()| blobs),
        }
    }

    /// A client for the bucket, which is not asked for anything yet.
    ///
    /// # Errors
    /// What is missing or wrong among the variables.
    pub fn connect(place: &Place, notes: Arc<dyn UploadNotes>) -> Result<Self, BlobError> {
        let variables = place.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let client = connect::client(place.protocol, &place.bucket, variables).map_err(io::Error::other)?;
        Ok(Self(Arc::new(Bucket {
            client,
            root: Path::from(place.prefix.as_str()),
            attempts: Attempts::new(place.request_time),
            notes,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_PARTS as usize)),
            proven: Mutex::default(),
            protocol: place.protocol,
            deletes_singly: AtomicBool::new(false),
        })))
    }

    /// Whether a download can be answered with a URL of the store.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        self.0.client.signer.is_some()
    }
}

#[async_trait]
impl BlobStore for CloudBlobs {
    async fn create(&self, id: BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(CloudWriter::new(Arc::clone(&self.0), self.0.key_of(id), Some(id))))
    }

    async fn read(&self, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError> {
        read::open(Arc::clone(&self.0), id, range).await
    }

    fn keeps_what_is_read(&self) -> bool {
        false
    }

    async fn url(&self, id: BlobId, disposition: &str, range: Option<&str>) -> Result<Option<String>, BlobError> {
        let Some(signer) = &self.0.client.signer else { return Ok(None) };
        let names =
            [("response-content-disposition", disposition), ("response-content-type", "application/octet-stream")];
        let whole = SignedUrlOptions::default().with_query(names);
        let options = match range.map(HeaderValue::from_str).transpose().map_err(io::Error::other)? {
            Some(range) => whole.with_signed_header(RANGE, range),
            None => whole,
        };
        let key = self.0.key_of(id);
        // Signing asks the store nothing, but may have to ask elsewhere for fresh credentials.
        let signed = signer.signed_url_opts(Method::GET, &key, URL_LIFETIME, &options);
        let signed = timeout(self.0.attempts.patience(), signed).await.map_err(|_| Failure::silent())?;
        Ok(Some(signed.map_err(|error| Failure::of(&error))?.into()))
    }

    async fn delete(&self, ids: &[BlobId]) -> Vec<(BlobId, Result<(), BlobError>)> {
        let mut outcomes = Vec::with_capacity(ids.len());
        for some in ids.chunks(DELETE_KEYS) {
            outcomes.extend(self.0.delete(some).await);
        }
        outcomes
    }

    async fn sizes(&self, ids: &[BlobId]) -> Result<Vec<Option<u64>>, BlobError> {
        let sizes = ids.iter().copied().map(|id| self.0.size(id));
        stream::iter(sizes).buffered(HEADS_AT_ONCE).try_collect().await
    }

    async fn names(&self, after: Option<NamesCursor>) -> Result<Option<NamesPage>, BlobError> {
        self.0.names(None, after).await
    }

    async fn names_of(&self, first_byte: u8, after: Option<NamesCursor>) -> Result<Option<NamesPage>, BlobError> {
        self.0.names(Some(&format!("{first_byte:02x}")), after).await
    }

    async fn quarantine(&self, ids: &[BlobId], now_seconds: u64) -> Result<Vec<BlobId>, BlobError> {
        let mut entered = Vec::new();
        for id in ids {
            if quarantine::enter(&self.0, *id, now_seconds).await? {
                entered.push(*id);
            }
        }
        Ok(entered)
    }

    async fn quarantined(&self) -> Result<Vec<String>, BlobError> {
        quarantine::names(&self.0).await
    }

    async fn purge_quarantine(&self, before_seconds: u64) -> Result<usize, BlobError> {
        quarantine::purge(&self.0, before_seconds).await
    }

    async fn stamp(&self) -> Result<Option<Stamp>, BlobError> {
        let Some(text) = self.0.read_small(&self.0.stamp_key()).await? else { return Ok(None) };
        let text = String::from_utf8_lossy(&text).into_owned();
        let malformed = |malformed| io::Error::new(io::ErrorKind::InvalidData, malformed);
        Ok(Some(text.parse().map_err(malformed)?))
    }

    async fn set_stamp(&self, stamp: Stamp) -> Result<(), BlobError> {
        Ok(self.0.put_small(&self.0.stamp_key(), format!("{stamp}\n").into()).await?)
    }

    async fn last_event(&self) -> Result<Option<String>, BlobError> {
        Ok(self.0.read_small(&self.0.event_key()).await?.and_then(|text| event_note::read(&text)))
    }

    async fn set_last_event(&self, event_id: Option<&str>) -> Result<(), BlobError> {
        // Without an id it is a note that says nothing, which needs no right to remove it.
        let note = event_id.map(event_note::write).unwrap_or_default();
        Ok(self.0.put_small(&self.0.event_key(), note.into()).await?)
    }

    /// Writes and removes an object, unless that was done a moment ago and the store has answered since.
    async fn probe(&self) -> Result<(), BlobError> {
        let proven = *self.0.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if proven.is_some_and(|at| at.elapsed() < PROOF_LIFETIME) && !self.0.attempts.is_resting() {
            return Ok(());
        }
        let key = self.0.root.clone().join(format!("probe-{:016x}", u64::from_be_bytes(random::bytes())));
        self.0.put_small(&key, Bytes::from_static(b"venna")).await?;
        self.0.delete_one(&key).await?;
        *self.0.proven.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }
}

impl Bucket {
    fn blobs(&self) -> Path {
        self.root.clone().join("blobs")
    }

    fn key_of(&self, id: BlobId) -> Path {
        self.blobs().join(id.to_string())
    }

    fn event_key(&self) -> Path {
        self.root.clone().join("last-event")
    }

    fn stamp_key(&self) -> Path {
        self.root.clone().join("stamp")
    }

    /// The length of a blob in bytes, if it is there.
    async fn size(&self, id: BlobId) -> Result<Option<u64>, BlobError> {
        self.size_of(&self.key_of(id)).await
    }

    async fn size_of(&self, key: &Path) -> Result<Option<u64>, BlobError> {
        match self.attempts.make(self.attempts.patience(), || self.client.objects.head(key)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Failure { kind: Kind::Missing, .. }) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Names of blobs, or those that begin with some digits, behind `after`.
    async fn names(&self, begin: Option<&str>, after: Option<NamesCursor>) -> Result<Option<NamesPage>, BlobError> {
        let folder = self.blobs();
        // All longer names come behind the digits.
        let first = begin.map(|digits| folder.clone().join(digits));
        let mut last = after.and_then(|NamesCursor(key)| Path::parse(key).ok()).or(first);
        let (mut blobs, mut strays, mut is_over) = (Vec::new(), Vec::new(), false);
        for _ in 0..PAGE_REQUESTS {
            let keys = self.list(&folder, last.as_ref()).await?;
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
                    _ => strays.push(key.to_string()),
                }
            }
        }
        let last = last.map(|key| NamesCursor(key.into()));
        let found = !blobs.is_empty() || !strays.is_empty();
        Ok(last.filter(|_| found).map(|last| NamesPage { blobs, strays, last }))
    }

    /// At most [`LIST_KEYS`] keys under a prefix, in order, behind `after`.
    async fn list(&self, folder: &Path, after: Option<&Path>) -> Result<Vec<Path>, Failure> {
        let request = || {
            let keys = match after {
                Some(after) => self.client.objects.list_with_offset(Some(folder), after),
                None => self.client.objects.list(Some(folder)),
            };
            keys.map_ok(|found| found.location).take(LIST_KEYS).try_collect()
        };
        self.attempts.make(self.attempts.patience(), request).await
    }

    async fn put_small(&self, key: &Path, content: Bytes) -> Result<(), Failure> {
        let payload = PutPayload::from(content);
        let request = || self.client.objects.put(key, payload.clone());
        self.attempts.make(self.attempts.patience(), request).await.map(drop)
    }

    async fn read_small(&self, key: &Path) -> Result<Option<Bytes>, BlobError> {
        let request = || async {
            let found = self.client.objects.get(key).await?;
            if found.meta.size > MAX_STAMP_BYTES { Ok(Bytes::new()) } else { found.bytes().await }
        };
        match self.attempts.make(self.attempts.patience(), request).await {
            Ok(content) => Ok(Some(content)),
            Err(Failure { kind: Kind::Missing, .. }) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Aborts an upload; one that is not there any more is aborted.
    async fn abort(&self, key: &Path, upload: &MultipartId) -> Result<(), Failure> {
        let request = || self.client.multiparts.0.abort_multipart(key, upload);
        match self.attempts.make(self.attempts.patience(), request).await {
            Err(failure) if failure.kind != Kind::Missing => Err(failure),
            _ => Ok(()),
        }
    }

    /// Removes at most [`DELETE_KEYS`] blobs, and aborts what was begun of them first: no part is left that is billed.
    async fn delete(&self, ids: &[BlobId]) -> Vec<(BlobId, Result<(), BlobError>)> {
        let mut failed = self.abort_noted(ids).await;
        let wanted = ids.iter().filter(|id| !failed.contains_key(id));
        let wanted: HashMap<Path, BlobId> = wanted.map(|id| (self.key_of(*id), *id)).collect();
        let keys: Vec<Path> = wanted.keys().cloned().collect();
        let left = self.delete_keys(&keys).await;
        failed.extend(left.into_iter().filter_map(|(key, failure)| Some((*wanted.get(&key)?, failure))));
        ids.iter().map(|id| (*id, failed.remove(id).map_or(Ok(()), |failure| Err(failure.into())))).collect()
    }

    /// Aborts the uploads of blobs; those of which one is left, and why.
    async fn abort_noted(&self, ids: &[BlobId]) -> HashMap<BlobId, Failure> {
        let noted = match self.notes.noted(ids).await {
            Ok(noted) => noted,
            Err(error) => {
                tracing::warn!(%error, "it is not known which uploads are unfinished");
                return ids.iter().map(|id| (*id, Failure::odd("it is not known whether it has an upload"))).collect();
            }
        };
        let aborts = noted.into_iter().map(|(id, upload)| async move {
            let aborted = self.abort(&self.key_of(id), &upload).await;
            aborted.err().map(|failure| (id, failure))
        });
        stream::iter(aborts).buffer_unordered(ABORTS_AT_ONCE).filter_map(std::future::ready).collect().await
    }

    /// Removes objects, all with one request where the store can do that, else one by one; those that may be left, and why.
    /// What was not there is removed.
    async fn delete_keys(&self, keys: &[Path]) -> HashMap<Path, Failure> {
        if self.deletes_singly.load(Ordering::Relaxed) {
            return self.delete_singly(keys).await;
        }
        let (left, failure) = self.delete_at_once(keys).await;
        if !matches!(failure.kind, Kind::Refused | Kind::Unsupported) {
            return left.into_iter().map(|key| (key, failure.clone())).collect();
        }
        let still = self.delete_singly(&left).await;
        if still.len() < left.len() && !self.deletes_singly.swap(true, Ordering::Relaxed) {
            tracing::warn!(%failure, "the blob store removes objects one by one only (AWS_DISABLE_BULK_DELETE=true)");
        }
        still
    }

    /// Removes objects with one request; those that may be left, and why.
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
        let outcome = self.attempts.make(self.attempts.patience_for(keys.len() as u64), request).await;
        let failure = outcome.err().unwrap_or_else(|| Failure::odd("the store did not say that it is gone"));
        (left.into_inner().unwrap_or_else(PoisonError::into_inner), failure)
    }

    async fn delete_singly(&self, keys: &[Path]) -> HashMap<Path, Failure> {
        let deletes = keys.iter().cloned().map(|key| async move {
            let failure = self.delete_one(&key).await.err()?;
            Some((key, failure))
        });
        stream::iter(deletes).buffer_unordered(DELETES_AT_ONCE).filter_map(std::future::ready).collect().await
    }

    /// Removes an object; one that is not there is removed.
    async fn delete_one(&self, key: &Path) -> Result<(), Failure> {
        match self.attempts.make(self.attempts.patience(), || self.client.singly.delete(key)).await {
            Ok(()) | Err(Failure { kind: Kind::Missing, .. }) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/s3/bucket.rs"]
#[allow(dead_code, clippy::disallowed_methods, reason = "a test of its own, and each binary uses its part of it")]
mod bucket;

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::super::digest::ContentHasher;
    use super::bucket::Bucket as TestBucket;
    use super::*;

    #[derive(Debug, Default)]
    struct Notes(Mutex<HashMap<BlobId, String>>);

    #[async_trait]
    impl UploadNotes for Notes {
        async fn note(&self, blob: BlobId, upload: &str) -> Result<(), BlobError> {
            self.0.lock().unwrap().insert(blob, upload.to_owned());
            Ok(())
        }

        async fn noted(&self, blobs: &[BlobId]) -> Result<Vec<(BlobId, String)>, BlobError> {
            let noted = self.0.lock().unwrap();
            Ok(blobs.iter().filter_map(|blob| Some((*blob, noted.get(blob)?.clone()))).collect())
        }
    }

    fn connect(bucket: &TestBucket, prefix: &str) -> CloudBlobs {
        let place = Place {
            protocol: Protocol::S3,
            bucket: bucket.name().to_owned(),
            prefix: bucket.key(prefix),
            variables: bucket.variables(bucket.address),
            request_time: Duration::from_secs(30),
        };
        CloudBlobs::connect(&place, Arc::new(Notes::default())).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_contract_holds() {
        for prefix in ["", "one/two"] {
            let bucket = TestBucket::open();
            contract::holds(&connect(&bucket, prefix)).await;
            let left = bucket.objects(Path::from(prefix).join("blobs").as_ref());
            assert!(left.is_empty(), "nothing is left behind: {left:?}");
            assert_eq!(bucket.unfinished(), (Vec::new(), Vec::new()));
        }
    }

    fn content(bytes: usize) -> Bytes {
        (0..bytes).map(|at| (at * 7 % 253).to_le_bytes()[0]).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sizes_around_a_part_come_back_whole() {
        let (bucket, part) = (TestBucket::open(), usize::try_from(parts::PART_BYTES).unwrap());
        let blobs = connect(&bucket, "");
        for (number, bytes) in [part - 1, part, part + 1, 2 * part, 6 * part + 12_345].into_iter().enumerate() {
            let (id, content) = (BlobId::new([u8::try_from(number).unwrap(); 16]), content(bytes));
            let mut writer = blobs.create(id).await.unwrap();
            for chunk in content.chunks(1 << 20) {
                writer.write(content.slice_ref(chunk)).await.unwrap();
            }
            let digest = writer.finish().await.unwrap();
            assert_eq!(digest, ContentHasher::of(&content));
            let read: Vec<Bytes> =
                blobs.read(id, ByteRange::whole(bytes as u64)).await.unwrap().try_collect().await.unwrap();
            assert!(read.concat() == content, "{bytes} bytes");
            assert_eq!(blobs.sizes(&[id]).await.unwrap(), [Some(bytes as u64)]);
        }
        assert_eq!(bucket.unfinished(), (Vec::new(), Vec::new()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_given_up_is_aborted_and_what_dies_is_aborted_by_its_note() {
        let bucket = TestBucket::open();
        let blobs = connect(&bucket, "");
        let begin = async |id: BlobId| {
            let mut writer = blobs.create(id).await.unwrap();
            let (chunk, deadline) = (content(1 << 20), Instant::now() + Duration::from_secs(20));
            while bucket.unfinished().0.is_empty() {
                assert!(Instant::now() < deadline, "parts are sent while more come in");
                writer.write(chunk.clone()).await.unwrap();
            }
            writer
        };
        let (given_up, dropped, dead) = (BlobId::new([1; 16]), BlobId::new([2; 16]), BlobId::new([3; 16]));
        begin(given_up).await.discard().await;
        assert_eq!(bucket.unfinished(), (Vec::new(), Vec::new()));
        drop(begin(dropped).await);
        let deadline = Instant::now() + Duration::from_secs(10);
        while bucket.unfinished() != (Vec::new(), Vec::new()) {
            assert!(Instant::now() < deadline, "a dropped writer aborts: {:?}", bucket.unfinished());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::mem::forget(begin(dead).await);
        while blobs.0.in_flight.available_permits() < IN_FLIGHT_PARTS as usize {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(blobs.delete(&[dead]).await.iter().all(|(_, removed)| removed.is_ok()));
        assert_eq!(bucket.unfinished(), (Vec::new(), Vec::new()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn more_names_than_one_page_are_told_once_each() {
        let bucket = TestBucket::open();
        let (blobs, key) = (connect(&bucket, "p"), |name: &str| bucket.key(&format!("p/blobs/{name}")));
        let count = u32::try_from(LIST_KEYS * PAGE_REQUESTS + 3).unwrap();
        let name = |number: u32| {
            let mut name = [7; 16];
            name[..4].copy_from_slice(&number.to_be_bytes());
            key(&BlobId::new(name).to_string())
        };
        bucket.write((0..count).map(name).chain([key("stray")]).collect(), b"");
        let (mut pages, mut names, mut strays, mut after) = (0, HashSet::new(), Vec::new(), None);
        while let Some(page) = blobs.names(after).await.unwrap() {
            names.extend(page.blobs);
            strays.extend(page.strays);
            after = Some(page.last);
            pages += 1;
        }
        assert_eq!((pages, names.len(), strays), (2, count as usize, vec![key("stray")]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_store_refuses_is_told_without_secrets() {
        let bucket = TestBucket::open();
        let refused = async |secret: &str| {
            let mut variables = bucket.variables(bucket.address);
            variables.push(("AWS_SECRET_ACCESS_KEY".to_owned(), secret.to_owned()));
            let place = Place {
                protocol: Protocol::S3,
                bucket: bucket.name().to_owned(),
                prefix: bucket.key(""),
                variables,
                request_time: Duration::from_secs(30),
            };
            let blobs = CloudBlobs::connect(&place, Arc::new(Notes::default())).unwrap();
            assert!(!format!("{place:?} {blobs:?}").contains(secret));
            match blobs.probe().await.unwrap_err() {
                BlobError::Unavailable(cause) => cause.to_string(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused("hunter2").await, "the store answered 403 SignatureDoesNotMatch");
    }
}
