//! `venna import`.

use super::lifetime::{Lifetime, lifetime, outlives};
use super::records::Records;
use super::source::{Item, Source, SourceOptions};
use super::staging::Staging;
use crate::cli::files::display::{Display, Total, Transfer};
use crate::cli::files::failures::Failures;
use crate::cli::files::server::ServerOptions;
use crate::cli::files::{GO_ON, run_client, state};
use crate::cli::quantity::counted;
use crate::clock::Clock;
use anyhow::{Result, anyhow, bail};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};
use venna_client::{Client, FileObject, NewFile, Progress, Source as Bytes, Uploader};

/// The files that are imported at once.
const PARALLEL: usize = 4;

/// Imports the files of another server or of a folder. Run again, it goes on, and makes no file twice.
///
/// Names, purposes and expiries are kept. Ids are new: the map has the old and the new one of each file, with the time
/// of its creation. A file whose content cannot be read is reported, and the others go on.
#[derive(Debug, clap::Args)]
pub struct Import {
    #[command(flatten)]
    source: SourceOptions,
    #[command(flatten)]
    server: ServerOptions,
    /// Imports files of this purpose only.
    #[arg(long)]
    purpose: Option<String>,
    /// The purpose of files that have none, as in a folder without a manifest and on servers of other APIs.
    #[arg(long, value_name = "PURPOSE")]
    default_purpose: Option<String>,
    /// Another purpose for files of a purpose, such as `assistants_output=user_data`. May be repeated.
    #[arg(long, value_name = "FROM=TO", value_parser = renaming)]
    rename_purpose: Vec<(String, String)>,
    /// The file with the ids, one JSON object a line. What it has is not imported again.
    #[arg(long, value_name = "FILE", default_value = "venna-import.jsonl")]
    map: PathBuf,
    /// The most files that are begun in a second.
    #[arg(long, value_name = "NUMBER")]
    files_per_second: Option<NonZeroU32>,
    /// Shows the files that the map lacks, and imports none.
    #[arg(long)]
    dry_run: bool,
    /// Prints the line of the map for each file; with `--dry-run` a line with its name, purpose, size and times.
    #[arg(long)]
    json: bool,
    /// Shows errors and results only.
    #[arg(long, short)]
    quiet: bool,
}

/// A file that was imported.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Imported {
    source: String,
    /// The URL of the new server. A line without one counts for every server.
    #[serde(default)]
    target: Option<String>,
    source_id: String,
    id: String,
    filename: String,
    purpose: String,
    bytes: u64,
    /// Its creation time at the source, in Unix seconds.
    created_at: Option<u64>,
    /// Its expiry on the new server, in Unix seconds.
    expires_at: Option<u64>,
}

fn renaming(text: &str) -> Result<(String, String), String> {
    let (from, to) = text.split_once('=').ok_or("expected FROM=TO")?;
    Ok((from.to_owned(), to.to_owned()))
}

impl Import {
    /// Runs the command until it ends or Ctrl-C ends it.
    pub async fn run(&self) -> Result<ExitCode> {
        let display = Display::new(self.quiet);
        run_client(&display, GO_ON, self.import(&display)).await
    }

    async fn import(&self, display: &Display) -> Result<ExitCode> {
        let (source, client) = (self.source.open()?, self.server.client()?);
        let direction = Direction { source: source.name(&self.source.source), target: client.url().to_owned() };
        let mut items = source.items(self.purpose.as_deref()).await?;
        if self.dry_run {
            let earlier = if self.map.exists() { Records::read(&self.map)? } else { Vec::new() };
            let there = direction.imported(earlier);
            items.retain(|item| !there.contains(&item.id));
            return self.show(&items, display);
        }
        let (mut map, earlier) = Records::open::<Imported>(&self.map)?;
        let there = direction.imported(earlier);
        let staging = Staging::open(&direction.source, &direction.target)?;
        staging.sweep(&there, Clock::system().now_seconds())?;
        let found = items.len();
        items.retain(|item| !there.contains(&item.id));
        let new = items.len();
        let total = display.total(&counted(new as u64, "file", "files"), items.iter().map(|item| item.bytes).sum());
        let run = state::begin_run(&client, &[b"import", direction.source.as_bytes()]);
        let mover = Mover {
            source,
            staging,
            uploader: Uploader::new(client.clone(), run.clone(), PARALLEL),
            client,
            purposes: self.rename_purpose.iter().cloned().collect(),
            default_purpose: self.default_purpose.clone(),
            pace: self.files_per_second.map(|number| Mutex::new(pace(number))),
            display: display.clone(),
            total,
        };
        let moves = items.into_iter().map(async |item| (mover.run(&item).await, item));
        let (mut moves, mut failures) = (stream::iter(moves).buffer_unordered(PARALLEL), Failures::new(display));
        while let Some((moved, item)) = moves.next().await {
            match moved {
                Ok((file, sent)) => {
                    let line = direction.line(&item, &file);
                    map.add(&line)?;
                    // From here on the map tells that the file is there.
                    mover.uploader.forget(&sent).await?;
                    mover.staging.remove(&item.id);
                    self.show_line(&line, display)?;
                }
                Err(error) => failures.note(&format!("{} {}", item.id, item.filename), error)?,
            }
        }
        let failed = failures.count();
        if failed == 0
            && let Some(run) = run
        {
            run.end()?;
        }
        let imported = counted(new as u64 - failed, "file", "files");
        display.step(&format!("{imported} imported, {} were there, {failed} failed", found - new));
        Ok(failures.exit_code())
    }

