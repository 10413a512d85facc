//! The answers to a user, and what a test asserts of them.

use reqwest::{Response, StatusCode};
use serde_json::Value;

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body; an error if it was cut off.
    pub body: Result<Vec<u8>, String>,
}

impl Answer {
    /// Reads the whole answer.
    pub async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map(Into::into).map_err(|error| format!("{error:?}"));
        Self { status, headers, body }
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body.as_ref().unwrap()).unwrap()
    }

    /// Asserts the status 200.
    #[track_caller]
    pub fn is_ok(self) -> Self {
        assert_eq!(
            self.status,
            StatusCode::OK,
            "{:?}",
            self.body.map(|body| String::from_utf8_lossy(&body).into_owned())
        );
        self
    }

    /// Returns the id of a created object.
    #[track_caller]
    pub fn id(self) -> String {
        self.is_ok().json()["id"].as_str().unwrap().to_owned()
    }

    /// Returns the ids of a list.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        self.json()["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Asserts the content.
    #[track_caller]
    pub fn is_bytes(self, content: &[u8]) -> Self {
        assert!(self.status.is_success(), "{}", self.status);
        assert!(self.body.as_deref().unwrap() == content, "the content is what was expected");
        self
    }

    /// Returns status, headers and body without what differs in every answer.
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let own = ["x-request-id", "date", "openai-processing-ms"];
        let differs = |name: &str| own.contains(&name) || name.starts_with("x-ratelimit-");
        let headers = self.headers.iter().filter(|(name, _)| !differs(name.as_str()));
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        (self.status.as_u16(), headers, String::from_utf8(self.body.clone().unwrap()).unwrap())
    }

    /// Asserts an error in OpenAI's envelope and returns it.
    #[track_caller]
    pub fn is_error(self, status: u16, param: Option<&str>, code: Option<&str>) -> Value {
        let body = self.json();
        let error = body["error"].clone();
        assert_eq!(
            (self.status.as_u16(), error["param"].as_str(), error["code"].as_str()),
            (status, param, code),
            "{body}"
        );
        error
    }

    /// Asserts the error of an unknown id.
    #[track_caller]
    pub fn is_not_found(self) {
        self.is_error(404, Some("id"), None);
    }
}
