//! Pages as HTML. Everything is escaped by `maud` and, where it is Markdown, by `prose`.

use crate::api::Api;
use crate::highlight::highlight;
use crate::navigation;
use crate::page::{Block, Code, FailureRow, Member, Page};
use crate::prose::{self, inline};
use crate::site::{Entry, bundle};
use crate::trial_html::render_trial;
use maud::{Markup, html};
use venna_design::{Frame, root_from, search_button};

/// Writes a page, with the list of all pages.
pub fn render(page: &Page, pages: &[Entry], api: &Api) -> String {
    let path = page.path();
    let root = &*root_from(&path);
    let markdown = format!("{root}{}.md", path.trim_start_matches('/'));
    let asset = |name: &str| format!("{root}{}", bundle().path(name));
    let is_prose = !page.blocks.iter().any(|block| matches!(block, Block::Beside { .. }));
    let main = html! {
        div.(if is_prose { "prose" } else { "sections" }) {
            article {
                @if is_prose { h1 { (page.title) } }
                @for (at, block) in page.blocks.iter().enumerate() {
                    @match block {
                        Block::Beside { text, aside } => (render_section(at, page, text, aside, root)),
                        block => (render_block(block, root, at)),
                    }
                }
                (navigation::steps(&path, pages, root))
                (navigation::footer(&markdown, api, pages, root))
            }
            @if is_prose { (navigation::contents(page)) }
        }
    };
    let head = html! {
        link rel="alternate" type="text/markdown" href=(markdown);
        link rel="stylesheet" href=(asset("reference.css"));
        script type="module" src=(asset("reference.js")) {}
    };
    let under_current = if is_prose {
        html! {}
    } else {
        navigation::contents_of_operation(page)
    };
    Frame {
        title: &page.title,
        site: api.title,
        about: &page.about,
        root,
        head,
        tools: search_button(),
        links: api.header_links,
        sidebar: Some(navigation::sidebar(&path, pages, root, &under_current)),
        main,
    }
    .render()
}

/// A section: text, and beside it what belongs to it. The first one has the title of the page.
fn render_section(at: usize, page: &Page, text: &[Block], aside: &[Block], root: &str) -> Markup {
    html! {
        section.section.wide[aside.is_empty()] {
            div.text {
                @if at == 0 { h1 { (page.title) } }
                @for block in text { (render_block(block, root, at)) }
            }
            @if !aside.is_empty() {
                div.aside { @for (number, block) in aside.iter().enumerate() { (render_block(block, root, 100 * (at + 1) + number)) } }
            }
        }
    }
}

fn render_block(block: &Block, root: &str, number: usize) -> Markup {
    match block {
        Block::Heading { level, id, text } => heading(*level, id, &prose::plain(text), &inline(text, root)),
        Block::Label { id, text } => html! { h2.unseen id=(id) { (text) } },
        Block::Text(text) => html! { p { (inline(text, root)) } },
        Block::Lead(text) => html! { p.lead { (inline(text, root)) } },
        Block::Items(items) => html! { ul { @for item in items { li { (inline(item, root)) } } } },
        Block::Cards(cards) => html! {
            ul.cards {
                @for [title, path, about] in cards {
                    li { a href={ (root) (path.trim_start_matches('/')) } { (title) } p { (inline(about, root)) } }
                }
            }
        },
        Block::Endpoint(method, path) => html! {
            div.endpoint {
                span.route { span.method.(method.to_ascii_lowercase()) { (method) } code { (path) } }
                button.button.primary.needs-script type="button" data-action="try" aria-haspopup="dialog" { "Try it" }
            }
        },
        Block::Facts(facts) => html! {
            dl.facts { @for [name, value] in facts { dt { (name) } dd { (inline(value, root)) } } }
        },
        Block::Table { head, rows } => render_table(head, rows, root),
        Block::Members(members) => render_members(members, root),
        Block::Failures(rows) => render_failures(rows, root),
        Block::Code(code) => render_code(code),
        Block::Tabs(codes) => render_tabs(codes, number),
        Block::Markdown(text) => prose::render(text, root),
        Block::Beside { text, aside } => {
            html! { @for block in text.iter().chain(aside) { (render_block(block, root, number)) } }
        }
        Block::TryIt(trial) => render_trial(trial, root),
    }
}

