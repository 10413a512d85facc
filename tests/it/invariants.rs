//! What holds of every bill, whatever users do: what is billed is what is there and what was done, and what failed, was
//! broken off, cancelled or too late leaves nothing on it (docs/design/billing.md, section 7, invariants 3 and 4).

use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use venna::model::limits::{Limit, LimitOwner};
use venna_testkit::{Form, Rng, TestServer, User};

const NOW_MS: u64 = 1_795_374_000_000;
const STEPS: u64 = 240;
const LARGEST: usize = 100_000;
/// What one purpose may have at most, so that some files are refused.
const BATCH_BYTES: u8 = 10;

fn random_content(rng: &mut Rng) -> Vec<u8> {
    vec![b'x'; rng.below(LARGEST)]
}

/// What ought to be on the bill.
#[derive(Default)]
struct Expected {
    class_a: i64,
    class_b: i64,
    ingress: i64,
    egress: i64,
}

struct Walk {
    server: TestServer,
    ada: User,
    rng: Rng,
    expected: Expected,
    files: Vec<(String, usize)>,
    uploads: Vec<(String, String)>,
}

impl Walk {
    async fn step(&mut self) {
        match self.rng.below(12) {
            0..=2 => self.create().await,
            3 => self.delete().await,
            4 => self.read().await,
            5 => self.fail().await,
            6 => self.break_off(),
            7 => self.begin_upload().await,
            8 => self.end_upload().await,
            9 => self.server.clock.set(self.server.clock.now_ms() + self.rng.below(3_000_000)),
            10 => {
                self.ada.list("").await.is_ok();
                self.expected.class_a += 1;
            }
            _ => self.restart().await,
        }
    }

    async fn create(&mut self) {
        let content = random_content(&mut self.rng);
        let form = Form::default().field("purpose", "user_data");
        let form = match self.rng.below(2) {
            0 => form,
            _ => form.field("expires_after[anchor]", "created_at").field("expires_after[seconds]", "3600"),
        };
        let id = self.ada.post(form.file("a", &content)).await.id();
        self.expected.class_a += 1;
        self.expected.ingress += i64::try_from(content.len()).unwrap();
        self.files.push((id, content.len()));
    }

    async fn delete(&mut self) {
        if let Some((id, _)) = self.files.pop() {
            self.ada.send(self.ada.request(Method::DELETE, &format!("/v1/files/{id}"))).await;
        }
    }

    async fn read(&mut self) {
        let Some((id, size)) = self.files.last() else { return };
        let answer = self.ada.download_file(id).await;
        if answer.status == 200 {
            self.expected.class_b += 1;
            self.expected.egress += i64::try_from(*size).unwrap();
        }
        let answer = self.ada.retrieve_file(id).await;
        self.expected.class_b += i64::from(answer.status == 200);
    }

    async fn fail(&mut self) {
        let content = random_content(&mut self.rng);
        let (ada, form) = (&self.ada, Form::default());
        let size = format!("{}", content.len());
        let answer = match self.rng.below(6) {
            0 => ada.post(form.field("purpose", "no purpose").file("a", &content)).await,
            1 => ada.post(form.file("a", &content).field("purpose", "batch")).await,
            2 => ada.post(form.field("purpose", "batch").file("a.jsonl", &[b'x'; 2 * BATCH_BYTES as usize])).await,
            3 => ada.post(form.field("purpose", "user_data").field("file", &size)).await,
            4 => ada.download_range("file-00VbjUjhHGglY7j08O6M3Oj0", "bytes=0-1").await,
            _ => ada.complete_upload("upload_00VbjUjhHGglY7j08O6M3Oj0", &["part_1"]).await,
        };
        assert!(answer.status.is_client_error(), "{answer:?}");
    }

    /// The connection ends in the middle of the body.
    fn break_off(&mut self) {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        let form = Form::default().field("purpose", "user_data").file("a", &random_content(&mut self.rng)).close();
        let head = format!(
            "POST /v1/files HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            self.ada.key,
            Form::content_type(),
            form.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&form[..form.len() / 2]).unwrap();
    }

