//! Syntax colours, as elements with a class for each kind of token.
//!
//! The colours of the classes are the style sheet's, so that pages need no inline style.

use maud::{Markup, Render, html};
use std::collections::HashMap;
use std::sync::LazyLock;
use tree_sitter_highlight::{HighlightConfiguration, HighlightEvent, Highlighter};

/// The kinds of tokens that the queries of the languages name, and the class of each.
const CLASSES: [(&str, &str); 13] = [
    ("attribute", "property"),
    ("boolean", "number"),
    ("comment", "comment"),
    ("constant.builtin", "number"),
    ("constructor", "type"),
    ("escape", "string"),
    ("function", "function"),
    ("function.macro", "function"),
    ("keyword", "keyword"),
    ("number", "number"),
    ("property", "property"),
    ("string", "string"),
    ("type", "type"),
];

/// The queries of tokens where those of the grammars do not suffice.
const JSON: &str = include_str!("highlight/json.scm");
const TYPESCRIPT: &str = include_str!("highlight/typescript.scm");

/// The names of the languages in Markdown.
const NAMES: [&str; 5] = ["json", "python", "rust", "sh", "typescript"];

/// The languages, by their names.
static LANGUAGES: LazyLock<HashMap<&'static str, HighlightConfiguration>> = LazyLock::new(|| {
    let new = HighlightConfiguration::new;
    let json = new(tree_sitter_json::LANGUAGE.into(), "json", JSON, "", "");
    let python = new(tree_sitter_python::LANGUAGE.into(), "python", tree_sitter_python::HIGHLIGHTS_QUERY, "", "");
    let rust = new(tree_sitter_rust::LANGUAGE.into(), "rust", tree_sitter_rust::HIGHLIGHTS_QUERY, "", "");
    let shell = new(tree_sitter_bash::LANGUAGE.into(), "sh", tree_sitter_bash::HIGHLIGHT_QUERY, "", "");
    let typescript = new(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), "typescript", TYPESCRIPT, "", "");
    let languages = [json, python, rust, shell, typescript];
    let kinds = CLASSES.map(|(kind, _)| kind);
    let configured = |(name, language): (_, Result<HighlightConfiguration, _>)| {
        let mut language = language.ok()?;
        language.configure(&kinds);
        Some((name, language))
    };
    NAMES.into_iter().zip(languages).filter_map(configured).collect()
});

/// Returns a text with elements around its tokens; the text alone where its language is not known.
pub fn highlight(language: &str, text: &str) -> Markup {
    LANGUAGES.get(language).and_then(|language| coloured(language, text)).unwrap_or_else(|| html! { (text) })
}

fn coloured(language: &HighlightConfiguration, text: &str) -> Option<Markup> {
    let mut highlighter = Highlighter::new();
    let mut written = String::new();
    let events = highlighter.highlight(language, text.as_bytes(), None, None, |_| None).ok()?;
    for event in events {
        match event.ok()? {
            HighlightEvent::Source { start, end } => text.get(start..end)?.render_to(&mut written),
            HighlightEvent::HighlightStart(kind) => {
                let (_, class) = CLASSES.get(kind.0)?;
                written.push_str("<span class=\"");
                written.push_str(class);
                written.push_str("\">");
            }
            HighlightEvent::HighlightEnd => written.push_str("</span>"),
        }
    }
    Some(maud::PreEscaped(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_colours_and_keeps_its_text() {
        for (language, text, expected) in [
            ("json", "{\"a\": \"<b>\", \"c\": 1}", "<span class=\"property\">&quot;a&quot;</span>"),
            ("python", "import os  # why\n", "<span class=\"comment\"># why</span>"),
            ("rust", "fn main() { let a = \"b\"; }", "<span class=\"keyword\">fn</span>"),
            ("sh", "curl -X POST \"http://a\" # b", "<span class=\"function\">curl</span>"),
            ("typescript", "const a: File = await b.c(\"d\");", "<span class=\"keyword\">await</span>"),
        ] {
            let coloured = highlight(language, text).into_string();
            assert!(coloured.contains(expected), "{language}: {coloured}");
            assert_eq!(text_of(&coloured), text, "{language}");
        }
    }

    #[test]
    fn types_of_typescript_are_types_and_strings_are_strings() {
        let coloured =
            highlight("typescript", "export interface A {\n  /** B. */\n  c?: \"d\" | D[];\n}").into_string();
        for expected in [
            "<span class=\"keyword\">interface</span>",
            "<span class=\"type\">A</span>",
            "<span class=\"comment\">/** B. */</span>",
            "<span class=\"property\">c</span>",
            "<span class=\"string\">&quot;d&quot;</span>",
            "<span class=\"type\">D</span>",
        ] {
            assert!(coloured.contains(expected), "{expected} in {coloured}");
        }
    }

    #[test]
    fn a_text_in_another_language_or_with_errors_is_shown_whole() {
        assert_eq!(highlight("text", "a < b").into_string(), "a &lt; b");
        assert_eq!(text_of(&highlight("json", "{\"a\": [1, 2\n").into_string()), "{\"a\": [1, 2\n");
    }

    fn text_of(html: &str) -> String {
        let plain: String = html
            .split('<')
            .enumerate()
            .map(|(at, piece)| if at == 0 { piece } else { piece.split_once('>').unwrap().1 })
            .collect();
        plain.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }
}
