//! The users of the API.

use crate::answer::Answer;
use crate::form::Form;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The environment variable of the version of HTTP: `2` lets users speak HTTP/2 from the first byte.
const HTTP_VARIABLE: &str = "VENNA_TEST_HTTP";

/// A user of the API.
pub struct User {
    client: reqwest::Client,
    /// The URL of the server, without a path.
    pub url: String,
    /// The key of the user.
    pub key: String,
}

/// Returns a client of the version of HTTP that the tests run with.
fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder();
    let is_http_2 = std::env::var(HTTP_VARIABLE).is_ok_and(|version| version == "2");
    if is_http_2 { builder.http2_prior_knowledge() } else { builder }.build().unwrap()
}

impl User {
    /// Creates the user of a key on a server.
    pub fn new(address: SocketAddr, key: &str) -> Self {
        Self { client: client(), url: format!("http://{address}"), key: key.to_owned() }
    }

    /// Begins a request with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::of(request.send().await.unwrap()).await
    }

    /// Posts a form to `/v1/files`.
    pub async fn post(&self, form: Form) -> Answer {
        let request =
            self.request(Method::POST, "/v1/files").header("content-type", Form::content_type()).body(form.close());
        self.send(request).await
    }

    /// Creates a File of purpose `user_data`.
    pub async fn create_file(&self, filename: &str, content: &[u8]) -> Answer {
        self.post(Form::default().field("purpose", "user_data").file(filename, content)).await
    }

    /// Lists Files; the query begins with `?`.
    pub async fn list(&self, query: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/files{query}"))).await
    }

    /// Retrieves a File.
    pub async fn retrieve_file(&self, id: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/files/{id}"))).await
    }

    /// Downloads the content of a File.
    pub async fn download_file(&self, id: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/files/{id}/content"))).await
    }

    /// Downloads a range of a File.
    pub async fn download_range(&self, id: &str, range: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/files/{id}/content")).header("range", range)).await
    }

    /// Deletes a File.
    pub async fn delete_file(&self, id: &str) -> Answer {
        self.send(self.request(Method::DELETE, &format!("/v1/files/{id}"))).await
    }

    /// Creates an Upload of a number of bytes.
    pub async fn create_upload(&self, bytes: usize) -> Answer {
        let body = json!({"bytes": bytes, "filename": "big.bin", "mime_type": "application/octet-stream", "purpose": "user_data"});
        self.post_json("/v1/uploads", &body).await
    }

    /// Posts JSON.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Adds a part to an Upload.
    pub async fn add_part(&self, upload: &str, content: &[u8]) -> Answer {
        let form = Form::default().named_file("data", "blob", content);
        let request = self.request(Method::POST, &format!("/v1/uploads/{upload}/parts"));
        self.send(request.header("content-type", Form::content_type()).body(form.close())).await
    }

    /// Completes an Upload with these parts.
    pub async fn complete_upload(&self, upload: &str, parts: &[&str]) -> Answer {
        self.post_json(&format!("/v1/uploads/{upload}/complete"), &json!({"part_ids": parts})).await
    }

    /// Cancels an Upload.
    pub async fn cancel_upload(&self, upload: &str) -> Answer {
        self.send(self.request(Method::POST, &format!("/v1/uploads/{upload}/cancel"))).await
    }

    /// Retrieves an Upload.
    pub async fn retrieve_upload(&self, upload: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/v1/uploads/{upload}"))).await
    }

    /// Returns the usage of an administrator's query.
    pub async fn usage(&self, query: &str) -> Value {
        self.send(self.request(Method::GET, &format!("/v1/organization/usage/files?{query}"))).await.is_ok().json()
    }

    /// Returns the lines of the ledger.
    pub async fn ledger(&self, query: &str) -> Vec<Value> {
        let answer =
            self.send(self.request(Method::GET, &format!("/v1/organization/usage/ledger?{query}"))).await.is_ok();
        assert_eq!(answer.headers["content-type"], "application/jsonl");
        let text = String::from_utf8(answer.body.unwrap()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Posts an adjustment, with an `Idempotency-Key` if one is given.
    pub async fn adjust(&self, name: Option<&str>, body: &Value) -> Answer {
        let request = self.request(Method::POST, "/v1/organization/usage/adjustments").json(body);
        self.send(if let Some(name) = name { request.header("idempotency-key", name) } else { request }).await
    }

    /// Returns the results of all buckets of a usage or cost query.
    pub async fn results(&self, path: &str) -> Vec<Value> {
        let page = self.send(self.request(Method::GET, &format!("/v1/organization/{path}"))).await.is_ok().json();
        let buckets = page["data"].as_array().unwrap().iter();
        buckets.flat_map(|bucket| bucket["results"].as_array().unwrap().clone()).collect()
    }

    /// Returns the lines of the ledger that are adjustments.
    pub async fn adjustments(&self) -> Vec<Value> {
        let request = self.request(Method::GET, "/v1/organization/usage/ledger");
        let text = String::from_utf8(self.send(request).await.is_ok().body.unwrap()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["kind"] == "adjustment").collect()
    }

    /// Begins a POST with an `Idempotency-Key`.
    pub fn keyed(&self, path: &str, key: &str) -> RequestBuilder {
        self.request(Method::POST, path).header("idempotency-key", key)
    }

    /// Posts a form to `/v1/files` with an `Idempotency-Key`.
    pub async fn create_once(&self, key: &str, form: Form) -> Answer {
        self.send(self.keyed("/v1/files", key).header("content-type", Form::content_type()).body(form.close())).await
    }

    /// Posts JSON with an `Idempotency-Key`.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(self.keyed(path, key).json(body)).await
    }

    /// Adds a part to an Upload with an `Idempotency-Key`.
    pub async fn add_part_once(&self, upload: &str, key: &str, content: &[u8]) -> Answer {
        let form = Form::default().named_file("data", "blob", content);
        let request = self.keyed(&format!("/v1/uploads/{upload}/parts"), key);
        self.send(request.header("content-type", Form::content_type()).body(form.close())).await
    }
}
