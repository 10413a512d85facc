//! Builds the client of a bucket from its name and the cloud's environment variables.

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::multipart::MultipartStore;
use object_store::signer::Signer;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use std::sync::Arc;
use std::time::Duration;

/// The connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time that an idle connection is kept. It is below the shortest keep-alive timeout of known stores.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// The variable that selects the checksum of S3 requests, beside the signed SHA-256.
pub(super) const CHECKSUM: &str = "AWS_CHECKSUM_ALGORITHM";
/// The value of [`CHECKSUM`] for stores that reject checksums.
pub(super) const NO_CHECKSUM: &str = "none";

/// The protocol of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// S3 and compatible stores.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

/// The client of a bucket, by capability.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) objects: Arc<dyn ObjectStore>,
    /// A client that deletes with one request per object.
    pub(super) singly: Arc<dyn ObjectStore>,
    pub(super) multiparts: Multiparts,
    /// The signer of URLs with a `Content-Disposition`. Azure has none.
    pub(super) signer: Option<Arc<dyn Signer>>,
}

/// The multipart uploads of a bucket.
#[derive(Clone)]
pub(super) struct Multiparts(pub(super) Arc<dyn MultipartStore>);

impl std::fmt::Debug for Multiparts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Multiparts")
    }
}

/// Builds the client of a bucket. `variables` have the names of the cloud's environment variables; unknown ones are
/// ignored.
///
/// # Errors
/// The name of the variable that is missing or invalid.
pub(super) fn client<'a>(
    protocol: Protocol,
    bucket: &str,
    variables: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Client, String> {
    // rustls has one crypto provider per process. Another caller may have installed the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let variables: Vec<(String, &str)> = variables.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    match protocol {
        Protocol::S3 => s3(bucket, &variables),
        Protocol::Gcs => gcs(bucket, &variables),
        Protocol::Azure => azure(bucket, &variables),
    }
}

/// Builds a client of S3. The store verifies the SHA-256 of each body unless another checksum, or none, is set.
fn s3(bucket: &str, variables: &[(String, &str)]) -> Result<Client, String> {
    let keys = [AmazonS3ConfigKey::Endpoint, AmazonS3ConfigKey::S3Endpoint];
    let of_key = |(name, value): &(String, &str)| Some((name.parse::<AmazonS3ConfigKey>().ok()?, (*value).to_owned()));
    let mut known: Vec<_> = variables.iter().filter_map(of_key).collect();
    let is_without = |(key, value): &(AmazonS3ConfigKey, String)| {
        matches!(key, AmazonS3ConfigKey::Checksum) && value.eq_ignore_ascii_case(NO_CHECKSUM)
    };
    let checksum = (!known.iter().any(is_without)).then_some(Checksum::SHA256);
    known.retain(|variable| !is_without(variable));
    let plain = known.iter().any(|(key, value)| keys.contains(key) && value.starts_with("http://"));
    let base = AmazonS3Builder::new();
    let base = checksum.map_or(base.clone(), |checksum| base.with_checksum_algorithm(checksum));
    let builder =
        known.into_iter().fold(base.with_client_options(options()).with_allow_http(plain), |builder, (key, value)| {
            builder.with_config(key, value)
        });
    let builder = builder.with_bucket_name(bucket).with_retry(retries());
    let singly = builder.clone().with_disable_bulk_delete(true).build().map_err(|error| named(&error))?;
    let store = Arc::new(builder.build().map_err(|error| named(&error))?);
    Ok(Client {
        objects: Arc::clone(&store) as _,
        singly: Arc::new(singly),
        multiparts: Multiparts(Arc::clone(&store) as _),
        signer: Some(store),
    })
}

fn gcs(bucket: &str, variables: &[(String, &str)]) -> Result<Client, String> {
    let of_key = |(name, value): &(String, &str)| Some((name.parse::<GoogleConfigKey>().ok()?, (*value).to_owned()));
    let base = GoogleCloudStorageBuilder::new().with_client_options(options());
    let builder =
        variables.iter().filter_map(of_key).fold(base, |builder, (key, value)| builder.with_config(key, value));
    let store =
        Arc::new(builder.with_bucket_name(bucket).with_retry(retries()).build().map_err(|error| named(&error))?);
    Ok(Client {
        objects: Arc::clone(&store) as _,
        singly: Arc::clone(&store) as _,
        multiparts: Multiparts(Arc::clone(&store) as _),
        signer: Some(store),
    })
}

fn azure(container: &str, variables: &[(String, &str)]) -> Result<Client, String> {
    let of_key = |(name, value): &(String, &str)| Some((name.parse::<AzureConfigKey>().ok()?, (*value).to_owned()));
    let base = MicrosoftAzureBuilder::new().with_client_options(options());
    let builder =
        variables.iter().filter_map(of_key).fold(base, |builder, (key, value)| builder.with_config(key, value));
    let store =
        Arc::new(builder.with_container_name(container).with_retry(retries()).build().map_err(|error| named(&error))?);
    let (objects, singly) = (Arc::clone(&store) as _, Arc::clone(&store) as _);
    Ok(Client { objects, singly, multiparts: Multiparts(store), signer: None })
}

/// Returns the options of HTTP. The request timeout is unset: `retry` knows how many bytes a request carries.
fn options() -> ClientOptions {
    ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_pool_idle_timeout(IDLE_TIMEOUT)
}

/// Returns settings without retries: `retry` decides them.
fn retries() -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: Duration::ZERO, ..RetryConfig::default() }
}

/// Returns an error without values. Errors of a builder may quote secrets, so the text ends at its first quotation
/// mark.
fn named(error: &object_store::Error) -> String {
    let text = error.to_string();
    text.split(['"', '\'', '`']).next().unwrap_or_default().trim_end().to_owned()
}
