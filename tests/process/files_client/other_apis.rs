//! `venna import` from servers with the APIs of Anthropic and of Google Gemini.

use super::kills::list;
use super::stub::{Reply, Stub};
use super::{client, files, started, text};
use std::process::Output;
use venna_testkit::program::{Data, Program};

/// A server, and a stub that files come from.
struct Move {
    data: Data,
    server: Program,
    stub: Stub,
}

impl Move {
    fn from(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let (data, server) = started();
        Self { data, server, stub: Stub::start(move |request, _| script(&request.line)) }
    }

    fn import(&self, api: &str) -> Output {
        let url = format!("http://{}", self.stub.address);
        let map = self.data.folder.path().join("map.jsonl");
        let words = ["import", &url, "--from-api", api, "--default-purpose", "user_data", "--map"];
        let mut import = client(self.server.address, &self.data.first_key(), self.data.folder.path(), &words);
        import.arg(map).env("VENNA_FROM_API_KEY", "secret-of-source").output().unwrap()
    }

    /// Returns the name, the size and the content of each file, the newest first.
    fn arrived(&self) -> Vec<(String, Vec<u8>)> {
        let key = self.data.first_key();
        let content = |file: &serde_json::Value| {
            let content = files(&self.server, &key, &["content", file["id"].as_str().unwrap(), "-o", "-"]);
            (file["filename"].as_str().unwrap().to_owned(), content.stdout)
        };
        list(&self.server, &key).iter().map(content).collect()
    }

    /// Asserts that each request had the key, and that the map has a creation time.
    fn sent_its_key(&self, requests: usize) {
        let sent = self.stub.requests("GET");
        assert_eq!(sent.len(), requests, "{sent:?}");
        assert!(sent.iter().all(|request| request.api_key == "secret-of-source"), "{sent:?}");
        let map = std::fs::read_to_string(self.data.folder.path().join("map.jsonl")).unwrap();
        assert!(map.contains(r#""created_at":1767225600"#), "{map}");
    }
}

fn answer(text: impl Into<String>) -> Reply {
    Reply::Answer(200, "", text.into())
}

#[test]
fn files_come_from_anthropic_as_far_as_it_gives_them_out() {
    let file = |id: &str, downloadable: bool| {
        format!(
            r#"{{"id":"{id}","type":"file","filename":"{id}.txt","mime_type":"text/plain","size_bytes":3,
                "created_at":"2026-01-01T00:00:00Z","downloadable":{downloadable},"expires_at":null}}"#
        )
    };
    let moving = Move::from(move |line| match line {
        "GET /v1/files?limit=1000" => {
            answer(format!(r#"{{"data":[{},{}],"next_page":"page_2"}}"#, file("file_a", true), file("file_b", false)))
        }
        "GET /v1/files?limit=1000&page=page_2" => {
            answer(format!(r#"{{"data":[{}],"next_page":null}}"#, file("file_c", true)))
        }
        "GET /v1/files/file_a/content" => answer("aaa"),
        "GET /v1/files/file_c/content" => answer("ccc"),
        _ => Reply::Answer(400, "", String::new()),
    });
    let done = moving.import("anthropic");
    let told = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("file_b file_b.txt: the source does not give out its content"), "{told}");
    assert!(told.contains("2 files imported, 0 were there, 1 failed"), "{told}");
    let mut arrived = moving.arrived();
    arrived.sort();
    assert_eq!(arrived, [("file_a.txt".into(), b"aaa".to_vec()), ("file_c.txt".into(), b"ccc".to_vec())]);
    moving.sent_its_key(4);
}

#[test]
fn files_come_from_gemini_as_far_as_it_gives_them_out() {
    let page = r#"{"files":[
        {"name":"files/abc-1","displayName":"one.bin","sizeBytes":"3","createTime":"2026-01-01T00:00:00.123456Z",
            "state":"ACTIVE","downloadUri":"https://example.com/abc-1"},
        {"name":"files/abc-2","sizeBytes":"3","createTime":"2026-01-01T00:00:00Z","state":"ACTIVE"},
        {"name":"files/abc-3","sizeBytes":"3","state":"PROCESSING","downloadUri":"https://example.com/abc-3"}]}"#;
    let moving = Move::from(move |line| match line {
        "GET /v1beta/files?pageSize=100" => answer(page),
        "GET /v1beta/files/abc-1:download?alt=media" => answer("one"),
        _ => Reply::Answer(403, "", String::new()),
    });
    let done = moving.import("gemini");
    let told = text(&done.stderr);
    assert!(told.contains("1 file imported, 0 were there, 2 failed"), "{told}");
    assert_eq!(moving.arrived(), [("one.bin".to_owned(), b"one".to_vec())]);
    moving.sent_its_key(2);
    assert!(text(&moving.import("gemini").stderr).contains("0 files imported, 1 were there, 2 failed"));
}
