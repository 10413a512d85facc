//! The file `stamp` in the folder of blobs: which installation they are of.

use super::{Shards, TEMPORARY_SUFFIX};
use crate::model::stamp::Stamp;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

pub(super) const NAME: &str = "stamp";
/// The longest stamp that is read, in bytes.
const MAX_BYTES: u64 = 128;
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const WRITE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::TRUNC).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Reads the stamp of the folder that lies at `folder` now.
pub(super) fn read(folder: &Path) -> io::Result<Option<Stamp>> {
    let file = match rustix::fs::open(folder.join(NAME), READ, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        file => File::from(file?),
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    text.parse().map(Some).map_err(|malformed| io::Error::new(io::ErrorKind::InvalidData, malformed))
}

/// One stamp or the other is there, whatever happens meanwhile.
pub(super) fn write(shards: &Shards, stamp: Stamp) -> io::Result<()> {
    shards.anchor.hold()?;
    let temporary = format!("{NAME}{TEMPORARY_SUFFIX}");
    let mut file = File::from(rustix::fs::openat(&shards.root, &temporary, WRITE, Mode::RUSR | Mode::WUSR)?);
    writeln!(file, "{stamp}")?;
    file.sync_all()?;
    rustix::fs::renameat(&shards.root, &temporary, &shards.root, NAME)?;
    shards.anchor.note_stamp();
    Ok(rustix::fs::fsync(&shards.root)?)
}