    /// Shows the files of a dry run.
    fn show(&self, items: &[Item], display: &Display) -> Result<ExitCode> {
        for item in items {
            let Item { id, filename, purpose, bytes, .. } = item;
            if self.json {
                let line = json!({"source_id": id, "filename": filename, "purpose": purpose, "bytes": bytes,
                    "created_at": item.created_at, "expires_at": item.expires_at});
                display.result(&line.to_string())?;
            } else {
                let line = format!("{id} {} {bytes} {filename}", purpose.as_deref().unwrap_or("-"));
                display.result(&line.escape_debug().to_string())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show_line(&self, line: &Imported, display: &Display) -> Result<()> {
        if self.json {
            display.result(&serde_json::to_string(line)?)?;
        } else {
            display.step(&format!("{} {} {}", line.source_id, line.id, line.filename).escape_debug().to_string());
        }
        Ok(())
    }
}

fn pace(files_per_second: NonZeroU32) -> Interval {
    let mut pace = interval(Duration::from_secs(1) / files_per_second.get());
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// The source and the new server of an import.
struct Direction {
    source: String,
    target: String,
}

impl Direction {
    /// Returns the ids at the source of the files that are imported, by the lines of a map.
    fn imported(&self, map: Vec<Imported>) -> BTreeSet<String> {
        let is_ours = |line: &Imported| {
            line.source == self.source && line.target.as_ref().is_none_or(|target| *target == self.target)
        };
        map.into_iter().filter(is_ours).map(|line| line.source_id).collect()
    }

    /// Returns the line of a file.
    fn line(&self, item: &Item, file: &FileObject) -> Imported {
        Imported {
            source: self.source.clone(),
            target: Some(self.target.clone()),
            source_id: item.id.clone(),
            id: file.id.clone(),
            filename: file.filename.clone(),
            purpose: file.purpose.clone(),
            bytes: file.bytes,
            created_at: item.created_at,
            expires_at: file.expires_at,
        }
    }
}

/// Returns the lifetime to ask for, in seconds; none for the default.
fn expires_after(item: &Item, now_seconds: u64) -> Result<Option<u64>> {
    match lifetime(item.expires_at, now_seconds) {
        Lifetime::Default => Ok(None),
        Lifetime::Seconds(seconds) => Ok(Some(seconds)),
        Lifetime::TooShort => bail!("it expires within the hour"),
    }
}

/// Moves files from a source to the server.
struct Mover {
    source: Source,
    staging: Staging,
    uploader: Uploader,
    client: Client,
    purposes: BTreeMap<String, String>,
    default_purpose: Option<String>,
    pace: Option<Mutex<Interval>>,
    display: Display,
    total: Total,
}

impl Mover {
    /// Imports a file, and returns its File with the content that was sent. Killed at any moment and run again, it
    /// makes one File.
    async fn run(&self, item: &Item) -> Result<(FileObject, NewFile)> {
        if let Some(pace) = &self.pace {
            pace.lock().await.tick().await;
        }
        if !item.is_readable {
            bail!("the source does not give out its content");
        }
        let purpose = self.purpose(item)?;
        expires_after(item, Clock::system().now_seconds())?;
        let source = Bytes::Path(self.stage(item).await?);
        let mut new = NewFile { source, filename: item.filename.clone(), purpose, expires_after_seconds: None };
        let goes_on = self.uploader.has_begun(&new)?;
        if !goes_on {
            self.staging.begin(&item.id)?;
        }
        let transfer = self.display.transfer(&item.filename, item.bytes, Some(&self.total));
        let mut file = self.send(item, &mut new, &transfer).await?;
        let asked = new.expires_after_seconds;
        if goes_on && outlives(item.expires_at, asked, file.expires_at, Clock::system().now_seconds()) {
            self.client.delete(&file.id).await?;
            self.uploader.forget(&new).await?;
            transfer.take_back(item.bytes);
            self.staging.begin(&item.id)?;
            file = self.send(item, &mut new, &transfer).await?;
        }
        Ok((file, new))
    }

    /// Makes the content of a file local, and returns its path.
    async fn stage(&self, item: &Item) -> Result<PathBuf> {
        match (&self.source, &item.path) {
            (Source::Server(client) | Source::Other(client), _) => {
                let transfer = self.display.preparation(&item.filename, item.bytes);
                self.staging.download(client, item, transfer).await
            }
            (Source::Folder(_), Some(path)) => {
                self.staging.point_to(item, path)?;
                Ok(path.clone())
            }
            (Source::Folder(_), None) => bail!("it has no content"),
        }
    }

    /// Uploads a file with the lifetime that it had left when its upload began, and compares it with its source.
    async fn send(&self, item: &Item, new: &mut NewFile, transfer: &Arc<Transfer>) -> Result<FileObject> {
        new.expires_after_seconds = expires_after(item, self.staging.began_at(&item.id)?)?;
        let progress: Arc<dyn Progress> = Arc::<Transfer>::clone(transfer);
        let file = self.uploader.upload(new, &progress).await?;
        let differs = item.sha256.as_ref().zip(file.sha256.as_ref()).is_some_and(|(theirs, ours)| theirs != ours);
        if differs || file.bytes != item.bytes {
            self.client.delete(&file.id).await?;
            self.staging.remove(&item.id);
            bail!("its content is not the one that the source describes");
        }
        Ok(file)
    }

    fn purpose(&self, item: &Item) -> Result<String> {
        let known = item.purpose.as_ref().or(self.default_purpose.as_ref());
        let known = known.ok_or_else(|| anyhow!("its purpose is not known: set --default-purpose"))?;
        Ok(self.purposes.get(known).unwrap_or(known).clone())
    }
}
