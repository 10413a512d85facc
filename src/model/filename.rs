//! The name of a File: metadata only, never part of a path (product.md, section 4).

use std::fmt;

/// The longest name, in bytes of UTF-8.
pub const MAX_FILENAME_BYTES: usize = 255;

/// A name without path components and without characters that could deceive a reader.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Filename(String);

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFilename {
    /// Nothing is left when path components are stripped.
    #[error("The filename is empty once path components are stripped.")]
    Empty,
    /// Longer than [`MAX_FILENAME_BYTES`].
    #[error("The filename is longer than {MAX_FILENAME_BYTES} bytes.")]
    TooLong,
    /// A control character, or one that overrides the direction of text.
    #[error("The filename holds a control or bidirectional-override character.")]
    Forbidden,
}

impl Filename {
    /// Strips path components of either separator and checks what remains.
    ///
    /// # Errors
    /// When nothing remains, or the rest is too long or deceptive.
    pub fn parse(sent: &str) -> Result<Self, BadFilename> {
        let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
        if matches!(name, "" | "." | "..") {
            return Err(BadFilename::Empty);
        }
        if name.chars().any(is_forbidden) {
            return Err(BadFilename::Forbidden);
        }
        if name.len() > MAX_FILENAME_BYTES {
            return Err(BadFilename::TooLong);
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that this server checked before it stored it.
    #[must_use]
    pub const fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last dot, if there is one.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.0.rsplit_once('.').map(|(_, extension)| extension)
    }
}

impl fmt::Debug for Filename {
    /// Only the length: names of users' files do not belong in logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Filename({} bytes)", self.0.len())
    }
}

fn is_forbidden(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_stripped_and_unicode_is_kept() {
        for (sent, kept) in [
            ("a.txt", "a.txt"),
            ("/etc/passwd", "passwd"),
            ("C:\\Users\\ada\\r\u{e9}sum\u{e9}.pdf", "r\u{e9}sum\u{e9}.pdf"),
            ("../../x", "x"),
            ("\u{6587}\u{4ef6}.jsonl", "\u{6587}\u{4ef6}.jsonl"),
        ] {
            assert_eq!(Filename::parse(sent).map(|name| name.0), Ok(kept.to_owned()));
        }
    }

    #[test]
    fn what_deceives_or_does_not_fit_is_refused() {
        for (sent, why) in [
            ("", BadFilename::Empty),
            ("dir/", BadFilename::Empty),
            ("..", BadFilename::Empty),
            ("a\r\nb", BadFilename::Forbidden),
            ("a\0b", BadFilename::Forbidden),
            ("a\u{85}b", BadFilename::Forbidden),
            ("gpj.\u{202E}exe", BadFilename::Forbidden),
        ] {
            assert_eq!(Filename::parse(sent), Err(why), "{sent:?}");
        }
        assert!(Filename::parse(&"x".repeat(255)).is_ok());
        assert_eq!(Filename::parse(&"x".repeat(256)), Err(BadFilename::TooLong));
    }
}
