//! The name that a client chose for a File in Gemini's dialect, where a File without one is named by its id.

use super::ids::FileId;

/// The longest name, in characters.
pub const MAX_CHOSEN_NAME_CHARACTERS: usize = 40;

/// A name that no other File of its workspace has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenName(String);

/// A text that cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected 1 to {MAX_CHOSEN_NAME_CHARACTERS} small letters, digits and dashes, without a dash at either end, and no id"
)]
pub struct MalformedName;

impl ChosenName {
    /// Parses a name. The id of a File is none, so that every name means one File.
    ///
    /// # Errors
    /// When the text cannot be chosen.
    pub fn parse(text: &str) -> Result<Self, MalformedName> {
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_well_formed = (1..=MAX_CHOSEN_NAME_CHARACTERS).contains(&text.len())
            && text.bytes().all(is_allowed)
            && !text.starts_with('-')
            && !text.ends_with('-');
        let is_id = FileId::of_any_dialect(text).is_ok();
        if is_well_formed && !is_id { Ok(Self(text.to_owned())) } else { Err(MalformedName) }
    }

    /// Returns a stored name, unchecked.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_small_letters_digits_and_dashes() {
        for text in ["a", "abc-123", "0", &"x".repeat(40)] {
            assert_eq!(ChosenName::parse(text).unwrap().as_str(), text);
        }
        let id = FileId::of_any_dialect("file-00VbjUjhHGglY7j08O6M3Oj9").unwrap();
        for text in ["", "-a", "a-", "A", "a_b", "a/b", "\u{e9}", &"x".repeat(41), &id.in_lower_case(), &id.to_string()]
        {
            assert_eq!(ChosenName::parse(text), Err(MalformedName), "{text}");
        }
    }
}
