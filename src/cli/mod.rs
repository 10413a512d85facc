//! The command line: a file or folder for each command or pair of commands.
//!
//! Secrets and data go to standard output, everything else to standard error. Exit code 0 is success, 1 a failure, 2 an
//! invalid command line; `fsck`, `scrub`, `backup`, `restore`, `migrate`, `files`, `export` and `import` have their
//! own.

mod archive;
mod audit;
mod check;
mod clock;
mod compact;
mod completions;
mod date;
mod files;
mod findings;
mod health;
mod inspect;
mod keys;
mod limits;
mod log;
mod log_format;
mod log_level;
mod masked;
mod migrate;
mod output;
mod pinned;
mod progress;
mod quantity;
mod serve;
mod service_manager;
mod settings;
mod stores;
mod upgrade;
mod usage;
mod usage_export;
mod usage_refused;
mod workspaces;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use masked::masked;
use std::process::ExitCode;
use tokio::runtime;

/// The exit code of an invalid command line.
const INVALID_COMMAND_LINE: u8 = 2;

/// A Files API server that speaks OpenAI's wire contract.
#[derive(Debug, Parser)]
#[command(name = "venna", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// The help of a command is that of its arguments. A comment here would replace it, without its further paragraphs.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    /// Creates, lists, configures, archives and purges workspaces, with the server running or stopped.
    #[command(subcommand)]
    Workspaces(workspaces::Workspaces),
    /// Creates, lists, rotates and revokes keys, with the server running or stopped.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Shows and sets the limits of workspaces and keys, with the server running or stopped.
    #[command(subcommand)]
    Limits(limits::LimitsCommand),
    Usage(Box<usage::UsageCommand>),
    /// Shows the audit log, with the server running or stopped.
    #[command(subcommand)]
    Audit(audit::Audit),
    Check(check::Check),
    Health(health::Health),
    /// Shows whether a clock jump holds expiry, and confirms the clock, with the server running or stopped.
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    Compact(compact::Compact),
    /// Shows whether metadata and blobs belong together, and pairs them on confirmation.
    #[command(subcommand)]
    Stores(stores::StoresCommand),
    Fsck(inspect::Fsck),
    Scrub(inspect::Scrub),
    Backup(archive::Backup),
    Restore(archive::Restore),
    Upgrade(upgrade::Upgrade),
    Migrate(migrate::Migrate),
    Files(files::Files),
    Export(files::Export),
    Import(files::Import),
    Completions(completions::Completions),
    Manual(completions::Manual),
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            eprint!("{}", masked(&error.to_string()));
            return ExitCode::from(INVALID_COMMAND_LINE);
        }
        Err(help) => help.exit(),
    };
    dispatch(cli.command).unwrap_or_else(|error| {
        eprintln!("venna: {}", masked(&format!("{error:#}")));
        ExitCode::FAILURE
    })
}

fn dispatch(command: Command) -> Result<ExitCode> {
    let (one_thread, threads) = (runtime::Builder::new_current_thread, runtime::Builder::new_multi_thread);
    match command {
        Command::Serve(serve) => run_on(threads(), serve.run())?.map(|()| ExitCode::SUCCESS),
        Command::Workspaces(workspaces) => run_on(one_thread(), workspaces.run())?.map(|()| ExitCode::SUCCESS),
        Command::Keys(keys) => run_on(one_thread(), keys.run())?.map(|()| ExitCode::SUCCESS),
        Command::Limits(limits) => run_on(one_thread(), limits.run())?.map(|()| ExitCode::SUCCESS),
        Command::Usage(usage) => run_on(one_thread(), usage.run())?.map(|()| ExitCode::SUCCESS),
        Command::Audit(audit) => run_on(one_thread(), audit.run())?.map(|()| ExitCode::SUCCESS),
        Command::Check(check) => run_on(one_thread(), check.run())?,
        Command::Health(health) => run_on(one_thread(), health.run())?.map(|()| ExitCode::SUCCESS),
        Command::Clock(clock) => run_on(one_thread(), clock.run())?.map(|()| ExitCode::SUCCESS),
        Command::Compact(compact) => run_on(one_thread(), compact.run())?.map(|()| ExitCode::SUCCESS),
        Command::Stores(stores) => run_on(one_thread(), stores.run())?.map(|()| ExitCode::SUCCESS),
        Command::Fsck(fsck) => run_on(one_thread(), fsck.run()),
        Command::Scrub(scrub) => run_on(one_thread(), scrub.run()),
        Command::Backup(backup) => run_on(threads(), backup.run()),
        Command::Upgrade(upgrade) => run_on(one_thread(), upgrade.run())?.map(|()| ExitCode::SUCCESS),
        Command::Migrate(migrate) => run_on(threads(), migrate.run()),
        Command::Restore(restore) => run_on(threads(), restore.run()),
        Command::Files(files) => run_on(threads(), files.run())?,
        Command::Export(export) => run_on(threads(), export.run())?,
        Command::Import(import) => run_on(threads(), import.run())?,
        Command::Completions(completions) => completions.run(Cli::command()).map(|()| ExitCode::SUCCESS),
        Command::Manual(manual) => manual.run(Cli::command()).map(|()| ExitCode::SUCCESS),
    }
}

fn run_on<T>(mut runtime: runtime::Builder, command: impl Future<Output = T>) -> Result<T> {
    Ok(runtime.enable_all().build()?.block_on(command))
}

/// Returns `docs/cli.md`: the help of every command.
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
