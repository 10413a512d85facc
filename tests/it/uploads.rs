//! `/v1/uploads`: parts in any order become one File, without a copy, and what is left over goes.

use reqwest::{Body, Method};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use venna::clock::Clock;
use venna::model::audit::Origin;
use venna::model::digest::Sha256Digest;
use venna::model::limits::{Limit, LimitOwner};
use venna_testkit::{Answer, Form, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;

pub fn content(size: usize, salt: usize) -> Vec<u8> {
    (0..size).map(|at| ((at + salt) * 131 % 251).to_le_bytes()[0]).collect()
}

#[tokio::test]
async fn parts_in_the_order_of_completion_are_one_file() {
    let server = TestServer::at(NOW_MS).await;
    let ada = server.user("ada").await;
    let sizes = [300_000, 1, 0, 262_144, 500_001];
    let contents: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(salt, size)| content(*size, salt)).collect();
    let whole: Vec<u8> = contents.concat();
    let upload = ada.create_upload(whole.len()).await.id();
    let mut parts = Vec::new();
    for part in contents.iter().rev() {
        parts.push(ada.add_part(&upload, part).await.id());
    }
    let spare = ada.add_part(&upload, b"sent twice").await.id();
    let listed = ada.send(ada.request(Method::GET, &format!("/v1/uploads/{upload}/parts?limit=5"))).await.is_ok();
    assert_eq!(listed.ids(), parts);
    assert_eq!(
        (listed.json()["has_more"].as_bool(), listed.json()["data"][0]["bytes"].as_u64()),
        (Some(true), Some(500_001))
    );
    let rest = ada.send(ada.request(Method::GET, &format!("/v1/uploads/{upload}/parts?after={}", parts[4]))).await;
    assert_eq!(rest.ids(), [spare]);
    let unknown = "part_6a6b6c6deeeeeeeeeeeeeeeeeeeeeeee";
    let path = format!("/v1/uploads/{upload}/parts?after={unknown}");
    ada.send(ada.request(Method::GET, &path)).await.is_error(400, Some("after"), None);

    let order: Vec<&str> = parts.iter().rev().map(String::as_str).collect();
    let completed = ada.complete_upload(&upload, &order).await.is_ok().json();
    assert_eq!((completed["status"].as_str(), completed["id"].as_str()), (Some("completed"), Some(upload.as_str())));
    let file = &completed["file"];
    assert_eq!((file["bytes"].as_u64(), file["filename"].as_str()), (Some(whole.len() as u64), Some("big.bin")));
    assert!(file.get("sha256").is_none(), "absent, not null: it was never hashed whole");
    let id = file["id"].as_str().unwrap();
    let downloaded = ada.download_file(id).await.is_bytes(&whole);
    let digests = contents.iter().fold(Sha256::new(), |digest, part| digest.chain_update(Sha256::digest(part)));
    let of_parts = Sha256Digest(digests.finalize().into());
    assert_eq!(downloaded.headers["etag"], format!("\"{of_parts}-5\""));
    assert!(!downloaded.headers.contains_key("repr-digest") && !downloaded.headers.contains_key("x-part-bytes"));
    for (first, last) in [(0, 0), (299_999, 300_001), (300_000, 562_145), (562_144, 562_144), (1_062_145, 1_062_145)] {
        ada.download_range(id, &format!("bytes={first}-{last}")).await.is_bytes(&whole[first..=last]);
    }
    assert_eq!(
        ada.complete_upload(&upload, &order).await.is_ok().json(),
        completed,
        "a repeated completion answers the same"
    );
    ada.complete_upload(&upload, &order[1..]).await.is_error(400, Some("upload_id"), None);
    assert_eq!(ada.list("").await.ids(), [id]);
    server.blobs_become(5).await;
    ada.delete_file(id).await.is_ok();
    server.blobs_become(0).await;
    server.close().await;
}

