//! A bucket of a test: a folder served over S3 in this process, or a prefix in the bucket of a store that
//! `VENNA_TEST_S3_ENDPOINT` names, with `VENNA_TEST_S3_BUCKET`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.

mod folder;
mod outside;

use folder::Folder;
use outside::Outside;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// The number of buckets that this process has opened.
static OPENED: AtomicUsize = AtomicUsize::new(0);

/// The bucket of a test.
pub struct Bucket {
    /// The address of the store.
    pub address: SocketAddr,
    /// The prefix of its keys; empty in a bucket of its own.
    root: String,
    store: Store,
}

enum Store {
    Folder(Folder),
    Outside(Outside),
}

impl Bucket {
    /// Creates an empty bucket, or a prefix in the named store.
    pub fn open() -> Self {
        if let Some(outside) = Outside::named() {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let number = OPENED.fetch_add(1, Ordering::Relaxed);
            let root = format!("test-{}-{}-{number}", since.as_millis(), std::process::id());
            return Self { address: outside.address, root, store: Store::Outside(outside) };
        }
        let folder = Folder::open();
        Self { address: folder.address, root: String::new(), store: Store::Folder(folder) }
    }

    /// Returns the name of the bucket.
    pub fn name(&self) -> &str {
        match &self.store {
            Store::Folder(_) => folder::BUCKET,
            Store::Outside(outside) => &outside.name,
        }
    }

    /// Returns a key or prefix of this test.
    pub fn key(&self, below: &str) -> String {
        if self.root.is_empty() || below.is_empty() {
            return format!("{}{below}", self.root);
        }
        format!("{}/{below}", self.root)
    }

    /// Returns the setting `blobs_url` for a prefix.
    pub fn url(&self, prefix: &str) -> String {
        format!("s3://{}/{}", self.name(), self.key(prefix))
    }

    /// Returns access key and secret key.
    pub fn keys(&self) -> (&str, &str) {
        match &self.store {
            Store::Folder(_) => (folder::ACCESS_KEY, folder::SECRET_KEY),
            Store::Outside(outside) => (&outside.access_key, &outside.secret_key),
        }
    }

    /// Returns the variables with which a client reaches it, or a proxy before it at `address`.
    pub fn variables(&self, address: SocketAddr) -> Vec<(String, String)> {
        let (access_key, secret_key) = self.keys();
        let endpoint = format!("http://{address}");
        let variables = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", access_key),
            ("AWS_SECRET_ACCESS_KEY", secret_key),
            ("AWS_REGION", "us-east-1"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Returns the keys of the objects under a prefix.
    pub fn objects(&self, prefix: &str) -> Vec<String> {
        match &self.store {
            Store::Folder(folder) => folder.objects(&self.key(prefix)),
            Store::Outside(outside) => outside.objects(&self.key(prefix)),
        }
    }

    /// Returns the content of an object. Here and below a key is a whole one, as [`Self::objects`] returns it.
    pub fn read(&self, key: &str) -> Vec<u8> {
        match &self.store {
            Store::Folder(folder) => std::fs::read(folder.object(key)).unwrap(),
            Store::Outside(outside) => outside.read(key),
        }
    }

    /// Puts objects with the same content without the server's knowledge.
    pub fn write(&self, keys: Vec<String>, content: &[u8]) {
        match &self.store {
            Store::Folder(folder) => {
                for file in keys.iter().map(|key| folder.object(key)) {
                    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                    std::fs::write(file, content).unwrap();
                }
            }
            Store::Outside(outside) => outside.write(keys, content),
        }
    }

    /// Removes an object.
    pub fn remove(&self, key: &str) {
        match &self.store {
            Store::Folder(folder) => std::fs::remove_file(folder.object(key)).unwrap(),
            Store::Outside(outside) => outside.remove(key),
        }
    }

    /// Returns the parts of unfinished uploads, and the uploads.
    pub fn unfinished(&self) -> (Vec<String>, Vec<String>) {
        match &self.store {
            Store::Folder(folder) => folder.unfinished(),
            Store::Outside(outside) => outside.unfinished(&self.root),
        }
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if let Store::Outside(outside) = &self.store {
            outside.clear(&self.root);
        }
    }
}
