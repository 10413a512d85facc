//! How long the driver takes for requests of 4 KiB, one after the other: a measurement, that is asked for by name.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use venna::blobs::cloud::{BucketConfig, CloudBlobs, Protocol, UploadNotes};
use venna::blobs::{BlobError, BlobStore};
use venna::model::byte_range::ByteRange;
use venna::model::ids::BlobId;
use venna_testkit::bucket::Bucket;
use venna_testkit::program::report;
use venna_testkit::setting;

const CONTENT_BYTES: usize = 4096;
const SAMPLES: u64 = 300;

/// Nothing here is put in parts.
#[derive(Debug)]
struct NoNotes;

#[async_trait]
impl UploadNotes for NoNotes {
    async fn note(&self, _: BlobId, _: &str) -> Result<(), BlobError> {
        Ok(())
    }

    async fn noted(&self, _: &[BlobId]) -> Result<Vec<(BlobId, String)>, BlobError> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and holds nothing"]
async fn latency() {
    let bucket = Bucket::open();
    let config = BucketConfig {
        protocol: Protocol::S3,
        bucket: bucket.name().to_owned(),
        prefix: bucket.key("latency"),
        variables: bucket.variables(bucket.address),
        request_time: Duration::from_secs(30),
    };
    let blobs = CloudBlobs::connect(&config, Arc::new(NoNotes)).unwrap();
    let (mut puts, mut gets, mut heads) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..setting("VENNA_S3_SAMPLES", SAMPLES) {
        let (id, content) = (BlobId::new(u128::from(number).to_be_bytes()), Bytes::from(vec![7; CONTENT_BYTES]));
        let begun = Instant::now();
        let mut writer = blobs.create(id).await.unwrap();
        writer.write(content.clone()).await.unwrap();
        writer.finish().await.unwrap();
        puts.push(begun.elapsed());
        let begun = Instant::now();
        let read = blobs.read(id, ByteRange::whole(CONTENT_BYTES as u64)).await.unwrap();
        assert!(read.try_collect::<Vec<Bytes>>().await.unwrap().concat() == content);
        gets.push(begun.elapsed());
        let begun = Instant::now();
        assert_eq!(blobs.sizes(&[id]).await.unwrap(), [Some(CONTENT_BYTES as u64)]);
        heads.push(begun.elapsed());
    }
    for (what, samples) in [("PUT", &mut puts), ("GET", &mut gets), ("HEAD", &mut heads)] {
        samples.sort();
        let at = |share: usize| samples[samples.len() * share / 100];
        report(&format!("{what} of 4 KiB: median {:.1?}, 99 % within {:.1?}", at(50), at(99)));
    }
}
