//! The frame of every page: navigation, the places that scripts fill, and the modules of the page.

use crate::ConsolePage;
use crate::bundle::{bundle, modules_of};
use maud::{Markup, html};
use venna_design::{Frame, MENU, root_from};

/// The name of the site.
const SITE: &str = "Venna Files";
/// The links of the header.
const LINKS: &[(&str, &str)] = &[("Documentation", "docs")];

/// A page of the navigation: title, path, and the people who see it.
struct Entry(&'static str, &'static str, Audience);

/// The people who see an entry of the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    Everyone,
    Administrators,
}

const NAVIGATION: [(&str, &[Entry]); 3] = [
    (
        "Workspace",
        &[
            Entry("Files", "/console/files", Audience::Everyone),
            Entry("Links", "/console/links", Audience::Everyone),
            Entry("Usage", "/console/workspace", Audience::Everyone),
            Entry("Keys", "/console/keys", Audience::Everyone),
            Entry("Members", "/console/members", Audience::Everyone),
        ],
    ),
    ("Account", &[Entry("Sessions", "/console/sessions", Audience::Everyone)]),
    (
        "Administration",
        &[
            Entry("Server", "/console/admin", Audience::Administrators),
            Entry("Workspaces", "/console/admin/workspaces", Audience::Administrators),
            Entry("People", "/console/admin/people", Audience::Administrators),
            Entry("Audit log", "/console/admin/audit", Audience::Administrators),
            Entry("Settings", "/console/admin/settings", Audience::Administrators),
        ],
    ),
];

/// The parts that differ between pages.
pub struct Content {
    /// The path.
    pub path: &'static str,
    /// The entry of the navigation that the page belongs to.
    pub under: &'static str,
    /// The title.
    pub title: &'static str,
    /// The subject, in one sentence.
    pub about: &'static str,
    /// The module of the page.
    pub module: &'static str,
    /// The content of the page.
    pub main: Markup,
}

/// Writes a page for people with a session.
pub fn page(content: Content) -> ConsolePage {
    let Content { path, under, title, about, module, main } = content;
    let root = root_from(path);
    let main = html! {
        div #banners role="status" {}
        (main)
        div #page-state hidden {}
        div #notices {}
        noscript { p { "The console needs JavaScript. The documentation and the API work without it." } }
    };
    let tools = html! { div #workspace.workspace {} };
    let sidebar = Some(sidebar(under, &root));
    let head = head(&root, module);
    let html = Frame { title, site: SITE, about, root: &root, head, tools, links: LINKS, sidebar, main }.render();
    ConsolePage { path, html }
}

/// Writes a page for people without a session.
pub fn plain_page(path: &'static str, title: &str, about: &str, module: &'static str, main: &Markup) -> ConsolePage {
    let root = root_from(path);
    let head = head(&root, module);
    let main = html! { div #banners role="status" {} (main) };
    let frame =
        Frame { title, site: SITE, about, root: &root, head, tools: html! {}, links: LINKS, sidebar: None, main };
    ConsolePage { path, html: frame.render() }
}

fn head(root: &str, module: &'static str) -> Markup {
    let bundle = bundle();
    let asset = |name: &str| format!("{root}{}", bundle.path(name));
    html! {
        link rel="stylesheet" href=(asset("console.css"));
        @for name in modules_of(module).into_iter().skip(1) { link rel="modulepreload" href=(asset(name)); }
        script type="module" src=(asset(module)) {}
    }
}

fn sidebar(under: &str, root: &str) -> Markup {
    html! {
        nav.sidebar id=(MENU) popover aria-label="Console" {
            button.button.close-sidebar type="button" popovertarget=(MENU) popovertargetaction="hide" { "Close" }
            @for (section, entries) in NAVIGATION {
                @let hidden = entries.iter().all(|entry| entry.2 == Audience::Administrators);
                div data-for=[hidden.then_some("administrator")] hidden[hidden] {
                    h2 { (section) }
                    ul {
                        @for Entry(title, path, _) in entries {
                            li {
                                a href={ (root) (path.trim_start_matches('/')) }
                                    aria-current=[(*path == under).then_some("page")] { (title) }
                            }
                        }
                    }
                }
            }
            div #person.person {}
        }
    }
}
