//! What kind of file system a folder lies on, as far as it matters for keeping data.

use std::path::Path;

/// File systems that lose data at a power cut, or may not pass an fsync on, by the numbers of statfs(2).
const VOLATILE: [(u64, &str); 3] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x6969, "NFS")];

/// The name of the file system when it cannot be trusted to keep what it acknowledged, or may not; that of
/// its nearest ancestor when the folder does not exist yet.
#[must_use]
pub fn volatile_kind(folder: &Path) -> Option<&'static str> {
    let folder = std::path::absolute(folder).ok()?;
    let status = folder.ancestors().find_map(|folder| rustix::fs::statfs(folder).ok())?;
    let kind = u64::try_from(status.f_type).ok()?;
    VOLATILE.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}
