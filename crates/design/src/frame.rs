//! The frame of a page: head, header, and what the page holds.

use crate::bundle::bundle;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The id of the sidebar, which the button of the header opens where the window is narrow.
pub const MENU: &str = "menu";

const LOGO: &str = r#"<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 2h4l2 8 2-8h4l-4 12H6z"/></svg>"#;
const MENU_ICON: &str = r#"<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 5h14M3 10h14M3 15h14"/></svg>"#;
const THEME_ICON: &str = r#"<svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="7"/><path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor"/></svg>"#;

/// A page around its content.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The title of the page.
    pub title: &'a str,
    /// The name of the site.
    pub site: &'a str,
    /// The subject of the page, in one sentence.
    pub about: &'a str,
    /// The relative URL of the root of the server (`root_from`).
    pub root: &'a str,
    /// The style sheets and scripts of the page, beside those of the design.
    pub head: Markup,
    /// The controls of the header behind the name of the site, such as search.
    pub tools: Markup,
    /// The links of the header, each a text and its path relative to the root of the server.
    pub links: &'a [(&'a str, &'a str)],
    /// The list of pages, an element with the id [`MENU`]; none for a page without a sidebar.
    pub sidebar: Option<Markup>,
    /// The content of the page.
    pub main: Markup,
}

impl Frame<'_> {
    /// Writes the page.
    pub fn render(&self) -> String {
        let Self { title, site, about, root, head, tools, links, sidebar, main } = self;
        let bundle = bundle();
        let asset = |name: &str| format!("{root}{}", bundle.path(name));
        let markup = html! {
            (DOCTYPE)
            html lang="en" data-root=(root) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="description" content=(about);
                    title { @if title != site { (title) " - " } (site) }
                    link rel="stylesheet" href=(asset("design.css"));
                    link rel="icon" type="image/svg+xml" href=(asset("icon.svg"));
                    script src=(asset("early.js")) {}
                    script type="module" src=(asset("design.js")) {}
                    (head)
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.header {
                        @if sidebar.is_some() {
                            button.icon-button.open-sidebar type="button" popovertarget=(MENU) aria-label="Menu" {
                                (PreEscaped(MENU_ICON))
                            }
                        }
                        a.brand href=(root) { (PreEscaped(LOGO)) (site) }
                        (tools)
                        div.header-links {
                            @for (text, path) in *links { a href={ (root) (path) } { (text) } }
                            button.icon-button.needs-script type="button" data-action="theme" aria-label="Theme" {
                                (PreEscaped(THEME_ICON))
                            }
                        }
                    }
                    @if let Some(sidebar) = sidebar {
                        div.body {
                            (sidebar)
                            main #main tabindex="-1" { (main) }
                        }
                    } @else {
                        main #main.plain tabindex="-1" { (main) }
                    }
                }
            }
        };
        markup.into_string()
    }
}

/// Writes the button that opens the search.
pub fn search_button() -> Markup {
    html! {
        button.button.open-search.needs-script type="button" data-action="search" aria-keyshortcuts="Control+K /" {
            span { "Search" } kbd { "Ctrl K" }
        }
    }
}
