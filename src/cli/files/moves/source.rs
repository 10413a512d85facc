//! The sources of an import: a server with one of three APIs, an exported folder, or any folder.

use super::manifest::{Exported, MANIFEST, last_lines};
use super::records::Records;
use crate::cli::files::invalid::invalid;
use crate::cli::files::listing::list;
use crate::cli::files::server::read_key;
use crate::cli::files::sync::tree;
use anyhow::{Context, Result};
use std::path::{Component, Path, PathBuf};
use venna_client::{Client, Dialect, FileObject, ListQuery, OtherFile, Server};

/// The variable with the key of the source.
const KEY_VARIABLE: &str = "VENNA_FROM_API_KEY";

/// Options that name the source.
#[derive(Debug, clap::Args)]
pub struct SourceOptions {
    /// The URL of a server, the folder of an export, or any folder.
    pub source: String,
    /// The API of a server.
    #[arg(long, value_enum, value_name = "API", default_value_t = Api::Openai)]
    from_api: Api,
    /// A file with the key for the source. Otherwise `VENNA_FROM_API_KEY` of the environment.
    #[arg(long, value_name = "FILE")]
    from_key_file: Option<PathBuf>,
    /// A file with certificates in PEM that are trusted for the source.
    #[arg(long, value_name = "FILE")]
    from_ca_file: Option<PathBuf>,
}

/// The API of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Api {
    /// OpenAI's, which many servers have
    Openai,
    /// Anthropic's
    Anthropic,
    /// Google Gemini's
    Gemini,
}

/// A source.
#[derive(Debug)]
pub enum Source {
    /// A server with OpenAI's API.
    Server(Client),
    /// A server with another API, whose files have no purpose.
    Other(Client),
    /// A folder.
    Folder(PathBuf),
}

/// A file of a source.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id, or its path in a folder without a manifest.
    pub id: String,
    /// Its name.
    pub filename: String,
    /// Its purpose; none in a folder without a manifest, and on a server whose files have none.
    pub purpose: Option<String>,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Its creation time, in Unix seconds.
    pub created_at: Option<u64>,
    /// Its expiry, in Unix seconds.
    pub expires_at: Option<u64>,
    /// Its SHA-256 in hex.
    pub sha256: Option<String>,
    /// Its content; none on a server.
    pub path: Option<PathBuf>,
    /// The source gives out its content.
    pub is_readable: bool,
}

impl SourceOptions {
    /// Opens the source.
    pub fn open(&self) -> Result<Source> {
        if !self.source.starts_with("http://") && !self.source.starts_with("https://") {
            let folder = std::fs::canonicalize(&self.source);
            return Ok(Source::Folder(folder.with_context(|| format!("cannot read {}", self.source))?));
        }
        let key = match &self.from_key_file {
            Some(path) => read_key(path)?,
            None => std::env::var(KEY_VARIABLE).unwrap_or_default(),
        };
        if key.is_empty() {
            return Err(invalid(&format!("no key for the source is given: set --from-key-file or {KEY_VARIABLE}")));
        }
        let (url, ca_file) = (self.source.clone(), self.from_ca_file.clone());
        let client = |dialect| Client::new(&Server { url, dialect, key, ca_file });
        Ok(match self.from_api {
            Api::Openai => Source::Server(client(Dialect::OpenAi)?),
            Api::Anthropic => Source::Other(client(Dialect::Anthropic)?),
            Api::Gemini => Source::Other(client(Dialect::Gemini)?),
        })
    }
}

impl Source {
    /// Returns the name of the source in the map: its URL, or the whole path of its folder.
    pub fn name(&self, given: &str) -> String {
        match self {
            Self::Server(_) | Self::Other(_) => given.trim_end_matches('/').to_owned(),
            Self::Folder(folder) => folder.display().to_string(),
        }
    }

    /// Returns the files: of a server the oldest first, of a folder in the order of its manifest or its paths.
    pub async fn items(&self, purpose: Option<&str>) -> Result<Vec<Item>> {
        let mut items = match self {
            Self::Server(client) => of_server(client, purpose).await?,
            Self::Other(client) => client.other_files().await?.into_iter().map(Item::from).collect(),
            Self::Folder(folder) if folder.join(MANIFEST).exists() => of_manifest(folder)?,
            Self::Folder(folder) => of_folder(folder)?,
        };
        // A server may ignore the filter.
        items.retain(|item| purpose.is_none_or(|wanted| item.purpose.as_deref().is_none_or(|found| found == wanted)));
        Ok(items)
    }
}

async fn of_server(client: &Client, purpose: Option<&str>) -> Result<Vec<Item>> {
    let (purpose, order) = (purpose.map(str::to_owned), Some("asc".to_owned()));
    let files = list(client, ListQuery { purpose, order, ..ListQuery::default() }, usize::MAX).await?;
    Ok(files.into_iter().map(Item::from).collect())
}

impl From<FileObject> for Item {
    fn from(file: FileObject) -> Self {
        Self {
            id: file.id,
            filename: file.filename,
            purpose: Some(file.purpose),
            bytes: file.bytes,
            created_at: Some(file.created_at),
            expires_at: file.expires_at,
            sha256: file.sha256,
            path: None,
            is_readable: true,
        }
    }
}

impl From<OtherFile> for Item {
    fn from(file: OtherFile) -> Self {
        Self {
            id: file.id,
            filename: file.filename,
            purpose: None,
            bytes: file.bytes,
            created_at: file.created_at,
            expires_at: file.expires_at,
            sha256: None,
            path: None,
            is_readable: file.is_readable,
        }
    }
}

fn of_manifest(folder: &Path) -> Result<Vec<Item>> {
    let lines = last_lines(Records::read(&folder.join(MANIFEST))?);
    let item = |Exported { file, path }: Exported| {
        let is_inside = Path::new(&path).components().all(|component| matches!(component, Component::Normal(_)));
        is_inside.then(|| Item { path: Some(folder.join(path)), ..Item::from(file) })
    };
    lines.into_iter().map(|line| item(line).context("the manifest names a path outside of its folder")).collect()
}

fn of_folder(folder: &Path) -> Result<Vec<Item>> {
    let item = |file: tree::LocalFile| Item {
        id: file.name.clone(),
        filename: file.name,
        purpose: None,
        bytes: file.size_bytes,
        created_at: u64::try_from(file.modified_at.0).ok(),
        expires_at: None,
        sha256: None,
        path: Some(file.path),
        is_readable: true,
    };
    Ok(tree::files(folder)?.into_iter().map(item).collect())
}
