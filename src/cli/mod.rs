//! The command line: one file per command.
//!
//! Secrets and data go to standard output, everything else to standard error. Exit code 0 is success, 1 a failure, 2 a
//! command line that cannot be understood.

mod check;
mod keys;
mod log;
mod output;
mod serve;
mod settings;
mod workspaces;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;
use tokio::runtime;

/// A Files API server that speaks OpenAI's wire contract.
#[derive(Debug, Parser)]
#[command(name = "venna", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server in the foreground until SIGTERM or SIGINT, then drains.
    Serve(serve::Serve),
    /// Makes and lists workspaces, with the server running or not.
    #[command(subcommand)]
    Workspaces(workspaces::Workspaces),
    /// Makes, lists and revokes keys, with the server running or not.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Validates the configuration and prints the effective values with their origin.
    Check(check::Check),
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("venna: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Serve(serve) => run_on(runtime::Builder::new_multi_thread(), serve.run()),
        Command::Workspaces(workspaces) => run_on(runtime::Builder::new_current_thread(), workspaces.run()),
        Command::Keys(keys) => run_on(runtime::Builder::new_current_thread(), keys.run()),
        Command::Check(check) => check.run(),
    }
}

fn run_on(mut runtime: runtime::Builder, command: impl Future<Output = Result<()>>) -> Result<()> {
    runtime.enable_all().build()?.block_on(command)
}

/// `docs/cli.md`: the help of every command.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from("# Command line\n\nSettings are described in [config.md](config.md).\n");
    describe(&mut page, &mut Cli::command(), "venna");
    page
}

fn describe(page: &mut String, command: &mut clap::Command, path: &str) {
    let help = command.clone().bin_name(path).render_long_help();
    page.push_str(&format!("\n## {path}\n\n```\n{}\n```\n", help.to_string().trim_end()));
    for child in command.get_subcommands_mut().filter(|child| child.get_name() != "help") {
        let path = format!("{path} {}", child.get_name());
        describe(page, child, &path);
    }
}
