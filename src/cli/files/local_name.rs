//! Names of local files: what a server names, cut to what a file can have.

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The length of the longest name of a file on Linux, in bytes.
pub const MAX_NAME_BYTES: usize = 255;
/// The length of the longest extension that a shortened name keeps, in bytes.
const MAX_EXTENSION_BYTES: usize = 16;
/// The length of the part of a SHA-256 in a shortened name, in bytes.
const DIGEST_BYTES: usize = 8;

/// Returns the last component of a name, so that a server cannot choose a folder. A longer name than a file can have is
/// shortened.
pub fn safe_name(name: &str) -> Result<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    if last.is_empty() || last == "." || last == ".." || last.chars().any(char::is_control) {
        bail!("the file has no usable name: give --output a path");
    }
    Ok(shortened(OsStr::new(last), MAX_NAME_BYTES).to_string_lossy().into_owned())
}

/// Returns a name of at most `most_bytes` bytes. A longer one keeps its beginning and its extension, with a part of its
/// SHA-256 in between: different names stay different.
pub fn shortened(name: &OsStr, most_bytes: usize) -> OsString {
    if name.len() <= most_bytes {
        return name.to_owned();
    }
    let text = name.to_string_lossy();
    let (stem, extension) = match text.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= MAX_EXTENSION_BYTES => (stem, format!(".{extension}")),
        _ => (&*text, String::new()),
    };
    let digest = Sha256::digest(name.as_bytes());
    let digest = base16ct::lower::encode_string(digest.get(..DIGEST_BYTES).unwrap_or_default());
    let end = format!("-{digest}{extension}");
    let kept = stem.floor_char_boundary(most_bytes.saturating_sub(end.len()));
    format!("{}{end}", stem.get(..kept).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_server_stay_in_the_folder() {
        assert_eq!(safe_name("a.txt").unwrap(), "a.txt");
        assert_eq!(safe_name("../../etc/passwd").unwrap(), "passwd");
        for wrong in ["", "..", "a/", "a/..", "a\nb"] {
            assert!(safe_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_extension() {
        let short = |name: &str| shortened(OsStr::new(name), 40).into_string().unwrap();
        let (whole, long) = ("a".repeat(40), "\u{e4}".repeat(40));
        assert_eq!(short(&whole), whole);
        let names = [format!("{long}1.txt"), format!("{long}2.txt"), format!("{whole}.{whole}"), format!("{whole}.")];
        let shortened = names.each_ref().map(|name| short(name));
        for (name, short) in names.iter().zip(&shortened) {
            assert!(short.len() <= 40 && short.len() > 38, "{name}: {short}");
            assert!(short.chars().zip(name.chars()).take(8).all(|(ours, theirs)| ours == theirs), "{short}");
        }
        let stems = [&shortened[0], &shortened[1]].map(|short| short.strip_suffix(".txt").unwrap());
        assert_ne!(stems[0], stems[1]);
    }
}
