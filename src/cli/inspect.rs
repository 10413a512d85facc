//! `venna fsck` and `venna scrub`. Exit code 0: clean; 1: damage found; 2: check failed.

use super::masked::masked;
use super::progress::ProgressFile;
use super::settings::StoreSettings;
use crate::clock::Clock;
use crate::error_chain::ErrorChain;
use crate::inspect::{ReadPacer, Subset};
use crate::model::finding::Finding;
use crate::model::scrub::ScrubProgress;
use anyhow::Result;
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const CLEAN: u8 = 0;
const DAMAGED: u8 = 1;
const NOT_CHECKED: u8 = 2;
const MIB: u64 = 1 << 20;

/// Compares metadata with blobs, in both directions, with the server running or stopped.
#[derive(Debug, clap::Args)]
pub struct Fsck {
    /// Prints one JSON object per finding.
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
    /// Prints one JSON object per finding.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: StoreSettings,
}

fn subset(text: &str) -> Result<Subset, String> {
    Subset::parse(text).ok_or_else(|| "expected a share such as 5% or 0.25%, above 0 and at most 100".to_owned())
}

#[derive(Serialize)]
struct Line<'a> {
    finding: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
    /// The id of the File or Upload that has the blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
}

impl Fsck {
    pub async fn run(&self) -> ExitCode {
        conclude(self.check().await)
    }

    async fn check(&self) -> Result<u64> {
        let inspector = self.settings.open_inspector().await?;
        let mut printer = Printer { json: self.json, findings: 0 };
        let blobs = inspector.fsck(&mut |finding| printer.print(&finding)).await?;
        eprintln!("{blobs} blobs compared, {} findings", printer.findings);
        Ok(printer.findings)
    }
}

impl Scrub {
    pub async fn run(&self) -> ExitCode {
        conclude(self.check().await)
    }

    async fn check(&self) -> Result<u64> {
        let inspector = self.settings.open_inspector().await?;
        let file = ProgressFile(self.progress.clone());
        let fresh = ScrubProgress { begun_at: Clock::system().now_seconds(), ..ScrubProgress::default() };
        let mut progress = file.load()?.unwrap_or(fresh);
        let mut pace = ReadPacer::new(self.max_mib_per_second.map(|mib| mib * MIB));
        let mut printer = Printer { json: self.json, findings: 0 };
        let mut report = |finding| printer.print(&finding);
        while inspector.scrub_step(&mut progress, self.read_data_subset, &mut pace, &mut report).await? {
            file.save(&progress)?;
        }
        file.remove()?;
        let ScrubProgress { blobs, bytes, damaged, .. } = progress;
        eprintln!("{blobs} blobs read, {bytes} bytes, {damaged} damaged");
        Ok(damaged)
    }
}

/// Counts findings and prints each to standard output.
struct Printer {
    json: bool,
    findings: u64,
}

impl Printer {
    fn print(&mut self, finding: &Finding) {
        self.findings += 1;
        let damaged = finding.damaged();
        let owner = damaged.and_then(|(_, owner)| owner);
        let line = Line {
            finding: finding.name(),
            message: finding.to_string(),
            blob: damaged.map(|(blob, _)| blob.to_string()),
            owner: owner.map(|owner| owner.id.as_str()),
            workspace: owner.map(|owner| owner.workspace.to_string()),
        };
        let text = if self.json { serde_json::to_string(&line).unwrap_or_default() } else { line.message };
        if let Err(error) = writeln!(io::stdout(), "{text}") {
            eprintln!("venna: a finding could not be printed: {error}");
        }
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
