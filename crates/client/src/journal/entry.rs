//! The locked record of one upload.

use super::folder::{Journal, RECORD, write};
use super::lock::Lock;
use super::record::{Fields, Record};
use crate::error::ClientError;
use crate::local_file::blocking;
use std::path::PathBuf;
use std::time::Duration;

/// The repetitions of an attempt at a lock, and the pause before each.
const LOCK_REPETITIONS: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

impl Journal {
    /// Returns whether there is a record of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.record(name).exists()
    }

    fn record(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_added_extension(RECORD)
    }

    /// Locks the record of an upload and reads it. The sweep of a run has the lock for a moment only.
    pub(crate) async fn entry(&self, name: &str) -> Result<Entry, ClientError> {
        for _ in 0..LOCK_REPETITIONS {
            if let Some(entry) = self.try_entry(name).await? {
                return Ok(entry);
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        self.try_entry(name).await?.ok_or(ClientError::Busy)
    }

    async fn try_entry(&self, name: &str) -> Result<Option<Entry>, ClientError> {
        let path = self.record(name);
        let wanted = path.clone();
        let locked = blocking(&path, move || {
            let Some(lock) = Lock::try_take(&wanted)? else { return Ok(None) };
            let record = Record::read(&wanted)?;
            Ok(Some(Entry { place: Some(Place { path: wanted, _lock: lock }), is_resumed: record.is_some(), record }))
        });
        locked.await
    }
}

/// The locked record of one upload.
#[derive(Debug)]
pub(crate) struct Entry {
    place: Option<Place>,
    /// The record was written by an earlier process.
    pub(crate) is_resumed: bool,
    record: Option<Record>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    _lock: Lock,
}

impl Entry {
    /// Returns an entry in memory, for content that has no path.
    pub(crate) fn in_memory() -> Self {
        Self { place: None, is_resumed: false, record: None }
    }

    pub(crate) fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Begins an upload: writes its record durably.
    pub(crate) async fn begin(&mut self, fields: Fields) -> Result<(), ClientError> {
        self.is_resumed = false;
        self.record = Some(Record::new(fields)?);
        self.write(true).await
    }

    /// Changes the record.
    pub(crate) async fn change(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), ClientError> {
        if let Some(record) = &mut self.record {
            change(record);
        }
        self.write(false).await
    }

    /// Removes the record of an upload that does not go on.
    pub(crate) fn remove(&mut self) {
        self.record = None;
        if let Some(place) = &self.place {
            // A record that stays behind costs a failed attempt to go on.
            drop(std::fs::remove_file(&place.path));
        }
    }

    async fn write(&self, is_new: bool) -> Result<(), ClientError> {
        let (Some(place), Some(record)) = (&self.place, &self.record) else { return Ok(()) };
        let (path, record) = (place.path.clone(), record.clone());
        blocking(&place.path, move || write(&path, &serde_json::to_vec(&record)?, is_new)).await
    }
}
