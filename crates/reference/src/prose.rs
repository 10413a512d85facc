//! Markdown as HTML: texts of one line, and whole guides.

use crate::html::{heading, render_code, render_tabs};
use crate::page::Code;
use maud::{Markup, PreEscaped};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::collections::HashMap;

/// The Markdown of the texts: `CommonMark` with tables.
const OPTIONS: Options = Options::ENABLE_TABLES;

/// A heading of level 2 or 3 of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 2 or 3.
    pub level: u8,
    /// The anchor.
    pub id: String,
    /// The text, without marks.
    pub text: String,
}

/// Writes inline Markdown. A link that begins with `/` becomes relative by `root`.
pub fn inline(text: &str, root: &str) -> Markup {
    let is_outer = |event: &Event<'_>| matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph));
    let events = events(text, root).filter(|event| !is_outer(event));
    let mut written = String::new();
    pulldown_cmark::html::push_html(&mut written, events);
    PreEscaped(written)
}

/// Returns the text without marks, and without blocks of code.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut is_code = false;
    for event in Parser::new_ext(text, OPTIONS) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Text(_) if is_code => {}
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                plain.push_str(&text);
            }
            Event::SoftBreak
            | Event::HardBreak
            | Event::End(TagEnd::Paragraph | TagEnd::TableCell | TagEnd::Item | TagEnd::Heading(_)) => {
                plain.push(' ');
            }
            _ => {}
        }
    }
    plain.trim_end().to_owned()
}

/// Writes a whole text. Blocks of code that follow each other in different languages become tabs.
pub fn render(text: &str, root: &str) -> Markup {
    let mut page = Writer::default();
    let mut events = events(text, root);
    while let Some(event) = events.next() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => page.codes.push(code_block(&kind, &mut events)),
            Event::Start(Tag::Heading { level, .. }) => page.heading(level, &mut events),
            Event::Start(Tag::Table(columns)) => page.table(Event::Start(Tag::Table(columns)), &mut events),
            event => page.push(event),
        }
    }
    page.flush();
    PreEscaped(page.written)
}

/// Returns the headings of levels 2 and 3 of a text.
pub fn headings(text: &str) -> Vec<Heading> {
    let (mut found, mut anchors) = (Vec::new(), Anchors::default());
    let mut events = Parser::new_ext(text, OPTIONS);
    while let Some(event) = events.next() {
        let Event::Start(Tag::Heading { level, .. }) = event else { continue };
        let text = words_of(&until(&mut events, TagEnd::Heading(level)));
        let id = anchors.next(level, &text);
        if is_section(level) {
            found.push(Heading { level: level as u8, id, text });
        }
    }
    found
}

/// Splits a text at its headings of levels 2 and 3: the heading, none for the text before the first one, and its text
/// without marks.
pub fn sections(text: &str) -> Vec<(Option<Heading>, String)> {
    let starts = Parser::new_ext(text, OPTIONS).into_offset_iter().filter_map(|(event, range)| {
        matches!(event, Event::Start(Tag::Heading { level, .. }) if is_section(level)).then_some(range.start)
    });
    let mut ends: Vec<usize> = starts.collect();
    ends.push(text.len());
    let (mut headings, mut heading, mut from) = (headings(text).into_iter(), None, 0);
    let mut found = Vec::new();
    for end in ends {
        let piece = text.get(from..end).unwrap_or_default();
        let body = if heading.is_some() { piece.split_once('\n').map_or("", |(_, body)| body) } else { piece };
        found.push((heading, plain(body)));
        (heading, from) = (headings.next(), end);
    }
    found
}

const fn is_section(level: HeadingLevel) -> bool {
    matches!(level, HeadingLevel::H2 | HeadingLevel::H3)
}

/// The anchors of the headings of a text so far.
#[derive(Debug, Default)]
struct Anchors(HashMap<String, usize>);

impl Anchors {
    /// Returns the anchor of the next heading. Those of equal headings are numbered from the second one on, as GitHub's
    /// are. The title of a text has none.
    fn next(&mut self, level: HeadingLevel, text: &str) -> String {
        let anchor = anchor(text);
        if level == HeadingLevel::H1 {
            return anchor;
        }
        let before = self.0.entry(anchor.clone()).or_default();
        let id = if *before == 0 { anchor } else { format!("{anchor}-{before}") };
        *before += 1;
        id
    }
}

/// Returns the anchor of a heading by its text, as GitHub does: lower case, without punctuation, dashes for spaces.
pub fn anchor(text: &str) -> String {
    let kept = text.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Returns the events of a text. HTML in it is text, and links are relative.
fn events<'a>(text: &'a str, root: &'a str) -> impl Iterator<Item = Event<'a>> {
    Parser::new_ext(text, OPTIONS).map(move |event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: relative(dest_url, root), title, id })
        }
        event => event,
    })
}

fn relative<'a>(target: CowStr<'a>, root: &str) -> CowStr<'a> {
    match target.strip_prefix('/') {
        Some(path) => format!("{root}{path}").into(),
        None => target,
    }
}

/// Takes the events up to the end of an element.
fn until<'a>(events: &mut impl Iterator<Item = Event<'a>>, end: TagEnd) -> Vec<Event<'a>> {
    events.take_while(|event| !matches!(event, Event::End(tag) if *tag == end)).collect()
}

fn words_of(events: &[Event<'_>]) -> String {
    let word = |event: &Event<'_>| match event {
        Event::Text(text) | Event::Code(text) => text.to_string(),
        _ => String::new(),
    };
    events.iter().map(word).collect()
}