    async fn begin_upload(&mut self) {
        let upload = self.ada.create_upload(10).await.id();
        let part = self.ada.add_part(&upload, b"0123456789").await.id();
        self.uploads.push((upload, part));
    }

    /// It is completed, cancelled, or too late.
    async fn end_upload(&mut self) {
        let Some((upload, part)) = self.uploads.pop() else { return };
        if self.rng.below(2) == 0 {
            self.ada.send(self.ada.request(Method::POST, &format!("/v1/uploads/{upload}/cancel"))).await;
            return;
        }
        let answer = self.ada.complete_upload(&upload, &[&part]).await;
        if answer.status == 200 {
            self.expected.class_a += 1;
            self.expected.ingress += 10;
            self.files.push((answer.json()["file"]["id"].as_str().unwrap().to_owned(), 10));
        }
    }

    async fn check(&mut self) {
        let listed = self.ada.list("").await.is_ok().json();
        self.expected.class_a += 1;
        let sum: i64 = listed["data"].as_array().unwrap().iter().map(|file| file["bytes"].as_i64().unwrap()).sum();
        self.restart().await;
        let Expected { class_a, class_b, ingress, egress } = self.expected;
        let expected = [sum, class_a, class_b, ingress, egress];
        assert_eq!(self.billed().await, expected, "stored bytes, class A, class B, ingress, egress");
    }

    /// A server that stops has entered its reads.
    async fn restart(&mut self) {
        self.server.restart().await;
        self.ada = self.server.user_of(&self.ada.key);
    }

    /// What the ledger adds up to. A File that has expired may not have its last row yet.
    async fn billed(&self) -> [i64; 5] {
        let request = self.ada.request(Method::GET, "/v1/organization/usage/ledger?limit=10000");
        let text = String::from_utf8(self.ada.send(request).await.is_ok().body.unwrap()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for line in &lines {
            *sums.entry(line["line_item"].as_str().unwrap().to_owned()).or_default() +=
                line["bytes"].as_i64().unwrap() + line["count"].as_i64().unwrap();
        }
        // In one statement, because the sweeper is at work.
        let stored = "SELECT (SELECT coalesce(sum(bytes), 0) FROM ledger WHERE fact IN ('create', 'complete', 'end'))
                      - (SELECT coalesce(sum(size_bytes), 0) FROM files WHERE expires_at <= ?1)";
        let now = self.server.clock.now_seconds();
        let stored = self.server.database().number(&stored.replace("?1", &now.to_string()));
        let of = |item: &str| sums.get(item).copied().unwrap_or_default();
        [stored, of("files.ops.class_a"), of("files.ops.class_b"), of("files.ingress"), of("files.egress")]
    }
}

#[tokio::test]
async fn what_is_billed_is_what_is_there_and_what_was_done() {
    for seed in [1, 2, 3] {
        let server = TestServer::at(NOW_MS).await;
        let ada = server.user("ada").await;
        let workspace = server.installation().await.workspaces.find("ada").await.unwrap().unwrap().id;
        let limit = vec![(Limit::FileBytes(venna::model::purpose::Purpose::Batch), Some(BATCH_BYTES.into()))];
        let (owner, origin) = (LimitOwner::Workspace(workspace), venna::model::audit::Origin::COMMAND_LINE);
        assert!(server.installation().await.workspaces.set_limits(owner, limit, origin).await.unwrap());
        server.keys().forget();
        let (rng, expected) = (Rng::new(seed), Expected::default());
        let mut walk = Walk { server, ada, rng, expected, files: Vec::new(), uploads: Vec::new() };
        for step in 1..=STEPS {
            walk.step().await;
            if step % 40 == 0 {
                walk.check().await;
            }
        }
        walk.server.close().await;
    }
}
