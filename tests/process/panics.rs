//! What a panic leaves in the log: where it was, and nothing of the request that it was in. Others do not notice it.

use std::io::Write;
use venna_testkit::postgres::Database;
use venna_testkit::program::{Data, Program, output, venna, wait_until};

const BOUNDARY: &str = "venna-panics-boundary";
const CONTENT: &[u8] = b"marked-content-4f1c9a7e";
const FILENAME: &str = "marked-name-90d3b2c8.txt";
/// Too large for the database.
const SIZE: usize = 100_000;
/// One in a handler, one in the task of a change, one on the pool that writes blobs, one in a transaction.
const POINTS: [&str; 4] = ["receive.begun", "create.received", "blob.synced", "commit.ready"];

#[test]
fn a_panic_shows_neither_key_nor_name_nor_content() {
    panic_everywhere(&[]);
}

#[test]
fn nor_does_it_on_postgresql() {
    let Some(database) = Database::fresh("panics on PostgreSQL") else { return };
    panic_everywhere(&["--metadata-url", &database.url]);
}

fn panic_everywhere(settings: &[&str]) {
    let data = Data::new();
    let orders = data.folder.path().join("orders");
    std::fs::create_dir(&orders).unwrap();
    let mut command = venna(&[&["serve", "--log-level", "debug"], settings].concat());
    command.env("VENNA_FAILPOINTS", &orders).env("RUST_BACKTRACE", "full");
    let server = Program::spawn(command, &data.path());
    let folder = data.text();
    let key = output(&[&["keys", "create", "--quiet", "--data-dir", &folder], settings].concat());
    let client = server.client(&key);
    for point in POINTS {
        let (hidden, order) = (orders.join("hidden"), orders.join("order"));
        std::fs::write(&hidden, format!("{point} panic")).unwrap();
        std::fs::rename(&hidden, &order).unwrap();
        wait_until(&format!("{point} is armed"), || !order.exists());
        let body = form();
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        // A transaction of something else may be the one that panics; then the upload is none the wiser.
        drop(client.post("/v1/files", &kind, body.len(), |socket| socket.write_all(&body)));
        let panicked = format!("the point {point} is armed");
        let log = || server.whole_log.lock().unwrap().clone();
        wait_until(&panicked, || log().contains(&panicked));
        let log = log();
        for secret in [&key, FILENAME, str::from_utf8(CONTENT).unwrap()] {
            assert!(!log.contains(secret), "{point}: the log holds {secret}:\n{log}");
        }
        assert_eq!(client.upload(CONTENT, SIZE).unwrap().status, 200, "{point}: who comes later is served");
    }
    assert!(server.whole_log.lock().unwrap().contains("handler panicked"));
}

fn form() -> Vec<u8> {
    let mut form = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{FILENAME}\"\r\n\r\n"
    )
    .into_bytes();
    form.extend(CONTENT.iter().cycle().take(SIZE));
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form
}
