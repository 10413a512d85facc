//! Uploads files, each once: goes on after an end at any moment, and compares what arrived.

use crate::connection::Client;
use crate::error::ClientError;
use crate::files::FileObject;
use crate::journal::{Entry, Fields, Run, name_of};
use crate::local_file::LocalFile;
use crate::new_file::{NewFile, Source};
use crate::parts::{MAX_WHOLE_BYTES, PART_BYTES, PartsUpload};
use crate::progress::{Progress, Step, Tally};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Uploads files within limits that all of them share.
#[derive(Debug)]
pub struct Uploader {
    client: Client,
    run: Option<Run>,
    permits: Semaphore,
}

impl Uploader {
    /// Creates an uploader that sends `parallel` files or parts at once. Without a run nothing goes on in another
    /// process.
    #[must_use]
    pub fn new(client: Client, run: Option<Run>, parallel: usize) -> Self {
        Self { client, run, permits: Semaphore::new(parallel) }
    }

    /// Uploads a file, or goes on with its upload. A file that this run has finished is not sent again.
    pub async fn upload(&self, new: &NewFile, progress: &Arc<dyn Progress>) -> Result<FileObject, ClientError> {
        let local = new.open().await?;
        let mut entry = self.entry(new, &local).await?;
        if let Some(file) = self.finished(new, &local, &mut entry).await? {
            progress.add(local.version.size_bytes);
            return Ok(file);
        }
        let tally = Arc::new(Tally::new(progress));
        let progress: Arc<dyn Progress> = Arc::<Tally>::clone(&tally);
        let mut sent = self.send(new, &local, &mut entry, &progress).await;
        if entry.is_resumed && sent.as_ref().is_err_and(ClientError::is_outdated) {
            tally.restart();
            progress.note(Step::Restarted);
            self.abandon(&mut entry).await;
            entry.begin(fields(new, &local)).await?;
            sent = self.send(new, &local, &mut entry, &progress).await;
        }
        match sent {
            Ok(file) => {
                let run = self.run.as_ref().map(|run| run.id().to_owned());
                entry.change(|record| (record.file, record.run) = (Some(file.clone()), run)).await?;
                Ok(file)
            }
            Err(error) => {
                // A shorter file ends the request, which looks like a lost connection.
                let error = local.check_unchanged().err().unwrap_or(error);
                if error.is_final() {
                    self.abandon(&mut entry).await;
                }
                Err(error)
            }
        }
    }

    /// Returns whether an earlier process began this upload, so that its lifetime is settled.
    pub fn has_begun(&self, new: &NewFile) -> Result<bool, ClientError> {
        let (Source::Path(path), Some(run)) = (&new.source, &self.run) else { return Ok(false) };
        Ok(run.journal().has(&self.name(path, new)?))
    }

    /// Removes the record of an upload whose File the server has.
    pub async fn forget(&self, new: &NewFile) -> Result<(), ClientError> {
        let (Source::Path(path), Some(run)) = (&new.source, &self.run) else { return Ok(()) };
        let name = self.name(path, new)?;
        if run.journal().has(&name) {
            run.journal().entry(&name).await?.remove();
        }
        Ok(())
    }

    /// Opens the record of the upload. A record of another version of the file is abandoned.
    async fn entry(&self, new: &NewFile, local: &LocalFile) -> Result<Entry, ClientError> {
        let (Source::Path(path), Some(run)) = (&new.source, &self.run) else {
            return Ok(Entry::in_memory());
        };
        let mut entry = run.journal().entry(&self.name(path, new)?).await?;
        if entry.record().is_some_and(|record| record.fields != fields(new, local)) {
            self.abandon(&mut entry).await;
        }
        Ok(entry)
    }

    /// Returns the name of a record: for the server, the key, the path and the purpose.
    fn name(&self, path: &Path, new: &NewFile) -> Result<String, ClientError> {
        let path =
            std::fs::canonicalize(path).map_err(|source| ClientError::Local { path: path.to_owned(), source })?;
        let identity = self.client.identity();
        Ok(name_of(&[identity.as_bytes(), path.as_os_str().as_bytes(), new.purpose.as_bytes()]))
    }

    /// Returns the File if an open run has finished this upload; otherwise makes sure that there is a record.
    async fn finished(
        &self,
        new: &NewFile,
        local: &LocalFile,
        entry: &mut Entry,
    ) -> Result<Option<FileObject>, ClientError> {
        let Some(record) = entry.record() else {
            entry.begin(fields(new, local)).await?;
            return Ok(None);
        };
        let Some(file) = record.file.clone() else { return Ok(None) };
        let is_open = |id: &String| self.run.as_ref().is_some_and(|run| run.is_open(id));
        if record.run.as_ref().is_some_and(is_open) {
            match self.client.retrieve(&file.id).await {
                Ok(_) => return Ok(Some(file)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        entry.begin(fields(new, local)).await?;
        Ok(None)
    }

    /// Sends a file and compares the File with it. A File with other bytes is deleted.
    async fn send(
        &self,
        new: &NewFile,
        local: &LocalFile,
        entry: &mut Entry,
        progress: &Arc<dyn Progress>,
    ) -> Result<FileObject, ClientError> {
        if local.version.size_bytes > MAX_WHOLE_BYTES {
            let upload = PartsUpload { client: &self.client, permits: &self.permits, local, new, progress };
            if let Some(file) = upload.run(entry).await? {
                return self.compare(local, file, None).await;
            }
        }
        let key = entry.record().map(|record| record.key("file")).unwrap_or_default();
        let _permit = self.permits.acquire().await.map_err(|_| ClientError::Setup("the uploads end".to_owned()))?;
        let sent = self.client.send_whole(local, new, &key, progress).await?;
        if sent.is_replay && entry.is_resumed {
            // The first answer may be older than the deletion of its File.
            self.client.retrieve(&sent.file.id).await?;
        }
        self.compare(local, sent.file, sent.sha256).await
    }

    async fn compare(
        &self,
        local: &LocalFile,
        file: FileObject,
        sha256: Option<String>,
    ) -> Result<FileObject, ClientError> {
        let differs = sha256.zip(file.sha256.as_ref()).is_some_and(|(ours, theirs)| ours != *theirs);
        let is_damaged = differs || file.bytes != local.version.size_bytes;
        let unchanged = local.check_unchanged();
        if is_damaged || unchanged.is_err() {
            self.client.delete(&file.id).await?;
            unchanged?;
            return Err(ClientError::Damaged(local.path().display().to_string()));
        }
        Ok(file)
    }

    /// Cancels the Upload of a record, if it has one, and removes the record.
    async fn abandon(&self, entry: &mut Entry) {
        let upload_id =
            entry.record().filter(|record| record.file.is_none()).and_then(|record| record.upload_id.clone());
        if let Some(upload_id) = upload_id {
            // An Upload that cannot be cancelled expires.
            drop(self.client.cancel_upload(&upload_id).await);
        }
        entry.remove();
    }
}

/// Returns the identity of an upload of this state of the file.
fn fields(new: &NewFile, local: &LocalFile) -> Fields {
    Fields {
        version: local.version,
        filename: new.filename.clone(),
        expires_after_seconds: new.expires_after_seconds,
        part_bytes: PART_BYTES,
    }
}
