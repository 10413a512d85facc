//! `venna check`: tries out what a server needs. It begins no installation and leaves nothing behind.

use super::blobs::{check_combinations, connect_for_trial, open_blobs_without_notes};
use super::data_dir::check_owner;
use super::prices::price_list;
use super::{bootstrap_key, oidc, outbound, tls};
use crate::blobs::local::LocalBlobs;
use crate::clock::Clock;
use crate::config::{BlobsConfig, CloudConfig, Config, DatabaseUrl, MetadataConfig, StoreConfig};
use crate::filesystem::folder_of;
use crate::metadata::SchemaState;
use crate::metadata::postgres::{PostgresStore, check_url};
use crate::metadata::sqlite::SqliteStore;
use crate::random;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::time::Duration;

/// The largest difference of two clocks. Buckets refuse requests from 15 minutes on.
const MAX_SKEW_MS: u64 = 60_000;
/// The difference from which a skew is told in seconds.
const LONG_MS: u64 = 10_000;

/// One thing that was checked.
#[derive(Debug)]
pub struct Check {
    /// The part of the installation.
    pub what: &'static str,
    /// The state of the part, or why a server cannot use it.
    pub outcome: Result<String>,
}

impl Check {
    fn new(what: &'static str, outcome: Result<impl Into<String>>) -> Self {
        Self { what, outcome: outcome.map(Into::into) }
    }
}

/// Checks the settings and the files that they name.
#[must_use]
pub fn check_settings(config: &Config, clock: &Clock) -> Vec<Check> {
    let mut checks = vec![Check::new("settings", check_together(config).map(|()| "valid"))];
    let listeners = &config.listeners;
    for (what, files) in [("tls", tls::api_files(listeners)), ("admin tls", tls::admin_files(listeners))] {
        let loaded = files.and_then(|files| tls::load(files, clock)).transpose();
        checks.extend(loaded.map(|loaded| Check::new(what, loaded.map(|_| "the certificate has its key"))));
    }
    if let Some(file) = &config.bootstrap_key_file {
        checks.push(Check::new("bootstrap key", bootstrap_key::read(file).map(|_| "well-formed")));
    }
    for (what, sink) in [("usage sink", &config.usage_sink), ("alert sink", &config.alert_sink)] {
        if let Some(outcome) = outbound::check(sink).transpose() {
            checks.push(Check::new(what, outcome.map(|()| "its files are readable; it was not called")));
        }
    }
    if let Some(outcome) = oidc::check(&config.oidc, clock.clone()).transpose() {
        checks.push(Check::new("oidc", outcome.map(|()| "its secret is readable; the provider was not called")));
    }
    checks
}

fn check_together(config: &Config) -> Result<()> {
    if let MetadataConfig::Postgres(url) = &config.stores.metadata {
        check_url(url.expose()).context("metadata_url cannot be used")?;
    }
    price_list(config)?;
    check_combinations(config)
}

/// Contacts the stores: checks permissions, writes, reads and removes in each, and compares clocks.
pub async fn check_stores(stores: &StoreConfig, clock: &Clock) -> Vec<Check> {
    if let Err(error) = check_owner(stores, true) {
        return vec![Check::new("data directory", Err::<String, _>(error))];
    }
    let mut checks = vec![Check::new("data directory", check_data_dir(&stores.data_dir))];
    match &stores.metadata {
        MetadataConfig::Sqlite(database) => {
            checks.push(Check::new("metadata", check_database(database).await));
        }
        MetadataConfig::Postgres(url) => checks.extend(check_postgres(url, clock).await),
    }
    match &stores.blobs {
        BlobsConfig::Folder(folder) => checks.push(Check::new("blobs", check_folder(folder).await)),
        BlobsConfig::Cloud(cloud) => checks.extend(check_cloud(cloud, stores, clock).await),
    }
    checks
}

fn check_data_dir(folder: &Path) -> Result<String> {
    let state = if is_there(folder)? { "writable" } else { "not there yet; `venna serve` creates it" };
    check_writable(folder)?;
    Ok(format!("{} is {state}", folder.display()))
}

async fn check_database(database: &Path) -> Result<String> {
    let place = format!("SQLite database {}", database.display());
    if !is_there(database)? {
        check_writable(folder_of(database))?;
        return Ok(format!("{place} is not there yet; `venna serve` creates it"));
    }
    let path = database.to_owned();
    let examined = tokio::task::spawn_blocking(move || SqliteStore::examine(&path)).await?;
    let schema = examined.with_context(|| format!("cannot open the metadata store {}", database.display()))?;
    Ok(format!("{place}, {}", described(schema)))
}

