//! A server that is killed while it exports sends the same bytes again when it comes back, and leaves nothing out.

use rusqlite::Connection;
use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use venna_testkit::program::{Data, Program, output, run, venna, wait_until};
use venna_testkit::receiver::{self, Manner, Receiver};

const HOUR: u64 = 3600;
/// Hours of usage in the ledger.
const HOURS: u64 = 300;
/// Keys that use something in each of them, so that it takes many messages to tell of them.
const KEYS: u64 = 40;

fn start(data: &Data, url: &str) -> Program {
    Program::spawn(venna(&["serve", "--usage-sink-url", url]), &data.path())
}

/// An installation whose ledger tells of many hours that are over: reads of each, by many keys. The second of the first
/// hour, and how many reads of each hour there were.
pub(super) fn with_a_past(data: &Data) -> (u64, BTreeMap<u64, i128>) {
    drop(Program::start(&data.path()));
    let rows: serde_json::Value =
        serde_json::from_str(&output(&["workspaces", "list", "--json", "--data-dir", &data.text()])).unwrap();
    let workspace = rows[0]["id"].as_str().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let begin = now - now % HOUR - HOURS * HOUR - HOUR;
    let mut database = Connection::open(data.path().join("venna.db")).unwrap();
    let transaction = database.transaction().unwrap();
    let mut counts = BTreeMap::new();
    for hour in (0..HOURS).map(|hour| begin + hour * HOUR) {
        for key in 0..KEYS {
            let count = 1 + (hour / HOUR + key) % 7;
            let sql = "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, bytes, count)
                       VALUES (?1, ?2, 'list', ?3, ?4, 0, ?5)";
            let key = format!("key_{key:024}");
            transaction.execute(sql, (format!("past:{hour}:{key}"), hour + 7, workspace, &key, count)).unwrap();
            *counts.entry(hour).or_default() += i128::from(count);
        }
    }
    transaction.commit().unwrap();
    (begin, counts)
}

fn reads_by_hour(receiver: &Receiver) -> BTreeMap<u64, i128> {
    let mut sums = BTreeMap::new();
    for ((_, item, hour), quantity) in receiver.by_hour() {
        assert_eq!(item, "files.ops.class_a");
        *sums.entry(hour).or_default() += quantity;
    }
    sums
}

