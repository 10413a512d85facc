//! `venna export`.

use super::manifest::{Exported, MANIFEST, last_lines, path_of};
use super::records::Records;
use crate::cli::files::display::{Display, Transfer};
use crate::cli::files::failures::Failures;
use crate::cli::files::listing::list;
use crate::cli::files::partial_file::PartialFile;
use crate::cli::files::server::ServerOptions;
use crate::cli::files::{GO_ON, run_client};
use crate::cli::quantity::counted;
use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use venna_client::{Client, FileObject, ListQuery};

/// The files that are downloaded at once.
const PARALLEL: usize = 4;

/// Writes the files of a workspace to a folder, with a manifest. Run again, it goes on, and adds new files.
///
/// A content is at `files/ID/NAME`. Each line of `manifest.jsonl` has the id, name, purpose, size, times and SHA-256 of
/// a file, and the path of its content. `venna import` reads such a folder.
#[derive(Debug, clap::Args)]
pub struct Export {
    #[command(flatten)]
    server: ServerOptions,
    /// The folder, which is created if it does not exist.
    folder: PathBuf,
    /// Exports files of this purpose only.
    #[arg(long)]
    purpose: Option<String>,
    /// Prints the line of the manifest for each new file.
    #[arg(long)]
    json: bool,
    /// Shows errors and results only.
    #[arg(long, short)]
    quiet: bool,
}

impl Export {
    /// Runs the command until it ends or Ctrl-C ends it.
    pub async fn run(&self) -> Result<ExitCode> {
        let display = Display::new(self.quiet);
        run_client(&display, GO_ON, self.export(&display)).await
    }

    async fn export(&self, display: &Display) -> Result<ExitCode> {
        let client = self.server.client()?;
        std::fs::create_dir_all(&self.folder).with_context(|| format!("cannot create {}", self.folder.display()))?;
        let (mut manifest, earlier) = Records::open::<Exported>(&self.folder.join(MANIFEST))?;
        let there: BTreeSet<String> = last_lines(earlier)
            .into_iter()
            .filter(|line| is_there(&self.folder, line))
            .map(|line| line.file.id)
            .collect();
        let query = ListQuery { purpose: self.purpose.clone(), order: Some("asc".to_owned()), ..ListQuery::default() };
        let mut files = list(&client, query, usize::MAX).await?;
        let found = files.len();
        files.retain(|file| !there.contains(&file.id));
        let new = files.len();
        let total = display.total(&counted(new as u64, "file", "files"), files.iter().map(|file| file.bytes).sum());
        let downloads = files.into_iter().map(async |file| {
            let transfer = display.transfer(&file.filename, file.bytes, Some(&total));
            (download(&client, &self.folder, &file, transfer).await, file)
        });
        let (mut downloads, mut failures) =
            (stream::iter(downloads).buffer_unordered(PARALLEL), Failures::new(display));
        while let Some((path, file)) = downloads.next().await {
            match path {
                Ok(path) => {
                    let line = Exported { file, path };
                    manifest.add(&line)?;
                    self.show(&line, display)?;
                }
                Err(error) => failures.note(&file.id, error)?,
            }
        }
        let (exported, earlier) = (new as u64 - failures.count(), found - new);
        display.step(&format!(
            "{} exported, {earlier} were there, {} failed",
            counted(exported, "file", "files"),
            failures.count()
        ));
        Ok(failures.exit_code())
    }

    fn show(&self, line: &Exported, display: &Display) -> Result<()> {
        if self.json {
            display.result(&serde_json::to_string(line)?)?;
        } else {
            display.step(&line.path.escape_debug().to_string());
        }
        Ok(())
    }
}

/// Returns whether the content of a line is in the folder. A download that was cut off has another name.
fn is_there(folder: &Path, line: &Exported) -> bool {
    std::fs::metadata(folder.join(&line.path)).is_ok_and(|metadata| metadata.len() == line.file.bytes)
}

/// Downloads a File, or goes on with its download, and returns the path of its content relative to the folder.
async fn download(client: &Client, folder: &Path, file: &FileObject, transfer: Arc<Transfer>) -> Result<String> {
    let path = path_of(file)?;
    let target = folder.join(&path);
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    }
    let (partial, begun) = PartialFile::open(&target, transfer)?;
    let (partial, _) = begun.run(client, &file.id, partial).await?;
    partial.publish(&target, true)?;
    Ok(path)
}
