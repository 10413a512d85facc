//! Bodies as clients send them, bodies that are refused, limits and memory.

use super::*;
use crate::limits::{MAX_BOUNDARY_BYTES, MAX_PART_HEADERS};

pub(super) const BOUNDARY: &str = "bound-1";

/// The outcome of a scan: its events, with the content of each part in one piece, and the final result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scan {
    events: Vec<Event>,
    ended: Result<(), FormError>,
}

impl Scan {
    pub(super) fn parts(self) -> Vec<(String, Option<String>, Vec<u8>)> {
        assert_eq!(self.ended, Ok(()));
        assert_eq!(self.events.last(), Some(&Event::End));
        let mut parts = Vec::new();
        for event in self.events {
            match event {
                Event::Part(headers) => parts.push((headers.name, headers.filename, Vec::new())),
                Event::Data(data) => parts.last_mut().unwrap().2.extend_from_slice(&data),
                Event::PartEnd | Event::End => {}
            }
        }
        parts
    }
}

/// Scans a body in chunks of these sizes, used in turn.
pub(super) fn scan_cut(boundary: &str, body: &[u8], sizes: &[usize]) -> Scan {
    let mut scanner = Scanner::new(boundary).unwrap();
    let mut events = Vec::new();
    let mut rest = Bytes::copy_from_slice(body);
    for size in sizes.iter().cycle() {
        loop {
            match scanner.next_event() {
                Ok(Some(event)) => record(&mut events, event),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(scanner.next_event(), Err(error.clone()));
                    assert_eq!(scanner.finish(), Err(error.clone()));
                    return Scan { events, ended: Err(error) };
                }
            }
        }
        if rest.is_empty() {
            break;
        }
        scanner.feed(rest.split_to(rest.len().min(*size)));
    }
    Scan { events, ended: scanner.finish() }
}

fn record(events: &mut Vec<Event>, event: Event) {
    match (events.last_mut(), event) {
        (_, Event::Data(data)) if data.is_empty() => panic!("an empty Data"),
        (Some(Event::Data(before)), Event::Data(data)) => *before = [&before[..], &data].concat().into(),
        (_, event) => events.push(event),
    }
}

pub(super) fn scan(body: &[u8]) -> Scan {
    scan_cut(BOUNDARY, body, &[usize::MAX])
}

fn ended(body: &str) -> Result<(), FormError> {
    let whole = scan(body.as_bytes());
    assert_eq!(scan_cut(BOUNDARY, body.as_bytes(), &[1]), whole);
    whole.ended
}

fn refused(body: &str) -> FormError {
    ended(body).unwrap_err()
}

