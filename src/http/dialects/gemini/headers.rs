//! The headers of Gemini's uploads.

use http::HeaderName;

/// How the bytes will come.
pub const PROTOCOL: HeaderName = HeaderName::from_static("x-goog-upload-protocol");
/// What a request wants.
pub const COMMAND: HeaderName = HeaderName::from_static("x-goog-upload-command");
/// The bytes before those of the request.
pub const OFFSET: HeaderName = HeaderName::from_static("x-goog-upload-offset");
/// The name of the file.
pub const FILE_NAME: HeaderName = HeaderName::from_static("x-goog-upload-file-name");
/// The size of the file, in bytes.
pub const TOTAL_BYTES: HeaderName = HeaderName::from_static("x-goog-upload-header-content-length");
/// The media type of the file.
pub const MIME_TYPE: HeaderName = HeaderName::from_static("x-goog-upload-header-content-type");

/// The URL of the session.
pub const SESSION_URL: HeaderName = HeaderName::from_static("x-goog-upload-url");
/// The multiple of which chunks should be, in bytes.
pub const GRANULARITY: HeaderName = HeaderName::from_static("x-goog-upload-chunk-granularity");
/// The bytes that the server has.
pub const SIZE_RECEIVED: HeaderName = HeaderName::from_static("x-goog-upload-size-received");
/// Whether the session goes on. An answer without it tells the client to repeat its request.
pub const STATUS: HeaderName = HeaderName::from_static("x-goog-upload-status");
/// The status of a session that takes bytes.
pub const ACTIVE: &str = "active";
/// The status of a session whose File is there, or never will be.
pub const FINAL: &str = "final";
/// The status of a session that was cancelled or has expired.
pub const CANCELLED: &str = "cancelled";
