//! The blobs of a server: listed, read and changed without its knowledge.

use super::{PREFIX, TestServer, eventually};
use std::path::{Path, PathBuf};
use venna::config::BlobsConfig;

impl TestServer {
    /// Returns the file or the key of every blob; of a folder also temporary files and those in quarantine.
    pub fn blobs(&self) -> Vec<PathBuf> {
        match (&self.config.stores.blobs, &self.bucket) {
            (BlobsConfig::Folder(root), _) => {
                files_below(root).into_iter().filter(|path| path.parent() != Some(root)).collect()
            }
            (BlobsConfig::Cloud(_), Some(bucket)) => {
                bucket.objects(&format!("{PREFIX}/blobs")).into_iter().map(PathBuf::from).collect()
            }
            (BlobsConfig::Cloud(cloud), None) => panic!("nothing is known of {cloud}"),
        }
    }

    /// Returns the content of a blob that [`Self::blobs`] lists.
    pub fn read_blob(&self, blob: &Path) -> Vec<u8> {
        self.bucket.as_ref().map_or_else(|| std::fs::read(blob).unwrap(), |bucket| bucket.read(key(blob)))
    }

    /// Overwrites a blob without the server's knowledge.
    pub fn write_blob(&self, blob: &Path, content: &[u8]) {
        match &self.bucket {
            Some(bucket) => bucket.write(vec![key(blob).to_owned()], content),
            None => std::fs::write(blob, content).unwrap(),
        }
    }

    /// Returns the folder of the blobs; none if they are in a bucket.
    pub fn blobs_folder(&self) -> Option<&Path> {
        self.config.stores.blobs_folder()
    }

    /// Removes a blob without the server's knowledge.
    pub fn remove_blob(&self, blob: &Path) {
        match &self.bucket {
            Some(bucket) => bucket.remove(key(blob)),
            None => std::fs::remove_file(blob).unwrap(),
        }
    }

    /// Returns the number of blobs that are being written, by their rows: a bucket does not show them.
    pub fn pending_blobs(&self) -> i64 {
        self.database().number("SELECT count(*) FROM blobs WHERE state = 'pending'")
    }

    /// Waits until this number of blobs is being written.
    pub async fn pending_blobs_become(&self, count: i64) {
        eventually(|| self.pending_blobs() == count, || format!("{count} pending blobs, not {}", self.pending_blobs()))
            .await;
    }

    /// Waits until there is this number of blobs.
    pub async fn blobs_become(&self, count: usize) {
        eventually(|| self.blobs().len() == count, || format!("{count} blobs, not {:?}", self.blobs())).await;
    }

    /// Returns the names of the blobs of Files and parts, in order.
    pub fn referenced_blobs(&self) -> Vec<String> {
        let mut referenced = self.database().texts("SELECT f.blob_id FROM files f JOIN blobs b ON b.id = f.blob_id WHERE b.content IS NULL UNION ALL SELECT blob_id FROM file_parts UNION ALL SELECT blob_id FROM parts");
        referenced.sort();
        referenced
    }

    /// Returns the names of the stored blobs, in order.
    pub fn found_blobs(&self) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let mut found: Vec<String> = self.blobs().iter().map(name).collect();
        found.sort();
        found
    }
}

fn key(blob: &Path) -> &str {
    blob.to_str().unwrap()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}
