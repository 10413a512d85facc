//! Failures of single files of a command.

use super::display::Display;
use anyhow::Result;
use std::process::ExitCode;
use venna_client::ClientError;

/// Counts failures of several files, and stops at a key that the server did not accept.
#[derive(Debug)]
pub struct Failures {
    display: Display,
    count: u64,
}

impl Failures {
    pub fn new(display: &Display) -> Self {
        Self { display: display.clone(), count: 0 }
    }

    /// Shows a failure.
    pub fn note(&mut self, name: &str, error: impl Into<anyhow::Error>) -> Result<()> {
        let error = error.into();
        if error.downcast_ref::<ClientError>().is_some_and(ClientError::is_denied) {
            return Err(error);
        }
        self.count += 1;
        self.display.error(&format!("{}: {:#}", name.escape_debug(), error));
        Ok(())
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn exit_code(&self) -> ExitCode {
        if self.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
