//! The page of changes: the changelog of this version.

use super::guides;
use super::route_doc::REFERENCE;
use venna_reference::{CHANGES_SLUG, Page};

const CHANGELOG: &str = include_str!("../../../CHANGELOG.md");

/// Files of the repository that are pages of the server under another name.
const RENAMED: [(&str, &str); 2] = [("docs/api.md", "/docs"), ("docs/errors.md", "/docs/errors")];

/// Writes the page.
pub fn page() -> Page {
    Page { title: "Changes".to_owned(), ..guides::of_text(REFERENCE, CHANGES_SLUG, &with_links(CHANGELOG)) }
}

/// Makes links to files of the repository lead to pages of the server. A link to a file that is no page becomes its
/// text.
fn with_links(text: &str) -> String {
    let (mut written, mut rest) = (String::new(), text);
    while let Some((before, label, target, after)) = next_link(rest) {
        written.push_str(before);
        match path_of(target) {
            Some(path) => written.push_str(&format!("[{label}]({path})")),
            None => written.push_str(label),
        }
        rest = after;
    }
    written + rest
}

/// Returns the text before the next link, its label, its target, and the text after it.
fn next_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (head, tail) = text.split_once("](")?;
    let (before, label) = head.rsplit_once('[')?;
    let (target, after) = tail.split_once(')')?;
    Some((before, label, target, after))
}

/// Returns the path of the page that a file of the repository is.
fn path_of(target: &str) -> Option<String> {
    let (file, anchor) = target.find('#').map_or((target, ""), |at| target.split_at(at));
    let renamed = RENAMED.into_iter().find(|(name, _)| *name == file).map(|(_, path)| path.to_owned());
    let guide = || file.strip_prefix("docs/guides/")?.strip_suffix(".md").map(|slug| format!("/docs/{slug}"));
    renamed.or_else(guide).map(|path| path + anchor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use venna_reference::Block;

    #[test]
    fn links_lead_to_pages_of_the_server_or_are_texts() {
        for (text, expected) in [
            ("a `[[b]]` ([links.md](docs/guides/links.md#c)).", "a `[[b]]` ([links.md](/docs/links#c))."),
            ("[docs/api.md](docs/api.md), [x](docs/tracing.md#y) z", "[docs/api.md](/docs), x z"),
            ("none", "none"),
        ] {
            assert_eq!(with_links(text), expected);
        }
    }

    #[test]
    fn the_changelog_is_a_page() {
        let page = page();
        let [Block::Markdown(text)] = page.blocks.as_slice() else { panic!("one text") };
        assert!(text.contains("\n## ") && !text.contains("](docs/"), "{text}");
        assert!(page.about.starts_with("After reading this page you know "), "{}", page.about);
    }
}
