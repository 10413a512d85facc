//! `venna clock`.

use super::output;
use super::settings::StoreSettings;
use crate::model::clock_jump::ClockJump;
use anyhow::Result;
use std::io::{self, Write};

/// Shows whether expiry is held because the clock jumped forward, and lets it go on, with the server running or not.
#[derive(Debug, clap::Subcommand)]
pub enum ClockCommand {
    /// Shows whether expiry is held, and what the clock showed.
    Status {
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Says that the clock is right as it is: what has expired by it is removed for good.
    Confirm {
        /// Says that you mean it.
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