#[tokio::test]
async fn parts_of_one_size_let_a_client_compute_the_etag() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    for (sizes, stated) in [
        (vec![300, 300, 7], Some("300")),
        (vec![300, 300], Some("300")),
        (vec![7], Some("7")),
        (vec![300, 299, 300], None),
        (vec![300, 301], None),
        (vec![300, 300, 0], None),
        (vec![0, 0], None),
        (vec![], None),
    ] {
        let content = content(sizes.iter().sum(), 1);
        let upload = ada.create_upload(content.len()).await.id();
        let (mut rest, mut parts) = (content.as_slice(), Vec::new());
        for size in &sizes {
            let (part, later) = rest.split_at(*size);
            let added = ada.add_part(&upload, part).await.is_ok().json();
            assert_eq!(added["bytes"].as_u64(), Some(*size as u64));
            assert_eq!(added["sha256"], Sha256Digest(Sha256::digest(part).into()).to_string());
            parts.push(added["id"].as_str().unwrap().to_owned());
            rest = later;
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let completed = ada.complete_upload(&upload, &parts).await.is_ok().json();
        let downloaded = ada.download_file(completed["file"]["id"].as_str().unwrap()).await.is_bytes(&content);
        let header = downloaded.headers.get("x-part-bytes").map(|bytes| bytes.to_str().unwrap());
        assert_eq!(header, stated, "{sizes:?}");
        if let Some(part_bytes) = header {
            let parts = content.chunks(part_bytes.parse().unwrap());
            let digests = parts.fold(Sha256::new(), |digest, part| digest.chain_update(Sha256::digest(part)));
            let etag = format!("\"{}-{}\"", Sha256Digest(digests.finalize().into()), sizes.len());
            assert_eq!(downloaded.headers["etag"], etag, "{sizes:?}");
        }
    }
    let whole = ada.create_file("a.bin", b"whole").await.id();
    assert!(!ada.download_file(&whole).await.headers.contains_key("x-part-bytes"));
    server.close().await;
}

#[tokio::test]
async fn an_md5_makes_the_server_look_at_the_whole() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let upload = ada.create_upload(9).await.id();
    let (first, second) = (ada.add_part(&upload, b"1234").await.id(), ada.add_part(&upload, b"56789").await.id());
    let complete = |parts: Value, md5: &'static str| {
        let (ada, path) = (&ada, format!("/v1/uploads/{upload}/complete"));
        async move { ada.post_json(&path, &json!({"part_ids": parts, "md5": md5})).await }
    };
    let right = json!([first, second]);
    complete(right.clone(), "00000000000000000000000000000000").await.is_error(400, Some("md5"), None);
    complete(json!([second, first]), "25f9e794323b453885f5181f1b624d0b").await.is_error(400, Some("md5"), None);
    complete(right.clone(), "no digest").await.is_error(400, Some("md5"), None);
    assert_eq!(ada.retrieve_upload(&upload).await.is_ok().json()["status"], "pending");
    let file = complete(right, "25F9E794323B453885F5181F1B624D0B").await.is_ok().json()["file"].clone();
    assert_eq!(file["sha256"], "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    let downloaded = ada.download_file(file["id"].as_str().unwrap()).await.is_bytes(b"123456789");
    assert_eq!(downloaded.headers["repr-digest"], "sha-256=:FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=:");
    server.close().await;
}

#[tokio::test]
async fn a_cancel_while_the_whole_is_looked_at_is_no_damage() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let upload = ada.create_upload(200).await.id();
    let mut parts = Vec::new();
    for _ in 0..200 {
        parts.push(ada.add_part(&upload, b"1").await.id());
    }
    let path = format!("/v1/uploads/{upload}");
    let wrong = json!({"part_ids": parts, "md5": "0".repeat(32)});
    let complete_path = format!("{path}/complete");
    let (completed, cancelled) = tokio::join!(ada.post_json(&complete_path, &wrong), async {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        ada.post_json(&format!("{path}/cancel"), &json!({})).await
    });
    cancelled.is_ok();
    assert_eq!(completed.status, 400, "{:?}", completed.body);
    server.close().await;
}

