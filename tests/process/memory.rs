//! Memory does not grow with the size of a file: peaks of the process's resident memory, as the kernel counts them.

use std::io::{self, Write};
use std::sync::Barrier;
use venna_testkit::program::{BOUNDARY, Data, Program, report};

const MIB: usize = 1 << 20;

#[test]
fn a_large_file_takes_no_more_memory_than_a_small_one() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let pattern = vec![0x5a; MIB];
    let peak_of = |size: usize| {
        server.reset_peak();
        let id = client.upload(&pattern, size).unwrap().id();
        assert_eq!(client.drain(&id).unwrap(), size as u64);
        let peak = server.peak_bytes();
        assert_eq!(client.send("DELETE", &format!("/v1/files/{id}")).unwrap().status, 200);
        peak
    };
    let small = peak_of(8 * MIB);
    let large = peak_of(400 * MIB);
    report(&format!("peak memory: {} MiB for 8 MiB, {} MiB for 400 MiB", small / MIB, large / MIB));
    assert!(large <= small + 16 * MIB, "{large} against {small}");
}

#[test]
fn eight_large_transfers_at_once_stay_under_128_mib() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let transfers: Vec<_> = (0..8)
        .map(|number: u8| {
            let client = client.clone();
            std::thread::spawn(move || {
                let id = client.upload(&vec![number; MIB], 64 * MIB).unwrap().id();
                assert_eq!(client.drain(&id).unwrap(), 64 * MIB as u64);
            })
        })
        .collect();
    for transfer in transfers {
        transfer.join().unwrap();
    }
    let peak = server.peak_bytes();
    report(&format!("peak memory: {} MiB for 8 x 64 MiB at once", peak / MIB));
    assert!(peak < 128 * MIB, "{peak}");
}

#[test]
fn an_upload_holds_no_line_however_long_it_is() {
    const UPLOADS: usize = 24;
    const LINE_BYTES: usize = 4 * MIB;
    // A server of its own for each purpose: what the allocator keeps of earlier uploads would count, too.
    let held = |purpose: &str| {
        let data = Data::new();
        let server = Program::start(&data.path());
        let client = server.client(&data.first_key());
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--{BOUNDARY}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n{{\"a\": \""
        );
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let (sent, measured) = (Barrier::new(UPLOADS + 1), Barrier::new(UPLOADS + 1));
        std::thread::scope(|scope| {
            for _ in 0..UPLOADS {
                scope.spawn(|| {
                    let ended = client.post("/v1/files", &kind, head.len() + 2 * LINE_BYTES, |socket| {
                        socket.write_all(head.as_bytes())?;
                        socket.write_all(&vec![b'x'; LINE_BYTES])?;
                        sent.wait();
                        measured.wait();
                        Err(io::Error::other("the client goes away in the middle of the line"))
                    });
                    assert!(ended.is_err());
                });
            }
            sent.wait();
            // What the sockets still hold is read and looked at meanwhile.
            server.wait_until_idle();
            server.reset_peak();
            let held = server.peak_bytes();
            measured.wait();
            held
        })
    };
    let plain = held("user_data");
    for purpose in ["fine-tune", "batch"] {
        let lines = held(purpose);
        let each = lines.saturating_sub(plain) / UPLOADS;
        report(&format!("memory of a line of {LINE_BYTES} bytes, {purpose}: {each} bytes more than as user_data"));
        assert!(each < MIB / 4, "{each} bytes for each upload");
    }
}
