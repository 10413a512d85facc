//! The name of a File: metadata, kept as the client sent it and never part of a path on the server.
//!
//! As with OpenAI, a client may send a path or a media type as the name. Names are made safe where they are written:
//! [`Filename::for_download`] is the name under which a client may store the bytes.

use std::fmt;

/// The longest name, in characters (Unicode scalar values): at most 1,020 bytes of UTF-8.
pub const MAX_FILENAME_CHARACTERS: usize = 255;
/// The longest file name of common file systems, in bytes of UTF-8.
const MAX_COMPONENT_BYTES: usize = 255;
/// The replacement of characters that are unsafe in a file name.
const REPLACEMENT: char = '_';

/// A name without control characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Filename(String);

/// The reason why a name is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFilename {
    /// The name is empty.
    #[error("The filename is empty.")]
    Empty,
    /// The name is longer than [`MAX_FILENAME_CHARACTERS`].
    #[error("The filename has {characters} characters; the limit is {MAX_FILENAME_CHARACTERS} characters.")]
    TooLong {
        /// Its length, in characters.
        characters: usize,
    },
    /// The name has a control character (Unicode category Cc).
    #[error("The filename holds the control character U+{:04X}.", u32::from(*.0))]
    Control(char),
}

impl Filename {
    /// Parses a name without changing it.
    ///
    /// # Errors
    /// When it is empty, too long, or holds a control character.
    pub fn parse(sent: &str) -> Result<Self, BadFilename> {
        if sent.is_empty() {
            return Err(BadFilename::Empty);
        }
        if let Some(control) = sent.chars().find(|character| character.is_control()) {
            return Err(BadFilename::Control(control));
        }
        let characters = sent.chars().count();
        if characters > MAX_FILENAME_CHARACTERS {
            return Err(BadFilename::TooLong { characters });
        }
        Ok(Self(sent.to_owned()))
    }

    /// Returns a stored name, unchecked.
    #[must_use]
    pub const fn stored(name: String) -> Self {
        Self(name)
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text after the last dot of the last path component.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        let component = self.0.rsplit(is_separator).next()?;
        component.rsplit_once('.').map(|(_, extension)| extension)
    }

    /// Returns the name under which a client may store the bytes: one path component, not `.` or `..`, without
    /// bidirectional overrides, and the last 255 bytes of a longer name.
    #[must_use]
    pub fn for_download(&self) -> String {
        if matches!(self.0.as_str(), "." | "..") {
            return REPLACEMENT.to_string();
        }
        let mut name: String =
            self.0.chars().map(|character| if is_unsafe(character) { REPLACEMENT } else { character }).collect();
        let surplus_bytes = name.len().saturating_sub(MAX_COMPONENT_BYTES);
        name.split_off(name.ceil_char_boundary(surplus_bytes))
    }
}

impl fmt::Debug for Filename {
    /// Shows only the length: names of users' files do not belong in logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Filename({} bytes)", self.0.len())
    }
}

const fn is_separator(character: char) -> bool {
    matches!(character, '/' | '\\')
}

/// Returns whether the character separates paths or changes the text direction (UAX 9, sections 2.1 to 2.3).
const fn is_unsafe(character: char) -> bool {
    is_separator(character) || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_whole() {
        for sent in [
            "a.txt",
            "text/csv",
            "/etc/passwd",
            "C:\\Users\\ada\\r\u{e9}sum\u{e9}.pdf",
            "../..",
            "dir/",
            "\u{6587}.jsonl",
            "gpj.\u{202E}exe",
            "\u{200f}a",
        ] {
            assert_eq!(Filename::parse(sent).map(|name| name.0), Ok(sent.to_owned()));
        }
    }

    #[test]
    fn nothing_control_characters_and_what_does_not_fit_are_refused() {
        for (sent, why) in [
            ("", BadFilename::Empty),
            ("a\r\nb", BadFilename::Control('\r')),
            ("a\0b", BadFilename::Control('\0')),
            ("a\u{85}b", BadFilename::Control('\u{85}')),
        ] {
            assert_eq!(Filename::parse(sent), Err(why), "{sent:?}");
        }
        for character in ["x", "\u{6587}", "\u{1f5c2}"] {
            assert!(Filename::parse(&character.repeat(255)).is_ok());
            let error = Filename::parse(&character.repeat(256)).unwrap_err();
            assert_eq!(error.to_string(), "The filename has 256 characters; the limit is 255 characters.");
        }
        assert_eq!(BadFilename::Control('\n').to_string(), "The filename holds the control character U+000A.");
    }

    #[test]
    fn the_extension_is_that_of_the_last_component() {
        let of = |name: &str| Filename::parse(name).unwrap().extension().map(str::to_owned);
        assert_eq!(of("a.b/c.jsonl").as_deref(), Some("jsonl"));
        assert_eq!(of("C:\\v1.2\\data").as_deref(), None);
        assert_eq!(of("text/csv").as_deref(), None);
    }

    #[test]
    fn a_name_for_storing_is_one_component_that_deceives_nobody() {
        let of = |name: &str| Filename::parse(name).unwrap().for_download();
        for (name, stored) in [
            ("John's Report (1) final.pdf", "John's Report (1) final.pdf"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("C:\\a.txt", "C:_a.txt"),
            ("..", "_"),
            (".", "_"),
            (".hidden", ".hidden"),
            ("gpj.\u{202E}exe", "gpj._exe"),
            ("\u{200f}\u{5d0}.txt", "\u{200f}\u{5d0}.txt"),
        ] {
            assert_eq!(of(name), stored);
        }
        assert_eq!(of(&format!("{}.pdf", "\u{6587}".repeat(251))), format!("{}.pdf", "\u{6587}".repeat(83)));
        let older = Filename::stored(format!("{}.pdf", "x".repeat(900)));
        assert_eq!(older.for_download(), format!("{}.pdf", "x".repeat(251)));
    }
}
