//! A bucket of an existing store, used by its signed API.

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{ObjectStore, ObjectStoreExt};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock, mpsc};
use std::time::Duration;
use tokio::runtime::Runtime;

/// The variable that names the endpoint of the store, as `http://HOST:PORT`.
const ENDPOINT: &str = "VENNA_TEST_S3_ENDPOINT";
/// The most concurrent requests.
const AT_ONCE: usize = 16;
/// The lifetime of signed URLs.
const LIFETIME: Duration = Duration::from_mins(1);

/// The runtime of the requests: tests call them without awaiting.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    crate::choose_cryptography();
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, answer) = mpsc::channel();
    RUNTIME.spawn(async move { drop(sender.send(future.await)) });
    answer.recv().expect("the store answers as it should")
}

/// The client of that store.
pub struct Outside {
    pub address: SocketAddr,
    pub name: String,
    pub access_key: String,
    pub secret_key: String,
    store: Arc<AmazonS3>,
}

impl Outside {
    /// Returns the store that the environment names, if any.
    pub fn named() -> Option<Self> {
        let endpoint = std::env::var(ENDPOINT).ok()?;
        let variable = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} goes with {ENDPOINT}"));
        let (name, access_key, secret_key) =
            (variable("VENNA_TEST_S3_BUCKET"), variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
        let place = endpoint.strip_prefix("http://").expect("the proxy of the tests speaks plain HTTP");
        let address = place.trim_end_matches('/').to_socket_addrs().unwrap().next().unwrap();
        LazyLock::force(&RUNTIME);
        let store = AmazonS3Builder::new().with_endpoint(endpoint).with_allow_http(true).with_region("us-east-1");
        let store = store.with_bucket_name(&name).with_access_key_id(&access_key).with_secret_access_key(&secret_key);
        Some(Self { address, name, access_key, secret_key, store: Arc::new(store.build().unwrap()) })
    }

    pub fn objects(&self, folder: &str) -> Vec<String> {
        let found = self.store.list(Some(&Path::from(folder)));
        wait(found.map_ok(|object| object.location.to_string()).try_collect()).unwrap()
    }

    pub fn read(&self, key: &str) -> Vec<u8> {
        let (store, key) = (Arc::clone(&self.store), Path::from(key));
        wait(async move { store.get(&key).await?.bytes().await }).unwrap().into()
    }

    pub fn write(&self, keys: Vec<String>, content: &[u8]) {
        let (store, content) = (Arc::clone(&self.store), content.to_vec());
        let puts = stream::iter(keys).map(move |key| {
            let (store, content) = (Arc::clone(&store), content.clone());
            async move { store.put(&Path::from(key), content.into()).await.map(drop) }
        });
        wait(puts.buffer_unordered(AT_ONCE).try_collect::<()>()).unwrap();
    }

    pub fn remove(&self, key: &str) {
        let (store, key) = (Arc::clone(&self.store), Path::from(key));
        wait(async move { store.delete(&key).await }).unwrap();
    }

    /// Returns the parts of unfinished uploads, and the uploads.
    pub fn unfinished(&self, root: &str) -> (Vec<String>, Vec<String>) {
        let (store, root) = (Arc::clone(&self.store), root.to_owned());
        wait(async move {
            let mut parts = Vec::new();
            let uploads = uploads(&store, &root).await;
            for (key, upload) in &uploads {
                let listed = ask(&store, &Path::from(key.as_str()), &[("uploadId", upload)]).await;
                parts.extend(texts(&listed, "PartNumber").into_iter().map(|part| format!("{key} {part}")));
            }
            (parts, uploads.into_iter().map(|(key, _)| key).collect())
        })
    }

    /// Removes everything under a prefix.
    pub fn clear(&self, root: &str) {
        let (store, root) = (Arc::clone(&self.store), root.to_owned());
        wait(async move {
            let found = store.list(Some(&Path::from(root.as_str()))).map_ok(|object| object.location).boxed();
            store.delete_stream(found).for_each(|removed| async { drop(removed) }).await;
            for (key, upload) in uploads(&store, &root).await {
                drop(store.abort_multipart(&Path::from(key), &upload).await);
            }
        });
    }
}

/// Returns keys and ids of the uploads under a prefix; tests have less than a page of them.
async fn uploads(store: &AmazonS3, root: &str) -> Vec<(String, String)> {
    let listed = ask(store, &Path::default(), &[("uploads", ""), ("prefix", &format!("{root}/"))]).await;
    assert!(listed.contains("<IsTruncated>false<"), "all uploads stand on one page: {listed}");
    texts(&listed, "Key").into_iter().zip(texts(&listed, "UploadId")).collect()
}

/// Returns the XML of a request that the client library does not know; empty for 404.
async fn ask(store: &AmazonS3, key: &Path, query: &[(&str, &str)]) -> String {
    let options = SignedUrlOptions::default().with_query(query.iter().copied());
    let url = store.signed_url_opts(http::Method::GET, key, LIFETIME, &options).await.unwrap();
    let answer = reqwest::get(url).await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success() || status == http::StatusCode::NOT_FOUND, "{status}: {text}");
    text
}

/// Returns the texts of all elements of a name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let rests = xml.split(&begin).skip(1);
    rests.map(|rest| rest.split(&end).next().unwrap().to_owned()).collect()
}
