//! Checksums of contents: the SHA-256 of the whole, or that of the digests of its parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ETAG, HeaderMap};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// The header with the size of all parts but the last, in bytes.
const PART_BYTES: &str = "x-part-bytes";
/// The hex digits of a SHA-256.
const DIGITS: usize = 64;
/// The bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The bytes that are hashed together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The whole content.
    #[default]
    Whole,
    /// Parts of this size in bytes, the last of which may be shorter; then the digests of the parts.
    Parts(u64),
}

/// The checksum of a content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// The bytes that were hashed together.
    pub layout: Layout,
    /// The digest in hex, and for parts `-` and their number.
    value: String,
}

impl Checksum {
    /// Returns the checksum of a whole content with this SHA-256 in hex.
    #[must_use]
    pub fn of_whole(sha256: &str) -> Self {
        Self { layout: Layout::Whole, value: sha256.to_ascii_lowercase() }
    }

    /// Returns the checksum that the headers of a content state: in `Repr-Digest` (RFC 9530), or in the `ETag` of a
    /// content that was uploaded in parts of one size.
    pub(crate) fn stated(headers: &HeaderMap) -> Option<Self> {
        of_representation(headers).or_else(|| of_parts(headers))
    }
}

fn of_representation(headers: &HeaderMap) -> Option<Checksum> {
    let text = headers.get("repr-digest")?.to_str().ok()?;
    let member = text.split(',').find_map(|member| member.trim().strip_prefix("sha-256=:"))?;
    let digest = STANDARD.decode(member.strip_suffix(':')?).ok()?;
    Some(Checksum { layout: Layout::Whole, value: hex(&digest) })
}

fn of_parts(headers: &HeaderMap) -> Option<Checksum> {
    let part_bytes = headers.get(PART_BYTES)?.to_str().ok()?.parse().ok().filter(|bytes| *bytes > 0)?;
    let value = headers.get(ETAG)?.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?;
    let (digest, count) = value.split_once('-')?;
    let is_digest = digest.len() == DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    count.parse::<u64>().ok().filter(|_| is_digest)?;
    Some(Checksum { layout: Layout::Parts(part_bytes), value: value.to_ascii_lowercase() })
}

/// Hashes a content piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Hasher {
    layout: Layout,
    part: Sha256,
    /// The bytes in the part.
    part_bytes: u64,
    finished: Sha256,
    finished_parts: u64,
}

impl Hasher {
    /// Begins a content.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self { layout, ..Self::default() }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let Layout::Parts(part_bytes) = self.layout else { return self.part.update(bytes) };
        while !bytes.is_empty() {
            if self.part_bytes == part_bytes {
                self.end_part();
            }
            let room = usize::try_from(part_bytes.saturating_sub(self.part_bytes)).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.part.update(now);
            self.part_bytes = self.part_bytes.saturating_add(now.len() as u64);
            bytes = later;
        }
    }

    /// Adds all that is left to read.
    pub fn read_all(&mut self, mut content: impl Read) -> io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match content.read(&mut piece)? {
                0 => return Ok(()),
                read => self.update(piece.get(..read).unwrap_or_default()),
            }
        }
    }

    /// Returns the checksum.
    #[must_use]
    pub fn finish(mut self) -> Checksum {
        let layout = self.layout;
        if layout == Layout::Whole {
            return Checksum { layout, value: hex(&self.part.finalize()) };
        }
        if self.part_bytes > 0 {
            self.end_part();
        }
        Checksum { layout, value: format!("{}-{}", hex(&self.finished.finalize()), self.finished_parts) }
    }

    fn end_part(&mut self) {
        self.finished.update(self.part.finalize_reset());
        (self.part_bytes, self.finished_parts) = (0, self.finished_parts.saturating_add(1));
    }
}

/// Returns bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        all.iter().map(|(name, text)| (name.parse().unwrap(), text.parse().unwrap())).collect()
    }

    #[test]
    fn the_digest_is_read_among_others() {
        let stated = |text: &str| Checksum::stated(&headers(&[("repr-digest", text)]));
        assert_eq!(stated("md5=:AA==:, sha-256=:AQI=:"), Some(Checksum::of_whole("0102")));
        assert_eq!((stated("sha-512=:AQI=:"), stated("sha-256=:AQI=")), (None, None));
    }

    #[test]
    fn an_etag_is_a_checksum_if_the_size_of_parts_is_known() {
        let etag = format!("\"{}-3\"", "a".repeat(64));
        let stated = |size: &str, etag: &str| Checksum::stated(&headers(&[("x-part-bytes", size), ("etag", etag)]));
        assert_eq!(stated("5", &etag).unwrap().layout, Layout::Parts(5));
        for (size, etag) in [("0", etag.as_str()), ("x", &etag), ("5", "\"abc-3\""), ("5", &etag.replace("-3", "-x"))] {
            assert_eq!(stated(size, etag), None, "{size} {etag}");
        }
        assert_eq!(Checksum::stated(&headers(&[("etag", &etag)])), None);
    }

    #[test]
    fn parts_are_hashed_wherever_pieces_end() {
        let content: Vec<u8> = (0..100).collect();
        let digests: Vec<u8> = content.chunks(8).flat_map(|part| Sha256::digest(part).to_vec()).collect();
        let expected = format!("{}-13", hex(&Sha256::digest(&digests)));
        for piece_bytes in [1, 7, 8, 9, 100] {
            let mut hasher = Hasher::new(Layout::Parts(8));
            content.chunks(piece_bytes).for_each(|piece| hasher.update(piece));
            assert_eq!(hasher.finish().value, expected, "pieces of {piece_bytes} bytes");
        }
        let mut whole = Hasher::new(Layout::Whole);
        whole.read_all(content.as_slice()).unwrap();
        assert_eq!(whole.finish(), Checksum::of_whole(&hex(&Sha256::digest(&content))));
        assert!(Hasher::new(Layout::Parts(8)).finish().value.ends_with("-0"));
    }
}
