//! A page of the reference as data, which `html` and `markdown` write.

use serde_json::Value;

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its name in the path; empty for the overview.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What it is about, in one sentence.
    pub about: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A piece of a page. Texts are inline Markdown: `` `code` `` and `[links](/to)`.
#[derive(Clone, Debug)]
pub enum Block {
    /// A heading of this level, with its anchor.
    Heading {
        /// 2 or 3.
        level: u8,
        /// The anchor.
        id: String,
        /// The text.
        text: String,
    },
    /// A paragraph.
    Text(String),
    /// Items of a list.
    Items(Vec<String>),
    /// Method and path.
    Endpoint(&'static str, &'static str),
    /// A table.
    Table {
        /// The headings of the columns; a table of properties has empty ones.
        head: Vec<&'static str>,
        /// The rows.
        rows: Vec<Vec<String>>,
    },
    /// A text that is shown as it is and can be copied.
    Code {
        /// What it is.
        title: String,
        /// The language, as Markdown names it.
        language: &'static str,
        /// The text.
        text: String,
    },
    /// A form that sends a request; only where there is JavaScript.
    TryIt(Box<Trial>),
}

/// The form that sends a request.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The method.
    pub method: &'static str,
    /// The path, with names in braces.
    pub path: &'static str,
    /// What its key looks like.
    pub key_format: &'static str,
    /// The inputs.
    pub inputs: Vec<Input>,
}

/// An input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where it goes: `path`, `query`, `header`, `form`, `file` or `body`.
    pub place: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The words that can be chosen, if it is a choice.
    pub words: Vec<&'static str>,
    /// Its value at first.
    pub value: String,
    /// Set if it must be filled in.
    pub required: bool,
}

impl Page {
    /// Returns its path, without an extension.
    pub fn path(&self) -> String {
        if self.slug.is_empty() { "/docs".to_owned() } else { format!("/docs/{}", self.slug) }
    }
}

impl Block {
    /// Makes a paragraph.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Makes a heading.
    pub fn heading(level: u8, id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Heading { level, id: id.into(), text: text.into() }
    }

    /// Makes a block of indented JSON.
    pub fn json(title: impl Into<String>, value: &Value) -> Self {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        Self::Code { title: title.into(), language: "json", text }
    }
}

/// Marks a text as inline code.
pub fn code(text: impl AsRef<str>) -> String {
    format!("`{}`", text.as_ref())
}
