//! Everything that is served, by its path: pages in both forms, the document, the types, and what they are shown with.

use super::operation::{Group, Operation};
use super::operations::operations;
use super::page::{Block, Page};
use super::{billing, differences, errors, html, markdown, openapi, operation_page, overview, typescript};
use crate::http::catalogue::ErrorKind;
use crate::model::digest::Sha256Digest;
use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const HTML: &str = "text/html; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// What of a server stands in its reference.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The address that clients reach it at, without a slash at the end.
    pub origin: String,
    /// The largest file of one request, in bytes.
    pub max_file_bytes: u64,
    /// Uploads in flight at once.
    pub max_concurrent_uploads: usize,
    /// Uploads in flight at once of one project that has no limit of its own.
    pub max_project_uploads: usize,
    /// How long an Upload takes parts, in seconds.
    pub upload_ttl_seconds: u64,
    /// Whether files with bad lines are refused.
    pub strict_jsonl: bool,
    /// The fewest bytes a second that a request may bring, and over how many seconds.
    pub body_pace: (u64, u64),
    /// Requests a minute with keys that open nothing, of one network; 0 for any number.
    pub max_failed_logins_per_minute: u32,
    /// What usage costs.
    pub prices: Vec<PriceLine>,
}

/// What one line item costs from when on.
#[derive(Clone, Debug)]
pub struct PriceLine {
    /// The first second, in Unix time.
    pub effective_from: u64,
    /// The line item.
    pub line_item: &'static str,
    /// The price, in US dollars.
    pub usd: String,
    /// What it is the price of.
    pub per: &'static str,
    /// How many of them cost nothing each month.
    pub free_per_month: String,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Bytes,
    /// Its strong `ETag`.
    pub etag: String,
}

/// An entry of the list of all pages.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The section.
    pub section: &'static str,
    /// The path.
    pub path: String,
    /// The method, of an operation.
    pub method: Option<&'static str>,
    /// The title.
    pub title: String,
    /// What it is about, in a line.
    pub about: String,
}

/// All that is served, and the page for what is not.
#[derive(Debug)]
pub struct Site {
    /// What is served, by path.
    pub assets: HashMap<String, Asset>,
    /// The page for a path that there is not.
    pub not_found: Bytes,
}

impl Asset {
    fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let etag = format!("\"{}\"", Sha256Digest(Sha256::digest(&body).into()));
        Self { content_type, body, etag }
    }

    /// The `ETag` as a header.
    pub fn etag_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.etag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }
}

impl Site {
    /// Writes everything.
    pub fn of(facts: &Facts) -> Self {
        let operations = operations();
        let pages = pages(facts, &operations);
        let contents = contents(&pages, &operations);
        let mut assets = HashMap::new();
        let mut add = |path: String, kind, body: String| assets.insert(path, Asset::new(kind, body));
        for page in &pages {
            add(page.path(), HTML, html::render(page, &contents));
            add(format!("{}.md", page.path()), MARKDOWN, markdown::render(page));
        }
        let document = openapi::document(&facts.origin);
        add("/openapi.json".to_owned(), JSON, document.to_string());
        add("/docs/types.d.ts".to_owned(), TEXT, typescript::declarations());
        add("/docs/search.json".to_owned(), JSON, index(&contents).to_string());
        add("/llms.txt".to_owned(), TEXT, llms(facts, &contents));
        let whole: Vec<_> = pages.iter().map(markdown::render).collect();
        add("/llms-full.txt".to_owned(), TEXT, whole.join("\n"));
        add(
            "/docs/reference.css".to_owned(),
            "text/css; charset=utf-8",
            include_str!("assets/reference.css").to_owned(),
        );
        let script = include_str!("assets/reference.js").to_owned();
        add("/docs/reference.js".to_owned(), "text/javascript; charset=utf-8", script);
        add("/docs/icon.svg".to_owned(), "image/svg+xml", include_str!("assets/icon.svg").to_owned());
        Self { assets, not_found: html::render(&not_found(), &contents).into() }
    }
}

fn pages(facts: &Facts, operations: &[Operation]) -> Vec<Page> {
    let mut pages = vec![overview::page(facts, operations)];
    pages.extend(operations.iter().map(|operation| operation_page::page(operation, &facts.origin)));
    pages.extend([errors::page(), billing::page(facts), differences::page(facts, operations)]);
    pages
}

/// The overview, the operations by their groups, and what holds for all of them.
fn contents(pages: &[Page], operations: &[Operation]) -> Vec<Entry> {
    let of = |page: &Page| {
        let operation = operations.iter().find(|operation| operation.slug() == page.slug);
        let section = operation.map_or("Venna Files", |operation| operation.group.title());
        let about =
            operation.map_or_else(|| page.about.clone(), |one| format!("{} {} {}", one.method, one.path, one.id));
        Entry { section, path: page.path(), method: operation.map(|one| one.method), title: page.title.clone(), about }
    };
    let all: Vec<Entry> = pages.iter().map(of).collect();
    let general = all.iter().filter(|entry| entry.method.is_none());
    let by_group = Group::ALL
        .into_iter()
        .flat_map(|group| all.iter().filter(move |entry| entry.method.is_some() && entry.section == group.title()));
    general.chain(by_group).cloned().collect()
}

/// What the search looks through.
fn index(contents: &[Entry]) -> Value {
    let row = |title: &str, path: &str, about: &str| json!({"title": title, "path": path, "about": about});
    let pages = contents.iter().map(|entry| row(&entry.title, &entry.path, &entry.about));
    let errors = ErrorKind::ALL.into_iter().map(|kind| {
        let title = format!("{} {}", kind.entry().status, kind.anchor());
        row(&title, &format!("/docs/{}#{}", errors::SLUG, kind.anchor()), kind.entry().brought_about_by)
    });
    Value::Array(pages.chain(errors).collect())
}

/// <https://llmstxt.org>.
fn llms(facts: &Facts, contents: &[Entry]) -> String {
    let origin = &facts.origin;
    let mut text = format!(
        "# Venna Files\n\n> OpenAI's Files API on your own server. Base URL {origin}/v1, `Authorization: Bearer \
         vk_...`.\n\n\
         The document of the API is {origin}/openapi.json, all types are in {origin}/docs/types.d.ts, all pages in one \
         are {origin}/llms-full.txt.\n"
    );
    for section in contents.chunk_by(|one, other| one.section == other.section) {
        text.push_str(&format!("\n## {}\n\n", section.first().map(|entry| entry.section).unwrap_or_default()));
        for Entry { title, path, about, .. } in section {
            text.push_str(&format!("- [{title}]({origin}{path}.md): {about}\n"));
        }
    }
    text
}

fn not_found() -> Page {
    Page {
        slug: String::new(),
        title: "There is no such page".to_owned(),
        about: "There is nothing at this path.".to_owned(),
        blocks: vec![Block::text("There is nothing at this path. The [overview](/docs) lists every page.")],
    }
}
