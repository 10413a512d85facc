//! An upload that is repeated with its `Idempotency-Key` until it is answered, while the server is killed under it.

use crate::installation::Installation;
use venna_testkit::program::report;
use venna_testkit::{Rng, setting};

const RETRIED: u64 = 20;
/// A file in a row, and one in a blob, in bytes.
const SIZES: [usize; 2] = [2_000, 300_000];
/// How long the server lives at most while an upload is on its way, in milliseconds.
const LIFE_MS: usize = 12;

#[test]
fn a_retried_upload_under_kills_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let (uploads, (mut rng, seed)) = (setting("VENNA_RETRIES", RETRIED), Rng::of_test());
    let installation = Installation::within(folder.path());
    let mut server = installation.start();
    let (mut made, mut replayed, mut cut) = (Vec::new(), 0, 0);
    for number in 0..uploads {
        let size = SIZES[rng.below(SIZES.len())];
        let (content, key) = (vec![u8::try_from(number % 251).unwrap(); size], format!("upload {number}"));
        let client = installation.client(&server);
        let worker = std::thread::spawn({
            let (content, key) = (content.clone(), key.clone());
            move || client.once(&key).upload(&content, size)
        });
        std::thread::sleep(rng.duration_ms(0..LIFE_MS));
        drop(server);
        let first = worker.join().unwrap().ok();
        server = installation.start();
        let again = installation.client(&server).once(&key).upload(&content, size).unwrap();
        assert_eq!(again.status, 200, "with VENNA_CRASH_SEED={seed}");
        match &first {
            Some(first) => assert_eq!(first.id(), again.id(), "with VENNA_CRASH_SEED={seed}: one answer"),
            None => cut += 1,
        }
        replayed += usize::from(again.is_replay);
        assert!(again.is_replay || first.is_none(), "with VENNA_CRASH_SEED={seed}: what was answered is remembered");
        made.push(again.id());
        let last = installation.client(&server).send("GET", "/v1/files?limit=2").unwrap().json();
        let ids: Vec<&str> = last["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap()).collect();
        let expected: Vec<&str> = made.iter().rev().take(2).map(String::as_str).collect();
        assert_eq!(ids, expected, "with VENNA_CRASH_SEED={seed}: one file for each upload");
    }
    report(&format!(
        "retries: {uploads} uploads, {cut} cut off, {replayed} had been made all the same; one file each, seed {seed}"
    ));
}
