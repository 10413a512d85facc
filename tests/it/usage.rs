//! The bill through the API: who used what, when, and that everybody sees their own.

use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use venna::clock::Clock;
use venna::model::dialect::Dialect;
use venna::model::ids::ProcessId;
use venna::model::ledger::{ReadOp, Reads};
use venna::model::purpose::Purpose;
use venna_testkit::server::eventually;
use venna_testkit::{Form, TestServer, User};

/// The beginning of an hour.
const NOW_MS: u64 = 1_795_374_000_000;
const NOW: u64 = NOW_MS / 1000;
const DAY_MS: u64 = 86_400_000;

/// The results of all buckets, by the second in which they begin.
fn results(page: &Value) -> Vec<(u64, Value)> {
    let buckets = page["data"].as_array().unwrap().iter();
    let results = buckets.flat_map(|bucket| {
        let start = bucket["start_time"].as_u64().unwrap();
        bucket["results"].as_array().unwrap().iter().map(move |result| (start, result.clone()))
    });
    results.collect()
}

#[tokio::test]
async fn what_is_stored_is_billed_to_the_byte_second() {
    let mut server = TestServer::at(NOW_MS).await;
    let ada = server.user("ada").await;
    let kept = ada.create_file("kept.txt", &[1; 1000]).await.id();
    server.clock.set(NOW_MS + 1_800_000);
    let brief = Form::default()
        .field("purpose", "vision")
        .field("expires_after[anchor]", "created_at")
        .field("expires_after[seconds]", "3600");
    ada.post(brief.file("brief.png", &[2; 500])).await.is_ok();
    ada.retrieve_file(&kept).await.is_ok();
    ada.download_range(&kept, "bytes=0-99").await.is_bytes(&[1; 100]);
    ada.download_file(&kept).await.is_bytes(&[1; 1000]);
    ada.retrieve_file("file-00VbjUjhHGglY7j08O6M3Oj0").await.is_not_found();
    ada.list("").await.is_ok();
    server.restart().await;
    let ada = server.user_of(&ada.key);
    server.clock.set(NOW_MS + 3 * 3_600_000);
    ada.delete_file(&kept).await.is_ok();
    server.clock.set(NOW_MS + 4 * 3_600_000);
    let page = ada.usage(&format!("start_time={NOW}&bucket_width=1h&group_by[]=project_id")).await;
    assert_eq!((&page["object"], &page["has_more"], &page["next_page"]), (&json!("page"), &json!(false), &Value::Null));
    let found = results(&page);
    let seen: Vec<_> =
        found.iter().map(|(start, result)| (start - NOW, result["byte_seconds"].as_str().unwrap())).collect();
    let expected = [(0, "4500000"), (3600, "4500000"), (7200, "3600000")];
    assert_eq!(seen, expected, "{page}");
    let first = &found[0].1;
    assert_eq!(first["object"], "organization.usage.files.result");
    assert!(first["project_id"].as_str().unwrap().starts_with("ws_") && first["api_key_id"].is_null());
    let figure = |name: &str| first[name].as_i64().unwrap();
    assert_eq!((figure("usage_bytes"), figure("peak_bytes"), figure("end_bytes")), (1250, 1500, 1500));
    assert_eq!((figure("num_files"), figure("num_requests")), (2, 6));
    assert_eq!((figure("ops_class_a"), figure("ops_class_b")), (3, 3));
    assert_eq!((figure("input_bytes"), figure("output_bytes")), (1500, 1100));
    let by_purpose = ada.usage(&format!("start_time={NOW}&group_by[]=purpose")).await;
    let total: i64 = results(&by_purpose)
        .iter()
        .map(|(_, result)| result["byte_seconds"].as_str().unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(total, 12_600_000, "a day is its hours, however it is grouped");
    let minutes = ada.usage(&format!("start_time={NOW}&bucket_width=1m&limit=1440")).await;
    let total: i64 = results(&minutes)
        .iter()
        .map(|(_, result)| result["byte_seconds"].as_str().unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(total, 12_600_000);
    server.close().await;
}

#[tokio::test]
async fn a_workspace_sees_its_own_usage_only() {
    let server = TestServer::at(NOW_MS).await;
    let (ada, bob, admin) = (server.user("ada").await, server.user("bob").await, server.admin().await);
    for (actor, size) in [(&ada, 10), (&bob, 20)] {
        actor.create_file("a", &vec![1; size]).await.is_ok();
    }
    server.clock.set(NOW_MS + 100_000);
    let window = format!("start_time={NOW}&bucket_width=1h");
    let sums = |page: &Value| -> Vec<String> {
        results(page).iter().map(|(_, result)| result["byte_seconds"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(sums(&ada.usage(&window).await), ["1000"]);
    assert_eq!(sums(&admin.usage(&window).await), ["3000"]);
    let mut apart = sums(&admin.usage(&format!("{window}&group_by[]=project_id")).await);
    apart.sort();
    assert_eq!(apart, ["1000", "2000"]);
    let bobs = server.installation().await.workspaces.find("bob").await.unwrap().unwrap().id;
    assert_eq!(sums(&admin.usage(&format!("{window}&project_ids[]={bobs}")).await), ["2000"]);
    let foreign = ada.usage(&format!("{window}&project_ids[]={bobs}")).await;
    assert_eq!(foreign["data"][0]["results"], json!([]), "as if it did not exist");
    let (own, all) = (ada.ledger("").await, admin.ledger("").await);
    assert_eq!((own.len(), all.len()), (3, 6));
    assert!(own.iter().all(|line| line["project_id"] != bobs.to_string()));
    server.close().await;
}

#[tokio::test]
async fn the_ledger_is_read_line_by_line_and_never_misses_one() {
    let server = TestServer::at(NOW_MS).await;
    let ada = server.user("ada").await;
    let file = ada.create_file("a", b"abc").await.id();
    let upload = ada.create_upload(4).await.id();
    let part = ada.add_part(&upload, b"part").await.id();
    let done = ada.complete_upload(&upload, &[&part]).await.is_ok().json();
    ada.delete_file(&file).await.is_ok();
    ada.create_upload(9).await.is_ok();
    ada.create_file("refused", &[]).await.is_ok();
    let all = ada.ledger("").await;
    let events: Vec<(&str, &str, i64, i64)> = all
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap();
            (text("kind"), text("line_item"), line["bytes"].as_i64().unwrap(), line["count"].as_i64().unwrap())
        })
        .collect();
    let created = |kind, bytes| {
        [(kind, "files.storage", bytes, 0), (kind, "files.ingress", bytes, 0), (kind, "files.ops.class_a", 0, 1)]
    };
    let ended = [("end", "files.storage", -3, 0)];
    let expected = [&created("create", 3)[..], &created("complete", 4), &ended, &created("create", 0)].concat();
    assert_eq!(events, expected, "uploads that are only begun cost nothing");
    assert_eq!(all[0]["event_id"], format!("st+:{file}"));
    assert_eq!(all[3]["event_id"], format!("st+:{}", done["file"]["id"].as_str().unwrap()));
    assert_eq!((&all[6]["event_id"], &all[6]["api_key_id"]), (&json!(format!("st-:{file}")), &all[0]["api_key_id"]));
    let mut walked: Vec<Value> = Vec::new();
    loop {
        let after = walked.last().map_or(0, |line| line["seq"].as_u64().unwrap());
        let page = ada.ledger(&format!("limit=1&after_seq={after}")).await;
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    assert_eq!(walked, all);
    let csv = ada.request(Method::GET, "/v1/organization/usage/ledger").header("accept", "text/csv");
    let csv = String::from_utf8(ada.send(csv).await.is_ok().body.unwrap()).unwrap();
    assert_eq!(csv.lines().count(), all.len() + 1);
    assert!(csv.starts_with("seq,event_id,ts,project_id,"), "{csv}");
    assert!(csv.lines().next().unwrap().ends_with(",actor,dialect"), "{csv}");
    assert!(csv.lines().skip(1).all(|line| line.ends_with(",,openai")), "{csv}");
    server.close().await;
}

#[tokio::test]
async fn a_repeated_request_is_billed_once() {
    let server = TestServer::with(&[], Clock::set_to(NOW_MS)).await;
    let ada = server.user("ada").await;
    for _ in 0..3 {
        let form = Form::default().field("purpose", "user_data").file("k", b"once");
        let request = ada.request(Method::POST, "/v1/files").header("idempotency-key", "k");
        ada.send(request.header("content-type", Form::content_type()).body(form.close())).await.is_ok();
    }
    assert_eq!(ada.ledger("").await.len(), 3, "one file");
    server.close().await;
}

#[tokio::test]
async fn costs_add_up_to_the_month_whichever_way_they_are_cut() {
    let prices = "[[prices]]
        effective_from = \"2026-01-01T00:00:00Z\"
        currency = \"usd\"
        \"files.storage\" = { per = \"gibibyte_hours\", usd = \"1000\" }
        \"files.ops.class_a\" = { per = \"1000_requests\", usd = \"7\", free_per_month = \"0.002\" }
        [[prices]]
        effective_from = \"2026-11-25T00:00:00Z\"
        currency = \"usd\"
        \"files.storage\" = { per = \"gibibyte_hours\", usd = \"500\" }
        \"files.ops.class_a\" = { per = \"1000_requests\", usd = \"7\", free_per_month = \"0.002\" }";
    let server = TestServer::with_file(prices, Clock::set_to(NOW_MS)).await;
    let (ada, admin) = (server.user("ada").await, server.admin().await);
    let begin = NOW - NOW % 86_400;
    for size in [100_000, 200_000, 300_000] {
        ada.create_file("a", &vec![1; size]).await.is_ok();
        server.clock.set(server.clock.now_ms() + 40_000_000);
    }
    let of = |query: String| {
        let admin = &admin;
        async move {
            admin.send(admin.request(Method::GET, &format!("/v1/organization/costs?{query}"))).await.is_ok().json()
        }
    };
    let nanos = |page: &Value| -> Vec<i64> {
        let value = |(_, result): (u64, Value)| (result["amount"]["value"].as_f64().unwrap() * 1e9).round();
        #[expect(clippy::cast_possible_truncation, reason = "whole nano-dollars, of a few cents")]
        results(page).into_iter().map(|result| value(result) as i64).collect()
    };
    let whole = of(format!("start_time={begin}")).await;
    assert_eq!(whole["data"][0]["results"][0]["object"], "organization.costs.result");
    assert_eq!(whole["data"][0]["results"][0]["amount"]["currency"], "usd");
    let total: i64 = nanos(&whole).iter().sum();
    let by_item =
        of(format!("start_time={begin}&group_by[]=line_item&group_by[]=api_key_id&group_by[]=project_id")).await;
    assert_eq!(nanos(&by_item).iter().sum::<i64>(), total);
    let items = results(&by_item);
    let requests: Vec<&Value> =
        items.iter().map(|(_, result)| result).filter(|result| result["line_item"] == "files.ops.class_a").collect();
    let cost: f64 = requests.iter().map(|result| result["amount"]["value"].as_f64().unwrap()).sum();
    assert!((cost - 0.007).abs() < 1e-12, "two of three are free: {requests:?}");
    assert!(requests.iter().all(|result| result["quantity_unit"] == "requests" && result["api_key_id"].is_string()));
    let storage = items.iter().find(|(_, result)| result["line_item"] == "files.storage").unwrap();
    assert_eq!(storage.1["quantity_unit"], "gibibyte_hours");
    let mut paged = 0;
    let mut page = of(format!("start_time={begin}&limit=1")).await;
    loop {
        paged += nanos(&page).iter().sum::<i64>();
        let Some(next) = page["next_page"].as_str().map(str::to_owned) else { break };
        page = of(format!("start_time={begin}&limit=1&page={next}")).await;
    }
    assert_eq!(paged, total, "a page more or less changes nothing");
    server.close().await;
}

#[tokio::test]
async fn an_administrator_sees_every_workspace_however_many_there_are() {
    // More than two pages of them.
    const WORKSPACES: usize = 130;
    let prices = "[[prices]]
        effective_from = \"2026-01-01T00:00:00Z\"
        currency = \"usd\"
        \"files.ingress\" = { per = \"gibibytes\", usd = \"1000\" }";
    let server = TestServer::with_file(prices, Clock::set_to(NOW_MS)).await;
    let admin = server.admin().await;
    for number in 0..WORKSPACES {
        let name: &'static str = format!("workspace {number}").leak();
        server.user(name).await.create_file("a", &vec![1; 1000 + number]).await.is_ok();
    }
    server.clock.set(NOW_MS + 3_600_000);
    let begin = NOW - NOW % 86_400;
    let page = admin.usage(&format!("start_time={begin}&group_by[]=project_id")).await;
    let found = results(&page);
    assert!(found.is_sorted_by_key(|(_, result)| result["project_id"].as_str().unwrap().to_owned()));
    let mut stored: Vec<u64> = found.iter().map(|(_, result)| result["end_bytes"].as_u64().unwrap()).collect();
    stored.sort_unstable();
    assert_eq!(stored, (1000..1000 + WORKSPACES as u64).collect::<Vec<_>>(), "each once");
    let all = admin.usage(&format!("start_time={begin}")).await;
    assert_eq!(results(&all)[0].1["end_bytes"].as_u64().unwrap(), stored.iter().sum::<u64>());
    let costs = |query: String| {
        let request = admin.request(Method::GET, &format!("/v1/organization/costs?start_time={begin}{query}"));
        async { results(&admin.send(request).await.is_ok().json()) }
    };
    let apart = costs("&line_items[]=files.ingress&group_by[]=line_item&group_by[]=project_id".to_owned()).await;
    assert_eq!(apart.len(), WORKSPACES);
    let together = costs("&line_items[]=files.ingress&group_by[]=line_item".to_owned()).await;
    let quantity = |results: &[(u64, Value)]| -> f64 {
        results.iter().map(|(_, result)| result["quantity"].as_f64().unwrap()).sum()
    };
    assert!((quantity(&together) - quantity(&apart)).abs() < 1e-9);
    let some: Vec<&str> = apart.iter().skip(100).map(|(_, result)| result["project_id"].as_str().unwrap()).collect();
    let asked = some.iter().rev().chain(&some).fold(String::new(), |asked, id| asked + "&project_ids[]=" + id);
    let of_some = costs(format!("&line_items[]=files.ingress&group_by[]=project_id{asked}")).await;
    let found: Vec<&str> = of_some.iter().map(|(_, result)| result["project_id"].as_str().unwrap()).collect();
    assert_eq!(found, some, "each once, whichever are asked for how often");
    server.close().await;
}

/// The answers of usage to the minute, and the reads of the ledger by kind and minute.
async fn answers(actor: &User, from: u64) -> (Value, BTreeMap<(String, u64), i64>, usize) {
    let query = format!(
        "start_time={from}&end_time={}&bucket_width=1m&limit=180&group_by[]=api_key_id&group_by[]=purpose",
        from + 10_800
    );
    let (usage, mut reads, mut after, mut lines) = (actor.usage(&query).await, BTreeMap::new(), 0, 0);
    loop {
        let page = actor.ledger(&format!("after_seq={after}&limit=100")).await;
        let Some(last) = page.last() else { return (usage, reads, lines) };
        after = last["seq"].as_u64().unwrap();
        for line in page.iter().filter(|line| ["list", "content"].contains(&line["kind"].as_str().unwrap())) {
            let kind = format!("{} {}", line["kind"], line["line_item"]);
            *reads.entry((kind, line["ts"].as_u64().unwrap() / 60)).or_insert(0) +=
                line["bytes"].as_i64().unwrap() + line["count"].as_i64().unwrap();
            lines += 1;
        }
    }
}

#[tokio::test]
async fn old_reads_are_merged_and_no_answer_changes() {
    let mut server = TestServer::at(NOW_MS).await;
    let ada = server.user("ada").await;
    ada.create_file("a", b"12345").await.is_ok();
    let installation = server.installation().await;
    let metadata = installation.rows();
    let workspace = installation.workspaces.find("ada").await.unwrap().unwrap().id;
    let key =
        installation.keys.list().await.unwrap().iter().find(|key| key.opens.workspace() == Some(workspace)).unwrap().id;
    let process = ProcessId::new([8; 16]);
    let rows = |bytes| {
        let dialect = Dialect::OpenAi;
        let reads = |op, purpose, bytes| Reads { workspace, key, op, purpose, dialect, count: 1, bytes };
        vec![reads(ReadOp::List, None, 0), reads(ReadOp::Content, Some(Purpose::UserData), bytes)]
    };
    for second in 0..300 {
        server.clock.set(NOW_MS + second * 1000);
        metadata.add_reads(process, 2 * second, rows(second)).await.unwrap();
    }
    server.clock.set(NOW_MS + 61 * DAY_MS);
    metadata.add_reads(process, 1000, rows(1)).await.unwrap();
    while metadata.roll_up_usage(1000).await.unwrap() > 0 {}
    let before = answers(&ada, NOW).await;
    assert_eq!(before.2, 903, "a line for each list and two for each download");
    server.restart().await;
    assert_eq!(answers(&server.user_of(&ada.key), NOW).await, before, "it is not old enough");
    server.clock.set(NOW_MS + 63 * DAY_MS);
    let database = server.database();
    let refused = database.execute("DELETE FROM ledger WHERE fact = 'list'").unwrap_err();
    assert!(refused.contains("append-only"), "{refused}");
    // What was left of the minute is merged within moments of a start.
    server.restart().await;
    let ada = server.user_of(&ada.key);
    let merged = || database.number("SELECT count(*) FROM ledger WHERE event_id LIKE 'rm:%'") >= 10;
    eventually(merged, || "old reads are merged".into()).await;
    let after = answers(&ada, NOW).await;
    assert_eq!((after.0, after.1), (before.0, before.1));
    assert_eq!(after.2, 20, "five minutes of lists and downloads, the last to come of them, and the young ones");
    let row = database
        .texts("SELECT event_id FROM ledger WHERE event_id LIKE 'rm:%' AND fact = 'content' ORDER BY seq")
        .remove(0);
    assert_eq!(row.split(':').nth(1).unwrap(), NOW.to_string());
    server.close().await;
}
