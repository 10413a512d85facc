//! Blobs in a bucket of S3 or a compatible store, Google Cloud Storage or Azure, as objects `<prefix>/blobs/<id>`.
//!
//! A key is written once. A request whose answer was lost is repeated without harm, and its outcome is found by asking
//! for the key (docs/design/durability.md, S1 to S4). A multipart upload is recorded in [`UploadNotes`] before its
//! first part, so that the clean-up after a crash can abort it.

mod breaker;
mod bucket;
mod connect;
mod failure;
mod parts;
mod proof;
mod quarantine;
mod read;
mod retry;
mod write;

pub use bucket::{BucketConfig, UploadNotes};
pub use connect::Protocol;

use super::{BlobError, BlobMarks, BlobNames, BlobStore, BlobStream, BlobWriter, ListCursor, ListPage};
use crate::blobs::event_note;
use crate::model::byte_range::ByteRange;
use crate::model::ids::BlobId;
use crate::model::stamp::Stamp;
use crate::random;
use async_trait::async_trait;
use bucket::{Bucket, DELETE_KEYS};
use bytes::Bytes;
use failure::Failure;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::RANGE;
use http::{HeaderValue, Method};
use object_store::path::Path;
use object_store::signer::SignedUrlOptions;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use write::CloudWriter;

/// The most concurrent requests for the size of an object.
const HEADS_AT_ONCE: usize = 16;
/// The time that a successful write probe counts. Each probe is a billed write.
const PROOF_LIFETIME: Duration = Duration::from_secs(30);
/// The validity of a signed URL: long enough to follow a redirect, too short to be passed on.
const URL_LIFETIME: Duration = Duration::from_mins(1);

/// The blob store in a bucket.
#[derive(Clone, Debug)]
pub struct CloudBlobs(Arc<Bucket>);

impl CloudBlobs {
    /// Creates a client for the bucket after every kind of request has succeeded once. A store that refuses checksums
    /// gets none, unless the operator set them: signed requests carry the SHA-256 of the content anyway.
    ///
    /// # Errors
    /// A variable is missing or wrong, or the store refused a request.
    pub async fn open(config: &BucketConfig, notes: Arc<dyn UploadNotes>) -> Result<Self, BlobError> {
        let blobs = Self::connect(config, Arc::clone(&notes))?;
        match proof::prove(&blobs.0).await {
            Err(refused) if proof::refused_form(&refused) && !config.names(connect::CHECKSUM) => {
                let mut without = config.clone();
                without.variables.push((connect::CHECKSUM.to_owned(), connect::NO_CHECKSUM.to_owned()));
                let blobs = Self::connect(&without, notes)?;
                proof::prove(&blobs.0).await?;
                tracing::warn!(setting = "AWS_CHECKSUM_ALGORITHM=none", "bucket checksums disabled");
                Ok(blobs)
            }
            proven => proven.map(|()| blobs),
        }
    }

    /// Creates a client for the bucket without making a request.
    ///
    /// # Errors
    /// A variable is missing or wrong.
    pub fn connect(config: &BucketConfig, notes: Arc<dyn UploadNotes>) -> Result<Self, BlobError> {
        Ok(Self(Arc::new(Bucket::connect(config, notes)?)))
    }

    /// Returns the time of the store in Unix seconds, by the date that it gives to an object.
    ///
    /// # Errors
    /// The store refused a request.
    pub async fn now_seconds(&self) -> Result<u64, BlobError> {
        let key = self.probe_key();
        self.0.put_small(&key, Bytes::from_static(b"venna")).await?;
        let dated = self.0.date_of(&key).await;
        self.0.delete_one(&key).await?;
        dated
    }

    /// Returns a key for an object that is removed at once.
    fn probe_key(&self) -> Path {
        self.0.root.clone().join(format!("probe-{:016x}", u64::from_be_bytes(random::bytes())))
    }

