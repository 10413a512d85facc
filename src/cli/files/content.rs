//! `venna files content`.

use super::display::Display;
use super::failures::Failures;
use super::invalid::invalid;
use super::local_name::safe_name;
use super::partial_file::PartialFile;
use super::server::ServerOptions;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use venna_client::{Client, Download, Hasher, Sink};

/// The path that stands for standard output.
const STANDARD_OUTPUT: &str = "-";

/// Downloads the content of files, goes on with interrupted downloads, and compares checksums.
#[derive(Debug, clap::Args)]
pub struct Content {
    #[command(flatten)]
    server: ServerOptions,
    /// The ids of the files.
    #[arg(required = true)]
    ids: Vec<String>,
    /// The file to write, a folder for files with the names of the server, or `-` for standard output. What ends with
    /// `/` is a folder, which is created.
    #[arg(long, short)]
    output: PathBuf,
    /// Replaces files that exist.
    #[arg(long)]
    force: bool,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Content {
    pub async fn run(&self, display: &Display) -> Result<ExitCode> {
        let client = self.server.client()?;
        if self.output.as_os_str() == STANDARD_OUTPUT {
            return self.to_standard_output(&client).await;
        }
        if self.output.as_os_str().as_encoded_bytes().ends_with(b"/") {
            let created = std::fs::create_dir_all(&self.output);
            created.with_context(|| format!("cannot create {}", self.output.display()))?;
        }
        if self.ids.len() > 1 && !self.output.is_dir() {
            return Err(invalid("several files need a folder as --output"));
        }
        let mut failures = Failures::new(display);
        for id in &self.ids {
            if let Err(error) = self.to_file(&client, id, display).await {
                failures.note(id, error)?;
            }
        }
        Ok(failures.exit_code())
    }

    async fn to_standard_output(&self, client: &Client) -> Result<ExitCode> {
        let ([id], false) = (self.ids.as_slice(), self.json) else {
            return Err(invalid("standard output takes one file, and no --json"));
        };
        Download::default().run(client, id, StandardOutput).await?;
        io::stdout().flush()?;
        Ok(ExitCode::SUCCESS)
    }

    async fn to_file(&self, client: &Client, id: &str, display: &Display) -> Result<()> {
        let target = if self.output.is_dir() {
            self.output.join(safe_name(&client.retrieve(id).await?.filename)?)
        } else {
            self.output.clone()
        };
        // The end of the download checks it again, atomically.
        if !self.force && target.symlink_metadata().is_ok() {
            bail!("{} exists: use --force to replace it", target.display());
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (partial, begun) = PartialFile::open(&target, display.transfer(&name, 0, None))?;
        let (partial, verified) = begun.run(client, id, partial).await?;
        let size_bytes = partial.publish(&target, self.force)?;
        drop(partial);
        let path = target.display().to_string();
        if self.json {
            let line = json!({"id": id, "path": path, "bytes": size_bytes, "checksum_compared": verified});
            return Ok(display.result(&line.to_string())?);
        }
        let checked = if verified { "checksum compared" } else { "the server sent no checksum" };
        display.step(&format!("{} ({checked})", path.escape_debug()));
        Ok(())
    }
}

/// Standard output, which cannot take bytes back.
struct StandardOutput;

impl Sink for StandardOutput {
    fn begin(&mut self, _: u64, _: Option<u64>) {}

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        io::stdout().write_all(piece)
    }

    fn hash_received(&mut self, _: &mut Hasher) -> io::Result<()> {
        Ok(())
    }

    fn restart(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    fn keep_etag(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}
