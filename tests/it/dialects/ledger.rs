//! The ledger says in which dialect each request came.

use super::{base, content_in, upload_in};
use reqwest::Method;
use std::collections::BTreeMap;
use std::time::Duration;
use venna::model::dialect::Dialect;
use venna_testkit::{TestServer, User};

type Sums = BTreeMap<(String, String), (i64, i64)>;

/// The bytes and the requests of the lines of the ledger, by kind and dialect.
async fn billed(user: &User) -> Sums {
    let mut sums = Sums::new();
    for line in user.ledger("").await {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let sum = sums.entry((text("kind"), text("dialect"))).or_default();
        *sum = (sum.0 + line["bytes"].as_i64().unwrap(), sum.1 + line["count"].as_i64().unwrap());
    }
    sums
}

#[tokio::test]
async fn the_ledger_has_the_dialect_of_each_request() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let mut expected = Sums::new();
    for (bytes, dialect) in (1..).zip(Dialect::ALL) {
        let id = upload_in(&ada, dialect, &vec![b'x'; bytes]).await;
        let files = format!("{}/v1/files", base(dialect));
        for path in [&files, &format!("{files}/{id}"), &content_in(dialect, &id)] {
            ada.send(ada.request(Method::GET, path)).await.is_ok();
        }
        ada.send(ada.request(Method::DELETE, &format!("{files}/{id}"))).await.is_ok();
        let bytes = i64::try_from(bytes).unwrap();
        // Uploads of Gemini are Uploads, whose end makes the File.
        let makes = if dialect == Dialect::Gemini { "complete" } else { "create" };
        let sums =
            [(makes, 2 * bytes, 1), ("list", 0, 1), ("retrieve", 0, 1), ("content", bytes, 1), ("end", -bytes, 0)];
        for (kind, bytes, count) in sums {
            expected.insert((kind.to_owned(), dialect.name().to_owned()), (bytes, count));
        }
    }
    let mut found = Sums::new();
    // Reads are written once a second.
    for _ in 0..100 {
        found = billed(&ada).await;
        if found == expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(found, expected);
    server.close().await;
}
