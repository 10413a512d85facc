//! OpenAI's fields of forms and their JSON equivalents: their names, their valid values and their errors.

use super::FormReader;
use super::file::{FILE, FileForm, receive, repeated};
use crate::files::{FileDetails, Receiving, check_name};
use crate::http::error::{ApiError, echo};
use crate::http::json::JsonObject;
use crate::model::expiry::{EXPIRES_AFTER_SECONDS, ExpiresAfter};
use crate::model::filename::Filename;
use crate::model::mime_type::MimeType;
use crate::model::purpose::Purpose;
use crate::traces::Step;
use std::ops::RangeInclusive;
use venna_form::PartHeaders;

const DATA: &str = "data";
const PURPOSE: &str = "purpose";
const ANCHOR: &str = "expires_after[anchor]";
const SECONDS: &str = "expires_after[seconds]";
const CREATED_AT: &str = "created_at";

/// The fields of `POST /v1/files`.
#[derive(Default)]
pub struct OpenAiForm {
    /// The purposes that the caller may use.
    purposes: &'static [Purpose],
    purpose: Option<String>,
    anchor: Option<String>,
    seconds: Option<String>,
    unexpected: Vec<String>,
    /// A part `file` without a filename was received, which is not a file.
    has_unnamed_file: bool,
}

/// Receives the one field of a part, `data`, whether it is sent as a file or as plain text.
///
/// # Errors
/// The first error of the form. No bytes of the part are kept then.
pub async fn receive_part(receiving: Receiving, mut form: FormReader) -> Result<Receiving, ApiError> {
    let _step = Step::begin("receive");
    let (mut received, mut opened, mut unexpected) = (None, Some(receiving), Vec::new());
    let refuse = |unexpected: &[String]| ApiError::refuse_unexpected(unexpected.iter().map(String::as_str));
    while let Some(part) =
        form.next_part(|| refuse(&unexpected).err().unwrap_or_else(|| ApiError::missing_field(DATA))).await?
    {
        if part.name != DATA {
            unexpected.push(echo(&part.name));
            continue;
        }
        let receiving = opened.take().ok_or_else(|| repeated(DATA))?;
        received = Some(receive(receiving, &mut form).await?);
    }
    form.drain().await?;
    refuse(&unexpected)?;
    received.ok_or_else(|| ApiError::missing_field(DATA))
}

impl FileForm for OpenAiForm {
    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            PURPOSE => Some(&mut self.purpose),
            ANCHOR => Some(&mut self.anchor),
            SECONDS => Some(&mut self.seconds),
            _ => None,
        }
    }

    fn pass_over(&mut self, part: &PartHeaders) {
        if part.name == FILE {
            self.has_unnamed_file = true;
        } else {
            self.unexpected.push(echo(&part.name));
        }
    }

    fn check_before_file(&self, filename: &Filename) -> Result<Option<Purpose>, ApiError> {
        self.refuse_unexpected()?;
        let purpose = self.purpose()?;
        if let (Some(_), Some(_)) = (&self.anchor, &self.seconds) {
            self.expires_after()?;
        }
        if let Some(purpose) = purpose {
            check_name(purpose, filename)?;
        }
        Ok(purpose)
    }

    fn details(&self, file: Option<(Filename, MimeType)>) -> Result<FileDetails, ApiError> {
        self.refuse_unexpected()?;
        let (filename, mime_type) = file.ok_or_else(|| self.missing_file())?;
        let purpose = self.purpose()?.ok_or_else(|| ApiError::missing_field(PURPOSE))?;
        Ok(FileDetails { purpose, filename, mime_type, expires_after: self.expires_after()? })
    }

    fn unwanted(&self) -> ApiError {
        self.refuse_unexpected().err().unwrap_or_else(|| self.missing_file())
    }
}

impl OpenAiForm {
    /// Creates the empty form of a caller who may use these purposes.
    #[must_use]
    pub fn new(purposes: &'static [Purpose]) -> Self {
        Self { purposes, ..Self::default() }
    }

    fn missing_file(&self) -> ApiError {
        if !self.has_unnamed_file {
            return ApiError::missing_field(FILE);
        }
        let message = "The part 'file' has no filename. Send one, such as: Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\".";
        ApiError::invalid(message).param(FILE)
    }

    fn refuse_unexpected(&self) -> Result<(), ApiError> {
        ApiError::refuse_unexpected(self.unexpected.iter().map(String::as_str))
    }

    fn purpose(&self) -> Result<Option<Purpose>, ApiError> {
        self.purpose.as_deref().map(|name| purpose(name, self.purposes)).transpose()
    }

    fn expires_after(&self) -> Result<Option<ExpiresAfter>, ApiError> {
        match (&self.anchor, &self.seconds) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(ApiError::missing(ANCHOR)),
            (Some(anchor), seconds) => {
                check_anchor(anchor, ANCHOR)?;
                let seconds = seconds.as_deref().ok_or_else(|| ApiError::missing(SECONDS))?;
                expires_after_seconds(seconds).map(Some)
            }
        }
    }
}

/// Parses a purpose that the caller may use.
pub fn purpose(name: &str, may_be: &[Purpose]) -> Result<Purpose, ApiError> {
    let known = Purpose::named(name).filter(|purpose| may_be.contains(purpose));
    known.ok_or_else(|| ApiError::unknown_purpose(name, may_be))
}

/// Parses `expires_after` of a JSON body, with bounds in seconds.
pub fn expires_after(mut object: JsonObject, bounds: RangeInclusive<u64>) -> Result<ExpiresAfter, ApiError> {
    let (anchor, seconds) = (object.text("anchor"), object.integer("seconds", bounds));
    check_anchor(&anchor.map_err(|error| error.param("expires_after.anchor"))?, "expires_after.anchor")?;
    let seconds = seconds.map_err(|error| error.param("expires_after.seconds"))?;
    object.refuse_rest()?;
    Ok(ExpiresAfter::stored(seconds))
}

fn check_anchor(anchor: &str, param: &str) -> Result<(), ApiError> {
    if anchor == CREATED_AT {
        return Ok(());
    }
    let message = format!("Invalid value: '{}'. Supported values are: '{CREATED_AT}'.", echo(anchor));
    Err(ApiError::invalid(message).param(param))
}

/// Parses an unsigned decimal number within bounds.
fn expires_after_seconds(text: &str) -> Result<ExpiresAfter, ApiError> {
    let decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = decimal.then(|| text.parse().ok()).flatten().and_then(ExpiresAfter::seconds);
    seconds.ok_or_else(|| {
        let (min, max) = (EXPIRES_AFTER_SECONDS.start(), EXPIRES_AFTER_SECONDS.end());
        ApiError::invalid(format!(
            "Invalid '{SECONDS}': expected an integer from {min} to {max}, but got '{}' instead.",
            echo(text)
        ))
        .param(SECONDS)
    })
}
