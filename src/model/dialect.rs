//! The dialects: the APIs of several vendors, in which clients speak to one store of Files.

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's Files API, with everything that this server adds to it.
    OpenAi,
    /// Mistral's Files API.
    Mistral,
}

impl Dialect {
    /// The dialects but OpenAI's.
    pub const FOREIGN: [Self; 1] = [Self::Mistral];

    /// Returns its name, which is its base path if it has one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Mistral => "mistral",
        }
    }
}
