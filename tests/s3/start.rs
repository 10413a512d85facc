//! What an operator is told when a bucket cannot be used.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;
use venna::app::Server;
use venna::clock::Clock;
use venna::config::{CloudVariables, Config, Layers};
use venna_testkit::Rng;
use venna_testkit::bucket::Bucket;
use venna_testkit::bucket_proxy::{Fault, FaultProxy, Which};

/// Why a server does not start, with all its causes.
async fn refusal(
    bucket: &Bucket,
    address: SocketAddr,
    wrong: &[(&str, &str)],
    settings: &[(&'static str, &str)],
) -> String {
    let folder = TempDir::new().unwrap();
    let mut flags = BTreeMap::from([
        ("data_dir", folder.path().display().to_string()),
        ("listen", "127.0.0.1:0".to_owned()),
        ("admin_listen", "off".to_owned()),
        ("blobs_url", bucket.url("p")),
        ("blobs_timeout_seconds", "3".to_owned()),
    ]);
    flags.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let wrong = wrong.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let cloud = CloudVariables::among(bucket.variables(address).into_iter().chain(wrong));
    let (config, effective) = Config::resolve(&Layers { flags, cloud, ..Layers::default() }).unwrap();
    let refused = Server::start(&config, Clock::system()).await.expect_err("it does not start");
    let told = format!("{refused:#}");
    assert!(!format!("{told} {config:?} {effective:?}").contains(bucket.keys().1), "{told}");
    told
}

#[tokio::test]
async fn a_bucket_that_cannot_be_used_is_told_at_the_start() {
    let bucket = Bucket::open();
    let because = |reason: &str| format!("cannot use the blob store {} (blobs_url): {reason}", bucket.url("p"));
    let refused = refusal(&bucket, bucket.address, &[("AWS_SECRET_ACCESS_KEY", "hunter2")], &[]).await;
    let keys = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY";
    let signature = because(&format!("putting an object: the store answered 403 SignatureDoesNotMatch ({keys})"));
    // Garage does not tell a wrong key from a missing right.
    let denied = because(
        "putting an object: the store answered 403 AccessDenied (the rights that are needed: docs/operations.md, \"Blobs in a bucket\")",
    );
    assert!([signature, denied].contains(&refused), "{refused}");
    let proxy = FaultProxy::before(bucket.address, Duration::from_mins(1), Rng::default());
    proxy.fail_with(Which::All, Fault::NoBucket);
    let refused = refusal(&bucket, proxy.address, &[], &[]).await;
    let endpoint = "the bucket is not made; or AWS_ENDPOINT, AWS_VIRTUAL_HOSTED_STYLE_REQUEST";
    assert_eq!(refused, because(&format!("putting an object: the store answered 404 NoSuchBucket ({endpoint})")));
    proxy.fail_with(Which::All, Fault::Stall);
    let refused = refusal(&bucket, proxy.address, &[], &[]).await;
    assert_eq!(refused, because("putting an object: the store did not answer in time"));
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = refusal(&bucket, nowhere, &[], &[]).await;
    assert_eq!(refused, because("putting an object: the connection to the store failed"));
    for (which, call) in [
        (Which::FirstReads, "reading a range of an object: the store answered 405 MethodNotAllowed"),
        (
            Which::Parts,
            "uploading an object in two parts: the store answered 405 MethodNotAllowed (AWS_CHECKSUM_ALGORITHM=none)",
        ),
        (Which::Copies, "copying an object: the store answered 405 MethodNotAllowed"),
        (Which::Lists, "listing objects: the store answered 405 MethodNotAllowed"),
    ] {
        proxy.fail_with(which, Fault::Refuses(405, "MethodNotAllowed"));
        assert_eq!(refusal(&bucket, proxy.address, &[], &[]).await, because(call));
    }
    let left: Vec<String> = bucket.objects("p").into_iter().filter(|key| key.contains("probe-")).collect();
    assert!(left.is_empty() && bucket.unfinished() == (Vec::new(), Vec::new()), "{left:?}");
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_refused() {
    let bucket = Bucket::open();
    let redirect = ("blobs_redirect", "true");
    let refused = refusal(&bucket, bucket.address, &[], &[redirect, ("blobs_url", "file:/nonexistent")]).await;
    assert_eq!(refused, "blobs_redirect needs blobs in a bucket (blobs_url s3:// or gs://)");
    let refused = refusal(&bucket, bucket.address, &[], &[redirect, ("blobs_url", "az://container/p")]).await;
    assert_eq!(
        refused,
        "blobs_redirect is not supported by az://container/p: its signed URLs cannot set a Content-Disposition"
    );
}
