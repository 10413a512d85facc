//! The ways from a page to others: the sidebar, the table of contents, the pages before and after it, and the footer.

use crate::api::Api;
use crate::page::{Block, Page};
use crate::prose::{self, Heading};
use crate::site::{CHANGES_SLUG, Entry};
use maud::{Markup, html};
use venna_design::MENU;

/// The number of headings from which on a page has a table of contents.
const CONTENTS_FROM: usize = 2;

/// Writes the list of all pages, with a table of contents under the current one. Operations are folded, but not those
/// of the current group.
pub fn sidebar(path: &str, pages: &[Entry], root: &str, under_current: &Markup) -> Markup {
    html! {
        nav.sidebar id=(MENU) popover aria-label="Pages" {
            button.button.close-sidebar type="button" popovertarget=(MENU) popovertargetaction="hide" { "Close" }
            @for section in pages.chunk_by(|one, other| one.section == other.section) {
                // Guides are few, and a reader who is new looks for them first.
                @let is_open = section.iter().any(|entry| entry.path == path || entry.method.is_none());
                details open[is_open] {
                    summary { h2 { (section.first().map(|entry| entry.section).unwrap_or_default()) } }
                    ul { @for entry in section { (item(entry, entry.path == path, root, under_current)) } }
                }
            }
        }
    }
}

fn item(entry: &Entry, is_current: bool, root: &str, under_current: &Markup) -> Markup {
    html! {
        li {
            a href=(entry.link(root)) aria-current=[is_current.then_some("page")] {
                span { (entry.title) }
                @if let Some(method) = entry.method {
                    " " span.method.(method.to_ascii_lowercase()) { (method) }
                }
            }
            @if is_current { (under_current) }
        }
    }
}

/// Writes the table of contents of a page of prose.
pub fn contents(page: &Page) -> Markup {
    let headings = sections_of(page);
    if headings.len() < CONTENTS_FROM {
        return html! {};
    }
    html! {
        nav.contents aria-labelledby="contents-title" {
            p #contents-title { "On this page" }
            (links_to(&headings))
        }
    }
}

/// Writes the table of contents of an operation, which stands in the sidebar, since samples are at the right.
pub fn contents_of_operation(page: &Page) -> Markup {
    html! { div.contents { (links_to(&sections_of(page))) } }
}

/// Writes links to the pages before and after a page, in the order of the sidebar.
pub fn steps(path: &str, pages: &[Entry], root: &str) -> Markup {
    let Some(at) = pages.iter().position(|entry| entry.path == path) else { return html! {} };
    let previous = at.checked_sub(1).and_then(|before| pages.get(before));
    let step = |rel: &str, word: &str, entry: &Entry| {
        html! { a.(rel) rel=(rel) href=(entry.link(root)) { small { (word) } " " span { (entry.title) } } }
    };
    html! {
        nav.steps aria-label="Previous and next page" {
            @if let Some(entry) = previous { (step("prev", "Previous", entry)) }
            @if let Some(entry) = pages.get(at + 1) { (step("next", "Next", entry)) }
        }
    }
}

/// Writes the footer: the page and the API for programs, and the version, which leads to the page of changes.
pub fn footer(markdown: &str, api: &Api, pages: &[Entry], root: &str) -> Markup {
    let changes = pages.iter().find(|entry| entry.path == format!("/docs/{CHANGES_SLUG}"));
    let version = format!("Version {}", api.version);
    html! {
        footer.page-footer {
            a href=(markdown) { "This page as Markdown" }
            a href={ (root) "openapi.json" } { "OpenAPI document" }
            a href={ (root) "llms.txt" } { "llms.txt" }
            @if let Some(changes) = changes {
                a.version href=(changes.link(root)) { (version) }
            } @else {
                span.version { (version) }
            }
        }
    }
}

fn sections_of(page: &Page) -> Vec<Heading> {
    page.blocks.iter().flat_map(headings_of).filter(|heading| heading.level == 2).collect()
}

fn links_to(headings: &[Heading]) -> Markup {
    html! { ul { @for Heading { id, text, .. } in headings { li { a href={ "#" (id) } { (text) } } } } }
}

fn headings_of(block: &Block) -> Vec<Heading> {
    match block {
        Block::Heading { level, id, text } => {
            vec![Heading { level: *level, id: id.clone(), text: prose::plain(text) }]
        }
        Block::Markdown(text) => prose::headings(text),
        Block::Beside { text, .. } => text.iter().flat_map(headings_of).collect(),
        _ => Vec::new(),
    }
}
