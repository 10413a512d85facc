//! Mistral's purposes, sample types and sources, which follow from the purpose of a File.

use crate::model::purpose::Purpose;

/// Mistral's names of purposes that have another one here. Other purposes have their own names.
const NAMES: [(&str, Purpose); 2] = [("ocr", Purpose::UserData), ("agentic_safety", Purpose::Evals)];
/// The purpose of a File whose upload names none.
pub const DEFAULT: Purpose = Purpose::UserData;

/// Returns Mistral's name of a purpose.
pub fn name(purpose: Purpose) -> &'static str {
    NAMES.into_iter().find(|(_, known)| *known == purpose).map_or_else(|| purpose.name(), |(name, _)| name)
}

/// Returns the purpose that has this name, with Mistral or here.
pub fn named(name: &str) -> Option<Purpose> {
    NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, purpose)| purpose).or_else(|| Purpose::named(name))
}

/// Returns the `sample_type` of the Files of a purpose.
pub const fn sample_type(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Batch => "batch_request",
        Purpose::BatchOutput => "batch_result",
        Purpose::FineTune
        | Purpose::Assistants
        | Purpose::Vision
        | Purpose::UserData
        | Purpose::Evals
        | Purpose::AssistantsOutput
        | Purpose::FineTuneResults => "instruct",
    }
}

/// Returns the `source` of the Files of a purpose: a client, or a server.
pub fn source(purpose: Purpose) -> &'static str {
    if Purpose::UPLOADABLE.contains(&purpose) { "upload" } else { "mistral" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_one_name() {
        for purpose in Purpose::ALL {
            assert_eq!(named(name(purpose)), Some(purpose));
        }
        assert_eq!((named("ocr"), named("user_data")), (Some(Purpose::UserData), Some(Purpose::UserData)));
        assert_eq!(named("poetry"), None);
    }
}