pub(super) fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let headers = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(headers.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn field(name: &str, value: &str) -> (String, Option<String>, Vec<u8>) {
    (name.to_owned(), None, value.as_bytes().to_vec())
}

fn file(filename: &str, content: &str) -> (String, Option<String>, Vec<u8>) {
    ("file".to_owned(), Some(filename.to_owned()), content.as_bytes().to_vec())
}

/// The bodies of six HTTP clients, whole and byte by byte.
#[test]
fn the_forms_of_the_clients_are_read() {
    let python = "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
        --B\r\nContent-Disposition: form-data; name=\"expires_after[anchor]\"\r\n\r\ncreated_at\r\n\
        --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22\u{e9}.jsonl\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n{}\n\r\n--B--\r\n";
    let node = "--openai-7f\r\nContent-Disposition: form-data; name=\"file\"; filename=\"unknown_file\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n{}\r\n\
        --openai-7f\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--openai-7f--\r\n\r\n";
    let go = "--0af1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\\\"\\\\%0D.txt\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n{}\r\n\
        --0af1\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--0af1--\r\n";
    let dotnet = "--a_b=c\r\nContent-Disposition: form-data; name=file; filename=\"=?utf-8?B?5L2gLnR4dA==?=\"; \
        filename*=utf-8''%E4%BD%A0.txt\r\n\r\n{}\r\n\
        --a_b=c\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=purpose\r\n\r\n\
        batch\r\n--a_b=c--\r\n";
    let ruby = "-----------RubyMultipartPost-9\r\nContent-Disposition: form-data; name=\"file\"; filename=\"s.jsonl\"\r\n\
        Content-Length: 2\r\nContent-Type: \r\nContent-Transfer-Encoding: binary\r\n\r\n{}\r\n\
        -----------RubyMultipartPost-9\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
        -----------RubyMultipartPost-9--\r\n";
    let curl = "--------------------------d74496d66958873e\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\
        batch\r\n--------------------------d74496d66958873e\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n{}\r\n--------------------------d74496d66958873e--\r\n";
    let anchor = field("expires_after[anchor]", "created_at");
    let batch = field("purpose", "batch");
    for (content_type, body, parts) in [
        ("boundary=B", python, vec![batch.clone(), anchor, file("a\"\u{e9}.jsonl", "{}\n")]),
        ("boundary=openai-7f", node, vec![file("unknown_file", "{}"), field("purpose", "user_data")]),
        ("boundary=0af1", go, vec![file("a\"\\\r.txt", "{}"), batch.clone()]),
        ("boundary=\"a_b=c\"", dotnet, vec![file("\u{4f60}.txt", "{}"), batch.clone()]),
        ("boundary=---------RubyMultipartPost-9", ruby, vec![file("s.jsonl", "{}"), batch.clone()]),
        ("boundary=------------------------d74496d66958873e", curl, vec![batch, file("a.jsonl", "{}")]),
    ] {
        let boundary = disposition::boundary(&format!("multipart/form-data; {content_type}")).unwrap();
        for sizes in [usize::MAX, 1] {
            assert_eq!(scan_cut(&boundary, body.as_bytes(), &[sizes]).parts(), parts, "{content_type}");
        }
    }
}

#[test]
fn parts_may_be_none_or_empty_and_a_preamble_and_padding_are_skipped() {
    assert_eq!(scan(b"--bound-1--").parts(), vec![]);
    assert_eq!(scan(&form(&[("a", b""), ("b", b"")])).parts(), vec![field("a", ""), field("b", "")]);
    let dressed = "hello\r\n--bound-1 \t\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--bound-1-- \r\nbye";
    assert_eq!(scan(dressed.as_bytes()).parts(), vec![field("a", "x")]);
    assert_eq!(scan(b"\r\n\r\n--bound-1--\r\n").parts(), vec![]);
}

#[test]
fn a_body_with_another_boundary_is_told_so() {
    for other in ["--bound-2\r\n", "--'bound-1'\r\nContent-Disposition: form-data; name=a\r\n\r\n", "junk\r\n", "{}"] {
        assert_eq!(refused(other), FormError::BoundaryAbsent, "{other:?}");
    }
    for begun in ["", "\r", "\r\n--", "--bound", "-"] {
        assert_eq!(refused(begun), FormError::Truncated, "{begun:?}");
    }
}

/// Whatever stands before the first boundary, the first part is never taken for a piece of it.
#[test]
fn the_first_boundary_begins_a_line_however_that_begins() {
    let form = form(&[("a", b"1"), ("b", b"2")]);
    for (before, expected) in [
        ("", Ok(())),
        ("\n", Ok(())),
        ("junk\n", Ok(())),
        ("junk\nmore\r\n", Ok(())),
        ("--bound-2\r\n", Ok(())),
        ("junk", Err(FormError::BoundaryWithinLine)),
        ("junk\r", Err(FormError::BoundaryWithinLine)),
        ("-", Err(FormError::BoundaryWithinLine)),
        ("\r\n ", Err(FormError::BoundaryWithinLine)),
        ("--bound-1 \r\n", Err(FormError::HeaderMalformed)),
    ] {
        let body = [before.as_bytes(), &form].concat();
        for sizes in [usize::MAX, 1, 3] {
            let scan = scan_cut(BOUNDARY, &body, &[sizes]);
            assert_eq!(scan.ended, expected, "{before:?} {sizes}");
            if expected.is_ok() {
                assert_eq!(scan.parts(), vec![field("a", "1"), field("b", "2")], "{before:?} {sizes}");
            }
        }
    }
}

#[test]
fn any_printable_boundary_is_found_however_it_is_cut() {
    let long = "*-".repeat(MAX_BOUNDARY_BYTES / 2);
    for boundary in ["*****", "--", "-", " a", "a\"b\\;=%", &long] {
        let body = format!(
            "--{boundary} \r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--{}\r\n--{boundary}--",
            boundary.get(1..).unwrap_or_default(),
        );
        let content = format!("\r\n--{}", boundary.get(1..).unwrap_or_default());
        for sizes in [usize::MAX, 1, 5] {
            let parts = scan_cut(boundary, body.as_bytes(), &[sizes]).parts();
            assert_eq!(parts, vec![field("a", &content)], "{boundary} {sizes}");
        }
    }
}

#[test]
fn folded_headers_are_read_however_they_are_cut() {
    let body = "--bound-1\r\nContent-Disposition: form-data;\r\n name=\"file\";\r\n\tfilename=\"a\r\n b.txt\"\r\n\r\nx\r\n--bound-1--";
    for sizes in [usize::MAX, 1, 2, 7] {
        assert_eq!(scan_cut(BOUNDARY, body.as_bytes(), &[sizes]).parts(), vec![file("a b.txt", "x")], "{sizes}");
    }
}

/// RFC 2046 section 5.1.1: the line break before a delimiter belongs to it, also the one that ends the headers.
#[test]
fn a_part_without_content_may_end_with_its_headers() {
    let empty = "Content-Disposition: form-data; name=a\r\n\r\n--bound-1";
    let last = format!("--bound-1\r\n{empty}\r\n{empty}--\r\n");
    for size in [usize::MAX, 1, 2, 7] {
        let scan = scan_cut(BOUNDARY, last.as_bytes(), &[size]);
        assert_eq!(scan.parts(), vec![field("a", ""), field("a", "")], "{size}");
    }
    for content in ["--bound-", "--", "-", "\r\n--bound-", "--bound\r\n"] {
        let body = form(&[("a", content.as_bytes())]);
        for size in [usize::MAX, 1, 3] {
            assert_eq!(scan_cut(BOUNDARY, &body, &[size]).parts(), vec![field("a", content)], "{content:?} {size}");
        }
    }
}

#[test]
fn what_is_not_a_form_is_refused() {
    let a = "--bound-1\r\nContent-Disposition: form-data; name=a\r\n\r\n";
    assert_eq!(refused("--bound-1x"), FormError::DelimiterMalformed);
    assert_eq!(refused("--bound-1\n"), FormError::BareLineFeed);
    assert_eq!(refused(&format!("{a}x\r\n--bound-1 \n")), FormError::BareLineFeed);
    for headers in ["a: b\nContent-Disposition: form-data; name=a\r\n\r\n", "a: b\n\nx\r\n--bound-1--", "\n"] {
        assert_eq!(refused(&format!("--bound-1\r\n{headers}")), FormError::BareLineFeed, "{headers:?}");
    }
    assert_eq!(refused("--bound-1\rx"), FormError::DelimiterMalformed);
    assert_eq!(refused("--bound-1 --"), FormError::DelimiterMalformed);
    assert_eq!(refused("--bound-1-\r\n"), FormError::DelimiterMalformed);
    assert_eq!(refused(&format!("{a}x\r\n--bound-12\r\n")), FormError::DelimiterMalformed);
    assert_eq!(refused("--bound-1\r\n\r\n"), FormError::NameMissing);
    assert_eq!(refused("--bound-1\r\nContent-Type: a/b\r\n\r\n"), FormError::NameMissing);
    assert_eq!(refused("--bound-1\r\na: b\r\r\n\r\n"), FormError::HeaderMalformed);
    assert_eq!(refused(&format!("{a}x--bound-1--")), FormError::Truncated);
    assert_eq!(refused(&format!("{a}x\n--bound-1--\n")), FormError::Truncated);
    assert_eq!(Scanner::new("").err(), Some(FormError::BoundaryMissing));
    assert_eq!(Scanner::new("a\r").err(), Some(FormError::BoundaryIllegal));
    assert_eq!(Scanner::new(&"b".repeat(MAX_BOUNDARY_BYTES + 1)).err(), Some(FormError::BoundaryTooLong));
}

#[test]
fn a_body_that_ends_early_is_truncated_wherever_it_ends() {
    let body = form(&[("a", b"1\r\n--boun"), ("b", b"\r\n")]);
    let closed = body.len() - "\r\n".len();
    for end in 0..body.len() {
        let expected = if end < closed { Err(FormError::Truncated) } else { Ok(()) };
        assert_eq!(scan(&body[..end]).ended, expected, "{end}");
        assert_eq!(scan_cut(BOUNDARY, &body[..end], &[1]).ended, expected, "{end}");
    }
}

#[test]
fn every_cut_of_a_small_body_gives_the_same_form() {
    let tricky: &[u8] = b"\r\n--bound-\r\r\n--bound-2\r\n--boun\r\n\r\n--\r";
    let body = [b"pre\r\n".as_slice(), &form(&[("a", tricky), ("b", b""), ("c", b"\r\n--bound-")])].concat();
    let whole = scan(&body);
    assert_eq!(whole.clone().parts()[0].2, tricky);
    for first in 0..=body.len() {
        for second in 0..=body.len() - first {
            assert_eq!(scan_cut(BOUNDARY, &body, &[first, second, usize::MAX]), whole, "{first} {second}");
        }
    }
}

#[test]
fn a_boundary_may_stand_anywhere_around_the_edge_of_a_chunk() {
    const CHUNK_BYTES: usize = 16 * 1024;
    for content_bytes in CHUNK_BYTES - 100..CHUNK_BYTES + 4 {
        let content = vec![b'\n'; content_bytes];
        let parts = scan_cut(BOUNDARY, &form(&[("file", &content), ("purpose", b"batch")]), &[CHUNK_BYTES]).parts();
        assert!(parts[0].2 == content);
        assert_eq!(parts[1], field("purpose", "batch"));
    }
}

#[test]
fn each_limit_holds_at_the_limit_and_not_beyond() {
    let closing = "--bound-1--";
    let preamble = |bytes: usize| ended(&format!("{}\r\n{closing}", "p".repeat(bytes)));
    assert_eq!(preamble(MAX_PREAMBLE_BYTES), Ok(()));
    assert_eq!(preamble(MAX_PREAMBLE_BYTES + 1), Err(FormError::PreambleTooLong));
    let line_feed = |bytes: usize| ended(&format!("{}\n{closing}", "p".repeat(bytes)));
    assert_eq!(line_feed(MAX_PREAMBLE_BYTES), Ok(()));
    assert_eq!(line_feed(MAX_PREAMBLE_BYTES + 1), Err(FormError::PreambleTooLong));
    let epilogue = |bytes: usize| ended(&format!("{closing}{}", "e".repeat(bytes)));
    assert_eq!(epilogue(MAX_EPILOGUE_BYTES), Ok(()));
    assert_eq!(epilogue(MAX_EPILOGUE_BYTES + 1), Err(FormError::EpilogueTooLong));
    let parts = |count: usize| scan(&form(&vec![("a", b"".as_slice()); count])).ended;
    assert_eq!(parts(MAX_PARTS), Ok(()));
    assert_eq!(parts(MAX_PARTS + 1), Err(FormError::TooManyParts));
    let disposition = "Content-Disposition: form-data; name=a\r\n";
    let padding = |bytes: usize| ended(&format!("--bound-1{}\r\n{disposition}\r\n\r\n{closing}", " ".repeat(bytes)));
    assert_eq!(padding(MAX_PADDING_BYTES), Ok(()));
    assert_eq!(padding(MAX_PADDING_BYTES + 1), Err(FormError::PaddingTooLong));
    let headers = |others: usize| {
        let others = "x: y\r\n".repeat(others);
        ended(&format!("--bound-1\r\n{disposition}{others}\r\n\r\n{closing}"))
    };
    assert_eq!(headers(MAX_PART_HEADERS - 1), Ok(()));
    assert_eq!(headers(MAX_PART_HEADERS), Err(FormError::TooManyHeaders));
    let block = |bytes: usize| {
        let filler = "x".repeat(bytes - disposition.len() - "x:\r\n\r\n".len());
        ended(&format!("--bound-1\r\n{disposition}x:{filler}\r\n\r\n\r\n{closing}"))
    };
    assert_eq!(block(MAX_HEADER_BLOCK_BYTES), Ok(()));
    assert_eq!(block(MAX_HEADER_BLOCK_BYTES + 1), Err(FormError::HeaderBlockTooLong));
    let boundary = "b".repeat(MAX_BOUNDARY_BYTES);
    assert_eq!(scan_cut(&boundary, format!("--{boundary}--").as_bytes(), &[1]).ended, Ok(()));
}

#[test]
fn an_endless_preamble_is_refused_at_the_limit_and_held_in_little_memory() {
    for chunk_bytes in [1, 1000, 64 << 20] {
        let mut scanner = Scanner::new(BOUNDARY).unwrap();
        let chunk = Bytes::from(vec![b'-'; chunk_bytes]);
        let mut fed = 0;
        while scanner.next_event() == Ok(None) {
            scanner.feed(chunk.clone());
            fed += chunk_bytes;
        }
        assert_eq!(scanner.finish(), Err(FormError::PreambleTooLong));
        assert!(fed < MAX_PREAMBLE_BYTES + 64 + chunk_bytes, "{fed}");
        assert!(scanner.block.capacity() <= 2 * (MAX_PREAMBLE_BYTES + 64));
        assert!(chunk.is_unique());
    }
}

#[test]
fn an_endless_header_is_refused_at_the_limit_and_held_in_little_memory() {
    for chunk_bytes in [1, 1000, 64 << 20] {
        let mut scanner = Scanner::new(BOUNDARY).unwrap();
        let chunk = Bytes::from(vec![b'x'; chunk_bytes]);
        scanner.feed(Bytes::from_static(b"--bound-1\r\n"));
        let mut fed = 0;
        while scanner.next_event() == Ok(None) {
            scanner.feed(chunk.clone());
            fed += chunk_bytes;
        }
        assert_eq!(scanner.finish(), Err(FormError::HeaderBlockTooLong));
        assert!(fed < MAX_HEADER_BLOCK_BYTES + chunk_bytes, "{fed}");
        assert!(scanner.block.capacity() <= 2 * MAX_HEADER_BLOCK_BYTES);
        assert!(chunk.is_unique());
    }
}

#[test]
fn content_is_not_copied_and_a_taken_chunk_is_not_held() {
    let mut scanner = Scanner::new(BOUNDARY).unwrap();
    let chunk = Bytes::from(form(&[("a", &[b'x'; 5000])]));
    scanner.feed(chunk.clone());
    let mut data_bytes = 0;
    while let Some(event) = scanner.next_event().unwrap() {
        if let Event::Data(data) = event {
            assert!(chunk.as_ptr_range().contains(&data.as_ptr()));
            data_bytes += data.len();
        }
    }
    assert_eq!(data_bytes, 5000);
    assert!(chunk.is_unique());
    for taken in ["--bound-1\r\nContent-Disp", "osition: form-data; name=a\r\n\r\nx\r\n--bou", "nd-1-", "-", "\r\n"] {
        let mut scanner = Scanner::new(BOUNDARY).unwrap();
        let chunk = Bytes::copy_from_slice(taken.as_bytes());
        scanner.feed(chunk.clone());
        assert_eq!(scanner.next_event(), Ok(None));
        assert!(chunk.is_unique(), "{taken:?}");
    }
}

/// With quadratic work none of these would end: the content is 1 MiB, and some chunks are one byte.
#[test]
fn hostile_content_costs_no_more_than_its_length() {
    for pattern in ["\r\n--bound-", "\r", "\r\n", "\r\n-", "-", "\r\n--bound-\r"] {
        let content = pattern.repeat((1 << 20) / pattern.len());
        let body = form(&[("file", content.as_bytes())]);
        for chunk_bytes in [1, 7, 64 << 10] {
            let mut scanner = Scanner::new(BOUNDARY).unwrap();
            let mut content_bytes = 0;
            for chunk in body.chunks(chunk_bytes) {
                scanner.feed(Bytes::copy_from_slice(chunk));
                while let Some(event) = scanner.next_event().unwrap() {
                    content_bytes += if let Event::Data(data) = event { data.len() } else { 0 };
                }
            }
            assert_eq!((scanner.finish(), content_bytes), (Ok(()), content.len()));
        }
    }
}

#[test]
fn parts_of_related_content_have_no_names() {
    let kind = "multipart/related; boundary=X; type=\"application/json\"";
    let boundary = crate::boundary_of_related(kind).unwrap();
    assert_eq!(crate::boundary_of_related("multipart/form-data; boundary=X"), Err(FormError::NotFormData));
    let body = "--X\r\nContent-Type: application/json\r\n\r\n{}\r\n\
                --X\r\nContent-Disposition: attachment; filename=a\r\nContent-Type: image/png\r\n\r\npng\r\n--X--";
    let mut scanner = Scanner::of_related(&boundary).unwrap();
    scanner.feed(Bytes::from_static(body.as_bytes()));
    let (mut kinds, mut content) = (Vec::new(), Vec::new());
    while let Some(event) = scanner.next_event().unwrap() {
        match event {
            Event::Part(part) => {
                assert_eq!((part.name.as_str(), part.filename), ("", None));
                kinds.push(part.content_type.unwrap());
            }
            Event::Data(data) => content.extend_from_slice(&data),
            Event::PartEnd | Event::End => {}
        }
    }
    assert_eq!((kinds, content), (vec!["application/json".to_owned(), "image/png".to_owned()], b"{}png".to_vec()));
    assert_eq!(scanner.finish(), Ok(()));
}