fn frozen(data: &Data) -> BTreeMap<String, Vec<u8>> {
    let database = Connection::open(data.path().join("venna.db")).unwrap();
    let mut select = database.prepare("SELECT message_id, body FROM outbox").unwrap();
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

fn status(data: &Data) -> serde_json::Value {
    serde_json::from_str(&output(&["usage", "export", "--json", "--data-dir", &data.text()])).unwrap()
}

#[test]
fn what_was_frozen_before_a_kill_is_sent_after_it_byte_for_byte() {
    let data = Data::new();
    let (begin, expected) = with_a_past(&data);
    assert_eq!(status(&data)["exported_until"], serde_json::Value::Null);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/events");
    let server = start(&data, &url);
    let until = begin + (HOURS + 1) * HOUR;
    let is_over = || status(&data)["exported_until"].as_u64().is_some_and(|second| second + HOUR >= until);
    wait_until("everything is frozen", is_over);
    drop(server);
    let (before, waiting) = (frozen(&data), status(&data));
    assert!(before.len() > 12, "{} messages", before.len());
    assert_eq!(waiting["pending_messages"].as_u64(), Some(before.len() as u64));
    let table = output(&["usage", "export", "--data-dir", &data.text()]);
    assert!(table.contains("pending messages") && table.contains(&before.len().to_string()), "{table}");
    let receiver = Receiver::at(TcpListener::bind(nobody).unwrap(), Manner::Works, 1, |_| ());
    let _server = start(&data, &url);
    wait_until("everything is sent", || status(&data)["pending_messages"] == 0);
    let sent = receiver.state().bodies.clone();
    assert!(before.iter().all(|(id, body)| sent[id] == *body), "the same bytes");
    assert_eq!(reads_by_hour(&receiver), expected);
    let done = status(&data);
    assert!(done["last_acknowledged_at"].is_u64() && done["oldest_pending_at"].is_null(), "{done}");
    assert!(done["lag_seconds"].as_u64().unwrap() < 2 * HOUR, "{done}");
}

#[test]
fn a_server_that_is_killed_before_each_acknowledgement_ends_with_the_ledger() {
    let data = Data::new();
    let (_, expected) = with_a_past(&data);
    let victim = Arc::new(AtomicU32::new(0));
    let prey = Arc::clone(&victim);
    let receiver = Receiver::at(TcpListener::bind("127.0.0.1:0").unwrap(), Manner::Works, 1, move |attempt| {
        let process = prey.swap(0, Ordering::SeqCst);
        if attempt % 3 == 1 && process > 0 {
            let killed = std::process::Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
            assert!(killed.success());
            // The answer comes when there is nobody any more to hear it.
            std::thread::sleep(Duration::from_millis(100));
        } else {
            prey.store(process, Ordering::SeqCst);
        }
    });
    let is_done = || reads_by_hour(&receiver).len() == expected.len() && status(&data)["pending_messages"] == 0;
    let mut kills = 0;
    while !is_done() {
        let mut server = start(&data, &receiver.url());
        victim.store(server.id(), Ordering::SeqCst);
        wait_until("it is killed, or done", || victim.load(Ordering::SeqCst) == 0 || is_done());
        if victim.swap(0, Ordering::SeqCst) == 0 {
            server.wait();
            kills += 1;
        }
    }
    assert!(kills >= 5, "{kills} kills");
    let state = receiver.state();
    assert_eq!(state.attempts.len(), state.bodies.len() + kills, "each kill costs one attempt more");
    drop(state);
    assert_eq!(reads_by_hour(&receiver), expected);
}

#[test]
fn what_the_sink_needs_is_checked_at_the_start_and_never_shown() {
    let data = Data::new();
    let secret = data.folder.path().join("secret");
    std::fs::write(&secret, "hunter2").unwrap();
    let file = secret.to_str().unwrap();
    let missing = data.folder.path().join("missing").display().to_string();
    let url = "http://127.0.0.1:9/";
    for (arguments, expected) in [
        (&["--usage-sink-token-file", file][..], "usage_sink_url"),
        (&["--usage-sink-url", url, "--usage-sink-secret-file", file], "usage_sink_secret_file"),
        (&["--usage-sink-url", url, "--usage-sink-token-file", &missing], "usage_sink_token_file"),
        (&["--usage-sink-url", "http://ada:hunter2@127.0.0.1:9/"], "usage_sink_url"),
        (&["--usage-sink-url", "ftp://127.0.0.1:9/"], "usage_sink_url"),
        (&["--alert-sink-url", url], "alert_sink_secret_file"),
        (&["--alert-sink-secret-file", file], "alert_sink_url"),
    ] {
        let text = data.text();
        let common = ["serve", "--data-dir", text.as_str(), "--listen", "127.0.0.1:0", "--admin-listen", "off"];
        let output = run(&[&common, arguments].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && message.contains(expected), "{arguments:?}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

/// A receiver behind TLS, and its certificate: how many messages it has acknowledged.
fn behind_tls() -> (String, String, Arc<AtomicU32>) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certified.cert.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/events", listener.local_addr().unwrap().port());
    let acknowledged = Arc::new(AtomicU32::new(0));
    let (config, count) = (Arc::new(config), Arc::clone(&acknowledged));
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(rustls::StreamOwned::new(connection, socket));
            // A client that does not trust the certificate ends the connection.
            while let Ok(Some(_)) = receiver::read(&mut stream) {
                count.fetch_add(1, Ordering::SeqCst);
                stream.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        }
    });
    (url, certified.cert.pem(), acknowledged)
}

#[test]
fn a_receiver_behind_tls_is_believed_with_a_certificate_that_the_system_trusts() {
    let data = Data::new();
    with_a_past(&data);
    let (url, certificate, acknowledged) = behind_tls();
    let server = start(&data, &url);
    wait_until("it is frozen", || status(&data)["pending_messages"].as_u64() > Some(12));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(acknowledged.load(Ordering::SeqCst), 0, "nobody knows the certificate");
    drop(server);
    let file = data.folder.path().join("trusted.pem");
    std::fs::write(&file, certificate).unwrap();
    let mut command = venna(&["serve", "--usage-sink-url", &url]);
    command.env("SSL_CERT_FILE", &file);
    let _server = Program::spawn(command, &data.path());
    wait_until("everything is sent", || status(&data)["pending_messages"] == 0);
    assert_eq!(acknowledged.load(Ordering::SeqCst) as usize, frozen(&data).len());
}

#[test]
fn a_sink_without_tls_needs_no_certificates_of_the_system() {
    let data = Data::new();
    with_a_past(&data);
    let receiver = Receiver::open(Manner::Works, 1);
    let mut command = venna(&["serve", "--usage-sink-url", &receiver.url()]);
    command.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent");
    let _server = Program::spawn(command, &data.path());
    wait_until("everything is sent", || status(&data)["pending_messages"] == 0 && !frozen(&data).is_empty());
}

#[test]
fn a_batch_that_is_too_large_goes_in_halves_and_nothing_is_counted_twice() {
    let data = Data::new();
    let (_, expected) = with_a_past(&data);
    let receiver = Receiver::open(Manner::Works, 1);
    receiver.state().max_bytes = 70_000;
    let _server = start(&data, &receiver.url());
    let done = || {
        let status = status(&data);
        status["pending_messages"] == 0 && reads_by_hour(&receiver).len() == expected.len()
    };
    wait_until("everything is sent", done);
    assert_eq!(reads_by_hour(&receiver), expected);
    let state = receiver.state();
    assert!(
        state.bodies.len() > 40 && state.bodies.values().all(|body| body.len() <= 70_000),
        "{}",
        state.bodies.len()
    );
    drop(state);
    assert_eq!(status(&data)["refused_messages"], 0);
}

#[test]
fn a_refused_batch_is_listed_shown_sent_again_and_given_up_by_commands() {
    let data = Data::new();
    let (begin, expected) = with_a_past(&data);
    let first = format!("usage:{begin}:0");
    let receiver = Receiver::open(Manner::Works, 1);
    receiver.state().poison = Some((first.clone(), 422));
    let command = |words: &[&str]| run(&[&["usage", "export"], words, &["--data-dir", &data.text()]].concat());
    let _server = start(&data, &receiver.url());
    wait_until("the others are sent", || {
        let status = status(&data);
        status["refused_messages"] == 1 && status["pending_messages"] == 0
    });
    let list = command(&["refused", "--json"]).stdout;
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    assert_eq!((list[0]["id"].as_str(), list[0]["status"].as_u64()), (Some(first.as_str()), Some(422)), "{list}");
    let shown = command(&["show", &first]).stdout;
    assert_eq!(shown, frozen(&data)[&first], "the bytes that were sent");
    assert_eq!(list[0]["size_bytes"].as_u64(), Some(shown.len() as u64));
    assert!(reads_by_hour(&receiver).len() < expected.len());
    receiver.state().poison = None;
    assert!(command(&["retry", &first]).status.success());
    wait_until("it is sent", || receiver.state().bodies.contains_key(&first));
    assert_eq!(receiver.state().bodies[&first], shown);
    assert_eq!(reads_by_hour(&receiver), expected, "nothing is lost or counted twice");
    let missing = command(&["skip", &first]);
    let told = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(missing.status.code() == Some(1) && told.contains(&format!("no refused message {first}")), "{told}");
}
