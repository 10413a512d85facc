//! The fields of Mistral's upload: `file`, and optionally `purpose`, `expiry` and `visibility`, in any order.

use super::purposes;
use super::wire::VISIBILITY;
use crate::files::{FileDetails, check_name};
use crate::http::error::{ApiError, echo};
use crate::http::form::{FILE, FileForm};
use crate::http::list::integer;
use crate::model::expiry::{EXPIRES_AFTER_SECONDS, ExpiresAfter};
use crate::model::filename::Filename;
use crate::model::mime_type::MimeType;
use crate::model::purpose::Purpose;
use std::ops::RangeInclusive;
use venna_form::PartHeaders;

const PURPOSE: &str = "purpose";
const EXPIRY: &str = "expiry";
const VISIBILITY_FIELD: &str = "visibility";
const HOUR_SECONDS: u64 = 3600;
/// The bounds of `expiry`, in hours.
const EXPIRY_HOURS: RangeInclusive<u64> =
    *EXPIRES_AFTER_SECONDS.start() / HOUR_SECONDS..=*EXPIRES_AFTER_SECONDS.end() / HOUR_SECONDS;

/// The fields of an upload.
pub struct MistralForm {
    /// The purposes that the caller may use.
    purposes: &'static [Purpose],
    purpose: Option<String>,
    expiry: Option<String>,
    visibility: Option<String>,
}

impl MistralForm {
    /// Creates the empty form of a caller who may use these purposes.
    pub const fn new(purposes: &'static [Purpose]) -> Self {
        Self { purposes, purpose: None, expiry: None, visibility: None }
    }

    fn purpose(&self) -> Result<Option<Purpose>, ApiError> {
        let Some(name) = &self.purpose else { return Ok(None) };
        let known = purposes::named(name).filter(|purpose| self.purposes.contains(purpose));
        let supported = || self.purposes.iter().map(|purpose| purposes::name(*purpose)).collect::<Vec<_>>();
        known.map(Some).ok_or_else(|| ApiError::unsupported(PURPOSE, name, &supported()))
    }

    fn expires_after(&self) -> Result<Option<ExpiresAfter>, ApiError> {
        let hours = self.expiry.as_deref().map(|hours| integer(EXPIRY, hours, EXPIRY_HOURS)).transpose()?;
        Ok(hours.map(|hours| ExpiresAfter::stored(hours * HOUR_SECONDS)))
    }

    fn check_visibility(&self) -> Result<(), ApiError> {
        match self.visibility.as_deref() {
            None | Some(VISIBILITY) => Ok(()),
            Some(other) => {
                let message = format!(
                    "Invalid 'visibility': '{}'. Files are visible to their workspace, and to nobody else.",
                    echo(other)
                );
                Err(ApiError::invalid(message).param(VISIBILITY_FIELD))
            }
        }
    }
}

impl FileForm for MistralForm {
    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            PURPOSE => Some(&mut self.purpose),
            EXPIRY => Some(&mut self.expiry),
            VISIBILITY_FIELD => Some(&mut self.visibility),
            _ => None,
        }
    }

    /// Later clients send fields that this server does not know.
    fn pass_over(&mut self, _part: &PartHeaders) {}

    fn check_before_file(&self, filename: &Filename) -> Result<Option<Purpose>, ApiError> {
        self.check_visibility()?;
        self.expires_after()?;
        let purpose = self.purpose()?;
        if let Some(purpose) = purpose {
            check_name(purpose, filename)?;
        }
        Ok(purpose)
    }

    fn details(&self, file: Option<(Filename, MimeType)>) -> Result<FileDetails, ApiError> {
        let (filename, mime_type) = file.ok_or_else(|| ApiError::missing_field(FILE))?;
        self.check_visibility()?;
        let purpose = self.purpose()?.unwrap_or(purposes::DEFAULT);
        Ok(FileDetails { purpose, filename, mime_type, expires_after: self.expires_after()? })
    }

    fn unwanted(&self) -> ApiError {
        ApiError::missing_field(FILE)
    }
}
