//! The texts that the search of the pages looks through.

use crate::api::Api;
use crate::page::{Block, Member, Page};
use crate::prose::{self, plain};
use crate::site::Entry;
use serde_json::{Value, json};

/// Writes the rows of the index: a page, or a part of it under a heading. An operation is one row, with its members:
/// anchor, name and text of each. The script makes rows of them and adds them to the text of the operation, so that the
/// index has each text once.
pub fn index(api: &Api, pages: &[Page], contents: &[Entry]) -> Value {
    let mut rows = Vec::new();
    for entry in contents {
        let Some(page) = pages.iter().find(|page| page.path() == entry.path) else { continue };
        if let Some(method) = entry.method {
            let operation = api.operations.iter().find(|operation| operation.slug() == page.slug);
            let route = operation.map(|operation| format!("{} {}", operation.path, operation.id)).unwrap_or_default();
            let text = texts_of(&page.blocks).join(" ");
            let mut row = row(entry, &entry.title, "", &format!("{route} {text}"), Some(method));
            if let Some(row) = row.as_object_mut() {
                let members = members_of(&page.blocks).into_iter().map(member);
                row.insert("members".to_owned(), members.collect());
            }
            rows.push(row);
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

/// Returns the texts of blocks without code, without members, which have rows of their own, and without errors, which
/// have a page of their own.
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
            Block::Beside { text, .. } => texts.extend(texts_of(text)),
            Block::Label { .. }
            | Block::Cards(_)
            | Block::Endpoint(..)
            | Block::Members(_)
            | Block::Failures(_)
            | Block::Code(_)
            | Block::Tabs(_)
            | Block::TryIt(_) => {}
        }
    }
    texts
}

/// Returns the members of blocks, also those of objects in objects.
fn members_of(blocks: &[Block]) -> Vec<&Member> {
    let mut found = Vec::new();
    for block in blocks {
        match block {
            Block::Members(members) => members.iter().for_each(|member| add(member, &mut found)),
            Block::Beside { text, .. } => found.extend(members_of(text)),
            _ => {}
        }
    }
    found
}

fn add<'a>(member: &'a Member, found: &mut Vec<&'a Member>) {
    found.push(member);
    member.members.iter().flat_map(|(_, inner)| inner).for_each(|inner| add(inner, found));
}

fn member(member: &Member) -> Value {
    let facts = member.facts.iter().filter(|(name, _)| *name != "Pattern");
    let texts = facts.fold(plain(&member.about), |text, (_, values)| format!("{text} {}", plain(&values.join(" "))));
    json!([member.id, member.name, texts])
}
