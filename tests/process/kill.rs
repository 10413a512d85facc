//! Killed in the middle of the work: what was acknowledged is there, what was not is absent or whole, nothing is left.

use crate::program::{Client, Data, Program, report};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use venna::model::digest::Sha256Digest;

const ROUNDS: u64 = 5;
const WRITERS: u8 = 4;

#[test]
fn a_killed_server_keeps_what_it_acknowledged() {
    let data = Data::new();
    let acknowledged: Arc<Mutex<BTreeMap<String, (u8, usize)>>> = Arc::default();
    for round in 0..ROUNDS {
        let mut server = Program::start(&data.path());
        let client = server.client(&data.first_key());
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, acknowledged) = (client.clone(), Arc::clone(&acknowledged));
                std::thread::spawn(move || {
                    let mut size = usize::from(writer) * 40_000 + 1;
                    while let Ok(answer) = client.upload(&[writer; 4096], size) {
                        acknowledged.lock().unwrap().insert(answer.id(), (writer, size));
                        size = size * 3 % 1_500_000 + 1;
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(200 + 137 * round));
        server.signal("KILL");
        server.wait();
        for writer in writers {
            writer.join().unwrap();
        }
    }
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let acknowledged = acknowledged.lock().unwrap();
    assert!(acknowledged.len() > 20, "there was work to lose: {}", acknowledged.len());
    for (id, (writer, size)) in acknowledged.iter() {
        let content = client.send("GET", &format!("/v1/files/{id}/content")).unwrap();
        assert!(content.status == 200 && content.body == vec![*writer; *size], "{id} of {size} bytes is whole");
    }
    let files = every_file(&client);
    for file in &files {
        let content = client.send("GET", &format!("/v1/files/{}/content", file["id"].as_str().unwrap())).unwrap();
        let sha256 = Sha256Digest(Sha256::digest(&content.body).into()).to_string();
        assert!(content.status == 200 && file["sha256"] == sha256.as_str(), "{file} is whole, acknowledged or not");
    }
    let listed = files.len();
    let deadline = std::time::Instant::now() + crate::program::PATIENCE;
    while blobs(&data) != listed {
        assert!(std::time::Instant::now() < deadline, "{} blobs of {listed} files", blobs(&data));
        std::thread::sleep(Duration::from_millis(20));
    }
    report(&format!("{ROUNDS} kills: {} acknowledged, {listed} there", acknowledged.len()));
}

fn blobs(data: &Data) -> usize {
    let shards = std::fs::read_dir(data.path().join("blobs")).unwrap();
    shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
}

fn every_file(client: &Client) -> Vec<Value> {
    let (mut files, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.send("GET", &format!("/v1/files?limit=500{after}")).unwrap().json();
        files.extend_from_slice(page["data"].as_array().unwrap());
        if page["has_more"] != true {
            return files;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
}
