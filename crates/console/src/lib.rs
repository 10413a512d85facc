//! The pages of the web console, a plain client of the public API.
//!
//! Pages are static: one for each kind, the same for everyone. Their scripts read the session and the data, so a page
//! holds no secret. This crate knows no server and does no I/O: the caller serves [`pages`] and the files of
//! [`bundle()`].

mod administration;
mod bundle;
mod file_pages;
mod frame;
mod parts;
mod sign_in;
mod workspace_pages;

pub use bundle::bundle;

/// A page of the console.
#[derive(Clone, Debug)]
pub struct ConsolePage {
    /// Its path; a part in braces stands for any text without a slash.
    pub path: &'static str,
    /// Its HTML.
    pub html: String,
}

/// Writes all pages.
#[must_use]
pub fn pages() -> Vec<ConsolePage> {
    vec![
        sign_in::page(),
        file_pages::list(),
        file_pages::file(),
        workspace_pages::links(),
        workspace_pages::usage(),
        workspace_pages::keys(),
        workspace_pages::members(),
        workspace_pages::sessions(),
        administration::overview(),
        administration::workspaces(),
        administration::people(),
        administration::audit(),
        administration::settings(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_one_heading_and_no_inline_style_or_script() {
        for page in pages() {
            assert_eq!(page.html.matches("<h1").count(), 1, "{}", page.path);
            let handlers = page.html.split(' ').filter(|word| word.starts_with("on") && word.contains("=\""));
            assert_eq!(handlers.count(), 0, "{}", page.path);
            assert!(!page.html.contains("style="), "{}", page.path);
            assert!(!page.html.contains("<script>"), "{}", page.path);
        }
    }
}
