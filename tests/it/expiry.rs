//! Files that end by themselves: exactly at the second, whether or not a sweep has run.

use std::time::Duration;
use venna::clock::Clock;
use venna::model::audit::Origin;
use venna::model::expiry::DefaultExpiry;
use venna::model::purpose::Purpose;
use venna_testkit::{Form, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;

fn expiring(seconds: &str) -> Form {
    Form::default()
        .field("purpose", "user_data")
        .field("expires_after[anchor]", "created_at")
        .field("expires_after[seconds]", seconds)
}

#[tokio::test]
async fn an_expired_file_is_gone_at_the_second_and_its_cursor_still_works() {
    let server =
        TestServer::with(&[("sweep_interval_seconds", "86400"), ("inline_max_bytes", "0")], Clock::set_to(NOW_MS))
            .await;
    let ada = server.user("ada").await;
    let lasting = ada.create_file("lasting.txt", b"l").await.id();
    let answer = ada.post(expiring("3600").file("brief.txt", b"b")).await.is_ok();
    assert_eq!(answer.json()["expires_at"], NOW_MS / 1000 + 3600);
    let brief = answer.id();
    server.clock.set(NOW_MS + 3_599_999);
    ada.download_file(&brief).await.is_bytes(b"b");
    server.clock.set(NOW_MS + 3_600_000);
    ada.retrieve_file(&brief).await.is_not_found();
    ada.download_file(&brief).await.is_not_found();
    ada.delete_file(&brief).await.is_not_found();
    assert_eq!(ada.list("").await.ids(), std::slice::from_ref(&lasting));
    assert_eq!(ada.list(&format!("?after={brief}")).await.ids(), [lasting]);
    assert_eq!(server.blobs().len(), 2, "no sweep has run");
    server.close_unswept().await;
}

#[tokio::test]
async fn the_sweeper_removes_the_bytes_within_an_interval() {
    let server =
        TestServer::with(&[("sweep_interval_seconds", "1"), ("inline_max_bytes", "0")], Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    ada.post(expiring("3600").file("brief.txt", b"b")).await.is_ok();
    server.clock.set(NOW_MS + 3_600_000);
    server.blobs_become(0).await;
    server.close().await;
}

#[tokio::test]
async fn a_clock_that_steps_back_deletes_nothing_early() {
    let server = TestServer::with(&[("sweep_interval_seconds", "1")], Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    let id = ada.post(expiring("3600").file("brief.txt", b"b")).await.id();
    server.clock.set(NOW_MS - 86_400_000);
    let earlier = ada.create_file("later.txt", b"x").await.is_ok().json();
    assert_eq!(earlier["created_at"], NOW_MS / 1000, "created_at takes the id's second");
    assert!(earlier["id"].as_str().unwrap() > id.as_str(), "ids go on from the last one given");
    ada.download_file(&id).await.is_bytes(b"b");
    server.close().await;
}

#[tokio::test]
async fn batch_files_live_thirty_days_unless_they_say_otherwise() {
    let server = TestServer::at(NOW_MS).await;
    let ada = server.user("ada").await;
    let batch = |form: Form| form.field("purpose", "batch").file("a.jsonl", b"{}\n");
    let by_default = ada.post(batch(Form::default())).await.is_ok().json();
    assert_eq!(by_default["expires_at"], NOW_MS / 1000 + 2_592_000);
    let anchor = Form::default().field("expires_after[anchor]", "created_at").field("expires_after[seconds]", "7200");
    assert_eq!(ada.post(batch(anchor)).await.is_ok().json()["expires_at"], NOW_MS / 1000 + 7200);
    server.close().await;
}

#[tokio::test]
async fn a_workspace_has_its_own_defaults_for_files_and_uploads() {
    let server = TestServer::at(NOW_MS).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let workspaces = server.installation().await.workspaces;
    let before = ada.create_file("before.txt", b"b").await.is_ok().json();
    let workspace = workspaces.find("ada").await.unwrap().unwrap().id;
    workspaces
        .set_default_expiries(
            workspace,
            vec![(Purpose::UserData, DefaultExpiry::seconds(7200)), (Purpose::Batch, Some(DefaultExpiry::Never))],
            Origin::COMMAND_LINE,
        )
        .await
        .unwrap();
    let (now, batch) = (NOW_MS / 1000, Form::default().field("purpose", "batch").file("a.jsonl", b"{}\n"));
    assert_eq!(before["expires_at"], serde_json::Value::Null);
    let own = ada.create_file("after.txt", b"a").await.is_ok().json();
    assert_eq!(own["expires_at"], now + 7200);
    assert_eq!(bob.create_file("theirs.txt", b"t").await.is_ok().json()["expires_at"], serde_json::Value::Null);
    assert_eq!(ada.post(expiring("3600").file("a", b"a")).await.is_ok().json()["expires_at"], now + 3600);
    assert_eq!(ada.post(batch).await.is_ok().json()["expires_at"], serde_json::Value::Null);
    let begun = ada.create_upload(1).await.id();
    workspaces.set_default_expiries(workspace, vec![(Purpose::UserData, None)], Origin::COMMAND_LINE).await.unwrap();
    let part = ada.add_part(&begun, b"p").await.id();
    let completed = ada.complete_upload(&begun, &[&part]).await.is_ok().json();
    assert_eq!(completed["file"]["expires_at"], now + 7200, "it holds what held when the Upload was begun");
    server.clock.set(NOW_MS + 7_200_000);
    ada.retrieve_file(own["id"].as_str().unwrap()).await.is_not_found();
    ada.retrieve_file(before["id"].as_str().unwrap()).await.is_ok();
    server.close().await;
}

#[tokio::test]
async fn expiry_out_of_bounds_is_refused() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    for seconds in ["3599", "2592001", "-3600", "+3600", "1e4", "", "3600.0", "99999999999999999999999"] {
        ada.post(expiring(seconds).file("a", b"a")).await.is_error(400, Some("expires_after[seconds]"), None);
    }
    for seconds in ["3600", "2592000"] {
        ada.post(expiring(seconds).file("a", b"a")).await.is_ok();
    }
    server.close().await;
}

#[tokio::test]
async fn nothing_is_removed_by_a_clock_that_jumped_until_it_is_back_or_confirmed() {
    let settings = [("sweep_interval_seconds", "1"), ("inline_max_bytes", "0")];
    let mut server = TestServer::with(&settings, Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    let brief = ada.post(expiring("3600").file("brief.txt", b"b")).await.id();
    let upload = ada.create_upload(1).await.id();
    ada.add_part(&upload, b"p").await.is_ok();
    server.clock.jump(NOW_MS + 30 * 86_400_000);
    ada.retrieve_file(&brief).await.is_not_found();
    warned_of_the_clock(&server, &ada).await;
    assert_eq!(server.blobs().len(), 2);
    server.restart().await;
    let ada = server.user_of(&ada.key);
    warned_of_the_clock(&server, &ada).await;
    assert_eq!(server.blobs().len(), 2, "a restart changes nothing");
    server.clock.set(NOW_MS + 1000);
    ada.download_file(&brief).await.is_bytes(b"b");
    let installation = server.installation().await;
    while installation.held_expiry().await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.clock.jump(NOW_MS + 30 * 86_400_000);
    warned_of_the_clock(&server, &ada).await;
    assert!(installation.confirm_clock().await.unwrap().is_some());
    server.blobs_become(0).await;
    server.forget_errors();
    server.close().await;
}

async fn warned_of_the_clock(server: &TestServer, actor: &User) {
    let installation = server.installation().await;
    while installation.held_expiry().await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    loop {
        let ready = actor.send(actor.request(reqwest::Method::GET, "/readyz")).await.is_ok().json();
        if ready["warnings"].to_string().contains("venna clock confirm") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
