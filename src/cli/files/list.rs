//! `venna files list` and `get`.

use super::display::Display;
use super::failures::Failures;
use super::listing::{list, retrieve_all};
use super::server::ServerOptions;
use crate::cli::{output, quantity};
use anyhow::Result;
use std::process::ExitCode;
use venna_client::{FileObject, ListQuery};

/// The files that are listed unless `--limit` or `--all` says otherwise.
const DEFAULT_LIMIT: u32 = 100;

/// Lists files.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    server: ServerOptions,
    /// Lists files of this purpose only.
    #[arg(long)]
    purpose: Option<String>,
    /// Lists files whose names begin so, on a server that supports it.
    #[arg(long)]
    name_prefix: Option<String>,
    /// The order by creation time; by name with `--name-prefix`.
    #[arg(long, value_parser = ["asc", "desc"])]
    order: Option<String>,
    /// The number of files.
    #[arg(long, default_value_t = DEFAULT_LIMIT, conflicts_with = "all", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Lists all files.
    #[arg(long)]
    all: bool,
    /// Prints one JSON array.
    #[arg(long)]
    json: bool,
}

impl List {
    pub async fn run(&self) -> Result<ExitCode> {
        let client = self.server.client()?;
        let (purpose, name_prefix, order) = (self.purpose.clone(), self.name_prefix.clone(), self.order.clone());
        let query = ListQuery { purpose, name_prefix, order, ..ListQuery::default() };
        let most = if self.all { usize::MAX } else { usize::try_from(self.limit)? };
        let files = list(&client, query, most).await?;
        print(&files, self.json)
    }
}

/// Shows files.
#[derive(Debug, clap::Args)]
pub struct Get {
    #[command(flatten)]
    server: ServerOptions,
    /// The ids of the files.
    #[arg(required = true)]
    ids: Vec<String>,
    /// Prints one JSON array.
    #[arg(long)]
    json: bool,
}

impl Get {
    pub async fn run(&self, display: &Display) -> Result<ExitCode> {
        let client = self.server.client()?;
        let mut failures = Failures::new(display);
        let files = retrieve_all(&client, &self.ids, &mut failures).await?;
        print(&files, self.json)?;
        Ok(failures.exit_code())
    }
}

/// Prints Files as a table or as JSON. Texts of the server reach a terminal without control characters.
pub fn print(files: &[FileObject], json: bool) -> Result<ExitCode> {
    output::list(files, json, &["ID", "NAME", "PURPOSE", "SIZE", "CREATED"], |file| {
        let [id, name, purpose] = [&file.id, &file.filename, &file.purpose].map(|text| text.escape_debug().to_string());
        vec![id, name, purpose, quantity::bytes(file.bytes.into()), output::day(file.created_at)]
    })?;
    Ok(ExitCode::SUCCESS)
}
