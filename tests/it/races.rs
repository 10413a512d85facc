//! Changes that exclude each other, asked for at once: one wins, and nothing is left of the other.

use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;
use tokio::join;
use venna::clock::Clock;
use venna_testkit::server::rounds;
use venna_testkit::{Answer, Form, TestServer};

const NOW_MS: u64 = 1_795_374_000_000;
const IN_SQLITE: usize = 1000;
/// Rounds that are raced side by side.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_completion_and_a_cancellation_one_wins() {
    let server = TestServer::on_blobs().await;
    let ada = &server.user("ada").await;
    let race = |_| async move {
        let upload = ada.create_upload(3).await.id();
        let part = ada.add_part(&upload, b"abc").await.id();
        let parts = [part.as_str()];
        let (completed, cancelled) = join!(ada.complete_upload(&upload, &parts), ada.cancel_upload(&upload));
        let status = ada.retrieve_upload(&upload).await.json()["status"].as_str().unwrap().to_owned();
        let expected = if completed.status == 200 { "completed" } else { "cancelled" };
        assert_ne!(completed.status == 200, cancelled.status == 200, "one wins");
        assert_eq!(status, expected);
        status == "completed"
    };
    let mut files = 0;
    for round in 0..rounds(IN_SQLITE) / AT_ONCE {
        files += join_all((0..AT_ONCE).map(race)).await.into_iter().filter(|won| *won).count();
        assert_eq!(ada.list("").await.ids().len(), files, "after round {round}");
    }
    assert!((1..rounds(IN_SQLITE)).contains(&files), "both win now and then: {files}");
    server.blobs_become(files).await;
    server.close().await;
}

