//! The findings of `fsck` and `scrub` as lines on standard output, with the names of workspaces.

use crate::app::Installation;
use crate::model::finding::Finding;
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};
use tokio::sync::mpsc::Receiver;

/// A finding as JSON.
#[derive(Serialize)]
struct Line<'a> {
    finding: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
    /// The id of the File, Upload or part.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_name: Option<&'a str>,
}

/// The summary of an inspection.
#[derive(Serialize)]
pub struct Summary {
    /// The number of blobs that were compared or read.
    pub blobs: u64,
    /// The bytes that were read; none where only names and lengths were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The number of findings.
    pub findings: u64,
}

/// The printer of findings, which counts them.
pub struct Printer<'a> {
    json: bool,
    installation: &'a Installation,
    /// The names of the workspaces that were found, by id.
    names: HashMap<String, Option<String>>,
    /// The number of printed findings.
    pub findings: u64,
}

impl<'a> Printer<'a> {
    /// Creates a printer of text or JSON.
    pub fn new(json: bool, installation: &'a Installation) -> Self {
        Self { json, installation, names: HashMap::new(), findings: 0 }
    }

    /// Prints findings until the inspection drops its sender.
    pub async fn print_all(&mut self, mut queue: Receiver<Finding>) {
        while let Some(finding) = queue.recv().await {
            self.print(&finding).await;
        }
    }

    async fn print(&mut self, finding: &Finding) {
        self.findings += 1;
        let workspace = finding.workspace();
        let name = match &workspace {
            Some(id) => self.name_of(id).await,
            None => None,
        };
        let mut message = finding.to_string();
        if let (Some(name), false) = (&name, self.json) {
            message.push_str(&format!(" (workspace {name})"));
        }
        let line = Line {
            finding: finding.name(),
            message: &message,
            blob: finding.blob().map(|blob| blob.to_string()),
            owner: finding.owner().map(|owner| owner.id.as_str()),
            workspace: workspace.as_deref(),
            workspace_name: name.as_deref(),
        };
        print(if self.json { serde_json::to_string(&line).unwrap_or_default() } else { message.clone() }.as_str());
    }

    /// Returns the name of a workspace; none when it is gone, or the store does not answer.
    async fn name_of(&mut self, id: &str) -> Option<String> {
        if let Some(known) = self.names.get(id) {
            return known.clone();
        }
        let found = self.installation.workspaces.find(id).await.ok().flatten().map(|workspace| workspace.name);
        self.names.insert(id.to_owned(), found.clone());
        found
    }

    /// Prints the summary to standard error: a clean inspection leaves standard output empty.
    pub fn conclude(&self, summary: &Summary, text: &str) {
        if self.json {
            eprintln!("{}", serde_json::json!({ "summary": summary }));
        } else {
            eprintln!("{text}");
        }
    }
}

fn print(line: &str) {
    if let Err(error) = writeln!(io::stdout(), "{line}") {
        eprintln!("venna: a finding could not be printed: {error}");
    }
}