#[tokio::test]
async fn an_md5_that_was_looked_at_is_remembered_for_these_parts_alone() {
    let mut server = TestServer::open().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let upload = ada.create_upload(2).await.id();
    let (first, second) = (ada.add_part(&upload, b"1").await.id(), ada.add_part(&upload, b"2").await.id());
    let path = format!("/v1/uploads/{upload}/complete");
    let complete = |parts: [&str; 2], md5: &str| json!({"part_ids": parts, "md5": md5});
    let (right, wrong) = ("c20ad4d76fe97759aa27a0c99bff6710", "0".repeat(32));
    ada.post_json(&path, &complete([&first, &second], &wrong)).await.is_error(400, Some("md5"), None);
    for blob in server.blobs() {
        server.remove_blob(&blob);
    }
    ada.post_json(&path, &complete([&first, &second], &wrong)).await.is_error(400, Some("md5"), None);
    ada.post_json(&path, &complete([&second, &first], right)).await.is_error(500, None, Some("file_damaged"));
    server.forget_errors();
    bob.post_json(&path, &complete([&first, &second], right)).await.is_error(404, Some("upload_id"), None);
    let completed = ada.post_json(&path, &complete([&first, &second], right)).await.is_ok().json();
    ada.delete_file(completed["file"]["id"].as_str().unwrap()).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn what_does_not_add_up_stays_pending() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let upload = ada.create_upload(8).await.id();
    let part = ada.add_part(&upload, b"1234").await.id();
    let other = ada.create_upload(4).await.id();
    let foreign = ada.add_part(&other, b"5678").await.id();
    for parts in [
        vec![],
        vec![part.as_str()],
        vec![part.as_str(), &part],
        vec![part.as_str(), &foreign],
        vec![part.as_str(), "part_1"],
    ] {
        ada.complete_upload(&upload, &parts).await.is_error(400, Some("part_ids"), None);
    }
    for body in [json!({}), json!({"part_ids": "x"}), json!({"part_ids": [1]}), json!({"part_ids": null})] {
        ada.post_json(&format!("/v1/uploads/{upload}/complete"), &body).await.is_error(400, Some("part_ids"), None);
    }
    let second = ada.add_part(&upload, b"5678").await.id();
    ada.complete_upload(&upload, &[&part, &second]).await.is_ok();
    ada.cancel_upload(&other).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn a_cancelled_upload_takes_nothing_and_leaves_nothing() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let upload = ada.create_upload(4).await.id();
    let part = ada.add_part(&upload, b"1234").await.id();
    let cancelled = ada.cancel_upload(&upload).await.is_ok().json();
    assert_eq!((cancelled["status"].as_str(), cancelled.get("file")), (Some("cancelled"), None));
    server.blobs_become(0).await;
    assert_eq!(ada.cancel_upload(&upload).await.is_ok().json(), cancelled);
    ada.add_part(&upload, b"1234").await.is_error(400, Some("upload_id"), None);
    ada.complete_upload(&upload, &[&part]).await.is_error(400, Some("upload_id"), None);
    server.close().await;
}

#[tokio::test]
async fn an_upload_expires_at_the_second_and_its_parts_go() {
    let server =
        TestServer::with(&[("sweep_interval_seconds", "1"), ("upload_ttl_seconds", "60")], Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    let created = ada.create_upload(4).await.is_ok();
    assert_eq!(created.json()["expires_at"], NOW_MS / 1000 + 60);
    let upload = created.id();
    let part = ada.add_part(&upload, b"1234").await.id();
    server.clock.set(NOW_MS + 60_000);
    assert_eq!(ada.retrieve_upload(&upload).await.is_ok().json()["status"], "expired");
    ada.add_part(&upload, b"1234").await.is_error(400, Some("upload_id"), None);
    ada.complete_upload(&upload, &[&part]).await.is_error(400, Some("upload_id"), None);
    ada.cancel_upload(&upload).await.is_error(400, Some("upload_id"), None);
    server.blobs_become(0).await;
    server.close().await;
}

#[tokio::test]
async fn an_empty_upload_is_an_empty_file() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let upload = ada.create_upload(0).await.id();
    let file = ada.complete_upload(&upload, &[]).await.is_ok().json()["file"].clone();
    ada.download_file(file["id"].as_str().unwrap()).await.is_bytes(b"");
    server.close().await;
}

