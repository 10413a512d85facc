//! `POST /v1/files`: what is received is what is stored, however it comes in.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use reqwest::{Body, Method};
use serde_json::json;
use std::io::Write;
use venna::model::api_key::Opens;
use venna::model::audit::Origin;
use venna::model::scope::Scopes;
use venna_testkit::socket::next_byte;
use venna_testkit::{Form, TestServer};

#[tokio::test]
async fn a_file_has_openais_fields_in_openais_order() {
    let server = TestServer::at(1_795_374_000_000).await;
    let ada = server.user("ada").await;
    let answer = ada.create_file("hello.txt", b"hello").await.is_ok();
    let body = String::from_utf8(answer.body.clone().unwrap()).unwrap();
    let order = [
        "object",
        "id",
        "purpose",
        "filename",
        "bytes",
        "created_at",
        "expires_at",
        "status",
        "status_details",
        "mime_type",
        "sha256",
    ];
    let places: Vec<usize> = order.iter().map(|key| body.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted() && answer.json().as_object().unwrap().len() == order.len(), "{body}");
    let mut file = answer.json();
    assert!(file["id"].as_str().unwrap().starts_with("file-"));
    file["id"] = json!("file-?");
    let expected = json!({"object": "file", "id": "file-?", "purpose": "user_data", "filename": "hello.txt", "bytes": 5,
        "created_at": 1_795_374_000, "expires_at": null, "status": "processed", "status_details": null,
        "mime_type": "text/plain", "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"});
    assert_eq!(file, expected);
    server.close().await;
}

#[tokio::test]
async fn any_chunking_and_field_order_give_the_same_file() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let cuts = (prop::collection::vec(1_usize..200_000, 1..8), 0_usize..900_000, any::<bool>());
    let mut runner = TestRunner::new(Config::with_cases(24));
    for _ in 0..24 {
        let (cuts, size, file_first) = cuts.new_tree(&mut runner).unwrap().current();
        let content: Vec<u8> = (0..size).map(|at| b"\r\n--venna-test-boundar\r"[at % 23]).collect();
        let form = if file_first {
            Form::default().file("a.bin", &content).field("purpose", "vision")
        } else {
            Form::default().field("purpose", "vision").file("a.bin", &content)
        };
        let mut rest = form.close();
        let mut chunks = Vec::new();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let later = rest.split_off((*cut).min(rest.len()));
            chunks.push(Ok::<_, std::io::Error>(std::mem::replace(&mut rest, later)));
        }
        let body = Body::wrap_stream(futures_util::stream::iter(chunks));
        let request = ada.request(Method::POST, "/v1/files").header("content-type", Form::content_type()).body(body);
        let id = ada.send(request).await.id();
        let downloaded = ada.download_file(&id).await;
        assert!(downloaded.body.as_deref() == Ok(&content[..]), "{size} bytes cut {cuts:?}, file first: {file_first}");
        ada.delete_file(&id).await.is_ok();
    }
    server.close().await;
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let big = vec![7; 600_000];
    let form = || Form::default().file("a.txt", &big);
    ada.post(form()).await.is_error(400, None, None);
    ada.post(form().field("purpose", "poetry")).await.is_error(400, Some("purpose"), None);
    ada.post(form().field("purpose", "batch")).await.is_error(400, None, None);
    ada.post(form().field("purpose", "vision").field("colour", "blue")).await.is_error(400, None, None);
    ada.post(form().field("purpose", "vision").file("b.txt", b"b")).await.is_error(400, Some("file"), None);
    let late = form().field("purpose", "vision").field("expires_after[anchor]", "created_at");
    ada.post(late).await.is_error(400, Some("expires_after[seconds]"), None);
    server.blobs_become(0).await;
    assert_eq!(ada.list("").await.ids().len(), 0);
    server.close().await;
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let address = server.address();
    let head = format!(
        "POST /v1/files HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: {}\r\nContent-Length: 9000000\r\n\r\n",
        ada.key,
        Form::content_type()
    );
    let body = Form::default().field("purpose", "vision").file("a.bin", &vec![1; 2_000_000]).close();
    let socket = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(&body[..1_500_000]).unwrap();
        socket
    })
    .await
    .unwrap();
    server.pending_blobs_become(1).await;
    socket.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
    let answer = next_byte(&socket).map_err(|error| error.kind());
    assert_eq!(answer, Err(std::io::ErrorKind::WouldBlock), "the server waits for the rest");
    drop(socket);
    server.blobs_become(0).await;
    server.close().await;
}

#[tokio::test]
async fn a_restart_sweeps_what_a_crash_left() {
    let mut server = TestServer::on_blobs().await;
    let ada = server.user("ada").await;
    let kept = ada.create_file("kept.txt", b"kept").await.id();
    server.leave_behind("00112233445566778899aabbccddeeff");
    assert_eq!(server.blobs().len(), 2);
    server.restart().await;
    server.blobs_become(1).await;
    server.user_of(&ada.key).download_file(&kept).await.is_bytes(b"kept");
    server.close().await;
}

#[tokio::test]
async fn only_a_key_that_produces_may_make_what_servers_make() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let keys = server.installation().await.keys;
    let workspace = server.installation().await.workspaces.find("ada").await.unwrap().unwrap().id;
    let opens = Opens::Workspace(workspace, Scopes::ALL);
    let (_, secret) = keys.issue(opens, "worker", None, Origin::COMMAND_LINE).await.unwrap();
    let worker = server.user_of(secret.expose());
    for purpose in ["batch_output", "fine-tune-results", "assistants_output"] {
        let form = || Form::default().field("purpose", purpose).file("out.jsonl", b"{}\n");
        let upload = json!({"bytes": 1, "filename": "a", "mime_type": "text/plain", "purpose": purpose});
        let error = ada.post(form()).await.is_error(400, Some("purpose"), None);
        assert!(error["message"].as_str().unwrap().starts_with(&format!("'{purpose}' is not one of ['fine-tune'")));
        ada.post_json("/v1/uploads", &upload).await.is_error(400, Some("purpose"), None);
        assert_eq!(worker.post(form()).await.is_ok().json()["purpose"], purpose);
        worker.post_json("/v1/uploads", &upload).await.is_ok();
    }
    let unknown = Form::default().field("purpose", "notes").file("a", b"a");
    worker.post(unknown).await.is_error(400, Some("purpose"), None);
    server.close().await;
}
