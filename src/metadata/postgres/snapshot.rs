//! Copies of the database as of one moment, made while it is written to, as a database of the embedded store.
use super::connections::Connections;
use crate::metadata::MetadataError;
use std::path::Path;

pub(super) async fn write(_connections: &Connections, _set_ms: Option<i64>, _path: &Path) -> Result<(), MetadataError> {
    todo!()
}
