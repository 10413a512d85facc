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

    /// Adds a file of octets.
    #[must_use]
    pub fn named_file(self, name: &str, filename: &str, content: &[u8]) -> Self {
        self.typed_file(name, filename, "application/octet-stream", content)
    }

    /// Adds a file of a media type.
    #[must_use]
    pub fn typed_file(mut self, name: &str, filename: &str, mime_type: &str, content: &[u8]) -> Self {
        let mut head = String::new();
        write!(head, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n")
            .unwrap();
        write!(head, "Content-Type: {mime_type}\r\n\r\n").unwrap();
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
