//! Where requests come from, and what is told to those who keep coming with keys that open nothing.

use reqwest::Method;
use std::time::Duration;
use venna::clock::Clock;
use venna::keys::Refusal;
use venna::model::audit::Origin;
use venna_testkit::{Answer, TestServer, User};

/// Well-formed, and nobody's.
const UNKNOWN_KEY: &str = "vk_00000000000000000000000000000000R6IX";

/// A request that came through these proxies, or claims to.
async fn come(actor: &User, forwarded_for: &[&str]) -> Answer {
    let request = actor.request(Method::GET, "/v1/files");
    let request = forwarded_for.iter().fold(request, |request, line| request.header("x-forwarded-for", *line));
    actor.send(request).await
}

#[track_caller]
fn is_refused(answer: Answer) {
    assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"Venna Files\"");
    answer.is_error(401, None, Some("invalid_api_key"));
}

#[track_caller]
fn is_limited(answer: Answer, at_most_seconds: u64) {
    assert_eq!(answer.headers["x-should-retry"], "true");
    let seconds: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=at_most_seconds).contains(&seconds), "{seconds}");
    assert_eq!(answer.is_error(429, None, Some("rate_limit_exceeded"))["type"], "rate_limit_error");
}

#[tokio::test]
async fn whoever_keeps_failing_is_asked_to_wait_and_a_valid_key_never() {
    let server = TestServer::with(&[("max_failed_logins_per_minute", "3")], Clock::system()).await;
    let ada = server.user("ada").await;
    for key in ["", "", "", ""] {
        come(&server.user_of(key), &[]).await.is_error(401, None, None);
    }
    for key in [UNKNOWN_KEY, "vk_mistyped", "sk-of-somebody-else"] {
        is_refused(come(&server.user_of(key), &[]).await);
    }
    for key in [UNKNOWN_KEY, "vk_mistyped", "sk-of-somebody-else"] {
        is_limited(come(&server.user_of(key), &[]).await, 20);
        ada.list("").await.is_ok();
        come(&server.user_of(""), &[]).await.is_error(401, None, None);
    }
    server.close().await;
}

#[tokio::test]
async fn a_key_that_was_not_found_before_is_looked_up_only_if_it_may_be() {
    let server = TestServer::open().await;
    let (ada, keys) = (server.user("ada").await, server.keys());
    let refuse = || Err(Duration::from_millis(100));
    for key in [UNKNOWN_KEY, &ada.key] {
        assert!(matches!(keys.verify(key, refuse).await, Err(Refusal::TooManyTried { .. })));
    }
    keys.verify(&ada.key, || Ok(())).await.unwrap();
    keys.forget();
    keys.verify(&ada.key, || panic!("it was found before")).await.unwrap();
    assert!(matches!(keys.verify(UNKNOWN_KEY, || Ok(())).await, Err(Refusal::Unknown)));
    let again = keys.verify(UNKNOWN_KEY, || panic!("it was not found a moment ago")).await;
    assert!(matches!(again, Err(Refusal::Unknown)));
    server.close().await;
}

#[tokio::test]
async fn a_revoked_key_counts() {
    let server = TestServer::with(&[("max_failed_logins_per_minute", "1")], Clock::system()).await;
    let ada = server.user("ada").await;
    ada.list("").await.is_ok();
    let key = server.keys().list().await.unwrap().pop().unwrap();
    server.keys().revoke(key.id, Origin::COMMAND_LINE).await.unwrap();
    is_refused(ada.list("").await);
    is_limited(ada.list("").await, 60);
    server.close().await;
}

#[tokio::test]
async fn nobody_is_taken_for_another_behind_a_trusted_proxy() {
    let settings = [("max_failed_logins_per_minute", "1"), ("trusted_proxies", "10.0.0.0/8, 127.0.0.1")];
    let server = TestServer::with(&settings, Clock::system()).await;
    let (ada, mallory) = (server.user("ada").await, server.user_of(UNKNOWN_KEY));
    is_refused(come(&mallory, &["198.51.100.1"]).await);
    for forwarded_for in [
        &["198.51.100.1"][..],
        &["198.51.100.1:4711"],
        &["::ffff:198.51.100.1, 10.0.0.3"],
        &["203.0.113.9, 198.51.100.1"],
        &["203.0.113.9", "198.51.100.1", "10.0.0.3"],
    ] {
        is_limited(come(&mallory, forwarded_for).await, 60);
    }
    come(&ada, &["198.51.100.1"]).await.is_ok();
    for forwarded_for in ["198.51.100.2", "198.51.100.1, 198.51.100.3", "2001:db8::1", "2001:db8:0:1::1", "nonsense"] {
        is_refused(come(&mallory, &[forwarded_for]).await);
    }
    is_limited(come(&mallory, &["2001:db8::2"]).await, 60);
    is_limited(come(&mallory, &[]).await, 60);
    server.close().await;
}

#[tokio::test]
async fn without_a_trusted_proxy_nobody_says_where_he_comes_from() {
    for trusted_proxies in ["", "10.0.0.0/8"] {
        let settings = [("max_failed_logins_per_minute", "1"), ("trusted_proxies", trusted_proxies)];
        let server = TestServer::with(&settings, Clock::system()).await;
        let mallory = server.user_of(UNKNOWN_KEY);
        is_refused(come(&mallory, &["198.51.100.1"]).await);
        is_limited(come(&mallory, &["198.51.100.2"]).await, 60);
        server.close().await;
    }
}

#[tokio::test]
async fn zero_limits_nobody() {
    let server = TestServer::with(&[("max_failed_logins_per_minute", "0")], Clock::system()).await;
    let mallory = server.user_of(UNKNOWN_KEY);
    for _ in 0..100 {
        is_refused(come(&mallory, &[]).await);
    }
    server.close().await;
}
