//! Files that survive a power cut.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes the name of a file durable: syncs its folder.
pub fn sync_name(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
