//! Receives the one file of a form, with fields in any order. A dialect says which fields there are, as a [`FileForm`].
//!
//! Errors in fields before the file are answered before the bytes of the file are received, all others at the end of
//! the form.

use super::FormReader;
use crate::files::{FileDetails, Files, Receiving};
use crate::http::error::ApiError;
use crate::model::caller::Caller;
use crate::model::filename::Filename;
use crate::model::limits::LimitsInForce;
use crate::model::mime_type::MimeType;
use crate::model::purpose::Purpose;
use crate::traces::Step;
use venna_form::PartHeaders;

/// The name of the part with the file, in every dialect.
pub const FILE: &str = "file";

/// The fields of a form beside its file, as a dialect has them.
pub trait FileForm: Send {
    /// Returns the place of the text field of this name; none if the form has no such field.
    fn field(&mut self, name: &str) -> Option<&mut Option<String>>;

    /// Is told of a part that is neither a field nor the file.
    fn pass_over(&mut self, part: &PartHeaders);

    /// Returns the name of the file in this part; none if it is no file.
    fn name_of(&self, part: &PartHeaders) -> Option<String> {
        part.filename.clone().filter(|_| part.name == FILE)
    }

    /// Checks the fields so far, before the bytes of the file. Returns its purpose if it is known.
    ///
    /// # Errors
    /// When they do not allow the file.
    fn check_before_file(&self, filename: &Filename) -> Result<Option<Purpose>, ApiError>;

    /// Returns the details of a received file from all fields.
    ///
    /// # Errors
    /// When a field is missing or not valid, or there was no file.
    fn details(&self, file: Option<(Filename, MimeType)>) -> Result<FileDetails, ApiError>;

    /// Returns the error of a part that is passed over and too long.
    fn unwanted(&self) -> ApiError;
}

/// Receives the form's file and reads its other fields, in any order.
///
/// # Errors
/// The first error of the form. No bytes of the file are kept then.
pub async fn receive_file(
    files: &Files,
    caller: Caller,
    limits: LimitsInForce,
    fields: &mut impl FileForm,
    mut form: FormReader,
) -> Result<(Receiving, FileDetails), ApiError> {
    let _step = Step::begin("receive");
    let (mut received, mut file, mut limits) = (None, None, Some(limits));
    while let Some(part) = form.next_part(|| fields.unwanted()).await? {
        if let Some(name) = fields.name_of(&part) {
            if received.is_some() {
                return Err(repeated(FILE));
            }
            let filename = filename(&name, FILE)?;
            let purpose = fields.check_before_file(&filename)?;
            let receiving = files.receive(caller, limits.take().unwrap_or_default(), purpose)?;
            received = Some(receive(receiving, &mut form).await?);
            let mime_type = MimeType::of_file(part.content_type.as_deref(), &filename);
            file = Some((filename, mime_type));
        } else if let Some(field) = fields.field(&part.name) {
            set(field, &part.name, form.text(&part.name).await?)?;
        } else {
            fields.pass_over(&part);
        }
    }
    form.drain().await?;
    let details = fields.details(file)?;
    Ok((received.ok_or_else(|| ApiError::missing_field(FILE))?, details))
}

/// Receives the bytes of the part that the form is at.
pub(super) async fn receive(mut receiving: Receiving, form: &mut FormReader) -> Result<Receiving, ApiError> {
    while let Some(chunk) = form.next_chunk().await? {
        receiving.write(chunk).await?;
    }
    Ok(receiving)
}

/// Cleans the name of a file; `param` is the field with the name.
pub fn filename(name: &str, param: &str) -> Result<Filename, ApiError> {
    Filename::parse(name).map_err(|error| ApiError::invalid(error.to_string()).param(param))
}

/// Sets a field once.
///
/// # Errors
/// When it is set already.
fn set(field: &mut Option<String>, name: &str, value: String) -> Result<(), ApiError> {
    if field.replace(value).is_some() { Err(repeated(name)) } else { Ok(()) }
}

/// Returns the error of a field that is given more than once.
pub(super) fn repeated(name: &str) -> ApiError {
    ApiError::invalid(format!("The field '{name}' is given more than once.")).param(name)
}
