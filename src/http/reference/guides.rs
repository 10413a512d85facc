//! The guides of `docs/guides`, as pages.

use venna_reference::{Block, Page};

/// The address that the guides show, in place of which a page shows that of the server.
const SHOWN_ORIGIN: &str = "http://127.0.0.1:8080";

/// The pages that the guides link to in the repository, and their paths on the server.
const LINKS: [(&str, &str); 5] = [
    ("](../errors.md", "](/docs/errors"),
    ("](../api.md#differences-from-openai)", "](/docs/differences-from-openai)"),
    ("](../api.md#uploads)", "](/docs/create-upload)"),
    ("](../api.md)", "](/docs)"),
    (".md)", ")"),
];

/// The guides, in order: section, name of the file, and text.
const GUIDES: [(&str, &str, &str); 12] = [
    ("Start", "quick-start", include_str!("../../../docs/guides/quick-start.md")),
    ("Start", "console", include_str!("../../../docs/guides/console.md")),
    ("Start", "command-line", include_str!("../../../docs/guides/command-line.md")),
    ("Guides", "large-files", include_str!("../../../docs/guides/large-files.md")),
    ("Guides", "batch-files", include_str!("../../../docs/guides/batch-files.md")),
    ("Guides", "links", include_str!("../../../docs/guides/links.md")),
    ("Guides", "expiry", include_str!("../../../docs/guides/expiry.md")),
    ("Guides", "limits", include_str!("../../../docs/guides/limits.md")),
    ("Guides", "migrating-from-openai", include_str!("../../../docs/guides/migrating-from-openai.md")),
    ("Guides", "anthropic", include_str!("../../../docs/guides/anthropic.md")),
    ("Guides", "gemini", include_str!("../../../docs/guides/gemini.md")),
    ("Guides", "mistral", include_str!("../../../docs/guides/mistral.md")),
];

/// Writes the guides for a server at `origin`.
pub fn pages(origin: &str) -> Vec<Page> {
    GUIDES.into_iter().map(|(section, slug, text)| page(section, slug, text, origin)).collect()
}

fn page(section: &'static str, slug: &str, text: &str, origin: &str) -> Page {
    let text = LINKS.iter().fold(text.replace(SHOWN_ORIGIN, origin), |text, (there, here)| text.replace(there, here));
    let text =
        GUIDES.iter().fold(text, |text, (_, slug, _)| text.replace(&format!("]({slug})"), &format!("](/docs/{slug})")));
    of_text(section, slug, &text)
}

/// Makes a page of a text in Markdown that begins with its title.
pub fn of_text(section: &'static str, slug: &str, text: &str) -> Page {
    let (title, text) = text.split_once('\n').unwrap_or((text, ""));
    let about = text.trim_start().split("\n\n").next().unwrap_or_default();
    Page {
        section,
        slug: slug.to_owned(),
        title: title.trim_start_matches("# ").to_owned(),
        about: about.split_whitespace().collect::<Vec<_>>().join(" "),
        blocks: vec![Block::Markdown(text.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guides_lead_to_pages_of_this_server_and_show_its_address() {
        let pages = pages("https://files.example");
        for page in &pages {
            let [Block::Markdown(text)] = page.blocks.as_slice() else { panic!("{} is one text", page.slug) };
            assert!(page.about.starts_with("After reading this page you "), "{}", page.about);
            assert!(!text.contains(SHOWN_ORIGIN) && !text.contains(".md"), "{}", page.slug);
            for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
                assert!(target.starts_with("/docs"), "{} leads to {target}", page.slug);
            }
        }
        assert!(pages.iter().any(|page| page.slug == "quick-start"));
    }
}
