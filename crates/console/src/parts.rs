//! Parts that several pages have.

use maud::{Markup, html};

/// The heading of a page, one sentence about it, and its buttons.
pub fn page_head(title: &str, about: &str, actions: &Markup) -> Markup {
    html! {
        div.page-head {
            div { h1 { (title) } @if !about.is_empty() { p.quiet { (about) } } }
            div.actions { (actions) }
        }
    }
}

/// A part of a page that a script fills: a heading, and a place for its content.
pub fn part(id: &str, title: &str) -> Markup {
    let heading = format!("{id}-title");
    html! {
        section.part aria-labelledby=(heading) {
            h2 id=(heading) { (title) }
            div id=(id) {}
        }
    }
}

/// The button that adds the next page to a list that grows.
pub fn pager(label: &str, words: &str) -> Markup {
    html! {
        nav.pager #pager aria-label=(label) hidden {
            button.button.small type="button" data-action="more" { (words) }
        }
    }
}
