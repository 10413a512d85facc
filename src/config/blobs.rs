//! The place of blobs: a folder, or a bucket and the variables by which it is reached.

use super::parse;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The time that the bytes of deleted files are kept where other servers may read them.
const SHARED_DELETE_DELAY: Duration = Duration::from_mins(10);

/// The place of blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobsConfig {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket.
    Cloud(CloudConfig),
}

/// The protocol of a store in the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudScheme {
    /// S3 and compatible stores.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

/// A bucket and the prefix of all keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudConfig {
    /// The protocol.
    pub scheme: CloudScheme,
    /// The bucket or container.
    pub bucket: String,
    /// The prefix of all keys, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The variables by which it is reached.
    pub variables: CloudVariables,
}

/// Endpoint, region and credentials, under the names of the cloud's environment variables. Their values are never
/// shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CloudVariables(BTreeMap<String, String>);

/// Each scheme with the begin of its URLs.
const SCHEMES: [(&str, CloudScheme); 3] =
    [("s3://", CloudScheme::S3), ("gs://", CloudScheme::Gcs), ("az://", CloudScheme::Azure)];

impl CloudScheme {
    /// Returns the begin of its URLs.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::S3 => "s3://",
            Self::Gcs => "gs://",
            Self::Azure => "az://",
        }
    }

    /// Returns the prefix of its environment variables.
    #[must_use]
    pub const fn variables_begin_with(self) -> &'static str {
        match self {
            Self::S3 => "AWS_",
            Self::Gcs => "GOOGLE_",
            Self::Azure => "AZURE_",
        }
    }
}

impl CloudVariables {
    /// Keeps the variables that concern a cloud.
    #[must_use]
    pub fn among(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let concerns = |name: &str| SCHEMES.iter().any(|(_, scheme)| name.starts_with(scheme.variables_begin_with()));
        Self(variables.into_iter().filter(|(name, _)| concerns(name)).collect())
    }

    /// Returns the names and values of this cloud's variables.
    pub fn of(&self, scheme: CloudScheme) -> impl Iterator<Item = (&str, &str)> {
        let begins = move |(name, _): &(&str, &str)| name.starts_with(scheme.variables_begin_with());
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(begins)
    }
}

impl fmt::Debug for CloudVariables {
    /// Writes the names only.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Display for CloudConfig {
    /// Writes the URL.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.scheme.prefix(), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(out, "/{}", self.prefix) }
    }
}

impl BlobsConfig {
    /// Returns the default of `delete_delay_seconds`: other servers may read from a bucket (docs/design/durability.md,
    /// R8).
    pub(super) const fn default_delete_delay(&self) -> Duration {
        match self {
            Self::Folder(_) => Duration::ZERO,
            Self::Cloud(_) => SHARED_DELETE_DELAY,
        }
    }
}

impl fmt::Display for BlobsConfig {
    /// Writes the URL.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(out, "{}{}", parse::FILE, folder.display()),
            Self::Cloud(cloud) => cloud.fmt(out),
        }
    }
}

/// Parses the URL of a folder or a bucket.
pub(super) fn blobs_url(text: &str, variables: &CloudVariables) -> Option<BlobsConfig> {
    let Some((scheme, rest)) = SCHEMES.iter().find_map(|(begin, scheme)| Some((*scheme, text.strip_prefix(begin)?)))
    else {
        return parse::file_url(text).map(BlobsConfig::Folder);
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let segment = |text: &str| !text.is_empty() && plain(text) && !text.bytes().all(|byte| byte == b'.');
    let valid = segment(bucket) && (prefix.is_empty() || prefix.split('/').all(segment));
    valid.then(|| {
        let (bucket, prefix, variables) = (bucket.to_owned(), prefix.to_owned(), variables.clone());
        BlobsConfig::Cloud(CloudConfig { scheme, bucket, prefix, variables })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_folders_are_told_apart() {
        let shown = |text: &str| match blobs_url(text, &CloudVariables::default()) {
            Some(BlobsConfig::Cloud(cloud)) => Some(cloud.to_string()),
            Some(BlobsConfig::Folder(folder)) => Some(folder.display().to_string()),
            None => None,
        };
        for (text, expected) in [
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/", "s3://bucket"),
            ("gs://my.bucket/a/b/", "gs://my.bucket/a/b"),
            ("az://container/venna-1", "az://container/venna-1"),
            ("file:///srv/blobs", "/srv/blobs"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for text in
            ["s3://", "s3:///a", "s3://b//a", "s3://b/../a", "s3://key:secret@b/a", "s3://b/a b", "http://b", ""]
        {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn values_of_variables_are_not_shown() {
        let variables = [("AWS_SECRET_ACCESS_KEY", "hunter2"), ("HOME", "/root"), ("AZURE_STORAGE_SAS_KEY", "hunter3")];
        let variables = CloudVariables::among(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let shown = format!("{variables:?}");
        assert_eq!(shown, r#"{"AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_SAS_KEY"}"#);
        assert_eq!(variables.of(CloudScheme::S3).collect::<Vec<_>>(), [("AWS_SECRET_ACCESS_KEY", "hunter2")]);
    }
}
