//! The contract suite of blob stores, run for every driver.

use super::verify::read_verified;

use super::{BlobError, BlobStore};
use crate::model::blob::StoredBlob;
use crate::model::byte_range::ByteRange;
use crate::model::digest::{BLOCK_BYTES, ContentDigest};
use crate::model::ids::{BlobId, InstallationId};
use crate::model::stamp::Stamp;
use bytes::Bytes;
use futures_util::TryStreamExt;

/// Runs the whole suite, and leaves the store empty.
pub async fn holds(store: &dyn BlobStore) {
    what_is_written_is_read(store).await;
    ranges_equal_slices(store).await;
    nothing_is_visible_before_finish(store).await;
    a_name_is_written_once(store).await;
    a_missing_blob_is_damage(store).await;
    deleting_is_idempotent_and_spares_readers(store).await;
    wrong_checksums_are_noticed(store).await;
    names_and_sizes_are_told(store).await;
    what_is_put_aside_is_kept_for_its_time(store).await;
    the_last_stamp_is_remembered(store).await;
    store.probe().await.unwrap();
}

fn id(number: u8) -> BlobId {
    BlobId::new([number; 16])
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 % 253).to_le_bytes()[0]).collect()
}

async fn put(store: &dyn BlobStore, id: BlobId, content: &[u8], chunk_bytes: usize) -> ContentDigest {
    let mut writer = store.create(id).await.unwrap();
    for chunk in content.chunks(chunk_bytes) {
        writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn delete(store: &dyn BlobStore, ids: &[BlobId]) {
    let removed = store.delete(ids).await;
    assert_eq!(removed.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    assert!(removed.iter().all(|(_, removed)| removed.is_ok()));
}

async fn get(store: &dyn BlobStore, id: BlobId, range: ByteRange) -> Result<Vec<u8>, BlobError> {
    let chunks: Vec<Bytes> = store.read(id, range).await?.try_collect().await?;
    Ok(chunks.concat())
}

async fn what_is_written_is_read(store: &dyn BlobStore) {
    for (number, (size, chunk)) in
        [(0, 1), (1, 1), (4096, 7), (262_144, 65_536), (262_145, 262_145), (3_000_000, 40_001)].into_iter().enumerate()
    {
        let (id, content) = (id(u8::try_from(number).unwrap()), content(size));
        let digest = put(store, id, &content, chunk).await;
        assert_eq!(digest.size_bytes, size as u64);
        assert_eq!(digest.checksums.0.len() as u64, (size as u64).div_ceil(BLOCK_BYTES));
        if size > 0 {
            assert!(get(store, id, ByteRange::whole(size as u64)).await.unwrap() == content, "{size} bytes");
        }
        delete(store, &[id]).await;
    }
}

async fn ranges_equal_slices(store: &dyn BlobStore) {
    let content = content(700_000);
    let digest = put(store, id(20), &content, 100_000).await;
    let ends = [0, 1, 262_143, 262_144, 262_145, 524_288, 699_999, 700_000];
    for start in ends {
        for end in ends.into_iter().filter(|end| *end >= start) {
            let expected =
                StoredBlob { blob: id(20), size_bytes: 700_000, checksums: digest.checksums.clone(), inline: None };
            let stream = read_verified(store, expected, ByteRange { start, end }).await.unwrap();
            let chunks: Vec<Bytes> = stream.try_collect().await.unwrap();
            let slice = &content[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
            assert!(chunks.concat() == slice, "bytes {start}..{end}");
        }
    }
    delete(store, &[id(20)]).await;
}

async fn nothing_is_visible_before_finish(store: &dyn BlobStore) {
    let mut writer = store.create(id(30)).await.unwrap();
    writer.write(Bytes::from(content(600_000))).await.unwrap();
    assert!(get(store, id(30), ByteRange { start: 0, end: 1 }).await.is_err());
    writer.discard().await;
    assert!(get(store, id(30), ByteRange { start: 0, end: 1 }).await.is_err());
}

async fn a_name_is_written_once(store: &dyn BlobStore) {
    put(store, id(35), b"first", 5).await;
    let mut twin = store.create(id(35)).await.unwrap();
    let written = twin.write(Bytes::from_static(b"other")).await;
    assert!(written.is_err() || twin.finish().await.is_err());
    assert_eq!(get(store, id(35), ByteRange::whole(5)).await.unwrap(), b"first");
    delete(store, &[id(35)]).await;
}

async fn a_missing_blob_is_damage(store: &dyn BlobStore) {
    assert!(matches!(get(store, id(40), ByteRange { start: 0, end: 1 }).await, Err(BlobError::Damaged(..))));
    put(store, id(40), &content(10), 10).await;
    assert!(matches!(get(store, id(40), ByteRange { start: 0, end: 11 }).await, Err(BlobError::Damaged(..))));
    delete(store, &[id(40)]).await;
}

async fn deleting_is_idempotent_and_spares_readers(store: &dyn BlobStore) {
    let content = content(1_000_000);
    put(store, id(50), &content, 300_000).await;
    let reading = store.read(id(50), ByteRange::whole(1_000_000)).await.unwrap();
    delete(store, &[id(50), id(51)]).await;
    delete(store, &[id(50)]).await;
    assert!(get(store, id(50), ByteRange { start: 0, end: 1 }).await.is_err());
    let chunks: Vec<Bytes> = reading.try_collect().await.unwrap();
    assert!(chunks.concat() == content, "a running read goes on");
}

async fn wrong_checksums_are_noticed(store: &dyn BlobStore) {
    let digest = put(store, id(60), &content(600_000), 300_000).await;
    let expected = |block: usize| {
        let mut checksums = digest.checksums.clone();
        checksums.0[block] ^= 1;
        StoredBlob { blob: id(60), size_bytes: 600_000, checksums, inline: None }
    };
    let whole = ByteRange::whole(600_000);
    assert!(matches!(read_verified(store, expected(0), whole).await, Err(BlobError::Damaged(..))));
    let stream = read_verified(store, expected(2), whole).await.unwrap();
    assert!(matches!(stream.try_collect::<Vec<_>>().await, Err(BlobError::Damaged(..))));
    let untouched = read_verified(store, expected(2), ByteRange { start: 5, end: 500_000 }).await.unwrap();
    assert_eq!(untouched.try_collect::<Vec<_>>().await.unwrap().concat().len(), 499_995);
    delete(store, &[id(60)]).await;
}

async fn names_and_sizes_are_told(store: &dyn BlobStore) {
    for number in [0x01, 0x70, 0xff] {
        put(store, id(number), &content(usize::from(number)), 100).await;
    }
    let (mut names, mut after) = (Vec::new(), None);
    while let Some(page) = store.list(after).await.unwrap() {
        assert!(page.unrecognized.is_empty(), "{:?}", page.unrecognized);
        names.extend(page.blobs);
        after = Some(page.last);
    }
    names.sort();
    assert_eq!(names, [id(0x01), id(0x70), id(0xff)]);
    assert_eq!(store.sizes(&[id(0xff), id(0x33), id(0x01)]).await.unwrap(), [Some(255), None, Some(1)]);
    delete(store, &names).await;
}

async fn what_is_put_aside_is_kept_for_its_time(store: &dyn BlobStore) {
    for number in [70, 71, 72] {
        put(store, id(number), &content(10), 10).await;
    }
    assert_eq!(store.quarantine(&[id(70), id(79)], 1000).await.unwrap(), [id(70)]);
    assert_eq!(store.quarantine(&[id(71)], 2000).await.unwrap(), [id(71)]);
    assert!(get(store, id(70), ByteRange { start: 0, end: 1 }).await.is_err());
    assert_eq!(store.sizes(&[id(70), id(72)]).await.unwrap(), [None, Some(10)]);
    let mut names = store.quarantined().await.unwrap();
    names.sort();
    assert_eq!(names, [id(70).to_string(), id(71).to_string()]);
    assert_eq!(store.purge_quarantine(999).await.unwrap(), 0);
    assert_eq!(store.purge_quarantine(1999).await.unwrap(), 1);
    assert_eq!(store.quarantined().await.unwrap(), [id(71).to_string()]);
    assert_eq!(store.purge_quarantine(2000).await.unwrap(), 1);
    // Copied back by hand, and still without a row.
    for seconds in [3000, 3001, 3001] {
        put(store, id(70), &content(10), 10).await;
        assert_eq!(store.quarantine(&[id(70), id(72)], seconds).await.unwrap().first(), Some(&id(70)), "at {seconds}");
    }
    assert!(store.purge_quarantine(3001).await.unwrap() > 0);
    assert_eq!(store.quarantined().await.unwrap(), Vec::<String>::new());
    delete(store, &[id(72)]).await;
}

async fn the_last_stamp_is_remembered(store: &dyn BlobStore) {
    assert_eq!(store.stamp().await.unwrap(), None);
    let stamp = Stamp { installation: InstallationId::new([8; 16]), generation: 1 };
    for stamp in [stamp, stamp.next()] {
        store.set_stamp(stamp).await.unwrap();
        assert_eq!(store.stamp().await.unwrap(), Some(stamp));
    }
    assert_eq!(store.last_event().await.unwrap(), None);
    for event in [Some("st+:file-1"), Some("st-:file-1"), None] {
        store.set_last_event(event).await.unwrap();
        assert_eq!(store.last_event().await.unwrap().as_deref(), event);
    }
}
