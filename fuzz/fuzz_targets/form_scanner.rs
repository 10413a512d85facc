//! Checks that the scan of any bytes never panics, and gives the same well-ordered events for any chunking.
//!
//! Input: two bytes with the alternating chunk lengths, then a body whose boundary is `bound`.
//! Run: `cargo +nightly fuzz run form_scanner -- -max_len=20000`.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use venna_form::{Event, FormError, Scanner};

fuzz_target!(|input: &[u8]| {
    let [first, second, body @ ..] = input else { return };
    let whole = scan(body, &[usize::MAX]);
    assert_well_ordered(&whole);
    assert_eq!(scan(body, &[1]), whole);
    assert_eq!(scan(body, &[usize::from(*first) + 1, usize::from(*second) + 1]), whole);
});

type Scan = (Vec<Event>, Result<(), FormError>);

/// Returns the events, with the content of each part in one piece, and the final result.
fn scan(body: &[u8], sizes: &[usize]) -> Scan {
    let mut scanner = Scanner::new("bound").expect("a legal boundary");
    let mut events = Vec::new();
    let mut content = Vec::new();
    let mut rest = Bytes::copy_from_slice(body);
    for size in sizes.iter().cycle() {
        loop {
            match scanner.next_event() {
                Ok(Some(Event::Data(data))) => {
                    assert!(!data.is_empty());
                    content.extend_from_slice(&data);
                }
                Ok(Some(event)) => {
                    flush(&mut events, &mut content);
                    events.push(event);
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(scanner.next_event(), Err(error.clone()));
                    flush(&mut events, &mut content);
                    return (events, Err(error));
                }
            }
        }
        if rest.is_empty() {
            break;
        }
        scanner.feed(rest.split_to(rest.len().min(*size)));
    }
    flush(&mut events, &mut content);
    (events, scanner.finish())
}

fn flush(events: &mut Vec<Event>, content: &mut Vec<u8>) {
    if !content.is_empty() {
        events.push(Event::Data(std::mem::take(content).into()));
    }
}

/// Asserts the order Part, Data, `PartEnd`; that no content contains a delimiter; and that only `End` ends a form.
fn assert_well_ordered((events, ended): &Scan) {
    let mut open = false;
    let mut over = false;
    for event in events {
        assert!(!over, "an event after End");
        match event {
            Event::Part(_) => assert!(!std::mem::replace(&mut open, true)),
            Event::Data(data) => assert!(open && !data.windows(9).any(|window| window == b"\r\n--bound")),
            Event::PartEnd => assert!(std::mem::replace(&mut open, false)),
            Event::End => over = !open,
        }
    }
    assert!(over || ended.is_err());
}
