//! Batch and fine-tune files are checked while they come in.

use serde_json::Value;
use venna::clock::Clock;
use venna_testkit::{Form, TestServer};

fn request(id: usize) -> String {
    format!("{{\"custom_id\": \"{id}\", \"method\": \"POST\", \"url\": \"/v1/responses\", \"body\": {{}}}}\n")
}

fn batch(content: &[u8], file_first: bool) -> Form {
    if file_first {
        Form::default().file("a.jsonl", content).field("purpose", "batch")
    } else {
        Form::default().field("purpose", "batch").file("a.jsonl", content)
    }
}

#[tokio::test]
async fn bad_lines_make_a_file_with_an_error_whatever_its_size_and_the_order_of_fields() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    for count in [10, 10_000] {
        let good: String = (0..count).map(request).collect();
        let bad = good.clone() + "{]\n" + &request(0);
        for file_first in [false, true] {
            let file = ada.post(batch(good.as_bytes(), file_first)).await.is_ok().json();
            assert_eq!((file["status"].as_str(), &file["status_details"]), (Some("processed"), &Value::Null));
            let file = ada.post(batch(bad.as_bytes(), file_first)).await.is_ok().json();
            let expected = format!(
                "Lines that are not valid for purpose 'batch': line {} (byte {}): not valid JSON (a key must be a string, column 2); \
                 line {} (byte {}): 'custom_id' is that of line 1.",
                count + 1,
                good.len(),
                count + 2,
                good.len() + 3
            );
            assert_eq!((file["status"].as_str(), file["status_details"].as_str()), (Some("error"), Some(&*expected)));
            let id = file["id"].as_str().unwrap();
            assert_eq!(ada.retrieve_file(id).await.json(), file);
            ada.download_file(id).await.is_bytes(bad.as_bytes());
        }
    }
    server.close().await;
}

#[tokio::test]
async fn outputs_blank_lines_and_byte_order_marks_are_good_and_lines_may_be_long() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let output = "{\"id\":\"batch_req_1\",\"custom_id\":\"a\",\"response\":{\"status_code\":200,\"body\":{}},\"error\":null}\n\
                  {\"id\":\"batch_req_2\",\"custom_id\":\"b\",\"response\":null,\"error\":{\"code\":\"x\",\"message\":\"y\"}}";
    let long = request(0).replace("{}", &format!("{{\"image\": \"{}\"}}", "A".repeat(5 << 20)));
    let blank = request(0) + "\n\r\n" + &request(1);
    for content in [output, &long, &blank, &format!("\u{feff}{}", request(0))] {
        for file_first in [false, true] {
            let file = ada.post(batch(content.as_bytes(), file_first)).await.is_ok().json();
            assert_eq!((file["status"].as_str(), &file["status_details"]), (Some("processed"), &Value::Null));
        }
    }
    server.close().await;
}

#[tokio::test]
async fn empty_files_and_other_encodings_are_named() {
    let utf16: Vec<u8> = request(0).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for inline in ["65536", "0"] {
        let server = TestServer::with(&[("inline_max_bytes", inline)], Clock::system()).await;
        let ada = server.user("ada").await;
        for (content, said) in
            [(&b""[..], "The file is empty;"), (b"\n", "The file is empty;"), (&utf16, "The file is in UTF-16")]
        {
            for file_first in [false, true] {
                let file = ada.post(batch(content, file_first)).await.is_ok().json();
                assert_eq!(file["status"], "error");
                assert!(file["status_details"].as_str().unwrap().starts_with(said), "{file}");
            }
        }
        server.close().await;
    }
}

#[tokio::test]
async fn what_is_not_checked_may_hold_anything() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    for size in [3, 300_000] {
        for form in [
            Form::default().field("purpose", "user_data").file("a.jsonl", &vec![b'['; size]),
            Form::default().file("a.jsonl", &vec![b'['; size]).field("purpose", "evals"),
        ] {
            assert_eq!(ada.post(form).await.is_ok().json()["status"], "processed");
        }
    }
    server.close().await;
}

#[tokio::test]
async fn strict_servers_refuse_bad_lines_and_keep_nothing() {
    let server = TestServer::with(&[("strict_jsonl", "true")], Clock::system()).await;
    let ada = server.user("ada").await;
    for count in [10, 10_000] {
        let good: String = (0..count).map(request).collect();
        ada.post(batch(good.as_bytes(), true)).await.is_ok();
        let bad = good + "{}\n";
        for file_first in [false, true] {
            let error = ada.post(batch(bad.as_bytes(), file_first)).await.is_error(400, Some("file"), None);
            assert!(error["message"].as_str().unwrap().ends_with("no 'custom_id'."), "{error}");
        }
    }
    assert_eq!(ada.list("").await.ids().len(), 2);
    server.blobs_become(1).await;
    server.close().await;
}
