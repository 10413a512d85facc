//! The files `stamp` and `last-event` of the blob folder: its installation, and an event of the ledger that its
//! database had.

use super::anchor::STAMP_NAME;
use super::shards::{Shards, TEMPORARY_SUFFIX};
use crate::blobs::event_note;
use crate::model::stamp::Stamp;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

const EVENT_NAME: &str = "last-event";
/// The longest stamp that is read, in bytes.
const MAX_BYTES: u64 = 128;
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const WRITE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::TRUNC).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Reads the stamp under the path `folder`.
pub(super) fn read(folder: &Path) -> io::Result<Option<Stamp>> {
    let file = match rustix::fs::open(folder.join(STAMP_NAME), READ, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        file => File::from(file?),
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    text.parse().map(Some).map_err(|malformed| io::Error::new(io::ErrorKind::InvalidData, malformed))
}

/// Replaces the stamp atomically and durably.
pub(super) fn write(shards: &Shards, stamp: Stamp) -> io::Result<()> {
    shards.anchor.check()?;
    let temporary = format!("{STAMP_NAME}{TEMPORARY_SUFFIX}");
    let mut file = File::from(rustix::fs::openat(&shards.root, &temporary, WRITE, Mode::RUSR | Mode::WUSR)?);
    writeln!(file, "{stamp}")?;
    file.sync_all()?;
    rustix::fs::renameat(&shards.root, &temporary, &shards.root, STAMP_NAME)?;
    shards.anchor.note_stamp();
    Ok(rustix::fs::fsync(&shards.root)?)
}

/// Reads the `last-event` note under the path `folder`.
pub(super) fn read_event(folder: &Path) -> io::Result<Option<String>> {
    let file = match rustix::fs::open(folder.join(EVENT_NAME), READ, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        file => File::from(file?),
    };
    let mut text = Vec::new();
    file.take(event_note::MAX_NOTE_BYTES).read_to_end(&mut text)?;
    Ok(event_note::read(&text))
}

/// Replaces the note without an fsync: it is written up to once a second.
pub(super) fn write_event(shards: &Shards, event_id: Option<&str>) -> io::Result<()> {
    shards.anchor.check()?;
    let Some(event_id) = event_id else {
        return match rustix::fs::unlinkat(&shards.root, EVENT_NAME, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        };
    };
    let temporary = format!("{EVENT_NAME}{TEMPORARY_SUFFIX}");
    let mut file = File::from(rustix::fs::openat(&shards.root, &temporary, WRITE, Mode::RUSR | Mode::WUSR)?);
    file.write_all(event_note::write(event_id).as_bytes())?;
    Ok(rustix::fs::renameat(&shards.root, &temporary, &shards.root, EVENT_NAME)?)
}
