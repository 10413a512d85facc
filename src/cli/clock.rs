//! `venna clock`.

use super::output;
use super::settings::StoreSettings;
use crate::model::clock_jump::ClockJump;
use anyhow::Result;
use std::io::{self, Write};

/// Shows whether a clock jump holds expiry, and confirms the clock, with the server running or stopped.
#[derive(Debug, clap::Subcommand)]
pub enum ClockCommand {
    /// Shows whether expiry is held, and the clock jump.
    Status {
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Confirms that the clock is right: files that are expired by it are removed for good.
    Confirm {
        /// Confirms the action.
        #[arg(long, required = true)]
        yes: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
}

impl ClockCommand {
    pub async fn run(&self) -> Result<()> {
        match self {
            Self::Status { settings } => {
                let held = settings.open_existing().await?.held_expiry().await?;
                writeln!(io::stdout(), "{}", describe(held))?;
            }
            Self::Confirm { yes: _, settings } => {
                let held = settings.open_existing().await?.confirm_clock().await?;
                let told = if held.is_some() { "expiry goes on" } else { "expiry was not held" };
                eprintln!("the clock is taken for right: {told}");
            }
        }
        Ok(())
    }
}

fn describe(held: Option<ClockJump>) -> String {
    let Some(ClockJump { expected_ms, found_ms }) = held else { return "expiry is not held".to_owned() };
    format!(
        "expiry is held: the clock showed {} where {} was expected",
        output::time(found_ms / 1000),
        output::time(expected_ms / 1000)
    )
}