/// Writes the link of something with an id to itself, which a reader copies.
fn anchor(id: &str, name: &str) -> Markup {
    html! { a.anchor href={ "#" (id) } aria-label={ "Link to " (name) } { "#" } }
}

/// Writes a heading with a link to itself.
pub fn heading(level: u8, id: &str, plain: &str, marked: &Markup) -> Markup {
    let anchor = anchor(id, plain);
    match level {
        1 => html! { h1 { (marked) } },
        2 => html! { h2 id=(id) { (marked) " " (anchor) } },
        _ => html! { h3 id=(id) { (marked) " " (anchor) } },
    }
}

/// Writes a block of code.
pub fn render_code(code: &Code) -> Markup {
    html! {
        figure.code {
            figcaption { span.title { (code.title) } }
            pre tabindex="0" role="group" aria-label=(code.title) data-language=(code.language) {
                code { (highlight(&code.language, &code.text)) }
            }
        }
    }
}

/// Writes tabs over the same in several languages. Without scripts all of them are shown, one under the other. The
/// number tells apart the tabs of a page.
pub fn render_tabs(codes: &[Code], number: usize) -> Markup {
    let tab = |at: usize| format!("tab-{number}-{at}");
    let panel = |at: usize| format!("panel-{number}-{at}");
    html! {
        div.tabs {
            div.tab-list.needs-script role="tablist" aria-label="Language" {
                @for (at, code) in codes.iter().enumerate() {
                    button type="button" role="tab" id=(tab(at)) aria-controls=(panel(at)) data-choice=(code.language)
                        aria-selected=(if at == 0 { "true" } else { "false" }) { (code.title) }
                }
            }
            @for (at, code) in codes.iter().enumerate() {
                div.panel role="tabpanel" id=(panel(at)) aria-labelledby=(tab(at)) { (render_code(code)) }
            }
        }
    }
}

/// A table of properties has no headings of columns, but of rows.
fn render_table(head: &[&str], rows: &[Vec<String>], root: &str) -> Markup {
    let named = head.iter().any(|name| !name.is_empty());
    html! {
        div.table tabindex="0" role="group" aria-label="Table" {
            table {
                @if named { thead { tr { @for name in head { th scope="col" { (name) } } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 && !named {
                                    th scope="row" { (inline(cell, root)) }
                                } @else {
                                    td { (inline(cell, root)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn render_members(members: &[Member], root: &str) -> Markup {
    html! {
        ul.fields {
            @for member in members {
                li id=(member.id) {
                    div.field-head {
                        code.name { (member.name) }
                        span.type { (member.kind) }
                        @if let Some(word) = member.presence.word() { span.presence.(word) { (word) } }
                        " " (anchor(&member.id, member.path()))
                    }
                    p { (inline(&member.about, root)) }
                    @if !member.facts.is_empty() {
                        dl.facts {
                            @for (name, values) in &member.facts {
                                dt { (name) }
                                dd.words { @for value in values { span { (inline(value, root)) } } }
                            }
                        }
                    }
                    @if let Some((name, inner)) = &member.members {
                        details { summary { "Members of " (name) } (render_members(inner, root)) }
                    }
                }
            }
        }
    }
}

fn render_failures(rows: &[FailureRow], root: &str) -> Markup {
    html! {
        div.table tabindex="0" role="group" aria-label="Errors" {
            table.failures {
                thead { tr { th scope="col" { "Status" } th scope="col" { "Code" } th scope="col" { "Cause" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td { span.status.bad { (row.status) } }
                            td { a href={ (root) (row.path.trim_start_matches('/')) } { (inline(&row.code, root)) } }
                            td {
                                (inline(row.cause, root))
                                details { summary { "Body" } (render_code(&body_of(row))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn body_of(row: &FailureRow) -> Code {
    let title = format!("{} {}", row.status, prose::plain(&row.code));
    Code { title, language: "json".to_owned(), text: row.sample.clone() }
}