/// The completion reads the whole first, so that the cancellation comes while it does, and now and then after it.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_completion_with_an_md5_and_a_cancellation_one_wins() {
    const PARTS: usize = 60;
    let server = TestServer::on_blobs().await;
    let ada = &server.user("ada").await;
    // It closes in on the moment at which both are as fast, however fast the machine is.
    let (mut files, mut delay) = (0, Duration::from_millis(1));
    for round in 0..30 {
        let upload = ada.create_upload(PARTS).await.id();
        let added = join_all((0..PARTS).map(|_| ada.add_part(&upload, b"1"))).await;
        let parts: Vec<String> = added.into_iter().map(Answer::id).collect();
        let completion = json!({"part_ids": parts, "md5": "8ec4e6564ac96d2a28b637ec37ee1ae2"});
        let path = format!("/v1/uploads/{upload}/complete");
        let (completed, cancelled) = join!(ada.post_json(&path, &completion), async {
            tokio::time::sleep(delay).await;
            ada.cancel_upload(&upload).await
        });
        let (winner, loser) = if completed.status == 200 { (completed, cancelled) } else { (cancelled, completed) };
        let status = winner.is_ok().json()["status"].as_str().unwrap().to_owned();
        assert_eq!(loser.status, 400, "after {round}: {:?}", loser.body);
        assert_eq!(ada.retrieve_upload(&upload).await.json()["status"], *status);
        let is_completed = status == "completed";
        files += usize::from(is_completed);
        delay = if is_completed { delay / 2 } else { delay * 2 };
    }
    assert!((1..30).contains(&files), "both win now and then: {files}");
    assert_eq!(ada.list("").await.ids().len(), files);
    server.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_is_asked_for_twice_happens_once() {
    let server = TestServer::on_blobs().await;
    let ada = &server.user("ada").await;
    let race = |round: usize| async move {
        let upload = ada.create_upload(2).await.id();
        let (first, second) = join!(ada.add_part(&upload, b"x"), ada.add_part(&upload, b"y"));
        let (first, second) = (first.id(), second.id());
        let (order, other) = ([first.as_str(), &second], [second.as_str(), &first]);
        let contest = if round.is_multiple_of(2) { order } else { other };
        let (one, two) = join!(ada.complete_upload(&upload, &order), ada.complete_upload(&upload, &contest));
        let won = |answer: &Answer| answer.status == 200;
        if round.is_multiple_of(2) {
            assert_eq!((one.status, &one.body), (two.status, &two.body), "the same parts get the same answer");
        } else {
            assert_ne!(won(&one), won(&two), "of two orders one wins");
        }
        let content: &[u8] = if won(&one) { b"xy" } else { b"yx" };
        let winner = if won(&one) { one } else { two };
        ada.download_file(winner.is_ok().json()["file"]["id"].as_str().unwrap()).await.is_bytes(content);
    };
    for round in (0..rounds(IN_SQLITE)).step_by(AT_ONCE) {
        join_all((round..round + AT_ONCE).map(race)).await;
    }
    assert_eq!(ada.list("").await.ids().len(), rounds(IN_SQLITE));
    server.blobs_become(2 * rounds(IN_SQLITE)).await;
    server.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_in_any_permutation_are_the_file_in_that_order() {
    let server = TestServer::on_blobs().await;
    let ada = &server.user("ada").await;
    let letters = ["a", "b", "c", "d"];
    let permutation = |mut number: usize| {
        let mut left = letters.to_vec();
        (1..=left.len())
            .rev()
            .map(|choices| {
                let rest = number / choices;
                left.remove(std::mem::replace(&mut number, rest) % choices)
            })
            .collect::<Vec<_>>()
    };
    let round = |number: usize| {
        let order = permutation(number);
        async move {
            let upload = ada.create_upload(4).await.id();
            let sent = join_all(letters.map(|letter| ada.add_part(&upload, letter.as_bytes()))).await;
            let ids: Vec<String> = sent.into_iter().map(Answer::id).collect();
            let id_of = |letter: &&str| ids[letters.iter().position(|other| other == letter).unwrap()].as_str();
            let named: Vec<&str> = order.iter().map(id_of).collect();
            let completed = ada.complete_upload(&upload, &named).await.is_ok().json();
            ada.download_file(completed["file"]["id"].as_str().unwrap()).await.is_bytes(order.concat().as_bytes());
        }
    };
    let all: std::collections::BTreeSet<String> = (0..24).map(|number| permutation(number).concat()).collect();
    assert_eq!(all.len(), 24);
    for number in (0..rounds(IN_SQLITE)).step_by(AT_ONCE) {
        join_all((number..number + AT_ONCE).map(round)).await;
    }
    server.close().await;
}

fn brief(name: &str) -> Form {
    let anchor = Form::default().field("purpose", "user_data").field("expires_after[anchor]", "created_at");
    anchor.field("expires_after[seconds]", "3600").file(name, name.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_when_it_expires_is_whole_or_not_there() {
    let server =
        TestServer::with(&[("inline_max_bytes", "0"), ("sweep_interval_seconds", "1")], Clock::set_to(NOW_MS)).await;
    let ada = &server.user("ada").await;
    let (mut whole, mut gone) = (0, 0);
    for round in 0..rounds(IN_SQLITE) / AT_ONCE {
        let begun_ms = server.clock.now_ms();
        let id = &ada.post(brief("expiring")).await.id();
        let readers = join_all((0..AT_ONCE).map(|_| async move { ada.download_file(id).await }));
        let expire = async {
            tokio::time::sleep(Duration::from_micros(150 * (round as u64 % 8))).await;
            server.clock.set(begun_ms + 3_600_000);
        };
        for answer in join!(readers, expire).0 {
            if answer.status == 200 {
                answer.is_bytes(b"expiring");
                whole += 1;
            } else {
                answer.is_not_found();
                gone += 1;
            }
        }
        ada.retrieve_file(id).await.is_not_found();
    }
    assert!(whole > 0 && gone > 0, "{whole} read, {gone} gone");
    server.blobs_become(0).await;
    server.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_files_expire_in_one_second() {
    let server = TestServer::with(&[("sweep_interval_seconds", "86400")], Clock::set_to(NOW_MS)).await;
    let ada = &server.user("ada").await;
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids.extend(join_all((0..100).map(|_| ada.post(brief("brief")))).await.into_iter().map(Answer::id));
    }
    let large = Form::default().field("purpose", "user_data").field("expires_after[anchor]", "created_at");
    ids.push(ada.post(large.field("expires_after[seconds]", "3600").file("large", &vec![7; 1 << 20])).await.id());
    let lasting = ada.create_file("lasting", b"l").await.id();
    server.clock.set(NOW_MS + 3_599_999);
    ids.sort();
    assert!(ada.list("?limit=10000&order=asc").await.ids() == ids[..10_000], "the list is exact a moment before");
    server.clock.set(NOW_MS + 3_600_000);
    assert_eq!(ada.list("").await.ids(), [lasting]);
    for some in ids.chunks(100) {
        for answer in join_all(some.iter().map(|id| ada.retrieve_file(id))).await {
            answer.is_not_found();
        }
    }
    let other = ada.create_file("other", &vec![1; 100_000]).await.id();
    ada.delete_file(&other).await.is_ok();
    server.blobs_become(0).await;
    server.is_swept().await;
    server.close().await;
}