#[tokio::test]
async fn a_part_may_come_as_text_and_has_a_limit() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let upload = ada.create_upload(4).await.id();
    let path = format!("/v1/uploads/{upload}/parts");
    let send = |form: Form| {
        ada.send(ada.request(Method::POST, &path).header("content-type", Form::content_type()).body(form.close()))
    };
    send(Form::default()).await.is_error(400, None, None);
    send(Form::default().field("data", "12").field("data", "34")).await.is_error(400, Some("data"), None);
    send(Form::default().field("data", "12").field("colour", "blue")).await.is_error(400, None, None);
    ada.add_part(&upload, &vec![0; (64 << 20) + 1]).await.is_error(400, Some("data"), None);
    let most = ada.add_part(&upload, &vec![0; 64 << 20]).await.id();
    assert!(most.starts_with("part_"));
    let text = send(Form::default().field("data", "1234")).await.is_ok().json();
    assert_eq!((text["object"].as_str(), text["upload_id"].as_str()), (Some("upload.part"), Some(upload.as_str())));
    ada.complete_upload(&upload, &[text["id"].as_str().unwrap()]).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn what_an_upload_is_to_be_is_checked_at_once() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let good = json!({"bytes": 4, "filename": "a.jsonl", "mime_type": "text/jsonl", "purpose": "batch",
        "expires_after": {"anchor": "created_at", "seconds": 3600}});
    let created = ada.post_json("/v1/uploads", &good).await.is_ok().json();
    let keys: Vec<&String> = created.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 8, "{keys:?}: `file`, `mime_type` and `expires_after` are not echoed");
    for (field, value, param, code) in [
        ("bytes", json!(-1), "bytes", Some("integer_below_min_value")),
        ("bytes", json!(8_589_934_593_u64), "bytes", Some("integer_above_max_value")),
        ("bytes", json!("4"), "bytes", None),
        ("bytes", json!(4.5), "bytes", None),
        ("bytes", Value::Null, "bytes", None),
        ("filename", json!(7), "filename", None),
        ("filename", json!("x".repeat(256)), "filename", None),
        ("filename", json!("a\nb"), "filename", None),
        ("mime_type", json!(""), "mime_type", None),
        ("purpose", json!("poetry"), "purpose", None),
        ("purpose", json!("batch_output"), "purpose", None),
        ("expires_after", json!(3600), "expires_after", None),
        ("expires_after", json!({"anchor": "now", "seconds": 3600}), "expires_after.anchor", None),
        ("expires_after", json!({"seconds": 3600}), "expires_after.anchor", None),
        ("expires_after", json!({"anchor": "created_at"}), "expires_after.seconds", None),
        (
            "expires_after",
            json!({"anchor": "created_at", "seconds": 1}),
            "expires_after.seconds",
            Some("integer_below_min_value"),
        ),
    ] {
        let mut body = good.clone();
        body[field] = value;
        ada.post_json("/v1/uploads", &body).await.is_error(400, Some(param), code);
    }
    let mut extra = good.clone();
    extra["colour"] = json!("blue");
    let error = ada.post_json("/v1/uploads", &extra).await.is_error(400, None, None);
    assert_eq!(error["message"], "Additional properties are not allowed ('colour' was unexpected)");
    let mut large = good;
    large["bytes"] = json!((200 << 20) + 1);
    assert_eq!(ada.post_json("/v1/uploads", &large).await.is_error(400, None, None)["message"], "File is too large.");
    for body in ["", "[]", "{", "{\"bytes\":1}x"] {
        ada.send(ada.request(Method::POST, "/v1/uploads").body(body)).await.is_error(400, None, None);
    }
    let long = format!("{{\"filename\":\"{}\"}}", "x".repeat(70_000));
    ada.send(ada.request(Method::POST, "/v1/uploads").body(long)).await.is_error(400, None, None);
    server.close().await;
}

#[tokio::test]
async fn an_upload_of_another_workspace_does_not_exist() {
    let server = TestServer::open().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let upload = ada.create_upload(4).await.id();
    let part = ada.add_part(&upload, b"1234").await.id();
    for id in [upload.as_str(), "upload_6a6b6c6deeeeeeeeeeeeeeeeeeeeeeee", "upload_abc123"] {
        for answer in [
            bob.retrieve_upload(id).await,
            bob.add_part(id, b"1234").await,
            bob.complete_upload(id, &[&part]).await,
            bob.cancel_upload(id).await,
            bob.send(bob.request(Method::GET, &format!("/v1/uploads/{id}/parts"))).await,
        ] {
            let error = answer.is_error(404, Some("upload_id"), None);
            assert_eq!(error["message"], format!("No such Upload object: {id}"));
        }
    }
    ada.complete_upload(&upload, &[&part]).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn parts_come_in_side_by_side() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let contents: Vec<Vec<u8>> = (0..16).map(|salt| content(400_000 + salt, salt)).collect();
    let whole = contents.concat();
    let upload = ada.create_upload(whole.len()).await.id();
    let parts = futures_util::future::join_all(contents.iter().map(|part| ada.add_part(&upload, part))).await;
    let parts: Vec<String> = parts.into_iter().map(Answer::id).collect();
    let order: Vec<&str> = parts.iter().map(String::as_str).collect();
    let twins = futures_util::future::join_all((0..4).map(|_| ada.complete_upload(&upload, &order))).await;
    let files: Vec<Value> = twins.into_iter().map(|twin| twin.is_ok().json()["file"]["id"].clone()).collect();
    assert!(files.iter().all(|file| *file == files[0]), "completed once: {files:?}");
    ada.download_file(files[0].as_str().unwrap()).await.is_bytes(&whole);
    server.close().await;
}

