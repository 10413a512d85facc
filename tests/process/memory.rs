//! Memory does not grow with the size of a file: peaks of the process's resident memory, as the kernel counts them.

use crate::program::{Data, Program, report};

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
