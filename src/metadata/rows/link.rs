//! Signed links, and the keys that sign them.

use super::{FromRow, Row, RowReader, Value, columns};
use crate::model::expiry::ExpiresAfter;
use crate::model::filename::Filename;
use crate::model::link::{Disposition, Download, Link, LinkGrant, UploadGrant};
use crate::model::link_key::{LINK_SECRET_BYTES, LinkKey};
use crate::model::mime_type::harmless;
use crate::model::purpose::Purpose;

/// Stored columns of a link.
const STORED: &str = "id, workspace_id, key_id, kind, file_id, content_type, disposition, one_time, filename, purpose, \
                      max_bytes, lives_seconds, expires_at, first_used_at, revoked_at";
/// The number of stored columns.
const STORED_COLUMNS: usize = columns::count(STORED);
/// Columns of a key that signs links.
pub const LINK_KEY: &str = "version, secret, created_at";
/// The number of columns of a link.
pub const LINK_COLUMNS: usize = STORED_COLUMNS + 1;

/// Returns the columns of a link of the alias `l`; `now` is the current second, in the terms of the driver.
pub fn link(now: &str) -> String {
    let stored = columns::of("l", STORED);
    format!(
        "{stored}, (SELECT f.filename FROM files f WHERE f.workspace_id = l.workspace_id AND f.id = l.file_id
             AND (f.expires_at IS NULL OR f.expires_at > {now}))"
    )
}

impl FromRow for Link {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let (id, workspace, key) = (row.parsed()?, row.parsed()?, row.parsed()?);
        let kind = row.named(|name| LinkGrant::KINDS.into_iter().find(|kind| *kind == name))?;
        let file = row.optional_parsed()?;
        let (content_type, disposition) = (row.optional_named(harmless)?, row.optional_named(Disposition::named)?);
        let one_time = row.number()? != 0;
        let filename = row.optional_filename()?;
        let (purpose, max_bytes) = (row.optional_named(Purpose::named)?, row.optional_number()?);
        let expires_after = row.optional_number()?.map(ExpiresAfter::stored);
        let [download, _] = LinkGrant::KINDS;
        let grant = match (kind == download, file, filename, purpose, max_bytes) {
            (true, Some(file), ..) => LinkGrant::Download(Download { file, content_type, disposition, one_time }),
            (false, _, Some(filename), Some(purpose), Some(max_bytes)) => {
                LinkGrant::Upload(UploadGrant { filename, purpose, max_bytes, expires_after })
            }
            _ => return Err(row.malformed("link of its kind")),
        };
        let (expires_at, first_used_at, revoked_at) = (row.number()?, row.optional_number()?, row.optional_number()?);
        let file_name = row.optional_filename()?;
        Ok(Self { id, workspace, key, grant, file, expires_at, first_used_at, revoked_at, file_name })
    }
}

impl<R: Row> RowReader<'_, R> {
    fn optional_filename(&mut self) -> Result<Option<Filename>, R::Error> {
        Ok(self.optional_text()?.map(|name| Filename::stored(name.to_owned())))
    }
}

/// Returns the statement that writes a row of `links`, whose values [`link_values`] gives; `mark` begins a parameter.
pub fn insert_link(mark: char) -> String {
    format!("INSERT INTO links ({STORED}) VALUES ({})", columns::parameters(mark, STORED_COLUMNS))
}

/// Returns the values of a link.
pub fn link_values(link: &Link) -> [Value<'_>; STORED_COLUMNS] {
    let (download, upload) = match &link.grant {
        LinkGrant::Download(download) => (Some(download), None),
        LinkGrant::Upload(upload) => (None, Some(upload)),
    };
    let content_type = download.and_then(|download| download.content_type);
    let disposition = download.and_then(|download| download.disposition);
    let expires_after = upload.and_then(|upload| upload.expires_after);
    [
        Value::id(&link.id),
        Value::id(&link.workspace),
        Value::id(&link.key),
        Value::text(link.grant.kind()),
        Value::optional(link.file.as_ref(), Value::id),
        Value::optional(content_type, Value::text),
        Value::optional(disposition.map(Disposition::name), Value::text),
        Value::number(u64::from(link.grant.is_for_one_time())),
        Value::optional(upload.map(|upload| upload.filename.as_str()), Value::text),
        Value::optional(upload.map(|upload| upload.purpose.name()), Value::text),
        Value::optional(upload.map(|upload| upload.max_bytes), Value::number),
        Value::optional(expires_after.map(ExpiresAfter::as_seconds), Value::number),
        Value::number(link.expires_at),
        Value::optional(link.first_used_at, Value::number),
        Value::optional(link.revoked_at, Value::number),
    ]
}

impl FromRow for LinkKey {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let version = row.number()?;
        let secret: [u8; LINK_SECRET_BYTES] = row.bytes()?.try_into().map_err(|_| row.malformed("key"))?;
        Ok(Self { version, secret, created_at: row.number()? })
    }
}