#[tokio::test]
async fn a_download_that_has_begun_ends_although_the_file_is_deleted() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let contents: Vec<Vec<u8>> = (0..3).map(|salt| content(12_000_000, salt)).collect();
    let whole = contents.concat();
    let upload = ada.create_upload(whole.len()).await.id();
    let mut parts = Vec::new();
    for part in &contents {
        parts.push(ada.add_part(&upload, part).await.id());
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let file = ada.complete_upload(&upload, &parts).await.json()["file"]["id"].as_str().unwrap().to_owned();
    let mut download = ada.request(Method::GET, &format!("/v1/files/{file}/content")).send().await.unwrap();
    let mut received = download.chunk().await.unwrap().unwrap().to_vec();
    ada.delete_file(&file).await.is_ok();
    ada.download_file(&file).await.is_not_found();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(server.blobs().len(), 3, "what is read is kept");
    while let Some(chunk) = download.chunk().await.unwrap() {
        received.extend_from_slice(&chunk);
    }
    assert!(received == whole);
    server.blobs_become(0).await;
    server.close().await;
}

/// A body whose length is not declared, so that only what comes in can be counted.
async fn add_undeclared(actor: &User, upload: &str, content: &[u8]) -> Answer {
    let form = Form::default().named_file("data", "part", content).close();
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> = form.chunks(1 << 20).map(|chunk| Ok(chunk.to_vec())).collect();
    let request = actor.request(Method::POST, &format!("/v1/uploads/{upload}/parts"));
    let body = Body::wrap_stream(futures_util::stream::iter(chunks));
    actor.send(request.header("content-type", Form::content_type()).body(body)).await
}

#[tokio::test]
async fn parts_have_twice_the_declared_bytes_and_64_mib_at_most() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let upload = ada.create_upload(100).await.id();
    let large = vec![7; 64 << 20];
    let first = ada.add_part(&upload, &large).await.id();
    let whole = ada.add_part(&upload, &content(100, 1)).await.id();
    for answer in [ada.add_part(&upload, &content(101, 1)).await, ada.add_part(&upload, &large).await] {
        let error = answer.is_error(400, Some("data"), None);
        assert!(error["message"].as_str().unwrap().contains("67109064 bytes"), "{error}");
    }
    add_undeclared(&ada, &upload, &large).await.is_error(400, Some("data"), None);
    server.blobs_become(2).await;
    let again = ada.add_part(&upload, &content(100, 1)).await.id();
    assert!(first != whole && whole != again);
    ada.complete_upload(&upload, &[&whole]).await.is_ok();
    server.blobs_become(1).await;
    server.close().await;
}

#[tokio::test]
async fn parts_beyond_the_declared_bytes_are_refused_at_the_quota_and_leave_nothing() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let workspace = server.installation().await.workspaces.find("ada").await.unwrap().unwrap().id;
    let (owner, limits) = (LimitOwner::Workspace(workspace), vec![(Limit::StorageBytes, Some(1_000_000))]);
    let installation = server.installation().await;
    assert!(installation.workspaces.set_limits(owner, limits, Origin::COMMAND_LINE).await.unwrap());
    server.keys().forget();
    let upload = ada.create_upload(1).await.id();
    let large = vec![7; 16 << 20];
    ada.add_part(&upload, &large).await.is_error(400, None, Some("storage_quota_exceeded"));
    add_undeclared(&ada, &upload, &large).await.is_error(400, None, Some("storage_quota_exceeded"));
    for part in [500_000, 499_999] {
        ada.add_part(&upload, &content(part, 1)).await.is_ok();
    }
    ada.add_part(&upload, &content(2, 1)).await.is_error(400, None, Some("storage_quota_exceeded"));
    ada.create_file("b", &content(2, 1)).await.is_error(400, None, Some("storage_quota_exceeded"));
    server.blobs_become(2).await;
    ada.cancel_upload(&upload).await.is_ok();
    server.blobs_become(0).await;
    ada.create_file("b", &content(900_000, 1)).await.is_ok();
    server.close().await;
}
