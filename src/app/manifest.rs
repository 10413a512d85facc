//! The manifest of a backup, written last, and the digests of its files.

use super::archived::Archived;
use super::data_dir::write_durably;
use crate::model::digest::Sha256Digest;
use crate::model::ids::{BlobId, InstallationId};
use crate::model::stamp::Stamp;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The manifest of a backup.
const MANIFEST_FILE: &str = "manifest.json";
/// The digests, in the format of `sha256sum --check`.
const SUMS_FILE: &str = "SHA256SUMS";
/// The snapshot of the metadata.
pub(super) const METADATA_FILE: &str = "metadata.db";
/// The blob folder.
pub(super) const BLOBS_FOLDER: &str = "blobs";
/// The format version of backups.
const FORMAT: u32 = 1;
/// The longest manifest that is read, in bytes.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
const READ_BYTES: usize = 1 << 20;

/// The manifest of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    program: String,
    created_at: u64,
    stamp: Option<String>,
    blobs: u64,
    bytes: u64,
    /// The blobs that were damaged in the source.
    damaged: Vec<String>,
    sums_sha256: String,
}

/// The digest file while it is written.
pub(super) struct DigestFile {
    file: BufWriter<HashingFile>,
}

/// A file that hashes what is written to it.
struct HashingFile {
    file: File,
    sha256: Sha256,
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DigestFile {
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let file = File::options().create_new(true).write(true).mode(0o600).open(folder.join(SUMS_FILE))?;
        Ok(Self { file: BufWriter::new(HashingFile { file, sha256: Sha256::new() }) })
    }

    pub(super) fn add_blob(&mut self, blob: BlobId, sha256: Sha256Digest) -> io::Result<()> {
        let shard = blob.first_byte();
        writeln!(self.file, "{sha256}  {BLOBS_FOLDER}/{shard:02x}/{blob}")
    }

    /// Adds the snapshot of the metadata and makes the digests durable. Returns the digest of the digest file.
    pub(super) fn finish(mut self, folder: &Path) -> io::Result<Sha256Digest> {
        let metadata = sha256_of(&folder.join(METADATA_FILE))?;
        writeln!(self.file, "{metadata}  {METADATA_FILE}")?;
        let sums = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        sums.file.sync_all()?;
        Ok(Sha256Digest(sums.sha256.finalize().into()))
    }
}

impl Manifest {
    /// Returns the manifest of a backup begun at `created_at`, before its content is known.
    pub(super) fn new(created_at: u64, stamp: Option<Stamp>) -> Self {
        Self {
            format: FORMAT,
            program: format!("venna {}", env!("CARGO_PKG_VERSION")),
            created_at,
            stamp: stamp.map(|stamp| stamp.to_string()),
            blobs: 0,
            bytes: 0,
            damaged: Vec::new(),
            sums_sha256: String::new(),
        }
    }

    /// Writes the manifest, which makes the folder a backup.
    pub(super) fn write(mut self, folder: &Path, sums: Sha256Digest) -> Result<()> {
        self.sums_sha256 = sums.to_string();
        let text = serde_json::to_string_pretty(&self)? + "\n";
        Ok(write_durably(&folder.join(MANIFEST_FILE), text.as_bytes())?)
    }

    /// Returns the time of a backup in Unix seconds and its installation. Its content is not checked.
    ///
    /// # Errors
    /// When the folder is not a finished backup of a known format.
    pub(super) fn origin(folder: &Path) -> Result<(u64, Option<InstallationId>)> {
        let manifest = Self::open(folder)?;
        let stamp = manifest.stamp.and_then(|stamp| stamp.parse::<Stamp>().ok());
        Ok((manifest.created_at, stamp.map(|stamp| stamp.installation)))
    }

    fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST_FILE);
        let mut text = String::new();
        let file = File::open(&path);
        let file = file.with_context(|| format!("{} is not a finished backup", folder.display()))?;
        file.take(MAX_MANIFEST_BYTES).read_to_string(&mut text)?;
        let manifest: Self =
            serde_json::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))?;
        if manifest.format != FORMAT {
            bail!("the backup has format {}; this version reads format {FORMAT}", manifest.format);
        }
        Ok(manifest)
    }

    /// Reads the manifest and checks the digests of metadata and digest file.
    ///
    /// # Errors
    /// When the folder is not a backup of a known format, or was changed.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let manifest = Self::open(folder)?;
        let sums = sha256_of(&folder.join(SUMS_FILE)).with_context(|| format!("cannot read {SUMS_FILE}"))?;
        if sums.to_string() != manifest.sums_sha256 {
            bail!("{SUMS_FILE} was changed since the backup");
        }
        let metadata =
            sha256_of(&folder.join(METADATA_FILE)).with_context(|| format!("cannot read {METADATA_FILE}"))?;
        if !last_line(&folder.join(SUMS_FILE))?.starts_with(&metadata.to_string()) {
            bail!("{METADATA_FILE} was changed since the backup");
        }
        Ok(manifest)
    }

    /// Records the content of the backup.
    pub(super) fn holds(&mut self, archived: &Archived) {
        (self.blobs, self.bytes) = (archived.blobs, archived.bytes);
        self.damaged = archived.damaged.iter().map(|left| left.blob.to_string()).collect();
    }

    /// Separates blobs that were damaged at the time of the backup from those damaged since.
    pub(super) fn explain(&self, archived: &mut Archived) {
        for left in &mut archived.damaged {
            if self.damaged.contains(&left.blob.to_string()) {
                left.why = "it was damaged when the backup was made";
            }
        }
    }
}

/// Returns the last line of the digest file, which is that of the metadata.
fn last_line(path: &PathBuf) -> io::Result<String> {
    let lines = io::BufRead::lines(io::BufReader::new(File::open(path)?));
    lines.last().unwrap_or_else(|| Ok(String::new()))
}

fn sha256_of(path: &Path) -> io::Result<Sha256Digest> {
    let (mut file, mut sha256, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; READ_BYTES]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sha256Digest(sha256.finalize().into())),
            read => sha256.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
