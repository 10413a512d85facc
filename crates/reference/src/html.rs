//! Pages as HTML. Everything is escaped here, by `maud`; no other file writes a tag.

use crate::page::{Block, Input, Page, Trial};
use crate::site::Entry;
use maud::{DOCTYPE, Markup, html};

/// Writes a page, with the list of all pages.
pub fn render(page: &Page, contents: &[Entry], site_title: &str) -> String {
    let markdown = format!("{}.md", page.path());
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="description" content=(page.about);
                title { (page.title) " - " (site_title) }
                link rel="stylesheet" href="/docs/reference.css";
                link rel="icon" type="image/svg+xml" href="/docs/icon.svg";
                link rel="alternate" type="text/markdown" href=(markdown);
                script src="/docs/reference.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.brand href="/docs" { (site_title) }
                    div.search hidden {
                        label for="search" { "Search" }
                        input #search type="search" autocomplete="off" aria-keyshortcuts="/"
                            placeholder="Press / to search";
                        ul #found aria-live="polite" aria-label="Found" {}
                    }
                    a.to-contents href="#contents" { "Contents" }
                }
                div.columns {
                    main #main tabindex="-1" {
                        h1 { (page.title) }
                        @for block in &page.blocks { (render_block(block)) }
                        p.twin { a href=(markdown) { "This page as Markdown" } }
                    }
                    (render_contents(page, contents))
                }
            }
        }
    };
    markup.into_string()
}

fn render_contents(page: &Page, contents: &[Entry]) -> Markup {
    html! {
        nav #contents aria-label="Contents" {
            @for section in sections(contents) {
                h2 { (section.first().map(|entry| entry.section).unwrap_or_default()) }
                ul {
                    @for entry in section {
                        li {
                            a href=(entry.path) aria-current=[(entry.path == page.path()).then_some("page")] {
                                @if let Some(method) = entry.method {
                                    span.method.(method.to_ascii_lowercase()) { (method) }
                                    " "
                                }
                                (entry.title)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The entries section by section.
fn sections(contents: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    contents.chunk_by(|one, other| one.section == other.section)
}

fn render_block(block: &Block) -> Markup {
    match block {
        Block::Heading { level: 2, id, text } => html! { h2 id=(id) { (anchored(id, text)) } },
        Block::Heading { id, text, .. } => html! { h3 id=(id) { (anchored(id, text)) } },
        Block::Text(text) => html! { p { (inline(text)) } },
        Block::Items(items) => html! { ul { @for item in items { li { (inline(item)) } } } },
        Block::Endpoint(method, path) => html! {
            p.endpoint { span.method.(method.to_ascii_lowercase()) { (method) } " " code { (path) } }
        },
        Block::Table { head, rows } => render_table(head, rows),
        Block::Code { title, language, text } => html! {
            figure.code {
                figcaption { (title) }
                pre tabindex="0" data-language=(language) { code { (text) } }
            }
        },
        Block::TryIt(trial) => render_trial(trial),
    }
}

fn anchored(id: &str, text: &str) -> Markup {
    html! { (inline(text)) " " a.anchor href={ "#" (id) } aria-label={ "Link to " (text) } { "#" } }
}

/// A table of properties has no headings of columns, but of rows.
fn render_table(head: &[&str], rows: &[Vec<String>]) -> Markup {
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
                                    th scope="row" { (inline(cell)) }
                                } @else {
                                    td { (inline(cell)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Hidden until the script of the page shows it: without one it could do nothing.
fn render_trial(trial: &Trial) -> Markup {
    html! {
        form.trial hidden autocomplete="off" data-method=(trial.method) data-path=(trial.path) {
            div.row {
                label for="try-key" { "API key, kept in memory only" }
                input #try-key type="password" autocomplete="off" required placeholder=(trial.key_format);
            }
            @for (at, input) in trial.inputs.iter().enumerate() { (render_input(at, input)) }
            div.row {
                button type="submit" { "Send" }
                " "
                button type="button" data-action="cancel" disabled { "Cancel" }
            }
            progress value="0" max="1" aria-label="Progress of the request" hidden {}
            p.status role="status" {}
            div.answer hidden {
                h3 { "Answer" }
                pre.headers tabindex="0" aria-label="Headers of the answer" {}
                pre.body tabindex="0" aria-label="Body of the answer" {}
            }
        }
    }
}

fn render_input(at: usize, input: &Input) -> Markup {
    let id = format!("try-{at}");
    html! {
        div.row {
            label for=(id) { (input.name) @if input.required { " *" } }
            @if input.place == "file" {
                input id=(id) type="file" name=(input.name) data-place=(input.place) required[input.required];
            } @else if input.place == "body" {
                textarea id=(id) name=(input.name) data-place=(input.place) rows="6" spellcheck="false" {
                    (input.value)
                }
            } @else if !input.words.is_empty() {
                select id=(id) name=(input.name) data-place=(input.place) {
                    @if !input.required { option value="" { "" } }
                    @for word in &input.words { option selected[*word == input.value] { (word) } }
                }
            } @else {
                input id=(id) type="text" name=(input.name) data-place=(input.place) value=(input.value)
                    required[input.required] spellcheck="false";
            }
        }
    }
}

/// Inline Markdown: code and links, and nothing else.
fn inline(mut text: &str) -> Markup {
    let mut done = html! {};
    while let Some(at) = text.find(['`', '[']) {
        let (plain, rest) = text.split_at(at);
        let (piece, behind) = code_at(rest).or_else(|| link_at(rest)).unwrap_or_else(|| character_at(rest));
        done = html! { (done) (plain) (piece) };
        text = behind;
    }
    html! { (done) (text) }
}

fn code_at(text: &str) -> Option<(Markup, &str)> {
    let (code, behind) = text.strip_prefix('`')?.split_once('`')?;
    Some((html! { code { (code) } }, behind))
}

fn link_at(text: &str) -> Option<(Markup, &str)> {
    let (label, behind) = text.strip_prefix('[')?.split_once("](")?;
    let (href, behind) = behind.split_once(')')?;
    (!label.contains(['[', ']'])).then(|| (html! { a href=(href) { (inline(label)) } }, behind))
}

fn character_at(text: &str) -> (Markup, &str) {
    let length = text.chars().next().map_or(0, char::len_utf8);
    let (character, behind) = text.split_at(length);
    (html! { (character) }, behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_markdown_is_code_and_links_and_the_rest_is_escaped() {
        for (text, expected) in [
            ("a < b", "a &lt; b"),
            ("`<b>`", "<code>&lt;b&gt;</code>"),
            ("see [`x`](#x), [y](/y)", "see <a href=\"#x\"><code>x</code></a>, <a href=\"/y\">y</a>"),
            ("one of ['a', 'b'] - `c`", "one of ['a', 'b'] - <code>c</code>"),
            ("a ` alone and [ alone", "a ` alone and [ alone"),
            ("[a] and [b](c)", "[a] and <a href=\"c\">b</a>"),
        ] {
            assert_eq!(inline(text).into_string(), expected);
        }
    }
}
