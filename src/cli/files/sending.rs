//! Sends several files at once, and shows each when it is finished.

use super::display::Display;
use super::failures::Failures;
use crate::cli::quantity;
use anyhow::Result;
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use venna_client::{NewFile, Progress, Source, Uploader};

/// The most files and parts that are sent at once.
const MAX_PARALLEL: u64 = 64;
/// The files and parts that are sent at once by default.
const DEFAULT_PARALLEL: u64 = 4;

/// The option of commands that send files.
#[derive(Debug, clap::Args)]
pub struct Parallel {
    /// The number of files and parts that are sent at once.
    #[arg(long, value_name = "NUMBER", default_value_t = DEFAULT_PARALLEL,
        value_parser = clap::value_parser!(u64).range(1..=MAX_PARALLEL))]
    parallel: u64,
}

impl Parallel {
    /// Returns the number.
    pub fn count(&self) -> Result<usize> {
        Ok(usize::try_from(self.parallel)?)
    }
}

/// Sends files, `parallel` at once, and prints a line for each: its id and its source, or its File as JSON.
pub async fn send(
    uploader: &Uploader,
    files: Vec<NewFile>,
    parallel: usize,
    display: &Display,
    json: bool,
) -> Result<Failures> {
    let sizes: Vec<u64> = files.iter().map(size_bytes).collect();
    let total = (files.len() > 1).then(|| {
        let name = quantity::counted(files.len() as u64, "file", "files");
        display.total(&name, sizes.iter().sum())
    });
    let uploads = files.into_iter().zip(sizes).map(async |(new, size_bytes)| {
        let progress: Arc<dyn Progress> = display.transfer(&new.filename, size_bytes, total.as_ref());
        (uploader.upload(&new, &progress).await, new)
    });
    let mut uploads = stream::iter(uploads).buffer_unordered(parallel);
    let mut failures = Failures::new(display);
    while let Some((sent, new)) = uploads.next().await {
        let name = shown(&new);
        match sent {
            Ok(file) if json => display.result(&serde_json::to_string(&file)?)?,
            Ok(file) => display.result(&format!("{} {}", file.id.escape_debug(), name.escape_debug()))?,
            Err(error) => failures.note(&name, error)?,
        }
    }
    Ok(failures)
}

/// Returns the size for the display, in bytes.
fn size_bytes(new: &NewFile) -> u64 {
    let metadata = match &new.source {
        Source::Path(path) => std::fs::metadata(path),
        Source::Unnamed(file) => file.metadata(),
    };
    metadata.map_or(0, |metadata| metadata.len())
}

fn shown(new: &NewFile) -> String {
    match &new.source {
        Source::Path(path) => path.display().to_string(),
        Source::Unnamed(_) => new.filename.clone(),
    }
}
