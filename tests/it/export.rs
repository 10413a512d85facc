//! Usage goes out hour by hour, exactly, whatever becomes of acknowledgements, and nobody waits for it.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use venna::clock::Clock;
use venna::metadata::OutboxStore;
use venna::model::adjustment::{Adjusted, NewAdjustment, Reason};
use venna::model::audit::Origin;
use venna::model::dialect::Dialect;
use venna::model::ids::{KeyId, ProcessId};
use venna::model::ledger::{ReadOp, Reads};
use venna::model::outbox::{NewMessage, SinkName};
use venna::model::prices::LineItem;
use venna::model::purpose::Purpose;
use venna::sinks::SigningSecret;
use venna::usage::{Exporter, StepLimits};
use venna_testkit::receiver::{Manner, Receiver};
use venna_testkit::rows::Rows;
use venna_testkit::server::eventually;
use venna_testkit::{Form, Rng, TestServer, User};

/// The beginning of an hour.
const NOW_MS: u64 = 1_795_374_000_000;
const NOW: u64 = NOW_MS / 1000;
const HOUR: u64 = 3600;
/// How long the receiver's messages may take, some of them sent again and again.
const PATIENCE: Duration = Duration::from_mins(1);

async fn open(receiver: &Receiver, more: &[(&'static str, &str)]) -> TestServer {
    let url = receiver.url();
    let settings = [&[("usage_sink_url", url.as_str()), ("sweep_interval_seconds", "1")], more].concat();
    TestServer::with(&settings, Clock::set_to(NOW_MS)).await
}

/// What the rows of the ledger say of each hour before `until`, by workspace and line item, counted hour by hour from
/// each row alone.
fn by_hour(database: &Rows, until: u64) -> BTreeMap<(String, String, u64), i128> {
    let mut sums: BTreeMap<(String, String, u64), i128> = BTreeMap::new();
    let sql = "SELECT workspace_id || '|' || ts || '|' || fact || '|' || bytes || '|' || count || '|' || coalesce(line_item, '')
               FROM ledger";
    for row in database.texts(sql) {
        let row: Vec<&str> = row.split('|').collect();
        let (workspace, ts, fact): (_, u64, _) = (row[0].to_owned(), row[1].parse().unwrap(), row[2]);
        let (bytes, count): (i64, i64) = (row[3].parse().unwrap(), row[4].parse().unwrap());
        let mut add = |item: &str, second: u64, quantity: i64| {
            if second < until {
                let name = (workspace.clone(), item.to_owned(), second - second % HOUR);
                *sums.entry(name).or_default() += i128::from(quantity);
            }
        };
        match fact {
            "create" | "complete" => {
                add("files.ingress", ts, bytes);
                add("files.ops.class_a", ts, count);
            }
            "list" => add("files.ops.class_a", ts, count),
            "retrieve" => add("files.ops.class_b", ts, count),
            "content" => {
                add("files.ops.class_b", ts, count);
                add("files.egress", ts, bytes);
            }
            "adjustment" => add(row[5], ts, bytes + count),
            _ => {}
        }
        if ["opening", "create", "complete", "end"].contains(&fact) {
            let mut second = ts;
            while second < until {
                let end = second - second % HOUR + HOUR;
                add("files.storage", second, bytes * i64::try_from(end - second).unwrap());
                second = end;
            }
        }
    }
    sums.retain(|_, quantity| *quantity != 0);
    sums
}

fn exported_until(database: &Rows) -> u64 {
    database.number("SELECT coalesce(max(until), 0) FROM usage_export").try_into().unwrap()
}

fn pending(database: &Rows) -> i64 {
    database.number("SELECT count(*) FROM outbox WHERE acknowledged_at IS NULL")
}

async fn everything_is_exported(server: &TestServer, until: u64) {
    let (database, begun) = (server.database(), Instant::now());
    while exported_until(&database) < until || pending(&database) > 0 {
        let at = (exported_until(&database), pending(&database));
        assert!(begun.elapsed() < PATIENCE, "everything before {until} is exported: {at:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Somebody corrects the bill.
async fn adjust(server: &TestServer, workspace: &'static str, name: &str, item: LineItem, quantity: i64) {
    let installation = server.installation().await;
    let workspace = installation.workspaces.find(workspace).await.unwrap().unwrap().id;
    let reason = Reason::parse("a mistake").unwrap();
    let new = NewAdjustment { name: name.to_owned(), workspace, key: None, item, quantity, reason, reverses: None };
    let adjusted = installation.usage.adjust(new, Origin::COMMAND_LINE).await.unwrap();
    assert!(matches!(adjusted, Adjusted::Entered(_)));
}

/// One thing that somebody does, and that is billed.
async fn act(actor: &User, files: &mut Vec<String>, rng: &mut Rng) {
    let size = rng.below(5000);
    let pick = rng.below(64) % files.len().max(1);
    match (rng.below(8), files.get(pick).cloned()) {
        (0, Some(file)) => {
            // It may have expired.
            drop(actor.delete_file(&file).await);
            files.remove(pick);
        }
        (1, Some(file)) => drop(actor.retrieve_file(&file).await),
        (2, Some(file)) => drop(actor.download_file(&file).await),
        (3, _) => drop(actor.list("").await.is_ok()),
        (4, _) => {
            let seconds = (HOUR + rng.below(2 * HOUR)).to_string();
            let brief = Form::default().field("purpose", "vision").field("expires_after[anchor]", "created_at");
            let form = brief.field("expires_after[seconds]", &seconds).file("brief.png", &vec![2; size]);
            files.push(actor.post(form).await.id());
        }
        _ => files.push(actor.create_file("kept.txt", &vec![1; size]).await.id()),
    }
}

#[tokio::test]
async fn a_receiver_that_loses_acknowledgements_ends_with_the_ledger() {
    let receiver = Receiver::open(Manner::Forgets(30), 6);
    let mut server = open(&receiver, &[]).await;
    let mut rng = Rng::new(11);
    let mut actors = [server.user("ada").await, server.user("bob").await];
    let mut files = [Vec::new(), Vec::new()];
    let hours = 24;
    for hour in 0..hours {
        for _ in 0..6 {
            let who: usize = rng.below(2);
            act(&actors[who], &mut files[who], &mut rng).await;
            server.clock.set(server.clock.now_ms() + rng.below(600_000));
        }
        if hour % 6 == 3 {
            // What is deleted while the clock is set back is deleted in an hour that is exported already.
            let now_ms = server.clock.now_ms();
            let file = actors[0].create_file("late", &[3; 1000]).await.id();
            server.clock.set(now_ms + 4 * 3_600_000);
            everything_is_written(&server, now_ms / 1000 + 3 * HOUR).await;
            server.clock.set(now_ms + 3_600_000);
            actors[0].delete_file(&file).await.is_ok();
            adjust(&server, "ada", &format!("late {hour}"), LineItem::ClassB, 5).await;
            server.clock.set(now_ms + 4 * 3_600_000);
        }
        if hour % 5 == 2 {
            adjust(&server, "bob", &format!("large {hour}"), LineItem::Storage, i64::MAX).await;
            adjust(&server, "ada", &format!("less {hour}"), LineItem::Ingress, -1_000_000).await;
        }
        if hour == 12 {
            server.restart().await;
            actors = actors.map(|actor| server.user_of(&actor.key));
        }
        server.clock.set((NOW + (server.clock.now_seconds() - NOW).next_multiple_of(HOUR) + 130) * 1000);
        everything_is_written(&server, server.clock.now_seconds() - 130).await;
    }
    let until = server.clock.now_seconds() - 130 + HOUR;
    server.clock.set((until + 130) * 1000);
    everything_is_exported(&server, until).await;
    assert_eq!(exported_until(&server.database()), until);
    assert_eq!(receiver.by_hour(), by_hour(&server.database(), until));
    {
        let state = receiver.state();
        let (attempts, lost, refused) = (state.attempts.len(), state.lost, state.refused);
        assert!(attempts > 40 && lost > 8 && refused > 1, "{attempts} attempts, {lost} lost, {refused} refused");
        let again = attempts - state.bodies.len() - lost - refused;
        assert!(again <= 1, "what is acknowledged is not sent again, unless a restart came in between: {again}");
        let late = state.events.values().filter(|event| event["data"]["revision"].as_u64().unwrap() > 0);
        assert!(late.count() >= 4, "there were corrections");
    }
    server.close().await;
}

/// The hours before this second are in the outbox.
async fn everything_is_written(server: &TestServer, until: u64) {
    let database = server.database();
    eventually(|| exported_until(&database) >= until, || format!("{until} is exported")).await;
}

#[tokio::test]
async fn what_lies_there_is_billed_every_hour_and_an_empty_hour_is_not_told_of() {
    let receiver = Receiver::open(Manner::Works, 1);
    let server = open(&receiver, &[]).await;
    let ada = server.user("ada").await;
    server.clock.set(NOW_MS + 1_800_000);
    let file = ada.create_file("kept", &[1; 1000]).await.id();
    server.clock.set(NOW_MS + 400 * 3_600_000);
    everything_is_exported(&server, NOW + 399 * HOUR).await;
    ada.delete_file(&file).await.is_ok();
    server.clock.set(NOW_MS + 410 * 3_600_000);
    everything_is_exported(&server, NOW + 409 * HOUR).await;
    let sums = receiver.by_hour();
    let storage: Vec<(u64, i128)> = sums
        .iter()
        .filter(|((_, item, _), _)| item == "files.storage")
        .map(|((.., hour), sum)| (*hour, *sum))
        .collect();
    let expected: Vec<(u64, i128)> =
        (0..400).map(|hour| (NOW + hour * HOUR, if hour == 0 { 1_800_000 } else { 3_600_000 })).collect();
    assert_eq!(storage, expected);
    assert_eq!(sums, by_hour(&server.database(), NOW + 409 * HOUR));
    assert!(receiver.state().attempts.len() < 10, "hours that come together are sent together");
    server.close().await;
}

/// A receiver that does not acknowledge is waited for by nobody, and gets what was written once it does.
async fn nobody_waits_for(manner: Manner) {
    let receiver = Receiver::open(manner, 1);
    let mut server = open(&receiver, &[]).await;
    let ada = server.user("ada").await;
    ada.create_file("first", b"x").await.is_ok();
    server.clock.set(NOW_MS + 2 * 3_600_000);
    eventually(|| !receiver.state().attempts.is_empty(), || "it is asked".into()).await;
    let begun = Instant::now();
    for _ in 0..20 {
        let id = ada.create_file("more", b"more").await.id();
        ada.download_file(&id).await.is_bytes(b"more");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{manner:?}: {:?}", begun.elapsed());
    let ready = ada.send(ada.request(reqwest::Method::GET, "/readyz")).await.is_ok();
    assert_eq!(ready.json()["status"], "ready", "it is no reason not to be");
    let status = server.installation().await.usage.export_status().await.unwrap();
    assert_eq!((status.exported_until, status.outbox.pending), (Some(NOW + HOUR), 1));
    server.clock.set(NOW_MS + 2 * 3_600_000 + 90_000);
    assert_eq!(server.installation().await.usage.export_status().await.unwrap().lag_seconds, 90);
    let begun = Instant::now();
    server.restart().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{manner:?}: a restart takes {:?}", begun.elapsed());
    receiver.state().manner = Manner::Works;
    // A receiver that hangs may have been asked again already; that attempt is over with the connection.
    server.restart().await;
    everything_is_exported(&server, NOW + HOUR).await;
    assert_eq!(receiver.by_hour(), by_hour(&server.database(), NOW + HOUR));
    {
        let state = receiver.state();
        let body = &state.bodies[&format!("usage:{NOW}:0")];
        assert!(state.attempts.iter().all(|attempt| attempt.body == *body), "the same bytes each time");
    }
    server.close().await;
}

/// The messages that wait, each acknowledged.
async fn take_messages(metadata: &dyn OutboxStore) -> Vec<Bytes> {
    let (process, mut bodies) = (ProcessId::new([9; 16]), Vec::new());
    while let Some(message) = metadata.next_message(SinkName::Usage, process).await.unwrap() {
        metadata.acknowledge_message(message.seq).await.unwrap();
        bodies.push(message.body);
    }
    bodies
}

/// An hour of many keys, and corrections of it, are written in steps of bounded size, whatever comes between two of
/// them.
#[tokio::test]
async fn an_hour_of_many_keys_is_written_in_bounded_steps() {
    const STEP_BYTES: usize = 4000;
    const EVENT_BYTES: usize = 700;
    let server = TestServer::with(&[], Clock::set_to(NOW_MS)).await;
    server.user("ada").await.create_file("first", b"12345").await.is_ok();
    let installation = server.installation().await;
    let metadata = installation.rows();
    let workspace = installation.workspaces.find("ada").await.unwrap().unwrap().id;
    let process = ProcessId::new([8; 16]);
    let reads = |number: u64, bytes: u64| {
        let key = KeyId::next(None, 1 + number, [7; 11]);
        let (purpose, dialect) = (Some(Purpose::Batch), Dialect::OpenAi);
        Reads { workspace, key, op: ReadOp::Content, purpose, dialect, count: 1, bytes }
    };
    metadata.add_reads(process, 0, (0..200).map(|key| reads(key, 100 + key)).collect()).await.unwrap();
    server.clock.set(NOW_MS + 2 * 3_600_000);
    let limits = StepLimits { step_bytes: STEP_BYTES, pending_messages: 1 };
    let (clock, written) = (server.clock.clone(), Arc::new(Notify::new()));
    let exporter = Exporter { metadata: installation.rows(), clock, written, limits };
    let (mut steps, mut sums, mut ids) = (0, BTreeMap::<_, i128>::new(), BTreeSet::new());
    loop {
        exporter.export().await.unwrap();
        let bodies = take_messages(&*metadata).await;
        if bodies.is_empty() {
            break;
        }
        assert!(bodies.len() == 1 && bodies[0].len() <= STEP_BYTES + EVENT_BYTES, "step {steps}: {}", bodies.len());
        for event in serde_json::from_slice::<Vec<serde_json::Value>>(&bodies[0]).unwrap() {
            let data = &event["data"];
            let (item, hour) = (data["line_item"].as_str().unwrap().to_owned(), data["start_time"].as_u64().unwrap());
            let quantity: i128 = data["quantity"].as_str().unwrap().parse().unwrap();
            *sums.entry((data["project_id"].as_str().unwrap().to_owned(), item, hour)).or_default() += quantity;
            assert!(ids.insert(event["id"].as_str().unwrap().to_owned()), "{} is told of twice", event["id"]);
        }
        // In the middle of the hour, and of what corrects it, more comes of the same hour.
        if [5, 60].contains(&steps) {
            server.clock.set(NOW_MS + 60_000);
            metadata.add_reads(process, 1000 * steps, (0..100).map(|key| reads(key, 7)).collect()).await.unwrap();
            server.clock.set(NOW_MS + 3 * 3_600_000);
            metadata.roll_up_usage(1000).await.unwrap();
        }
        steps += 1;
    }
    assert!(steps > 60, "{steps} steps");
    sums.retain(|_, quantity| *quantity != 0);
    assert_eq!(sums, by_hour(&server.database(), NOW + 2 * HOUR));
    server.close().await;
}

#[tokio::test]
async fn a_sink_that_hangs_slows_nothing_down() {
    nobody_waits_for(Manner::Hangs).await;
}

#[tokio::test]
async fn a_sink_that_refuses_slows_nothing_down() {
    nobody_waits_for(Manner::Refuses).await;
}

#[tokio::test]
async fn a_sink_is_not_followed_elsewhere() {
    let elsewhere = Receiver::open(Manner::Works, 1);
    let receiver = Receiver::open(Manner::Redirects(elsewhere.address), 1);
    let server = open(&receiver, &[]).await;
    server.user("ada").await.create_file("first", b"x").await.is_ok();
    server.clock.set(NOW_MS + 2 * 3_600_000);
    eventually(|| receiver.state().attempts.len() > 2, || "it is asked again".into()).await;
    assert!(elsewhere.state().attempts.is_empty());
    assert_eq!(pending(&server.database()), 1, "that is no acknowledgement");
    receiver.state().manner = Manner::Works;
    everything_is_exported(&server, NOW + HOUR).await;
    server.close().await;
}

#[tokio::test]
async fn what_is_sent_is_a_signed_batch_of_cloud_events_with_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let (token, secret) = (folder.path().join("token"), folder.path().join("secret"));
    std::fs::write(&token, "om_token\n").unwrap();
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let receiver = Receiver::open(Manner::Works, 1);
    let files =
        [("usage_sink_token_file", token.to_str().unwrap()), ("usage_sink_secret_file", secret.to_str().unwrap())];
    let server = open(&receiver, &files).await;
    let ada = server.user("ada").await;
    ada.create_file("first", b"12345").await.is_ok();
    server.clock.set(NOW_MS + 2 * 3_600_000);
    everything_is_exported(&server, NOW + HOUR).await;
    let sent = receiver.state().attempts[0].clone();
    let header = |name: &str| sent.headers.get(name).map(String::as_str);
    assert_eq!(header(":request"), Some("POST /events HTTP/1.1"));
    assert_eq!(header("content-type"), Some("application/cloudevents-batch+json"));
    assert_eq!(header("authorization"), Some("Bearer om_token"));
    let (id, timestamp) = (header("webhook-id").unwrap(), header("webhook-timestamp").unwrap());
    assert_eq!((id, timestamp), (format!("usage:{NOW}:0").as_str(), (NOW + 2 * HOUR).to_string().as_str()));
    let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signature = secret.sign(id, NOW + 2 * HOUR, &sent.body);
    assert_eq!(header("webhook-signature"), Some(signature.as_str()));
    let mut events: Vec<serde_json::Value> = serde_json::from_slice(&sent.body).unwrap();
    events.retain(|event| event["type"] == "venna.files.storage");
    let workspace = server.installation().await.workspaces.find("ada").await.unwrap().unwrap().id.to_string();
    assert_eq!((events.len(), &events[0]["subject"]), (1, &serde_json::json!(workspace)));
    assert_eq!((&events[0]["time"], &events[0]["data"]["quantity"]), (&"2026-11-22T19:00:00Z".into(), &"18000".into()));
    server.close().await;
}

/// Messages that wait for nobody but their receiver.
async fn send(server: &TestServer, ids: &[&str]) {
    let metadata = server.installation().await.rows();
    for id in ids {
        let (id, body) = ((*id).to_owned(), "[]".into());
        let message = NewMessage { id, sink: SinkName::Usage, content_type: "application/json", body };
        assert!(metadata.add_message(message).await.unwrap());
    }
}

fn attempts_of(receiver: &Receiver, id: &str) -> usize {
    receiver.state().attempts.iter().filter(|attempt| attempt.headers["webhook-id"] == id).count()
}

async fn warnings(server: &TestServer) -> String {
    let anyone = server.user_of("none");
    anyone.send(anyone.request(reqwest::Method::GET, "/readyz")).await.is_ok().json()["warnings"].to_string()
}

#[tokio::test]
async fn a_message_that_is_refused_for_good_is_set_aside_and_told() {
    let receiver = Receiver::open(Manner::Works, 1);
    receiver.state().poison = Some(("b".into(), 422));
    let server = open(&receiver, &[]).await;
    send(&server, &["a", "b", "c"]).await;
    eventually(|| receiver.state().bodies.contains_key("c"), || "the next one goes on".into()).await;
    assert_eq!(attempts_of(&receiver, "b"), 3);
    let database = server.database();
    eventually(|| pending(&database) == 1, || "the others are acknowledged".into()).await;
    let metadata = server.installation().await.rows();
    let status = metadata.outbox_status(SinkName::Usage).await.unwrap();
    assert_eq!((status.pending, status.refused, status.last_refusal), (0, 1, Some(422)));
    let begun = Instant::now();
    while !warnings(&server).await.contains("the usage sink refuses 1 messages, the last with 422") {
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", warnings(&server).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    receiver.state().poison = None;
    assert_eq!(metadata.retry_refused(SinkName::Usage, None).await.unwrap(), 1);
    eventually(|| receiver.state().bodies.contains_key("b"), || "it is sent again".into()).await;
    assert_eq!((attempts_of(&receiver, "a"), attempts_of(&receiver, "c")), (1, 1), "nothing is sent twice");
    server.close().await;
}

#[tokio::test]
async fn a_receiver_that_refuses_everything_does_not_empty_the_outbox() {
    let receiver = Receiver::open(Manner::Works, 1);
    receiver.state().poison = Some((String::new(), 400));
    let server = open(&receiver, &[]).await;
    let ids = ["a", "b", "c", "d", "e", "f", "g"];
    send(&server, &ids).await;
    let begun = Instant::now();
    while attempts_of(&receiver, "f") < 4 {
        assert!(begun.elapsed() < PATIENCE, "the sixth is tried again and again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let metadata = server.installation().await.rows();
    let status = metadata.outbox_status(SinkName::Usage).await.unwrap();
    assert_eq!((status.pending, status.refused), (2, 5));
    receiver.state().poison = None;
    assert_eq!(metadata.retry_refused(SinkName::Usage, None).await.unwrap(), 5);
    let begun = Instant::now();
    while !ids.iter().all(|id| receiver.state().bodies.contains_key(*id)) {
        assert!(begun.elapsed() < PATIENCE, "nothing is lost");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.close().await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_pause_gets_it() {
    let receiver = Receiver::open(Manner::Works, 1);
    receiver.state().busy_seconds = Some(4);
    let server = open(&receiver, &[]).await;
    send(&server, &["a", "b"]).await;
    eventually(|| attempts_of(&receiver, "a") == 1, || "it is asked".into()).await;
    let begun = Instant::now();
    eventually(|| receiver.state().bodies.contains_key("b"), || "both are sent".into()).await;
    assert!(begun.elapsed() > Duration::from_millis(3500), "{:?}", begun.elapsed());
    assert_eq!(attempts_of(&receiver, "a"), 2);
    server.close().await;
}
