//! Names of Files in paths: an id in the form of any dialect, or the name that a client chose.

use crate::files::{Files, StoreError};
use crate::http::catalogue::ErrorKind;
use crate::http::error::{ApiError, echo};
use crate::http::path::segment;
use crate::model::chosen_name::ChosenName;
use crate::model::file::File;
use crate::model::ids::{FileId, WorkspaceId};
use axum::extract::FromRequestParts;
use http::request::Parts;
use std::convert::Infallible;

/// The segment of the name in `/v1/files/{id}`, counted from the empty one before the first slash.
const NAME_SEGMENT: usize = 3;
/// The end of a path that asks for the content.
const DOWNLOAD: &str = ":download";

/// The File that a request names.
#[derive(Debug)]
pub struct Asked {
    name: String,
    /// The path asks for the content.
    pub is_download: bool,
}

impl Asked {
    fn of(segment: &str) -> Self {
        let name = segment.strip_suffix(DOWNLOAD);
        Self { name: name.unwrap_or(segment).to_owned(), is_download: name.is_some() }
    }

    /// Returns the File; none when the workspace does not have it.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn find(&self, files: &Files, workspace: WorkspaceId) -> Result<Option<File>, StoreError> {
        match (FileId::of_any_dialect(&self.name), ChosenName::parse(&self.name)) {
            (Ok(id), _) => files.retrieve(workspace, id).await,
            (Err(_), Ok(name)) => files.retrieve_named(workspace, name).await,
            (Err(_), Err(_)) => Ok(None),
        }
    }

    /// Returns the error of a File that the workspace does not have, in the words of Gemini.
    pub fn not_found(&self) -> ApiError {
        missing(&self.name)
    }
}

/// Returns the error of a File that the workspace does not have.
pub fn missing(name: &str) -> ApiError {
    let name = echo(name);
    let message = format!("You do not have permission to access the File {name} or it may not exist.");
    ApiError::new(ErrorKind::NotFound, message)
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&segment(parts, NAME_SEGMENT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_ask_for_the_content() {
        let of = |segment| {
            let asked = Asked::of(segment);
            (asked.name, asked.is_download)
        };
        assert_eq!(of("abc-1"), ("abc-1".to_owned(), false));
        assert_eq!(of("abc-1:download"), ("abc-1".to_owned(), true));
        assert_eq!(of(":download"), (String::new(), true));
        assert_eq!(of("abc:register"), ("abc:register".to_owned(), false));
    }
}
