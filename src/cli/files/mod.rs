//! `venna files`, `venna export` and `venna import`: a client of any server with OpenAI's Files API.
//!
//! Exit codes: 0 success, 1 something failed, 2 an invalid command line, 4 the server did not accept the key, 130 the
//! user interrupted it.

mod bounded;
mod content;
mod delete;
mod display;
mod durable;
mod failures;
mod invalid;
mod list;
mod listing;
mod local_name;
mod moves;
mod partial_file;
mod profile;
mod sending;
mod server;
mod sources;
mod state;
mod sync;
mod upload;
mod user_folder;

pub use moves::{Export, Import};

use anyhow::Result;
use clap::{Args, Subcommand};
use display::Display;
use invalid::InvalidCommandLine;
use std::process::ExitCode;
use venna_client::ClientError;

/// The exit code of an invalid command line.
const INVALID: u8 = 2;
/// The exit code of a key that the server did not accept.
const DENIED: u8 = 4;
/// The exit code after Ctrl-C, as of a shell.
const INTERRUPTED: i32 = 130;

/// The end of the text after Ctrl-C of a command that goes on.
const GO_ON: &str = ": run the same command again to go on";

/// Uploads, lists, downloads, deletes and synchronizes files on any server with OpenAI's Files API.
#[derive(Debug, Args)]
pub struct Files {
    #[command(subcommand)]
    command: FilesCommand,
    /// Shows errors and results only.
    #[arg(long, short, global = true)]
    quiet: bool,
}

// The help of a command is that of its arguments. A comment here would replace it, without its further paragraphs.
#[derive(Debug, Subcommand)]
enum FilesCommand {
    Upload(upload::Upload),
    List(list::List),
    Get(list::Get),
    Content(content::Content),
    Delete(delete::Delete),
    Sync(sync::Sync),
}

impl Files {
    /// Runs the command until it ends or Ctrl-C ends it.
    pub async fn run(&self) -> Result<ExitCode> {
        let display = Display::new(self.quiet);
        run_client(&display, self.command.advice(), self.command.run(&display)).await
    }
}

/// Runs a command of the client until it ends or Ctrl-C ends it; `advice` says then how to go on.
async fn run_client(
    display: &Display,
    advice: &str,
    command: impl Future<Output = Result<ExitCode>>,
) -> Result<ExitCode> {
    let done = tokio::select! {
        done = command => done,
        Ok(()) = tokio::signal::ctrl_c() => {
            display.clear();
            eprintln!("venna: interrupted{advice}");
            // A thread that waits for standard input or a disk would delay an orderly end.
            std::process::exit(INTERRUPTED);
        }
    };
    done.or_else(|error| {
        let code = if error.is::<InvalidCommandLine>() {
            INVALID
        } else if error.downcast_ref::<ClientError>().is_some_and(ClientError::is_denied) {
            DENIED
        } else {
            return Err(error);
        };
        display.error(&format!("{error:#}"));
        Ok(ExitCode::from(code))
    })
}

impl FilesCommand {
    async fn run(&self, display: &Display) -> Result<ExitCode> {
        match self {
            Self::Upload(upload) => upload.run(display).await,
            Self::List(list) => list.run().await,
            Self::Get(get) => get.run(display).await,
            Self::Content(content) => content.run(display).await,
            Self::Delete(delete) => delete.run(display).await,
            Self::Sync(sync) => sync.run(display).await,
        }
    }

    /// Returns the end of the text after Ctrl-C: how to go on.
    fn advice(&self) -> &'static str {
        match self {
            Self::Upload(upload) if upload.is_of_standard_input() => "",
            Self::Upload(_) | Self::Content(_) | Self::Sync(_) => GO_ON,
            Self::List(_) | Self::Get(_) | Self::Delete(_) => "",
        }
    }
}
