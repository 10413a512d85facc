//! Stores that speak S3 and refuse a part of it: what can be settled is, at the start, and the rest is told by its
//! name.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use venna::blobs::cloud::{BucketConfig, CloudBlobs, Protocol, UploadNotes};
use venna::blobs::{BlobError, BlobStore};
use venna::model::byte_range::ByteRange;
use venna::model::ids::BlobId;
use venna_testkit::Rng;
use venna_testkit::bucket::Bucket;
use venna_testkit::bucket_proxy::{Fault, FaultProxy, Which};

#[derive(Debug, Default)]
struct Notes(Mutex<HashMap<BlobId, String>>);

#[async_trait]
impl UploadNotes for Notes {
    async fn note(&self, blob: BlobId, upload: &str) -> Result<(), BlobError> {
        self.0.lock().unwrap().insert(blob, upload.to_owned());
        Ok(())
    }

    async fn noted(&self, _blobs: &[BlobId]) -> Result<Vec<(BlobId, String)>, BlobError> {
        Ok(Vec::new())
    }
}

/// The time limit of a request with its retries.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// A store behind a proxy that refuses what it is told to.
struct OddStore {
    bucket: Bucket,
    proxy: FaultProxy,
    request_time: Duration,
}

impl OddStore {
    fn new() -> Self {
        Self::with_stalls(Duration::from_mins(1), REQUEST_TIME)
    }

    fn with_stalls(stall: Duration, request_time: Duration) -> Self {
        let bucket = Bucket::open();
        let proxy = FaultProxy::before(bucket.address, stall, Rng::default());
        Self { bucket, proxy, request_time }
    }

    async fn open(&self, further: &[(&str, &str)]) -> Result<CloudBlobs, BlobError> {
        let mut variables = self.bucket.variables(self.proxy.address);
        variables.extend(further.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = BucketConfig {
            protocol: Protocol::S3,
            bucket: self.bucket.name().to_owned(),
            prefix: self.bucket.key("odd"),
            variables,
            request_time: self.request_time,
        };
        CloudBlobs::open(&config, Arc::<Notes>::default()).await
    }
}

/// Blobs of one part and of two go in, come back, and are removed.
async fn works(blobs: &CloudBlobs, store: &OddStore) {
    let ids = [1, 2, 3].map(|number| BlobId::new([number; 16]));
    for (id, size) in ids.iter().zip([5, 1 << 20, (9 << 20) + 7]) {
        let content = Bytes::from(vec![b'x'; size]);
        let mut writer = blobs.create(*id).await.unwrap();
        writer.write(content.clone()).await.unwrap();
        writer.finish().await.unwrap();
        let read: Vec<Bytes> =
            blobs.read(*id, ByteRange::whole(size as u64)).await.unwrap().try_collect().await.unwrap();
        assert!(read.concat() == content, "{size} bytes");
    }
    assert!(blobs.delete(&ids).await.iter().all(|(_, removed)| removed.is_ok()));
    let left = store.bucket.objects("odd");
    assert!(left.is_empty() && store.bucket.unfinished() == (Vec::new(), Vec::new()), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_settled_is_settled_at_the_start() {
    let store = OddStore::new();
    for (which, fault) in [
        (Which::Checksums, Fault::Refuses(501, "NotImplemented")),
        (Which::Checksums, Fault::Refuses(400, "InvalidArgument")),
        (Which::Conditional, Fault::Refuses(400, "InvalidArgument")),
        (Which::Conditional, Fault::Refuses(501, "NotImplemented")),
        (Which::BulkDeletes, Fault::Refuses(400, "MissingArgument")),
        (Which::BulkDeletes, Fault::Refuses(501, "NotImplemented")),
        (Which::BulkDeletes, Fault::Refuses(405, "MethodNotAllowed")),
    ] {
        store.proxy.fail_with(which, fault);
        let blobs = store.open(&[]).await.unwrap_or_else(|error| panic!("{which:?} {fault:?}: {error:?}"));
        works(&blobs, &store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_has_chosen_is_not_settled_by_itself() {
    let store = OddStore::new();
    store.proxy.fail_with(Which::Checksums, Fault::Refuses(501, "NotImplemented"));
    let refused = store.open(&[("AWS_CHECKSUM_ALGORITHM", "sha256")]).await.unwrap_err();
    let told = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(
        told,
        "putting an object: the store answered 501 NotImplemented (AWS_CHECKSUM_ALGORITHM=none, AWS_CONDITIONAL_PUT=disabled)"
    );
    works(&store.open(&[("AWS_CHECKSUM_ALGORITHM", "none")]).await.unwrap(), &store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_in_passing_is_asked_for_once_more() {
    let store = OddStore::new();
    let blobs = store.open(&[]).await.unwrap();
    for (which, status, code) in [
        (Which::Completions, 400, "InvalidPart"),
        (Which::Parts, 400, "BadDigest"),
        (Which::Puts, 403, "RequestTimeTooSkewed"),
        (Which::BulkDeletes, 400, "IncompleteBody"),
    ] {
        store.proxy.fail_some_with(1, which, Fault::Refuses(status, code));
        works(&blobs, &store).await;
    }
    store.proxy.fail_with(Which::Completions, Fault::Refuses(400, "InvalidPart"));
    let mut writer = blobs.create(BlobId::new([9; 16])).await.unwrap();
    writer.write(Bytes::from(vec![0; 9 << 20])).await.unwrap();
    let requests = store.proxy.counts().get(&Fault::Refuses(400, "InvalidPart")).copied().unwrap_or_default();
    assert!(writer.finish().await.is_err(), "a part that is wrong for good is not taken for stored");
    let more = store.proxy.counts()[&Fault::Refuses(400, "InvalidPart")] - requests;
    assert_eq!(more, 2, "it is asked for twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_was_carried_out_counts_whatever_is_answered() {
    let store = OddStore::new();
    let blobs = store.open(&[]).await.unwrap();
    // The first attempt is carried out; the next one finds no upload any more.
    store.proxy.fail_some_with(1, Which::Completions, Fault::LostAnswer);
    works(&blobs, &store).await;
    store.proxy.fail_some_with(1, Which::Completions, Fault::ErrorIn200Done);
    works(&blobs, &store).await;
    // Nothing was carried out.
    store.proxy.fail_with(Which::Completions, Fault::Refuses(404, "NoSuchUpload"));
    let mut writer = blobs.create(BlobId::new([8; 16])).await.unwrap();
    writer.write(Bytes::from(vec![0; 9 << 20])).await.unwrap();
    assert!(writer.finish().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_outlasts_an_attempt_is_waited_for() {
    // An attempt takes four seconds, all of them and the check of the outcome take twelve.
    let store = OddStore::with_stalls(Duration::from_secs(7), Duration::from_secs(12));
    let blobs = store.open(&[]).await.unwrap();
    store.proxy.fail_with(Which::Completions, Fault::Lengthy);
    works(&blobs, &store).await;
    let attempts = store.proxy.counts()[&Fault::Lengthy];
    assert!(attempts > 1, "no attempt ended before the completion");
}
