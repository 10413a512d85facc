//! A client of OpenAI-compatible Files APIs: bounded retries, checked transfers, uploads and downloads that go on.

mod answer;
mod checksum;
mod connection;
mod dialect;
mod download;
mod error;
mod files;
mod journal;
mod local_file;
mod new_file;
mod other_files;
mod parts;
mod progress;
mod retry;
mod upload;
mod uploads;
mod whole;

pub use checksum::{Checksum, Hasher, Layout};
pub use connection::{Client, Server};
pub use dialect::Dialect;
pub use download::{Download, Sink};
pub use error::ClientError;
pub use files::{FileObject, FilePage, ListQuery, segment};
pub use journal::{Journal, Run};
pub use new_file::{NewFile, Source};
pub use other_files::OtherFile;
pub use parts::MAX_WHOLE_BYTES;
pub use progress::{Progress, Step, Unwatched};
pub use upload::Uploader;
