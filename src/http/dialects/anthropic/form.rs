//! The fields of Anthropic's upload: `file`, and optionally `expires_in_seconds`, in any order.

use crate::files::FileDetails;
use crate::http::error::{ApiError, echo};
use crate::http::form::{FILE, FileForm};
use crate::http::list::integer;
use crate::model::expiry::ExpiresAfter;
use crate::model::filename::Filename;
use crate::model::mime_type::MimeType;
use crate::model::purpose::Purpose;
use std::ops::RangeInclusive;
use venna_form::PartHeaders;

const EXPIRES_IN: &str = "expires_in_seconds";
/// The bounds of `expires_in_seconds`.
const EXPIRES_IN_SECONDS: RangeInclusive<u64> = 3600..=7_776_000;
/// The name of a file without one, before the extension of its type.
const UNNAMED: &str = "unnamed";
/// The characters that no name has.
const FORBIDDEN: [char; 9] = ['<', '>', ':', '"', '|', '?', '*', '\\', '/'];

/// The fields of an upload.
#[derive(Default)]
pub struct AnthropicForm {
    expires_in: Option<String>,
    unexpected: Vec<String>,
}

impl AnthropicForm {
    fn refuse_unexpected(&self) -> Result<(), ApiError> {
        ApiError::refuse_unexpected(self.unexpected.iter().map(String::as_str))
    }

    fn expires_after(&self) -> Result<Option<ExpiresAfter>, ApiError> {
        let seconds = self.expires_in.as_deref().map(|seconds| integer(EXPIRES_IN, seconds, EXPIRES_IN_SECONDS));
        Ok(seconds.transpose()?.map(ExpiresAfter::stored))
    }
}

impl FileForm for AnthropicForm {
    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        (name == EXPIRES_IN).then_some(&mut self.expires_in)
    }

    fn pass_over(&mut self, part: &PartHeaders) {
        self.unexpected.push(echo(&part.name));
    }

    /// What follows the last slash is the name. Clients send bytes without a name: theirs follows from their type.
    fn name_of(&self, part: &PartHeaders) -> Option<String> {
        let sent = part.filename.as_deref().unwrap_or_default();
        let name = sent.rsplit('/').next().filter(|name| !name.is_empty());
        (part.name == FILE).then(|| name.map_or_else(|| unnamed(part.content_type.as_deref()), str::to_owned))
    }

    fn check_before_file(&self, filename: &Filename) -> Result<Option<Purpose>, ApiError> {
        self.refuse_unexpected()?;
        self.expires_after()?;
        check_characters(filename)?;
        Ok(Some(Purpose::UserData))
    }

    fn details(&self, file: Option<(Filename, MimeType)>) -> Result<FileDetails, ApiError> {
        self.refuse_unexpected()?;
        let (filename, mime_type) = file.ok_or_else(|| ApiError::missing_field(FILE))?;
        Ok(FileDetails { purpose: Purpose::UserData, filename, mime_type, expires_after: self.expires_after()? })
    }

    fn unwanted(&self) -> ApiError {
        self.refuse_unexpected().err().unwrap_or_else(|| ApiError::missing_field(FILE))
    }
}

fn unnamed(content_type: Option<&str>) -> String {
    match MimeType::of_declared(content_type).extension() {
        Some(extension) => format!("{UNNAMED}.{extension}"),
        None => UNNAMED.to_owned(),
    }
}

fn check_characters(filename: &Filename) -> Result<(), ApiError> {
    let Some(forbidden) = filename.as_str().chars().find(|character| FORBIDDEN.contains(character)) else {
        return Ok(());
    };
    let message = format!("The filename holds the character '{forbidden}', which no name may have.");
    Err(ApiError::invalid(message).param(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(filename: Option<&str>, content_type: Option<&str>) -> Option<String> {
        let part = PartHeaders {
            name: FILE.to_owned(),
            filename: filename.map(str::to_owned),
            content_type: content_type.map(str::to_owned),
        };
        AnthropicForm::default().name_of(&part)
    }

    #[test]
    fn a_file_without_a_name_is_named_by_its_type() {
        for (content_type, expected) in [
            (None, "unnamed.bin"),
            (Some("application/octet-stream"), "unnamed.bin"),
            (Some("application/pdf"), "unnamed.pdf"),
            (Some("image/jpeg"), "unnamed.jpg"),
            (Some("text/plain; charset=utf-8"), "unnamed.txt"),
            (Some("application/x-of-2030"), "unnamed"),
        ] {
            for filename in [None, Some(""), Some("dir/")] {
                assert_eq!(name(filename, content_type).as_deref(), Some(expected), "{content_type:?}");
            }
        }
        assert_eq!(name(Some("a/b/c.txt"), Some("application/pdf")).as_deref(), Some("c.txt"));
    }
}
