//! The answers to links that are not made or not opened.

use crate::http::error::ApiError;
use crate::links::{CreateLinkError, RefusedLink};

impl From<RefusedLink> for ApiError {
    fn from(refused: RefusedLink) -> Self {
        match refused {
            RefusedLink::Forged | RefusedLink::Dead => Self::link_refused(),
            RefusedLink::Metadata(error) => error.into(),
        }
    }
}

impl From<CreateLinkError> for ApiError {
    fn from(error: CreateLinkError) -> Self {
        match error {
            CreateLinkError::TooMany(_) => Self::too_many_links(),
            CreateLinkError::NoKey => Self::internal().cause(error),
            CreateLinkError::Metadata(error) => error.into(),
        }
    }
}
