//! The checksums of the files of a folder, kept between runs: a file is read again only if it changed.

use super::tree::LocalFile;
use crate::cli::files::state;
use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use venna_client::{Checksum, Hasher, Layout};

/// The longest file of hashes that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// The age of a change from which a time of change tells one content from the next, in seconds.
const SETTLED_SECONDS: i64 = 2;
/// The modes of the file and of its folder, which tell names of files.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A file whose checksums are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    size_bytes: u64,
    modified_at: (i64, i64),
    checksums: Vec<Checksum>,
}

impl Known {
    fn is_of(&self, file: &LocalFile) -> bool {
        (self.size_bytes, self.modified_at) == (file.size_bytes, file.modified_at)
    }
}

/// Returns the checksums of each file in these layouts at least, in order. Reads only files that changed since their
/// last checksum, `parallel` at once.
pub async fn hash_all(
    folder: &Path,
    files: &[(LocalFile, BTreeSet<Layout>)],
    parallel: usize,
    now_seconds: u64,
) -> Result<Vec<Vec<Checksum>>> {
    let place = place(folder)?;
    let known = place.as_deref().map(load).unwrap_or_default();
    let hashes = files.iter().map(|(file, layouts)| {
        let earlier = known.get(&file.name).filter(|known| known.is_of(file));
        let mut checksums = earlier.map(|known| known.checksums.clone()).unwrap_or_default();
        let mut missing = layouts.clone();
        missing.retain(|layout| checksums.iter().all(|checksum| checksum.layout != *layout));
        let path = file.path.clone();
        async move {
            for layout in missing {
                let path = path.clone();
                checksums.push(tokio::task::spawn_blocking(move || hash_one(&path, layout)).await??);
            }
            anyhow::Ok(checksums)
        }
    });
    let hashes: Vec<Vec<Checksum>> = stream::iter(hashes).buffered(parallel).try_collect().await?;
    if let Some(place) = place {
        let settled = i64::try_from(now_seconds).unwrap_or(i64::MAX).saturating_sub(SETTLED_SECONDS);
        let now_known = files.iter().map(|(file, _)| file).zip(&hashes);
        let now_known = now_known.filter(|(file, checksums)| file.modified_at.0 < settled && !checksums.is_empty());
        let now_known: BTreeMap<String, Known> = now_known.map(|(file, all)| known_one(file, all)).collect();
        if now_known != known {
            store(&place, &now_known)?;
        }
    }
    Ok(hashes)
}

fn known_one(file: &LocalFile, checksums: &[Checksum]) -> (String, Known) {
    let checksums = checksums.to_vec();
    (file.name.clone(), Known { size_bytes: file.size_bytes, modified_at: file.modified_at, checksums })
}

fn hash_one(path: &Path, layout: Layout) -> Result<Checksum> {
    let mut hasher = Hasher::new(layout);
    let hashed = File::open(path).and_then(|file| hasher.read_all(file));
    hashed.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hasher.finish())
}

/// Returns the file with the hashes of a folder; none without a folder of state.
fn place(folder: &Path) -> Result<Option<PathBuf>> {
    let folder = std::fs::canonicalize(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let name = hex(&Sha256::digest(folder.as_os_str().as_bytes()));
    Ok(state::folder().map(|state| state.join("hashes").join(name).with_added_extension("json")))
}

/// Reads the hashes. Without them all files are read.
fn load(place: &Path) -> BTreeMap<String, Known> {
    let file = File::open(place).ok().map(|file| BufReader::new(file.take(MAX_FILE_BYTES)));
    file.and_then(|file| serde_json::from_reader(file).ok()).unwrap_or_default()
}

fn store(place: &Path, known: &BTreeMap<String, Known>) -> Result<()> {
    let unwritable = || format!("cannot write {}", place.display());
    if let Some(folder) = place.parent() {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).with_context(unwritable)?;
    }
    let temporary = place.with_added_extension("tmp");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(FILE_MODE).open(&temporary)?;
    file.write_all(&serde_json::to_vec(known)?).with_context(unwritable)?;
    std::fs::rename(&temporary, place).with_context(unwritable)
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}
