//! The fields of `POST /v1/files`: which there are, what they may hold, and what is said when they do not.
//!
//! What is known to be wrong when the file begins is said before its bytes are received; the rest when the form ends.

use super::FormReader;
use crate::files::{FileDetails, Files, Receiving};
use crate::http::error::ApiError;
use crate::model::expiry::{EXPIRES_AFTER_SECONDS, ExpiresAfter};
use crate::model::filename::Filename;
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;

const FILE: &str = "file";
const PURPOSE: &str = "purpose";
const ANCHOR: &str = "expires_after[anchor]";
const SECONDS: &str = "expires_after[seconds]";
const CREATED_AT: &str = "created_at";

/// The longest part of a client's value that an error repeats, in characters.
const MAX_ECHO_CHARS: usize = 100;

#[derive(Default)]
struct Fields {
    purpose: Option<String>,
    anchor: Option<String>,
    seconds: Option<String>,
    unexpected: Vec<String>,
}

/// Receives the form's file and reads its other fields, in any order.
///
/// # Errors
/// The first thing that is wrong with the form; nothing of the file stays then.
pub async fn receive_file(
    files: &Files,
    workspace: WorkspaceId,
    mut form: FormReader,
) -> Result<(Receiving, FileDetails), ApiError> {
    let (mut fields, mut file) = (Fields::default(), None);
    while let Some(part) = form.next_part().await? {
        match (part.name.as_str(), part.filename) {
            (FILE, Some(_)) if file.is_some() => return Err(repeated(FILE)),
            (FILE, Some(filename)) => file = Some(receive(files, workspace, &mut form, &fields, &filename).await?),
            (FILE, None) => {}
            (PURPOSE, _) => set(&mut fields.purpose, PURPOSE, form.text(PURPOSE).await?)?,
            (ANCHOR, _) => set(&mut fields.anchor, ANCHOR, form.text(ANCHOR).await?)?,
            (SECONDS, _) => set(&mut fields.seconds, SECONDS, form.text(SECONDS).await?)?,
            (other, _) => fields.unexpected.push(echo(other)),
        }
    }
    form.drain().await?;
    fields.refuse_unexpected()?;
    let (receiving, filename) = file.ok_or_else(|| required(FILE))?;
    let purpose = fields.purpose()?.ok_or_else(|| required(PURPOSE))?;
    let details = FileDetails { purpose, filename, expires_after: fields.expires_after()? };
    Ok((receiving, details))
}

async fn receive(
    files: &Files,
    workspace: WorkspaceId,
    form: &mut FormReader,
    fields: &Fields,
    filename: &str,
) -> Result<(Receiving, Filename), ApiError> {
    let filename = Filename::parse(filename)?;
    let purpose = fields.check_before_file(&filename)?;
    let mut receiving = files.receive(workspace, purpose).await?;
    while let Some(chunk) = form.next_chunk().await? {
        receiving.write(chunk).await?;
    }
    Ok((receiving, filename))
}

impl Fields {
    /// Says what is wrong already, and what the file is for if that is known.
    fn check_before_file(&self, filename: &Filename) -> Result<Option<Purpose>, ApiError> {
        self.refuse_unexpected()?;
        let purpose = self.purpose()?;
        if let (Some(_), Some(_)) = (&self.anchor, &self.seconds) {
            self.expires_after()?;
        }
        if let Some(purpose) = purpose {
            FileDetails { purpose, filename: filename.clone(), expires_after: None }.check()?;
        }
        Ok(purpose)
    }

    fn refuse_unexpected(&self) -> Result<(), ApiError> {
        let names: Vec<String> = self.unexpected.iter().map(|name| format!("'{name}'")).collect();
        let verb = match names.len() {
            0 => return Ok(()),
            1 => "was",
            _ => "were",
        };
        Err(ApiError::invalid(format!(
            "Additional properties are not allowed ({} {verb} unexpected)",
            names.join(", ")
        )))
    }

    fn purpose(&self) -> Result<Option<Purpose>, ApiError> {
        let Some(name) = &self.purpose else { return Ok(None) };
        let uploadable = Purpose::named(name).filter(|purpose| Purpose::UPLOADABLE.contains(purpose));
        let Some(purpose) = uploadable else {
            let names = Purpose::UPLOADABLE.map(|purpose| format!("'{purpose}'")).join(", ");
            return Err(
                ApiError::invalid(format!("'{}' is not one of [{names}] - 'purpose'", echo(name))).param(PURPOSE)
            );
        };
        Ok(Some(purpose))
    }

    fn expires_after(&self) -> Result<Option<ExpiresAfter>, ApiError> {
        match (&self.anchor, &self.seconds) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(half_given(ANCHOR)),
            (Some(anchor), _) if anchor != CREATED_AT => {
                let message = format!("Invalid value: '{}'. Supported values are: '{CREATED_AT}'.", echo(anchor));
                Err(ApiError::invalid(message).param(ANCHOR))
            }
            (Some(_), None) => Err(half_given(SECONDS)),
            (Some(_), Some(seconds)) => expires_after_seconds(seconds).map(Some),
        }
    }
}

/// Decimal text, without a sign and within bounds.
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

fn set(field: &mut Option<String>, name: &str, value: String) -> Result<(), ApiError> {
    if field.replace(value).is_some() { Err(repeated(name)) } else { Ok(()) }
}

fn repeated(name: &str) -> ApiError {
    ApiError::invalid(format!("The field '{name}' is given more than once.")).param(name)
}

fn required(name: &str) -> ApiError {
    ApiError::invalid(format!("'{name}' is a required property"))
}

fn half_given(name: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{name}'.")).param(name)
}

fn echo(value: &str) -> String {
    value.chars().take(MAX_ECHO_CHARS).collect()
}