fn code_block<'a>(kind: &CodeBlockKind<'a>, events: &mut impl Iterator<Item = Event<'a>>) -> Code {
    let text = words_of(&until(events, TagEnd::CodeBlock));
    let language = match kind {
        CodeBlockKind::Fenced(language) if !language.is_empty() => language.to_string(),
        CodeBlockKind::Fenced(_) | CodeBlockKind::Indented => "text".to_owned(),
    };
    Code { title: title_of(&language, &text).to_owned(), language, text }
}

/// Returns the title of a block of code.
fn title_of(language: &str, text: &str) -> &'static str {
    match language {
        "sh" if text.contains("curl ") => "curl",
        "sh" => "Shell",
        "python" => "Python",
        "typescript" => "TypeScript",
        "rust" => "Rust",
        "json" => "JSON",
        _ => "Text",
    }
}

/// The written part of a text, and the rest that waits.
#[derive(Default)]
struct Writer<'a> {
    written: String,
    pending: Vec<Event<'a>>,
    codes: Vec<Code>,
    anchors: Anchors,
}

impl<'a> Writer<'a> {
    fn push(&mut self, event: Event<'a>) {
        if !self.codes.is_empty() {
            self.flush();
        }
        self.pending.push(event);
    }

    /// Writes what waits: it is either blocks of code or other events.
    fn flush(&mut self) {
        pulldown_cmark::html::push_html(&mut self.written, self.pending.drain(..));
        let codes: Vec<Code> = self.codes.drain(..).collect();
        let markup = match codes.as_slice() {
            [] => return,
            [one] => render_code(one),
            [first, rest @ ..] if rest.iter().any(|other| other.language == first.language) => {
                PreEscaped(codes.iter().map(|code| render_code(code).into_string()).collect())
            }
            several => render_tabs(several, self.written.len()),
        };
        self.written.push_str(&markup.into_string());
    }

    fn heading(&mut self, level: HeadingLevel, events: &mut impl Iterator<Item = Event<'a>>) {
        self.flush();
        let inside = until(events, TagEnd::Heading(level));
        let text = words_of(&inside);
        let mut marked = String::new();
        pulldown_cmark::html::push_html(&mut marked, inside.into_iter());
        let id = self.anchors.next(level, &text);
        self.written.push_str(&heading(level as u8, &id, &text, &PreEscaped(marked)).into_string());
    }

    /// Writes a table in a frame of its own, which scrolls where the window is narrow.
    fn table(&mut self, start: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>) {
        self.flush();
        let mut table = vec![start];
        table.extend(until(events, TagEnd::Table));
        table.push(Event::End(TagEnd::Table));
        self.written.push_str("<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">");
        pulldown_cmark::html::push_html(&mut self.written, table.into_iter());
        self.written.push_str("</div>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_markdown_is_escaped_and_its_links_are_relative() {
        for (text, expected) in [
            ("a < b", "a &lt; b"),
            ("`<b>` and <i>c</i>", "<code>&lt;b&gt;</code> and &lt;i&gt;c&lt;/i&gt;"),
            ("see [`x`](#x), [y](/docs/y)", "see <a href=\"#x\"><code>x</code></a>, <a href=\"../docs/y\">y</a>"),
            ("one of ['a', 'b'] - `c`", "one of ['a', 'b'] - <code>c</code>"),
            ("a snake_case_name", "a snake_case_name"),
        ] {
            assert_eq!(inline(text, "../").into_string(), expected);
        }
    }

    #[test]
    fn a_guide_has_anchors_tables_and_tabs() {
        let guide = "# A\n\n## B `c`, d\n\ntext\n\n```sh\ncurl a\n```\n\n```python\nb\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
        let html = render(guide, "./").into_string();
        assert!(html.contains("<h2 id=\"b-c-d\">B <code>c</code>, d"), "{html}");
        assert_eq!(html.matches("role=\"tab\"").count(), 2, "{html}");
        assert!(html.contains("class=\"table\"") && html.contains("<td>2</td>"), "{html}");
        assert_eq!(headings(guide), [Heading { level: 2, id: "b-c-d".to_owned(), text: "B c, d".to_owned() }]);
        let sections = sections(guide);
        assert_eq!(sections.len(), 2);
        assert!(sections[1].1.contains("text") && sections[1].1.contains('2'), "{sections:?}");
    }

    #[test]
    fn equal_headings_have_different_anchors() {
        let changes = "# A\n\n## 1.1\n\n### Fixed\n\none\n\n## 1.0\n\n### Fixed\n\nother\n";
        let ids: Vec<_> = headings(changes).into_iter().map(|heading| heading.id).collect();
        assert_eq!(ids, ["11", "fixed", "10", "fixed-1"]);
        let html = render(changes, "./").into_string();
        assert!(ids.iter().all(|id| html.matches(&format!("id=\"{id}\"")).count() == 1), "{html}");
        let sections = sections(changes);
        let last = sections.last().unwrap();
        assert_eq!((last.0.as_ref().unwrap().id.as_str(), last.1.as_str()), ("fixed-1", "other"));
    }

    #[test]
    fn code_in_one_language_is_no_tab() {
        let html = render("```sh\ncurl a\n```\n\n```sh\nls\n```\n", "./").into_string();
        assert_eq!((html.matches("role=\"tab\"").count(), html.matches("<figure").count()), (0, 2));
    }
}
