//! Multipart forms by hand.

use std::fmt::Write as _;

const BOUNDARY: &str = "venna-test-boundary";

/// A multipart form in the making, of which a test decides every byte.
#[derive(Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    /// Returns the Content-Type of every form.
    pub fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        let mut part = String::new();
        write!(part, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
        self.0.extend_from_slice(part.as_bytes());
        self
    }

    /// Adds a file in the field `file`.
    #[must_use]
    pub fn file(self, filename: &str, content: &[u8]) -> Self {
        self.named_file("file", filename, content)
    }

    /// Adds a file.
    #[must_use]
    pub fn named_file(mut self, name: &str, filename: &str, content: &[u8]) -> Self {
        let mut head = String::new();
        write!(head, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n")
            .unwrap();
        head.push_str("Content-Type: application/octet-stream\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(content);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// Returns the bytes of the form.
    pub fn close(mut self) -> Vec<u8> {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0
    }
}
