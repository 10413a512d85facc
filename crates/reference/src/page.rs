//! A page of the reference as data, which `html` and `markdown` write.

use serde_json::Value;

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its section in the list of pages.
    pub section: &'static str,
    /// Its name in the path; empty for the overview.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// The subject, in one sentence.
    pub about: String,
    /// The content.
    pub blocks: Vec<Block>,
}

/// A piece of a page. Texts are inline Markdown; a link that begins with `/` is relative to the root of the server.
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
    /// A heading of level 2 that only Markdown and screen readers have, since the place of its content tells the rest.
    Label {
        /// The anchor.
        id: &'static str,
        /// The text.
        text: &'static str,
    },
    /// A paragraph.
    Text(String),
    /// The paragraph that a page begins with, in larger letters.
    Lead(String),
    /// Items of a list.
    Items(Vec<String>),
    /// Links to pages: title, path, and what the page is about.
    Cards(Vec<[String; 3]>),
    /// Method and path.
    Endpoint(&'static str, &'static str),
    /// Names and values.
    Facts(Vec<[String; 2]>),
    /// A table.
    Table {
        /// The headings of the columns; a table of properties has empty ones.
        head: Vec<&'static str>,
        /// The rows.
        rows: Vec<Vec<String>>,
    },
    /// The parameters of a request, or the members of an object.
    Members(Vec<Member>),
    /// The errors of an operation.
    Failures(Vec<FailureRow>),
    /// A text that is shown as it is and can be copied.
    Code(Code),
    /// The same in several languages, of which a reader sees one.
    Tabs(Vec<Code>),
    /// Any Markdown, with its headings of levels 2 and 3.
    Markdown(String),
    /// Text, and what stands beside it where there is room.
    Beside {
        /// The text.
        text: Vec<Block>,
        /// The content beside it.
        aside: Vec<Block>,
    },
    /// A form that sends a request; only where there is JavaScript.
    TryIt(Box<Trial>),
}

/// A text that can be copied.
#[derive(Clone, Debug)]
pub struct Code {
    /// Its title.
    pub title: String,
    /// Its language, as Markdown names it.
    pub language: String,
    /// The text.
    pub text: String,
}

/// A parameter, or a member of an object.
#[derive(Clone, Debug)]
pub struct Member {
    /// The anchor: its place in the exchange and its path, as `response.data.id`. No heading has a dot in its anchor.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type in a word or two.
    pub kind: String,
    /// The note that it must be sent, or may be absent in an answer.
    pub presence: Presence,
    /// Its meaning, in inline Markdown.
    pub about: String,
    /// Allowed values, default and bounds: each a name and values in inline Markdown.
    pub facts: Vec<(&'static str, Vec<String>)>,
    /// The members of its object: the name of the object, and the members.
    pub members: Option<(String, Vec<Member>)>,
}

impl Member {
    /// Returns the names of the objects around it and its own, as `data.id`.
    pub fn path(&self) -> &str {
        self.id.split_once('.').map_or(&self.id, |(_, path)| path)
    }
}

/// The presence of a member, where it is unusual: a parameter may be left out, and a member is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A request must have it.
    Required,
    /// An answer may lack it.
    Optional,
    /// The usual case, which is not said.
    Usual,
}

impl Presence {
    /// Returns the word for it.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Required => Some("required"),
            Self::Optional => Some("optional"),
            Self::Usual => None,
        }
    }
}

/// An error of an operation.
#[derive(Clone, Debug)]
pub struct FailureRow {
    /// The HTTP status.
    pub status: u16,
    /// The code in the body, in inline Markdown; in words where there is none.
    pub code: String,
    /// The path of its description.
    pub path: String,
    /// One sentence on what brings it about.
    pub cause: &'static str,
    /// The body of the answer.
    pub sample: String,
}

/// The form that sends a request.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The title of the operation.
    pub title: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path, with names in braces.
    pub path: &'static str,
    /// The form of its key.
    pub key_format: &'static str,
    /// The name of the kind of key.
    pub key_noun: &'static str,
    /// The environment variable that holds the key in a copied command.
    pub key_variable: &'static str,
    /// The address of the server, without a slash at the end.
    pub origin: String,
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
    /// The text that is shown while it is empty.
    pub placeholder: String,
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
        Self::Code(Code { title: title.into(), language: "json".to_owned(), text })
    }
}

/// Marks a text as inline code.
pub fn code(text: impl AsRef<str>) -> String {
    format!("`{}`", text.as_ref())
}
