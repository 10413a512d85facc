//! `venna fsck` and `venna scrub`. Exit code 0: clean; 1: damage found; 2: check failed.

use super::findings::{Printer, Summary};
use super::masked::masked;
use super::progress::ProgressFile;
use super::quantity::counted;
use super::settings::StoreSettings;
use crate::clock::Clock;
use crate::error_chain::ErrorChain;
use crate::inspect::{ReadPacer, Subset};
use crate::model::scrub::ScrubProgress;
use anyhow::Result;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::sync::mpsc::channel;

const CLEAN: u8 = 0;
const DAMAGED: u8 = 1;
const NOT_CHECKED: u8 = 2;
const MIB: u64 = 1 << 20;
/// The maximum of findings that wait to be printed; the inspection waits then.
const MAX_WAITING_FINDINGS: usize = 256;

/// Compares metadata with blobs, in both directions, with the server running or stopped.
#[derive(Debug, clap::Args)]
pub struct Fsck {
    /// Prints one JSON object per finding, and one with the summary to standard error.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: StoreSettings,
}

/// Reads blobs and compares them with their checksums, with the server running or stopped.
#[derive(Debug, clap::Args)]
pub struct Scrub {
    /// The share of blobs to read, chosen at random.
    #[arg(long, value_name = "PERCENT", default_value = "100%", value_parser = subset)]
    read_data_subset: Subset,
    /// The highest read rate, in MiB per second; unlimited by default.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    max_mib_per_second: Option<u64>,
    /// A file that records the progress of the scrub, so that an interrupted one continues from there.
    #[arg(long, value_name = "FILE")]
    progress: Option<PathBuf>,
    /// Prints one JSON object per finding, and one with the summary to standard error.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: StoreSettings,
}

fn subset(text: &str) -> Result<Subset, String> {
    Subset::parse(text).ok_or_else(|| "expected a share such as 5% or 0.25%, above 0 and at most 100".to_owned())
}

impl Fsck {
    pub async fn run(&self) -> ExitCode {
        conclude(self.check().await)
    }

    async fn check(&self) -> Result<u64> {
        let (installation, inspector) = self.settings.open_inspector().await?;
        let mut printer = Printer::new(self.json, &installation);
        let (mut sender, queue) = channel(MAX_WAITING_FINDINGS);
        let inspection = async move { inspector.fsck(&mut sender).await };
        let (compared, ()) = tokio::join!(inspection, printer.print_all(queue));
        let (blobs, findings) = (compared?, printer.findings);
        let text =
            format!("{} compared, {}", counted(blobs, "blob", "blobs"), counted(findings, "finding", "findings"));
        printer.conclude(&Summary { blobs, bytes: None, findings }, &text);
        Ok(findings)
    }
}

impl Scrub {
    pub async fn run(&self) -> ExitCode {
        conclude(self.check().await)
    }

    async fn check(&self) -> Result<u64> {
        let (installation, inspector) = self.settings.open_inspector().await?;
        let file = ProgressFile(self.progress.clone());
        let fresh = ScrubProgress { begun_at: Clock::system().now_seconds(), ..ScrubProgress::default() };
        let mut progress = file.load()?.unwrap_or(fresh);
        let mut pace = ReadPacer::new(self.max_mib_per_second.map(|mib| mib * MIB));
        let mut printer = Printer::new(self.json, &installation);
        let (sender, queue) = channel(MAX_WAITING_FINDINGS);
        let inspection = async {
            let mut report = sender;
            while inspector.scrub_step(&mut progress, self.read_data_subset, &mut pace, &mut report).await? {
                file.save(&progress)?;
            }
            anyhow::Ok(())
        };
        let (scrubbed, ()) = tokio::join!(inspection, printer.print_all(queue));
        scrubbed?;
        file.remove()?;
        let ScrubProgress { blobs, bytes, damaged, .. } = progress;
        let text =
            format!("{} read, {}, {damaged} damaged", counted(blobs, "blob", "blobs"), counted(bytes, "byte", "bytes"));
        printer.conclude(&Summary { blobs, bytes: Some(bytes), findings: damaged }, &text);
        Ok(damaged)
    }
}

pub(super) fn conclude(checked: Result<u64>) -> ExitCode {
    ExitCode::from(match checked {
        Ok(0) => CLEAN,
        Ok(_) => DAMAGED,
        Err(error) => {
            eprintln!("venna: {}", masked(&ErrorChain(&*error).to_string()));
            NOT_CHECKED
        }
    })
}
