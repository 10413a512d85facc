//! `DELETE /v1/files/{id}`: gone at once for everybody, and its bytes soon after.

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use venna::clock::Clock;
use venna_testkit::TestServer;

#[tokio::test]
async fn a_deleted_file_is_gone_and_its_bytes_go() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.txt", b"a").await.id();
    let answer = ada.delete_file(&id).await.is_ok();
    assert_eq!(answer.json(), json!({"object": "file", "deleted": true, "id": id}));
    ada.retrieve_file(&id).await.is_not_found();
    ada.download_file(&id).await.is_not_found();
    ada.delete_file(&id).await.is_not_found();
    assert!(ada.list("").await.ids().is_empty());
    server.blobs_become(0).await;
    server.close().await;
}

#[tokio::test]
async fn a_download_that_runs_is_finished() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let content: Vec<u8> = (0..40_000_000_u32).map(|at| (at % 253).to_le_bytes()[0]).collect();
    let id = ada.create_file("a.bin", &content).await.id();
    let response = ada.request(Method::GET, &format!("/v1/files/{id}/content")).send().await.unwrap();
    let mut body = response.bytes_stream();
    let mut received = body.next().await.unwrap().unwrap().to_vec();
    ada.delete_file(&id).await.is_ok();
    // A file of a folder can be read when it has no name any more; an object has to stay.
    if server.bucket.is_none() {
        server.blobs_become(0).await;
    }
    while let Some(chunk) = body.next().await {
        received.extend_from_slice(&chunk.unwrap());
    }
    assert!(received == content);
    server.blobs_become(0).await;
    server.close().await;
}

#[tokio::test]
async fn a_body_on_delete_is_ignored() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let id = ada.create_file("a.txt", b"a").await.id();
    let request = ada.request(Method::DELETE, &format!("/v1/files/{id}")).header("content-type", "application/json");
    ada.send(request.body("{not json")).await.is_ok();
    ada.list("").await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn a_download_that_meets_a_delete_is_whole_or_not_found() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let content = vec![7; 70_000];
    for _ in 0..60 {
        let id = ada.create_file("a.bin", &content).await.id();
        let downloads = futures_util::future::join_all((0..8).map(|_| ada.download_file(&id)));
        let (downloads, deleted) = futures_util::future::join(downloads, ada.delete_file(&id)).await;
        deleted.is_ok();
        for download in downloads {
            if download.status == 200 {
                download.is_bytes(&content);
            } else {
                download.is_not_found();
            }
        }
    }
    server.close().await;
}

/// The database was restored to an earlier moment while the server runs: what it says was deleted may be there again.
#[tokio::test]
async fn nothing_is_removed_once_the_rows_are_older_than_the_bytes() {
    let settings = [("inline_max_bytes", "0"), ("stray_check_interval_seconds", "1"), ("sweep_interval_seconds", "1")];
    let server = TestServer::with(&settings, Clock::system()).await;
    let Some(folder) = server.blobs_folder() else {
        println!("SKIPPED: stamps while the server runs: the blobs are in no folder");
        return server.close().await;
    };
    let stamp = folder.join("stamp");
    let ada = server.user("ada").await;
    let id = ada.create_file("a.txt", b"a").await.id();
    let known = std::fs::read_to_string(&stamp).unwrap();
    let installation = known.split(' ').next().unwrap();
    std::fs::write(&stamp, format!("{installation} 100000\n")).unwrap();
    ada.delete_file(&id).await.is_ok();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(server.blobs().len(), 1, "its bytes stay");
    assert_eq!(
        std::fs::read_to_string(&stamp).unwrap(),
        format!("{installation} 100000\n"),
        "a walk leaves a later stamp"
    );
    std::fs::write(&stamp, known).unwrap();
    server.blobs_become(0).await;
    server.close().await;
}
