//! The purpose of a File (docs/contract.md, section 2).

use std::fmt;

/// A purpose, as OpenAI defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Input of the Assistants API.
    Assistants,
    /// Output of the Assistants API; produced by servers.
    AssistantsOutput,
    /// Input of the Batch API: JSON Lines.
    Batch,
    /// Output of the Batch API; produced by servers.
    BatchOutput,
    /// Data for evaluations.
    Evals,
    /// Training data.
    FineTune,
    /// Results of a training run; produced by servers.
    FineTuneResults,
    /// Any other data of the user.
    UserData,
    /// Images.
    Vision,
}

impl Purpose {
    /// The purposes that a client may upload, in the order of OpenAI's error message.
    pub const UPLOADABLE: [Self; 6] =
        [Self::FineTune, Self::Assistants, Self::Batch, Self::UserData, Self::Vision, Self::Evals];

    /// Every purpose, sorted by name.
    pub const ALL: [Self; 9] = [
        Self::Assistants,
        Self::AssistantsOutput,
        Self::Batch,
        Self::BatchOutput,
        Self::Evals,
        Self::FineTune,
        Self::FineTuneResults,
        Self::UserData,
        Self::Vision,
    ];

    /// Returns the purpose of this wire name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// Returns its wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assistants => "assistants",
            Self::AssistantsOutput => "assistants_output",
            Self::Batch => "batch",
            Self::BatchOutput => "batch_output",
            Self::Evals => "evals",
            Self::FineTune => "fine-tune",
            Self::FineTuneResults => "fine-tune-results",
            Self::UserData => "user_data",
            Self::Vision => "vision",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_is_found_by_its_name() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::named(purpose.name()), Some(purpose));
        }
        assert_eq!(Purpose::named("Batch"), None);
    }
}
