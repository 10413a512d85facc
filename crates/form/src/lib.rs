//! A `multipart/form-data` parser (RFC 7578) without I/O, in bounded memory.
//!
//! [`boundary`] reads the request's Content-Type. A [`Scanner`] takes the chunks of the body as they arrive and returns
//! [`Event`]s. The content of a part is returned as slices of the chunks: it is never copied, and a part of any size
//! needs no more memory than one chunk. Fields may come in any order. Everything else in a body is [limited](limits):
//! boundary, preamble, headers, number of parts, padding and epilogue.
//!
//! The scanner is strict where parsers disagree about the content of a part: line breaks are CRLF, a boundary begins a
//! line, and a header that matters is not repeated. It is tolerant where nothing is ambiguous: folded headers, padding,
//! a preamble, any printable boundary, and the filename encodings of browsers, curl, Go, .NET, Node, Python and Ruby
//! clients.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use venna_form::{Event, FormError, Scanner, boundary};
//!
//! /// Returns the name and the length of each part of a body that arrives in chunks.
//! fn lengths(content_type: &str, chunks: Vec<Bytes>) -> Result<Vec<(String, usize)>, FormError> {
//!     let mut scanner = Scanner::new(&boundary(content_type)?)?;
//!     let mut parts = Vec::new();
//!     for chunk in chunks {
//!         scanner.feed(chunk);
//!         while let Some(event) = scanner.next_event()? {
//!             match event {
//!                 Event::Part(headers) => parts.push((headers.name, 0)),
//!                 Event::Data(bytes) => parts.last_mut().expect("data follows its part").1 += bytes.len(),
//!                 Event::PartEnd | Event::End => {}
//!             }
//!         }
//!     }
//!     scanner.finish()?;
//!     Ok(parts)
//! }
//!
//! let chunks = ["--X\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r", "\nbatch\r\n--", "X--\r\n"];
//! let chunks = chunks.map(|chunk| Bytes::from_static(chunk.as_bytes())).to_vec();
//! assert_eq!(lengths("multipart/form-data; boundary=X", chunks), Ok(vec![("purpose".to_owned(), 5)]));
//! ```

mod disposition;
mod error;
pub mod limits;
mod scanner;

pub use disposition::{PartHeaders, boundary, boundary_of_related, parse_part_headers};
pub use error::FormError;
pub use scanner::{Event, Scanner};
