//! What a transfer to and from a bucket takes of the memory of the program, as the kernel counts it.

use std::time::Duration;
use venna_testkit::bucket::Bucket;
use venna_testkit::bucket_proxy::{Fault, FaultProxy, Which};
use venna_testkit::program::{Client, Data, Program, report, venna};
use venna_testkit::{Rng, setting};

const MIB: usize = 1 << 20;
/// Of one upload: a part that is collected, and four that are on their way.
const PARTS_BYTES: usize = 5 * 8 * MIB;
/// What else a transfer may take: buffers of sockets, pieces that are being hashed, what the allocator keeps.
const SLACK_BYTES: usize = 24 * MIB;
const LARGE_MIB: u64 = 200;
const UPLOADS_AT_ONCE: u8 = 4;
/// Of those uploads: twice as much as one may hold.
const UPLOAD_MIB: usize = 112;

/// How long the store takes for a part: clients are faster, so that what is not bounded piles up.
const TIME_OF_PART: Duration = Duration::from_secs(1);

/// The time limit of a request with its retries: long, since the store copies the parts at the end, on a busy disk.
const REQUEST_SECONDS: &str = "300";

/// A proxy that makes a bucket slow.
fn slowed(bucket: &Bucket) -> FaultProxy {
    let proxy = FaultProxy::before(bucket.address, TIME_OF_PART, Rng::default());
    proxy.fail_with(Which::Parts, Fault::Slow);
    proxy
}

/// The program on a bucket behind a proxy.
fn serve(bucket: &Bucket, proxy: &FaultProxy, data: &Data) -> (Program, Client) {
    let mut command = venna(&["serve", "--max-file-bytes", "8589934592", "--blobs-url", &bucket.url("memory")]);
    command.args(["--blobs-timeout-seconds", REQUEST_SECONDS]);
    command.envs(bucket.variables(proxy.address));
    let server = Program::spawn(command, &data.path());
    let client = server.client(&data.first_key());
    (server, client)
}

#[test]
fn a_large_file_takes_five_parts_of_memory_and_no_more() {
    let (bucket, data) = (Bucket::open(), Data::new());
    let proxy = slowed(&bucket);
    let (server, client) = serve(&bucket, &proxy, &data);
    let (pattern, large) = (vec![0x5a; MIB], usize::try_from(setting("VENNA_S3_LARGE_MIB", LARGE_MIB)).unwrap() * MIB);
    let idle = server.peak_bytes();
    let id = client.upload(&pattern, large).unwrap().id();
    let up = server.peak_bytes();
    server.reset_peak();
    let before = server.peak_bytes();
    assert_eq!(client.drain(&id).unwrap(), large as u64);
    let down = server.peak_bytes();
    report(&format!(
        "peak memory with a file of {} MiB in a bucket: {} MiB idle, {} MiB up, {} MiB down",
        large / MIB,
        idle / MIB,
        up / MIB,
        down / MIB
    ));
    assert!(up <= idle + PARTS_BYTES + SLACK_BYTES, "{up} against {idle}");
    assert!(down <= before + SLACK_BYTES, "{down} against {before}");
}

#[test]
fn large_uploads_at_once_take_five_parts_each() {
    let (bucket, data) = (Bucket::open(), Data::new());
    let proxy = slowed(&bucket);
    let (server, client) = serve(&bucket, &proxy, &data);
    let idle = server.peak_bytes();
    std::thread::scope(|scope| {
        for number in 0..UPLOADS_AT_ONCE {
            let client = client.clone();
            scope.spawn(move || client.upload(&vec![number; MIB], UPLOAD_MIB * MIB).unwrap().id());
        }
    });
    let peak = server.peak_bytes();
    report(&format!("peak memory: {} MiB for {UPLOADS_AT_ONCE} x {UPLOAD_MIB} MiB at once into a bucket", peak / MIB));
    assert!(peak <= idle + usize::from(UPLOADS_AT_ONCE) * (PARTS_BYTES + SLACK_BYTES), "{peak} against {idle}");
}
