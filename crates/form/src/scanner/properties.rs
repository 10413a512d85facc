//! Properties of the scan: any chunking gives the same events, and `multra` reads the same parts.

use super::tests::{BOUNDARY, form, scan, scan_cut};
use super::*;
use futures_util::stream;
use proptest::prelude::*;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Reads a form with multra: name, filename and content of each part.
fn multra_parts(body: &[u8], chunk_bytes: usize) -> Vec<(String, Option<String>, Vec<u8>)> {
    let chunks: Vec<Result<Bytes, Infallible>> =
        body.chunks(chunk_bytes).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let mut read = pin!(async {
        let mut multipart = multra::Multipart::new(stream::iter(chunks), BOUNDARY);
        let mut parts = Vec::new();
        while let Some(field) = multipart.next_field().await.unwrap() {
            let (name, filename) = (field.name().unwrap().to_owned(), field.file_name().map(str::to_owned));
            parts.push((name, filename, field.bytes().await.unwrap().to_vec()));
        }
        parts
    });
    loop {
        if let Poll::Ready(parts) = read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return parts;
        }
    }
}

/// Content that consists of parts of a delimiter and never contains a whole one.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let fragments =
        ["\r", "\n", "\r\n", "\r\n-", "\r\n--", "\r\n--bound", "\r\n--bound-", "bound-1", "--", "x", "\r\n\r\n"];
    prop::collection::vec(prop::sample::select(fragments.to_vec()), 0..40).prop_map(|fragments| {
        // The line break that ends the headers counts as one before the content.
        let lines = format!("\r\n{}", fragments.concat()).replace("\r\n--bound-1", "\r\n--bound-2");
        lines.into_bytes().split_off(CRLF.len())
    })
}

fn chunk_sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![Just(1), 1_usize..12, 1_usize..200], 1..20)
}

proptest! {
    #[test]
    fn any_form_comes_back_however_it_is_cut(
        parts in prop::collection::vec(("[a-z\\[\\]_]{1,9}", content()), 0..=MAX_PARTS),
        sizes in chunk_sizes(),
    ) {
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        let expected: Vec<_> = parts.iter().map(|(name, content)| ((*name).to_owned(), None, content.to_vec())).collect();
        let body = form(&parts);
        let whole = scan(&body);
        prop_assert_eq!(&scan_cut(BOUNDARY, &body, &sizes), &whole);
        prop_assert_eq!(whole.parts(), expected);
    }

    #[test]
    fn any_bytes_come_to_the_same_however_they_are_cut(
        fragments in prop::collection::vec(prop::sample::select(vec![
            "--bound-1", "\r\n--bound-1", "\r\n--bound-1\r\n", "--", "\r\n", "\r", "\r\n\r\n", " ", "-", "x", "\r\n--bound-",
            "Content-Disposition: form-data; name=a", "Content-Disposition: form-data; name=a\r\n\r\n", "a: b", "\r\n--bound-1--",
        ]), 0..40),
        begun in any::<bool>(),
        sizes in chunk_sizes(),
    ) {
        let begin = if begun { "--bound-1\r\nContent-Disposition: form-data; name=a\r\n\r\n" } else { "" };
        let body = [begin, &fragments.concat()].concat();
        prop_assert_eq!(scan_cut(BOUNDARY, body.as_bytes(), &sizes), scan(body.as_bytes()));
    }

    #[test]
    fn a_valid_form_reads_as_multra_reads_it(
        parts in prop::collection::vec(("[a-z]{1,9}", prop::option::of("[^\\x00-\\x1f\"\\\\%=\\x7f]{0,9}"), content()), 1..6),
        chunk_bytes in 1_usize..200,
    ) {
        let mut body = Vec::new();
        for (name, filename, content) in &parts {
            let filename = filename.as_ref().map(|filename| format!("; filename=\"{filename}\"")).unwrap_or_default();
            let headers = format!("--bound-1\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n");
            body.extend([headers.as_bytes(), content, b"\r\n"].concat());
        }
        body.extend(b"--bound-1--\r\n");
        let ours = scan_cut(BOUNDARY, &body, &[chunk_bytes]).parts();
        prop_assert_eq!(&ours, &multra_parts(&body, chunk_bytes));
        prop_assert_eq!(ours, parts);
    }
}
