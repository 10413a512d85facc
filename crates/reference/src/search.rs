//! The texts that the search of the pages looks through.

use crate::api::Api;
use crate::page::{Block, Member, Page};
use crate::prose::{self, plain};
use crate::site::Entry;
use serde_json::{Value, json};

/// Writes the rows of the index: a page, or a part of it under a heading of level 2. An operation is one row.
pub fn index(api: &Api, pages: &[Page], contents: &[Entry]) -> Value {
    let mut rows = Vec::new();
    for entry in contents {
        let Some(page) = pages.iter().find(|page| page.path() == entry.path) else { continue };
        if let Some(method) = entry.method {
            let operation = api.operations.iter().find(|operation| operation.slug() == page.slug);
            let route = operation.map(|operation| format!("{} {}", operation.path, operation.id)).unwrap_or_default();
            let text = texts_of(&page.blocks).join(" ");
            rows.push(row(entry, &entry.title, "", &format!("{route} {text}"), Some(method)));
        } else {
            rows.extend(parts(page).into_iter().map(|part| {
                let title = part.title.as_deref().unwrap_or(&entry.title);
                let is_told = part.title.is_some() || part.text.contains(&plain(&page.about));
                let text = if is_told { part.text.clone() } else { format!("{} {}", page.about, part.text) };
                row(entry, title, &part.anchor, &text, None)
            }));
        }
    }
    Value::Array(rows)
}

fn row(entry: &Entry, title: &str, anchor: &str, text: &str, method: Option<&str>) -> Value {
    let page = if title == entry.title { "" } else { &entry.title };
    let path = format!("{}{anchor}", entry.path.trim_start_matches('/'));
    json!({"group": entry.section, "title": title, "page": page, "path": path, "method": method, "text": text.trim()})
}

/// A part of a page.
#[derive(Debug, Default)]
struct Part {
    title: Option<String>,
    anchor: String,
    text: String,
}

fn parts(page: &Page) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    for block in &page.blocks {
        match block {
            Block::Heading { level: 2, id, text } => {
                parts.push(Part { title: Some(plain(text)), anchor: format!("#{id}"), text: String::new() });
            }
            Block::Markdown(text) => {
                for (heading, text) in prose::sections(text) {
                    match heading {
                        Some(heading) => {
                            parts.push(Part { title: Some(heading.text), anchor: format!("#{}", heading.id), text });
                        }
                        None => extend(parts.last_mut(), &text),
                    }
                }
            }
            block => extend(parts.last_mut(), &texts_of(std::slice::from_ref(block)).join(" ")),
        }
    }
    parts
}

fn extend(part: Option<&mut Part>, text: &str) {
    if let Some(part) = part {
        part.text.push(' ');
        part.text.push_str(text);
    }
}

/// Returns the texts of blocks, without code and without errors, which have a page of their own.
fn texts_of(blocks: &[Block]) -> Vec<String> {
    let mut texts = Vec::new();
    for block in blocks {
        match block {
            Block::Heading { text, .. } | Block::Text(text) | Block::Lead(text) | Block::Markdown(text) => {
                texts.push(plain(text));
            }
            Block::Items(items) => texts.extend(items.iter().map(|item| plain(item))),
            Block::Facts(facts) => texts.extend(facts.iter().flatten().map(|fact| plain(fact))),
            Block::Table { rows, .. } => texts.extend(rows.iter().flatten().map(|cell| plain(cell))),
            Block::Members(members) => members.iter().for_each(|member| texts_of_member(member, &mut texts)),
            Block::Beside { text, .. } => texts.extend(texts_of(text)),
            Block::Label { .. }
            | Block::Cards(_)
            | Block::Endpoint(..)
            | Block::Failures(_)
            | Block::Code(_)
            | Block::Tabs(_)
            | Block::TryIt(_) => {}
        }
    }
    texts
}

fn texts_of_member(member: &Member, texts: &mut Vec<String>) {
    texts.push(format!("{}: {}", member.name, plain(&member.about)));
    for (name, values) in &member.facts {
        if *name != "Pattern" {
            texts.push(plain(&values.join(" ")));
        }
    }
    for inner in member.members.iter().flat_map(|(_, inner)| inner) {
        texts_of_member(inner, texts);
    }
}
