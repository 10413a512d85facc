//! `GET /v1/files/{id}/content`: ranges, and bytes that are not what was stored.

use reqwest::Method;
use venna_testkit::TestServer;

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 131 % 251).to_le_bytes()[0]).collect()
}

#[tokio::test]
async fn a_range_equals_slice_arithmetic() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let content = content(700_001);
    let id = ada.create_file("a.bin", &content).await.id();
    let ends = [0, 1, 262_143, 262_144, 262_145, 524_287, 524_288, 700_000];
    for first in ends {
        for last in ends.into_iter().filter(|last| *last >= first) {
            let answer = ada.download_range(&id, &format!("bytes={first}-{last}")).await;
            assert_eq!(answer.status, 206);
            assert_eq!(answer.headers["content-range"], format!("bytes {first}-{last}/700001"));
            assert_eq!(answer.headers["content-length"], (last - first + 1).to_string());
            answer.is_bytes(&content[first..=last]);
        }
        ada.download_range(&id, &format!("bytes={first}-")).await.is_bytes(&content[first..]);
        ada.download_range(&id, &format!("bytes=-{}", first + 1)).await.is_bytes(&content[700_001 - first - 1..]);
    }
    server.close().await;
}

#[tokio::test]
async fn damage_is_never_a_clean_end() {
    let mut server = TestServer::open().await;
    let ada = server.user("ada").await;
    let content = content(1_000_000);
    let id = ada.create_file("a.bin", &content).await.id();
    let blob = server.blobs().remove(0);
    let flip = |at: usize| {
        let mut flipped = content.clone();
        flipped[at] ^= 0x10;
        server.write_blob(&blob, &flipped);
    };
    flip(900_000);
    let cut = ada.download_file(&id).await;
    assert_eq!(cut.status, 200);
    assert!(cut.body.is_err(), "the connection ends uncleanly before the damaged block");
    ada.download_range(&id, "bytes=0-500000").await.is_bytes(&content[..=500_000]);
    ada.download_range(&id, "bytes=900001-900002").await.is_error(500, None, Some("file_damaged"));
    server.write_blob(&blob, &content);
    ada.download_file(&id).await.is_bytes(&content);
    server.write_blob(&blob, &content[..999_999]);
    let shorter = ada.download_file(&id).await;
    assert!(shorter.body.is_err() || shorter.status == 500, "a shorter blob is damage too, seen at once in a bucket");
    flip(3);
    ada.download_file(&id).await.is_error(500, None, Some("file_damaged"));
    server.write_blob(&blob, &content);
    ada.download_file(&id).await.is_bytes(&content);
    server.expect_errors(4);
    server.close().await;
}

#[tokio::test]
async fn a_missing_blob_is_a_damaged_file() {
    let mut server = TestServer::on_blobs().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.bin", b"abc").await.id();
    let blob = server.blobs().remove(0);
    let kept = server.read_blob(&blob);
    server.remove_blob(&blob);
    let answer = ada.download_file(&id).await;
    assert_eq!(answer.headers["x-should-retry"], "false");
    answer.is_error(500, None, Some("file_damaged"));
    ada.retrieve_file(&id).await.is_ok();
    server.write_blob(&blob, &kept);
    ada.download_file(&id).await.is_bytes(b"abc");
    server.expect_errors(1);
    server.close().await;
}

#[tokio::test]
async fn an_empty_file_has_empty_content() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("empty", b"").await.id();
    let answer = ada.download_file(&id).await.is_bytes(b"");
    assert_eq!(answer.headers["content-length"], "0");
    ada.download_range(&id, "bytes=0-").await.is_error(416, None, Some("range_not_satisfiable"));
    server.close().await;
}

#[tokio::test]
async fn only_a_get_with_one_range_has_a_range() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.bin", b"0123456789").await.id();
    let path = format!("/v1/files/{id}/content");
    let head = ada.send(ada.request(Method::HEAD, &path).header("range", "bytes=0-1")).await;
    assert_eq!((head.status.as_u16(), head.headers["content-length"].to_str().unwrap()), (200, "10"));
    let two = ada.request(Method::GET, &path).header("range", "bytes=0-1").header("range", "bytes=2-3");
    let two = ada.send(two).await;
    assert_eq!(two.status, 200);
    two.is_bytes(b"0123456789");
    server.close().await;
}
