//! `venna completions` and `venna manual`: made from the same definitions as the help and `docs/cli.md`.

use anyhow::{Context, Result};
use clap_complete::Shell;
use std::io::{self, Write};
use std::path::PathBuf;

const PROGRAM: &str = "venna";

/// Prints the script that completes commands and flags in a shell.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the manual pages, one for each command, to a folder.
#[derive(Debug, clap::Args)]
pub struct Manual {
    /// The folder, such as `/usr/local/share/man/man1`. It is created if it is missing.
    folder: PathBuf,
}

impl Completions {
    pub fn run(&self, mut program: clap::Command) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, PROGRAM, &mut script);
        Ok(io::stdout().write_all(&script)?)
    }
}

impl Manual {
    pub fn run(&self, program: clap::Command) -> Result<()> {
        let unwritten = || format!("cannot write the manual to {}", self.folder.display());
        std::fs::create_dir_all(&self.folder).with_context(unwritten)?;
        clap_mangen::generate_to(program, &self.folder).with_context(unwritten)
    }
}
