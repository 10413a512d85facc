//! Small files that are read whole.

use std::fs::File;
use std::io::{self, Read};

/// Reads a text of at most `most_bytes` bytes. A longer one is an error: a part of it would mean something else.
pub fn read_text(file: File, most_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    if file.take(most_bytes.saturating_add(1)).read_to_string(&mut text)? as u64 > most_bytes {
        return Err(io::Error::other(format!("it has more than {most_bytes} bytes")));
    }
    Ok(text)
}
