//! The pages of a workspace: links, usage, keys and members; and the sessions of a person.

use crate::ConsolePage;
use crate::frame::{Content, page};
use crate::parts::{page_head, pager, part};
use maud::html;

/// Writes the page of links.
pub fn links() -> ConsolePage {
    let actions = html! {
        button.button.danger type="button" data-action="revoke-all" hidden { "Revoke all" }
        button.button.primary type="button" data-action="ask" hidden { "Ask for a file" }
    };
    let main = html! {
        (page_head("Links", "With a link, people without a key read or send one file.", &actions))
        div #content {}
        (pager("Pages of the list", "Show older links"))
    };
    let (path, about) = ("/console/links", "Links of the workspace.");
    page(Content { path, under: path, title: "Links", about, module: "links/page.js", main })
}

/// Writes the page of usage and costs.
pub fn usage() -> ConsolePage {
    let actions = html! {
        div.choices role="group" aria-label="Time" {
            @for days in [7, 30, 90] {
                button.button.small type="button" data-days=(days) aria-pressed=(days == 30) { (days) " days" }
            }
        }
        button.button.small type="button" data-action="download" hidden { "Download CSV" }
    };
    let main = html! {
        (page_head("Usage", "Storage, requests and costs of the workspace.", &actions))
        div #content hidden {
            div.tiles #tiles {}
            div.charts {
                (part("storage", "Storage"))
                (part("requests", "Requests"))
                (part("traffic", "Traffic"))
                (part("costs", "Costs"))
            }
            (part("by-key", "Costs by key"))
            (part("limits", "Limits"))
            (part("expiries", "Default expiry"))
        }
    };
    let about = "Usage and costs of the workspace.";
    let path = "/console/workspace";
    page(Content { path, under: path, title: "Usage", about, module: "workspace/usage.js", main })
}

/// Writes the page of keys.
pub fn keys() -> ConsolePage {
    let actions =
        html! { button.button.primary type="button" data-action="create" data-for="manager" hidden { "Create a key" } };
    let main = html! {
        (page_head("Keys", "Programs use the workspace with these keys.", &actions))
        div #content {}
    };
    let path = "/console/keys";
    page(Content {
        path,
        under: path,
        title: "Keys",
        about: "Keys of the workspace.",
        module: "workspace/keys.js",
        main,
    })
}

/// Writes the page of members.
pub fn members() -> ConsolePage {
    let actions =
        html! { button.button.primary type="button" data-action="add" data-for="manager" hidden { "Add a member" } };
    let main = html! {
        (page_head("Members", "People who sign in with their account, and their roles in the workspace.", &actions))
        div #content {}
    };
    let (path, about) = ("/console/members", "Members of the workspace.");
    page(Content { path, under: path, title: "Members", about, module: "workspace/members.js", main })
}

/// Writes the page of sessions.
pub fn sessions() -> ConsolePage {
    let main = html! {
        (page_head("Sessions", "Browsers that are signed in. End a session that you do not know.", &html! {}))
        div #content {}
    };
    let (path, about) = ("/console/sessions", "Sessions of the console.");
    page(Content { path, under: path, title: "Sessions", about, module: "workspace/sessions.js", main })
}