async fn check_postgres(url: &DatabaseUrl, clock: &Clock) -> Vec<Check> {
    match PostgresStore::examine(url.expose(), clock).await.context("cannot open the metadata store of metadata_url") {
        Ok(examined) => {
            let (version, address) = (&examined.version, &examined.address);
            let state = format!("PostgreSQL {version} at {address}, {}", described(examined.schema));
            vec![Check::new("metadata", Ok(state)), Check::new("clock", skew("PostgreSQL", examined.ahead_ms))]
        }
        Err(error) => vec![Check::new("metadata", Err::<String, _>(error))],
    }
}

fn described(schema: SchemaState) -> String {
    match schema {
        SchemaState::Missing => "no installation yet; `venna serve` begins one".to_owned(),
        SchemaState::Older { found, known } => format!("schema {found}, which `venna serve` migrates to {known}"),
        SchemaState::Current(number) => format!("schema {number}"),
    }
}

async fn check_folder(folder: &Path) -> Result<String> {
    if !is_there(folder)? {
        check_writable(folder)?;
        return Ok(format!("folder {} is not there yet; `venna serve` creates it", folder.display()));
    }
    let root = folder.to_owned();
    let tried = tokio::task::spawn_blocking(move || LocalBlobs::try_out(&root)).await?;
    tried.with_context(|| format!("cannot use the blob store {}", folder.display()))?;
    Ok(format!("folder {}: a file was written, read and removed", folder.display()))
}

async fn check_cloud(cloud: &CloudConfig, stores: &StoreConfig, clock: &Clock) -> Vec<Check> {
    if let Err(error) = open_blobs_without_notes(stores).await {
        return vec![Check::new("blobs", Err::<String, _>(error))];
    }
    let told = format!("{cloud}: objects were put, read and removed, one of them in two parts");
    vec![Check::new("blobs", Ok(told)), Check::new("clock", compare_clocks(cloud, stores.blobs_timeout, clock).await)]
}

async fn compare_clocks(cloud: &CloudConfig, request_time: Duration, clock: &Clock) -> Result<String> {
    let blobs = connect_for_trial(cloud, request_time)?;
    let before = clock.now_seconds();
    let theirs = blobs.now_seconds().await.context("cannot read the date of an object")?;
    // The bucket dates objects by the second, at any time of the request.
    let ours = theirs.clamp(before, clock.now_seconds());
    let ahead = i64::try_from(theirs).unwrap_or_default().saturating_sub_unsigned(ours);
    skew("the bucket", ahead.saturating_mul(1000))
}

/// Describes the difference of a clock from that of this machine.
fn skew(whose: &str, ahead_ms: i64) -> Result<String> {
    let difference_ms = ahead_ms.unsigned_abs();
    let length =
        if difference_ms < LONG_MS { format!("{difference_ms} ms") } else { format!("{} s", difference_ms / 1000) };
    let text = match ahead_ms {
        0 => format!("that of {whose} is the same"),
        1.. => format!("that of {whose} is {length} ahead"),
        _ => format!("that of {whose} is {length} behind"),
    };
    if difference_ms > MAX_SKEW_MS {
        bail!("{text}; correct the clock of one of them");
    }
    Ok(text)
}

fn is_there(path: &Path) -> Result<bool> {
    path.try_exists().with_context(|| format!("cannot look for {}", path.display()))
}

/// Checks that a folder can be made in a folder, or in its nearest existing ancestor. Permissions alone do not tell of
/// a file system without writes.
fn check_writable(folder: &Path) -> Result<()> {
    let folder = std::path::absolute(folder)?;
    let nearest = folder.ancestors().find(|folder| folder.exists()).unwrap_or(&folder);
    let trial = nearest.join(format!(".venna-check-{:016x}", u64::from_be_bytes(random::bytes())));
    let made = std::fs::create_dir(&trial).and_then(|()| std::fs::remove_dir(&trial));
    made.with_context(|| format!("cannot write to {}", nearest.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_is_told_with_its_direction_and_refused_when_it_is_large() {
        assert_eq!(skew("PostgreSQL", 0).unwrap(), "that of PostgreSQL is the same");
        assert_eq!(skew("PostgreSQL", 3).unwrap(), "that of PostgreSQL is 3 ms ahead");
        assert_eq!(skew("the bucket", -12_000).unwrap(), "that of the bucket is 12 s behind");
        assert!(skew("the bucket", -60_001).is_err() && skew("the bucket", 60_000).is_ok());
    }
}
