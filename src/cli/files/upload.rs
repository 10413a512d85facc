//! `venna files upload`.

use super::display::Display;
use super::invalid::invalid;
use super::sending::{Parallel, send};
use super::server::ServerOptions;
use super::{sources, state};
use anyhow::{Context, Result, bail};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use venna_client::{Client, NewFile, Run, Source, Uploader};

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Uploads files, and folders with all files in them. Run again after an interruption, it goes on.
///
/// A file of more than 64 MiB is sent in parts. The same command after an interruption sends no finished file or part
/// again, and no file becomes two.
#[derive(Debug, clap::Args)]
pub struct Upload {
    #[command(flatten)]
    server: ServerOptions,
    /// The files, folders and patterns, or `-` for standard input. A symbolic link in a folder is left out.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The purpose of the files.
    #[arg(long)]
    purpose: String,
    /// The name of the file on the server, for one file or standard input.
    #[arg(long)]
    name: Option<String>,
    /// The lifetime of the files, such as `7d`.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
    #[command(flatten)]
    parallel: Parallel,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Upload {
    pub async fn run(&self, display: &Display) -> Result<ExitCode> {
        let client = self.server.client()?;
        let files = self.files().await?;
        if files.is_empty() {
            bail!("there is no file to upload");
        }
        let run = self.begin_run(&client)?;
        let parallel = self.parallel.count()?;
        let uploader = Uploader::new(client, run.clone(), parallel);
        let failures = send(&uploader, files, parallel, display, self.json).await?;
        if let Some(run) = run.filter(|_| failures.is_empty()) {
            run.end()?;
        }
        Ok(failures.exit_code())
    }

    /// Begins the run of this command line, or goes on with it.
    fn begin_run(&self, client: &Client) -> Result<Option<Run>> {
        let folder = std::env::current_dir().context("cannot find the current folder")?;
        let expires = self.expires.map(|time| time.as_secs().to_string()).unwrap_or_default();
        let name = self.name.as_deref().unwrap_or_default();
        let mut arguments =
            vec![folder.as_os_str().as_bytes(), self.purpose.as_bytes(), expires.as_bytes(), name.as_bytes()];
        arguments.extend(self.paths.iter().map(|path| path.as_os_str().as_bytes()));
        Ok(state::begin_run(client, &arguments))
    }

    /// Returns whether standard input is a source, which does not go on later.
    pub fn is_of_standard_input(&self) -> bool {
        self.paths.iter().any(|path| path.as_os_str() == STANDARD_INPUT)
    }

    /// Returns the files of the command line.
    async fn files(&self) -> Result<Vec<NewFile>> {
        if self.is_of_standard_input() {
            let (Some(name), [_]) = (&self.name, self.paths.as_slice()) else {
                return Err(invalid("'-' is the only source and needs --name"));
            };
            let file = tokio::task::spawn_blocking(sources::spool).await??;
            return Ok(vec![self.new_file(Source::Unnamed(Arc::new(file)), name.clone())]);
        }
        let paths = sources::files(&self.paths)?;
        if self.name.is_some() && paths.len() > 1 {
            return Err(invalid("--name is for one file"));
        }
        let named = |path: PathBuf| {
            let name = match &self.name {
                Some(name) => name.clone(),
                None => name_of(&path)?,
            };
            Ok(self.new_file(Source::Path(path), name))
        };
        paths.into_iter().map(named).collect()
    }

    fn new_file(&self, source: Source, filename: String) -> NewFile {
        let expires_after_seconds = self.expires.map(|time| time.as_secs());
        NewFile { source, filename, purpose: self.purpose.clone(), expires_after_seconds }
    }
}

/// Returns the last component of a path.
fn name_of(path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
    Ok(name.to_owned())
}
