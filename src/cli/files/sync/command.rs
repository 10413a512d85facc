//! The command line of `venna files sync`, and its steps.

use super::hashes::hash_all;
use super::plan::{Plan, ServerFile, layouts, plan};
use super::tree::{self, LocalFile};
use crate::cli::files::delete::{confirm, delete};
use crate::cli::files::display::Display;
use crate::cli::files::failures::Failures;
use crate::cli::files::listing::list;
use crate::cli::files::sending::{Parallel, send};
use crate::cli::files::server::ServerOptions;
use crate::cli::files::state;
use crate::cli::quantity::counted;
use crate::clock::Clock;
use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use venna_client::{Checksum, Client, FileObject, ListQuery, MAX_WHOLE_BYTES, NewFile, Run, Source, Uploader};

/// Uploads the files of a folder that the server does not have. Run again after an interruption, it goes on.
///
/// The name of a file on the server is its path in the folder, such as `sub/notes.txt`. Files are compared by name and
/// checksum, and by size on a server that states none. Symbolic links are left out.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Sync {
    #[command(flatten)]
    server: ServerOptions,
    /// The folder.
    folder: PathBuf,
    /// The purpose of the files. Files of other purposes are left alone.
    #[arg(long)]
    purpose: String,
    /// Deletes all files of the purpose that are not in the folder, once the uploads are finished.
    #[arg(long)]
    delete_extra: bool,
    /// Shows the steps and takes none.
    #[arg(long)]
    dry_run: bool,
    /// Deletes without a question. Needed without a terminal.
    #[arg(long, short)]
    yes: bool,
    /// The lifetime of new files, such as `7d`.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
    #[command(flatten)]
    parallel: Parallel,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Sync {
    pub async fn run(&self, display: &Display) -> Result<ExitCode> {
        let client = self.server.client()?;
        let plan = self.plan(&client).await?;
        if self.dry_run {
            self.show(&plan, display)?;
            return Ok(ExitCode::SUCCESS);
        }
        if !plan.extra.is_empty() {
            confirm(self.yes, &plan.extra)?;
        }
        let run = self.begin_run(&client)?;
        let uploader = Uploader::new(client.clone(), run.clone(), self.parallel.count()?);
        for file in &plan.present {
            // Its upload may have succeeded although its process was killed.
            uploader.forget(&self.new_file(file)).await?;
        }
        let (missing, present) = (plan.missing.len() as u64, plan.present.len());
        let new = plan.missing.iter().map(|file| self.new_file(file)).collect();
        let sent = send(&uploader, new, self.parallel.count()?, display, self.json).await?;
        if !sent.is_empty() {
            return Ok(sent.exit_code());
        }
        if let Some(run) = run {
            run.end()?;
        }
        let extra = plan.extra.len();
        let deleted = self.delete_extra_files(&client, plan, display).await?;
        let uploaded = counted(missing, "file", "files");
        display.step(&format!("{uploaded} uploaded, {present} unchanged, {extra} deleted"));
        Ok(deleted.exit_code())
    }

    async fn plan(&self, client: &Client) -> Result<Plan> {
        let files = tree::files(&self.folder)?;
        let query = ListQuery { purpose: Some(self.purpose.clone()), ..ListQuery::default() };
        let mut there = list(client, query, usize::MAX).await?;
        // A server may ignore the filter.
        there.retain(|file| file.purpose == self.purpose);
        let there = self.stated(client, &files, there).await?;
        let files = layouts(files, &there);
        let now = Clock::system().now_seconds();
        let checksums = hash_all(&self.folder, &files, self.parallel.count()?, now).await?;
        let mut plan = plan(files.into_iter().map(|(file, _)| file).zip(checksums).collect(), there);
        if !self.delete_extra {
            plan.extra.clear();
        }
        Ok(plan)
    }

    /// Adds the checksums of Files. Of a large one that may be a local file, its content is asked for its checksum.
    async fn stated(&self, client: &Client, local: &[LocalFile], there: Vec<FileObject>) -> Result<Vec<ServerFile>> {
        let names: BTreeSet<(&str, u64)> = local.iter().map(|file| (file.name.as_str(), file.size_bytes)).collect();
        let stated = there.into_iter().map(|file| {
            let is_asked = file.bytes > MAX_WHOLE_BYTES && names.contains(&(file.filename.as_str(), file.bytes));
            async move {
                let checksum = match &file.sha256 {
                    Some(sha256) => Some(Checksum::of_whole(sha256)),
                    None if is_asked => client.checksum(&file.id).await?,
                    None => None,
                };
                anyhow::Ok(ServerFile { file, checksum })
            }
        });
        stream::iter(stated).buffered(self.parallel.count()?).try_collect().await
    }

    fn show(&self, plan: &Plan, display: &Display) -> Result<()> {
        for file in &plan.missing {
            let line = json!({"action": "upload", "filename": file.name, "bytes": file.size_bytes});
            self.show_step(display, &line, &format!("upload {}", file.name.escape_debug()))?;
        }
        for file in &plan.extra {
            let line = json!({"action": "delete", "id": file.id, "filename": file.filename, "bytes": file.bytes});
            self.show_step(
                display,
                &line,
                &format!("delete {} {}", file.id.escape_debug(), file.filename.escape_debug()),
            )?;
        }
        Ok(())
    }

    fn show_step(&self, display: &Display, line: &serde_json::Value, text: &str) -> Result<()> {
        Ok(if self.json { display.result(&line.to_string()) } else { display.result(text) }?)
    }

    async fn delete_extra_files(&self, client: &Client, plan: Plan, display: &Display) -> Result<Failures> {
        delete(client, plan.extra.into_iter().map(|file| file.id).collect(), display, self.json).await
    }

    fn begin_run(&self, client: &Client) -> Result<Option<Run>> {
        let folder = std::fs::canonicalize(&self.folder);
        let folder = folder.with_context(|| format!("cannot read {}", self.folder.display()))?;
        Ok(state::begin_run(client, &[b"sync", folder.as_os_str().as_bytes(), self.purpose.as_bytes()]))
    }

    fn new_file(&self, file: &LocalFile) -> NewFile {
        NewFile {
            source: Source::Path(file.path.clone()),
            filename: file.name.clone(),
            purpose: self.purpose.clone(),
            expires_after_seconds: self.expires.map(|time| time.as_secs()),
        }
    }
}
