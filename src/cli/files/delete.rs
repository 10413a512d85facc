//! `venna files delete`.

use super::display::Display;
use super::failures::Failures;
use super::invalid::invalid;
use super::list::print;
use super::listing::{list, retrieve_all};
use super::server::ServerOptions;
use crate::cli::quantity;
use crate::clock::Clock;
use anyhow::{Result, bail};
use futures_util::{StreamExt, stream};
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;
use venna_client::{Client, FileObject, ListQuery};

/// The deletions that are sent at once.
const PARALLEL: usize = 4;
/// The answers that agree.
const YES: [&str; 2] = ["y", "yes"];

/// Deletes files: those of the ids, or those that match all of the filters.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(group = clap::ArgGroup::new("selection").required(true).multiple(true))]
pub struct Delete {
    #[command(flatten)]
    server: ServerOptions,
    /// The ids of the files.
    #[arg(group = "selection", conflicts_with_all = ["purpose", "name_prefix", "older_than", "all"])]
    ids: Vec<String>,
    /// Deletes files of this purpose.
    #[arg(long, group = "selection")]
    purpose: Option<String>,
    /// Deletes files whose names begin so.
    #[arg(long, value_name = "TEXT", group = "selection")]
    name_prefix: Option<String>,
    /// Deletes files that were created before this time, such as `30d`.
    #[arg(long, value_name = "TIME", group = "selection", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Deletes all files.
    #[arg(long, group = "selection", conflicts_with_all = ["purpose", "name_prefix", "older_than"])]
    all: bool,
    /// Shows the files and deletes none.
    #[arg(long)]
    dry_run: bool,
    /// Deletes the files of filters without a question. Needed without a terminal.
    #[arg(long, short)]
    yes: bool,
    /// Prints one JSON object a line; one JSON array with `--dry-run`.
    #[arg(long)]
    json: bool,
}

impl Delete {
    pub async fn run(&self, display: &Display) -> Result<ExitCode> {
        let client = self.server.client()?;
        if !self.ids.is_empty() && !self.dry_run {
            return Ok(delete(&client, self.ids.clone(), display, self.json).await?.exit_code());
        }
        let mut failures = Failures::new(display);
        let files = self.selected(&client, &mut failures).await?;
        if self.dry_run {
            print(&files, self.json)?;
            return Ok(failures.exit_code());
        }
        if !files.is_empty() {
            confirm(self.yes, &files)?;
        }
        let ids = files.into_iter().map(|file| file.id).collect();
        Ok(delete(&client, ids, display, self.json).await?.exit_code())
    }

    async fn selected(&self, client: &Client, failures: &mut Failures) -> Result<Vec<FileObject>> {
        if self.ids.is_empty() {
            let now = Clock::system().now_seconds();
            let mut files = list(client, self.query(), usize::MAX).await?;
            files.retain(|file| self.matches(file, now));
            return Ok(files);
        }
        retrieve_all(client, &self.ids, failures).await
    }

    /// Returns the query of the files. The server takes one filter at a time.
    fn query(&self) -> ListQuery {
        let purpose = self.purpose.clone().filter(|_| self.name_prefix.is_none());
        ListQuery { purpose, name_prefix: self.name_prefix.clone(), ..ListQuery::default() }
    }

    /// Returns whether a file matches all filters. A server may ignore those of the query.
    fn matches(&self, file: &FileObject, now: u64) -> bool {
        let is_old = |age: Duration| file.created_at < now.saturating_sub(age.as_secs());
        self.purpose.as_ref().is_none_or(|purpose| file.purpose == *purpose)
            && self.name_prefix.as_ref().is_none_or(|prefix| file.filename.starts_with(prefix))
            && self.older_than.is_none_or(is_old)
    }
}

/// Deletes Files, several at once, and shows each.
pub async fn delete(client: &Client, ids: Vec<String>, display: &Display, json: bool) -> Result<Failures> {
    let mut failures = Failures::new(display);
    let deletions = ids.into_iter().map(async |id| (client.delete(&id).await, id));
    let mut deletions = stream::iter(deletions).buffer_unordered(PARALLEL);
    while let Some((deleted, id)) = deletions.next().await {
        match deleted {
            Ok(()) if json => {
                let line = serde_json::json!({"id": id, "object": "file", "deleted": true});
                display.result(&line.to_string())?;
            }
            Ok(()) => display.step(&format!("deleted {id}")),
            Err(error) => failures.note(&id, error)?,
        }
    }
    Ok(failures)
}

/// Asks on a terminal whether files are to be deleted, unless the command line says so.
pub fn confirm(is_agreed: bool, files: &[FileObject]) -> Result<()> {
    if is_agreed {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(invalid("without a terminal --yes is needed to delete these files"));
    }
    let size_bytes: i128 = files.iter().map(|file| i128::from(file.bytes)).sum();
    let count = quantity::counted(files.len() as u64, "file", "files");
    eprint!("Delete {count} ({})? [y/N] ", quantity::bytes(size_bytes));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if !YES.contains(&answer.trim().to_ascii_lowercase().as_str()) {
        bail!("nothing was deleted");
    }
    Ok(())
}