    /// Returns whether a download can be answered with a URL of the store.
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

    fn reads_survive_deletion(&self) -> bool {
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
        // Signing makes no request to the store, but may fetch fresh credentials.
        let signed = signer.signed_url_opts(Method::GET, &key, URL_LIFETIME, &options);
        let signed = timeout(self.0.retry.timeout(), signed).await.map_err(|_| Failure::timed_out())?;
        Ok(Some(signed.map_err(|error| Failure::from_client(&error))?.into()))
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

    /// Writes and deletes an object, unless the last probe is recent and the store has answered since.
    async fn probe(&self) -> Result<(), BlobError> {
        let proven = *self.0.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if proven.is_some_and(|at| at.elapsed() < PROOF_LIFETIME) && !self.0.retry.is_circuit_open() {
            return Ok(());
        }
        let key = self.probe_key();
        self.0.put_small(&key, Bytes::from_static(b"venna")).await?;
        self.0.delete_one(&key).await?;
        *self.0.proven.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }
}

#[async_trait]
impl BlobNames for CloudBlobs {
    async fn list(&self, after: Option<ListCursor>) -> Result<Option<ListPage>, BlobError> {
        self.0.list(None, after).await
    }

    async fn list_by_first_byte(
        &self,
        first_byte: u8,
        after: Option<ListCursor>,
    ) -> Result<Option<ListPage>, BlobError> {
        self.0.list(Some(&format!("{first_byte:02x}")), after).await
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
        quarantine::list(&self.0).await
    }

    async fn purge_quarantine(&self, before_seconds: u64) -> Result<usize, BlobError> {
        quarantine::purge(&self.0, before_seconds).await
    }
}

#[async_trait]
impl BlobMarks for CloudBlobs {
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
        // Without an id an empty note is written, which needs no right to delete.
        let note = event_id.map(event_note::write).unwrap_or_default();
        Ok(self.0.put_small(&self.0.event_key(), note.into()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::super::digest::ContentHasher;
    use super::bucket::{IN_FLIGHT_PARTS, LIST_KEYS, PAGE_REQUESTS};
    use super::*;
    use std::collections::{HashMap, HashSet};
    use std::sync::Mutex;
    use venna_testkit::bucket::Bucket as TestBucket;

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
        let config = BucketConfig {
            protocol: Protocol::S3,
            bucket: bucket.name().to_owned(),
            prefix: bucket.key(prefix),
            variables: bucket.variables(bucket.address),
            request_time: Duration::from_secs(30),
        };
        CloudBlobs::connect(&config, Arc::new(Notes::default())).unwrap()
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
        let (mut pages, mut names, mut unrecognized, mut after) = (0, HashSet::new(), Vec::new(), None);
        while let Some(page) = blobs.list(after).await.unwrap() {
            names.extend(page.blobs);
            unrecognized.extend(page.unrecognized);
            after = Some(page.last);
            pages += 1;
        }
        assert_eq!((pages, names.len(), unrecognized), (2, count as usize, vec![key("stray")]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_store_refuses_is_told_without_secrets() {
        let bucket = TestBucket::open();
        let refused = async |secret: &str| {
            let mut variables = bucket.variables(bucket.address);
            variables.push(("AWS_SECRET_ACCESS_KEY".to_owned(), secret.to_owned()));
            let config = BucketConfig {
                protocol: Protocol::S3,
                bucket: bucket.name().to_owned(),
                prefix: bucket.key(""),
                variables,
                request_time: Duration::from_secs(30),
            };
            let blobs = CloudBlobs::connect(&config, Arc::new(Notes::default())).unwrap();
            assert!(!format!("{config:?} {blobs:?}").contains(secret));
            match blobs.probe().await.unwrap_err() {
                BlobError::Unavailable(cause) => cause.to_string(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused("hunter2").await, "the store answered 403 SignatureDoesNotMatch");
    }
}
