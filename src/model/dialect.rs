//! The dialects: the APIs of several vendors, in which clients speak to one store of Files.

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OpenAI's Files API, with everything that this server adds to it.
    OpenAi,
    /// Mistral's Files API.
    Mistral,
    /// Anthropic's Files API.
    Anthropic,
    /// Google's Gemini Files API.
    Gemini,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Mistral, Self::Anthropic, Self::Gemini];

    /// Returns the dialects but OpenAI's.
    pub fn foreign() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|dialect| *dialect != Self::OpenAi)
    }

    /// Returns its name, which is its base path if it has one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Mistral => "mistral",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// Returns the dialect of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_is_found_by_its_name() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::named(dialect.name()), Some(dialect));
        }
        assert_eq!(Dialect::named(""), None);
    }
}
